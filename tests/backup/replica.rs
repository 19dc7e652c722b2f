//! Logical replication into another cluster, and the switch to it.

use super::unfinished::Unfinished;
use super::{documented, run, run_file};
use crate::harness::{Database, eventually, start_cluster_with};
use crate::jobs::{enqueue, fast_server, until};
use provost::store::{Connector, migrate};
use serde_json::json;

const SEQUENCES: &str = "generated_ids_are_new";

#[tokio::test]
async fn replicated_work_goes_on_after_the_switch() {
    let source = start_cluster_with("publisher", &[("wal_level", "logical")], None);
    let original = Database::at(source.url()).await;
    migrate(&Connector::parse(source.url()).unwrap()).await.unwrap();
    let server = fast_server(&original, &[]);
    let early = enqueue(&server, json!({"kind": "noop"})).await;
    until(&server, &early, "completed").await;

    original.run("CREATE PUBLICATION provost FOR ALL TABLES").await;
    let folder = tempfile::tempdir().unwrap();
    let schema = folder.path().join("schema.sql");
    let file = schema.to_str().unwrap();
    run("pg_dump", &["--schema-only", "--schema=provost", "--file", file, source.url()]);
    let target = start_cluster_with("subscriber", &[], None);
    let copy = Database::at(target.url()).await;
    run_file(target.url(), &schema);
    let url = source.url();
    copy.run(&format!("CREATE SUBSCRIPTION provost CONNECTION '{url}' PUBLICATION provost")).await;
    let waiting = "SELECT count(*) FROM pg_subscription_rel WHERE srsubstate <> 'r'";
    eventually("the tables are copied", async || (copy.number(waiting).await == 0).then_some(())).await;

    // Changes of every kind, and then no more: the server stops before the switch.
    let late = enqueue(&server, json!({"kind": "noop"})).await;
    until(&server, &late, "completed").await;
    server.ready("before the switch").await;
    drop(server);
    let work = Unfinished::make(&original).await;
    let end = original.text("SELECT pg_current_wal_lsn()").await;
    let arrived = format!("SELECT count(*) FROM pg_stat_replication WHERE replay_lsn >= '{end}'");
    eventually("the replica has everything", async || (original.number(&arrived).await > 0).then_some(())).await;
    for table in ["jobs", "projects", "events", "past_executions", "job_counts", "work_stats", "lanes", "secrets"] {
        let rows = format!("SELECT count(*) FROM {table}");
        assert_eq!(copy.number(&rows).await, original.number(&rows).await, "{table}");
    }

    copy.run("DROP SUBSCRIPTION provost").await;
    let is_behind = async || copy.broken().await.iter().any(|it| it.name == SEQUENCES);
    assert!(is_behind().await, "sequences are not replicated");
    copy.run(&documented("sql", "setval")).await;
    assert!(!is_behind().await);
    work.goes_on(&copy).await;
}
