//! Query plans of the statements that run most often: finished jobs must not slow them down.

use provost::store::sql::{
    DATABASE_ENGINE_SESSION, DATABASE_SESSION, JOBS_CLAIM, JOBS_HEARTBEAT, JOBS_OVERDUE, JOBS_REAP, JOBS_SETTLE,
    Statement,
};
use serde_json::Value;

use crate::harness::Database;

/// 30,000 finished jobs, and 300 that wait in nine lanes.
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

/// The output of `EXPLAIN` with these options for a statement prepared as in the engine. Rolls back.
pub async fn explained(database: &Database, options: &str, statement: &Statement, values: &str) -> Value {
    let client = database.connection().await;
    provost::store::configure(&client, &[DATABASE_SESSION, DATABASE_ENGINE_SESSION], false).await.unwrap();
    client.batch_execute(&format!("PREPARE statement AS {}", statement.text)).await.unwrap();
    let explain = format!("BEGIN; EXPLAIN ({options}, FORMAT JSON) EXECUTE statement ({values}); ROLLBACK");
    let explained = client.simple_query(&explain).await.unwrap();
    let text: String = explained
        .iter()
        .filter_map(|it| if let tokio_postgres::SimpleQueryMessage::Row(row) = it { row.get(0) } else { None })
        .collect();
    serde_json::from_str(&text).unwrap()
}

/// The nodes of a statement's generic plan that read `jobs`: node type and index.
async fn job_scans(database: &Database, statement: &Statement, values: &str) -> Vec<(String, String)> {
    let mut scans = Vec::new();
    walk(&explained(database, "COSTS off", statement, values).await, &mut scans);
    scans
}

fn walk(node: &Value, scans: &mut Vec<(String, String)>) {
    match node {
        Value::Array(items) => items.iter().for_each(|item| walk(item, scans)),
        Value::Object(fields) => {
            let text = |name: &str| fields.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
            if text("Relation Name").starts_with("jobs") && !["ModifyTable", ""].contains(&text("Node Type").as_str()) {
                scans.push((text("Node Type"), text("Index Name")));
            }
            fields.values().for_each(|value| walk(value, scans));
        }
        _ => {}
    }
}

#[tokio::test]
async fn claim_plan_skips_finished_jobs() {
    let database = Database::new().await;
    full(&database).await;
    let values = "'{*}', '{kind.1,kind.2}', 'w', ARRAY[gen_random_uuid(), gen_random_uuid()], 30, true, 7, 32, NULL";
    let scans = job_scans(&database, &JOBS_CLAIM, values).await;
    assert!(scans.len() >= 4, "{scans:?}");
    for (node, index) in &scans {
        let known = ["jobs_by_lane", "jobs_live_pkey", "jobs_active"].contains(&index.as_str()) || node == "Tid Scan";
        assert!((node.starts_with("Index") || node == "Tid Scan") && known, "{node} {index}: {scans:?}");
    }
    let by_lane = scans.iter().filter(|(_, index)| index == "jobs_by_lane").count();
    assert!(by_lane >= 2, "lane heads and the next due job are read from the lane index: {scans:?}");
}

/// A sequential scan, which the statistics of a small table suggest, would lock rows in physical order: two settlements could
/// deadlock.
#[tokio::test]
async fn settlement_plan_locks_jobs_in_order() {
    let database = Database::new().await;
    database.run("SELECT enqueue('noop') FROM generate_series(1, 30)").await;
    database.run("VACUUM ANALYZE").await;
    let id = "'0190c2f4-7c1e-7d3a-9f52-0242ac120002'::uuid";
    let none = "ARRAY[NULL::text, NULL]";
    let values = format!(
        "ARRAY[{id}, {id}], ARRAY[{id}, {id}], ARRAY['completed', 'completed'], ARRAY['completed', 'completed'], {none}, ARRAY[0, 0], \
         ARRAY[false, false], ARRAY['w', 'w'], true, {none}, {none}"
    );
    let scans = job_scans(&database, &JOBS_SETTLE, &values).await;
    assert!(scans.iter().all(|(node, index)| node == "Index Scan" && index.ends_with("_pkey")), "{scans:?}");
}

#[tokio::test]
async fn frequent_statements_never_scan_jobs() {
    let database = Database::new().await;
    full(&database).await;
    let id = "'0190c2f4-7c1e-7d3a-9f52-0242ac120002'";
    let none = "ARRAY[NULL::text]";
    let settle = format!(
        "ARRAY[{id}::uuid], ARRAY[{id}::uuid], ARRAY['completed'], ARRAY['completed'], {none}, ARRAY[0], ARRAY[false], ARRAY['w'], true, {none}, {none}"
    );
    let heartbeat = format!("ARRAY[{id}::uuid], ARRAY[{id}::uuid], 30, ARRAY[0.4], ARRAY['text']");
    let cases = [
        (&JOBS_SETTLE, settle.as_str()),
        (&JOBS_HEARTBEAT, heartbeat.as_str()),
        (&JOBS_REAP, "200, 'reaper', true, 30, 5"),
        (&JOBS_OVERDUE, "30, 5"),
    ];
    for (statement, values) in cases {
        let scans = job_scans(&database, statement, values).await;
        assert!(!scans.is_empty(), "{}", statement.name);
        assert!(scans.iter().all(|(node, _)| node != "Seq Scan"), "{}: {scans:?}", statement.name);
    }
}
