//! How PostgreSQL goes about the statements that run all the time: what is finished must not be in their way, however much
//! of it there is.

use provost::store::sql::{
    DATABASE_ENGINE_SESSION, DATABASE_SESSION, JOBS_CLAIM, JOBS_HEARTBEAT, JOBS_OVERDUE, JOBS_REAP, JOBS_SETTLE,
    Statement,
};
use serde_json::Value;

use crate::harness::Database;

/// Thirty thousand finished jobs, and three hundred that wait in nine lines.
async fn full(database: &Database) {
    database
        .run(
            "SET session_replication_role = replica; \
             INSERT INTO jobs (id, state, kind, run_at, payload, max_attempts, created_at, updated_at, finished_at) \
             SELECT gen_random_uuid(), 'completed', 'noop', at, '{}', 3, at, at, at \
             FROM generate_series(1, 30000), (SELECT clock_timestamp() AS at) AS clock; \
             RESET session_replication_role; \
             SELECT enqueue('kind.' || i % 3, queue => 'queue.' || i % 3) FROM generate_series(1, 300) AS i; \
             ANALYZE",
        )
        .await;
}

/// What PostgreSQL says to `EXPLAIN` (with these options) of a statement as the engine's sessions prepare it. Nothing stays of
/// what it does.
pub async fn explained(database: &Database, options: &str, statement: &Statement, values: &str) -> Value {
    let client = database.connection().await;
    client.batch_execute(&format!("{}; {}", DATABASE_SESSION.text, DATABASE_ENGINE_SESSION.text)).await.unwrap();
    client.batch_execute(&format!("PREPARE asked AS {}", statement.text)).await.unwrap();
    let asked = format!("BEGIN; EXPLAIN ({options}, FORMAT JSON) EXECUTE asked ({values}); ROLLBACK");
    let explained = client.simple_query(&asked).await.unwrap();
    let text: String = explained
        .iter()
        .filter_map(|it| if let tokio_postgres::SimpleQueryMessage::Row(row) = it { row.get(0) } else { None })
        .collect();
    serde_json::from_str(&text).unwrap()
}

/// The nodes of a statement's generic plan that read `jobs`: what they are, and by which index.
async fn ways_into_jobs(database: &Database, statement: &Statement, values: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    walk(&explained(database, "COSTS off", statement, values).await, &mut found);
    found
}

fn walk(node: &Value, found: &mut Vec<(String, String)>) {
    match node {
        Value::Array(items) => items.iter().for_each(|item| walk(item, found)),
        Value::Object(fields) => {
            let text = |name: &str| fields.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
            if text("Relation Name").starts_with("jobs") && !["ModifyTable", ""].contains(&text("Node Type").as_str()) {
                found.push((text("Node Type"), text("Index Name")));
            }
            fields.values().for_each(|value| walk(value, found));
        }
        _ => {}
    }
}

#[tokio::test]
async fn the_claim_never_walks_over_what_is_finished() {
    let database = Database::new().await;
    full(&database).await;
    let values =
        "'{*}', '{kind.1,kind.2}', 'w', ARRAY[gen_random_uuid(), gen_random_uuid()], 30, 600, true, 7, 32, NULL";
    let ways = ways_into_jobs(&database, &JOBS_CLAIM, values).await;
    assert!(ways.len() >= 4, "{ways:?}");
    for (node, index) in &ways {
        let known = ["jobs_in_line", "jobs_live_pkey", "jobs_active"].contains(&index.as_str()) || node == "Tid Scan";
        assert!((node.starts_with("Index") || node == "Tid Scan") && known, "{node} {index}: {ways:?}");
    }
    let lines = ways.iter().filter(|(_, index)| index == "jobs_in_line").count();
    assert!(lines >= 2, "the heads of the lines, and what falls due next, come from the line index: {ways:?}");
}

/// A table that was small when it was last analysed would be read from end to end, and its rows locked in the order in which
/// they lie: two statements that lock several would wait for each other.
#[tokio::test]
async fn a_settlement_takes_its_jobs_in_the_order_asked_for() {
    let database = Database::new().await;
    database.run("SELECT enqueue('noop') FROM generate_series(1, 30)").await;
    database.run("VACUUM ANALYZE").await;
    let id = "'0190c2f4-7c1e-7d3a-9f52-0242ac120002'::uuid";
    let none = "ARRAY[NULL::text, NULL]";
    let values = format!(
        "ARRAY[{id}, {id}], ARRAY[{id}, {id}], ARRAY['completed', 'completed'], ARRAY['completed', 'completed'], {none}, ARRAY[0, 0], \
         ARRAY[false, false], {none}, {none}, ARRAY['w', 'w'], true, {none}, {none}"
    );
    let ways = ways_into_jobs(&database, &JOBS_SETTLE, &values).await;
    assert!(ways.iter().all(|(node, index)| node == "Index Scan" && index.ends_with("_pkey")), "{ways:?}");
}

#[tokio::test]
async fn nothing_that_runs_all_the_time_scans_the_jobs() {
    let database = Database::new().await;
    full(&database).await;
    let id = "'0190c2f4-7c1e-7d3a-9f52-0242ac120002'";
    let none = "ARRAY[NULL::text]";
    let settle = format!(
        "ARRAY[{id}::uuid], ARRAY[{id}::uuid], ARRAY['completed'], ARRAY['completed'], {none}, ARRAY[0], ARRAY[false], {none}, {none}, ARRAY['w'], true, {none}, {none}"
    );
    let beat = format!("ARRAY[{id}::uuid], ARRAY[{id}::uuid], 30, ARRAY[0.4], ARRAY['words']");
    let cases = [
        (&JOBS_SETTLE, settle.as_str()),
        (&JOBS_HEARTBEAT, beat.as_str()),
        (&JOBS_REAP, "200, 'reaper', true, 30, 5"),
        (&JOBS_OVERDUE, "30, 5"),
    ];
    for (statement, values) in cases {
        let ways = ways_into_jobs(&database, statement, values).await;
        assert!(!ways.is_empty(), "{}", statement.name);
        assert!(ways.iter().all(|(node, _)| node != "Seq Scan"), "{}: {ways:?}", statement.name);
    }
}
