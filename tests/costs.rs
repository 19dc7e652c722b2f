//! Costs of the engine in rows, transactions and bytes, which hardly depend on the speed of the machine.

use provost::store::sql::{DATABASE_SESSION, JOBS_CANCEL, JOBS_CLAIM};
use serde_json::{Value, json};

use crate::harness::{Database, Server, eventually};
use crate::plans::explained;

/// The number of rows that a claim of ten jobs reads from the job tables.
async fn rows_visited(database: &Database) -> f64 {
    let ten = ["gen_random_uuid()"; 10].join(", ");
    let values = format!("'{{*}}', '{{kind.0,kind.1,kind.2}}', 'w', ARRAY[{ten}], 30, false, 7, 32, NULL");
    let mut visited = 0.0;
    count(&explained(database, "ANALYZE", &JOBS_CLAIM, &values).await, &mut visited);
    visited
}

fn count(node: &Value, visited: &mut f64) {
    match node {
        Value::Array(items) => items.iter().for_each(|item| count(item, visited)),
        Value::Object(fields) => {
            let reads = fields.get("Relation Name").and_then(Value::as_str).is_some_and(|it| it.starts_with("jobs"));
            if reads && fields.get("Node Type") != Some(&json!("ModifyTable")) {
                let number = |name: &str| fields.get(name).and_then(Value::as_f64).unwrap_or_default();
                let rows = number("Actual Rows") + number("Rows Removed by Filter");
                *visited += rows * number("Actual Loops");
            }
            fields.values().for_each(|value| count(value, visited));
        }
        _ => {}
    }
}

async fn enqueue_in_nine_lanes(database: &Database, jobs: u32) {
    let sql = format!(
        "SELECT enqueue('kind.' || i % 3, queue => 'queue.' || i / 3 % 3) FROM generate_series(1, {jobs}) AS i; ANALYZE"
    );
    database.run(&sql).await;
}

#[tokio::test]
async fn claim_reads_only_lane_heads() {
    let database = Database::new().await;
    enqueue_in_nine_lanes(&database, 900).await;
    let few = rows_visited(&database).await;
    // Each of nine lanes contributes 4 * (10 + 32) / 9 + 2 heads; 42 are looked up, 10 are claimed; and each lane is read once
    // for its next due job.
    let max = f64::from(9 * (4 * 42 / 9 + 2) + 42 + 10 + 9);
    assert!(few > 20.0 && few <= max, "{few} rows, {max} at most");
    enqueue_in_nine_lanes(&database, 9000).await;
    let many = rows_visited(&database).await;
    assert!(many <= max, "{many} rows of ten thousand, {few} of nine hundred");
}

/// The planner does not know how many edges there are, because nothing has counted them yet.
#[tokio::test]
async fn canceled_steps_read_only_their_own_edges() {
    let database = Database::new().await;
    let server = crate::jobs::server_without_workers(&database);
    let name = |n: usize| format!("s{n}");
    let step = |n: usize| json!({"name": name(n), "kind": "noop", "depends_on": (n.saturating_sub(5)..n).map(name).collect::<Vec<_>>()});
    crate::workflows::start(&server, json!((0..6000).map(step).collect::<Vec<_>>())).await;
    let client = database.connection().await;
    provost::store::configure(&client, &[DATABASE_SESSION], false).await.unwrap();
    client.batch_execute("BEGIN").await.unwrap();
    let last = "SELECT id FROM jobs ORDER BY id DESC LIMIT 1000";
    let ids: Vec<uuid::Uuid> = client.query(last, &[]).await.unwrap().iter().map(|row| row.get(0)).collect();
    let canceled =
        client.query(JOBS_CANCEL.text, &[&ids, &"test", &None::<&str>, &None::<&str>, &false]).await.unwrap();
    assert_eq!(canceled.len(), 1000);
    let read = "SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relname = 'job_dependencies'";
    let read: i64 = client.query_one(read, &[]).await.unwrap().get(0);
    assert!((5000..20_000).contains(&read), "{read} edges of 30,000 were read, for 5,000");
}

#[tokio::test]
async fn waiting_jobs_share_transactions() {
    const JOBS: i64 = 3000;
    let database = Database::new().await;
    enqueue_in_nine_lanes(&database, 1).await;
    let commits = "SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()";
    database.run(&format!("SELECT enqueue('noop') FROM generate_series(1, {JOBS})")).await;
    let before = database.number(commits).await;
    let mut server = Server::with(&database.url, &[("PROVOST_WORKER_CONCURRENCY", "200")]);
    let waiting = "SELECT count(*) FROM jobs WHERE kind = 'noop' AND state <> 'completed'";
    eventually("every job is completed", || async { (database.number(waiting).await == 0).then_some(()) }).await;
    assert_eq!(server.stop(), 0);
    // Statistics of a session are complete when it has ended.
    let others =
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'provost'";
    eventually("its sessions end", || async { (database.number(others).await == 0).then_some(()) }).await;
    // One claim and one settlement for 200 jobs each make 30, plus start, stop and background tasks of the server and the
    // queries of this test. One of each per job would be 6000.
    let spent = database.number(commits).await - before;
    assert!((30..JOBS / 5).contains(&spent), "{spent} transactions for {JOBS} jobs");
    database.check_invariants().await;
}

#[tokio::test]
async fn job_writes_little_more_wal_than_its_rows() {
    let mut command = Server::command();
    for name in ["PROVOST_LISTEN", "DATABASE_URL", "BENCH_REMAINING_SQL"] {
        command.env_remove(name);
    }
    let output = command.args(["bench", "drain", "--n", "5000", "--rounds", "1", "--json"]).output().unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    let report: Value = serde_json::from_str(stdout.lines().last().unwrap_or_default())
        .unwrap_or_else(|_| panic!("{stdout}{}", String::from_utf8_lossy(&output.stderr)));
    let rows = report["measurements"][0]["rows"].as_array().unwrap();
    assert!(output.status.success() && rows.len() == 2, "{report}");
    for row in rows {
        let bytes = row["wal_b"].as_f64().unwrap();
        assert!((500.0..2600.0).contains(&bytes), "{row}");
        match row["ceiling_wal_b"].as_f64() {
            Some(ceiling) => assert!(bytes <= 1.3 * ceiling, "{row}"),
            None => eprintln!("pgbench is not installed: compared with a fixed number only"),
        }
    }
}
