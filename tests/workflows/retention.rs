//! Retention and deletion of workflows.

use serde_json::json;

use super::{failing, job_of, start, step, unserved_step, until};
use crate::harness::{Database, Server, eventually};
use crate::jobs::{enqueue, fast_server, job, simulated, text, until as until_job};

/// A server that prunes completed jobs at once and keeps the rest.
fn pruner(database: &Database) -> Server {
    fast_server(database, &[("PROVOST_ROLES", "api,scheduler"), ("PROVOST_RETAIN_COMPLETED", "0s")])
}

#[tokio::test]
async fn finished_workflow_is_pruned_as_a_whole() {
    let database = Database::new().await;
    let server = fast_server(&database, &[]);
    let gone = start(&server, json!([step("a", &[], json!({})), step("b", &["a"], json!({}))])).await;
    let runs = start(&server, json!([step("a", &[], json!({})), unserved_step("b", &["a"])])).await;
    let failed = start(&server, json!([step("a", &[], json!({})), failing("b", &["a"])])).await;
    let lone = enqueue(&server, json!({"kind": "noop"})).await;
    until(&server, &gone, "completed").await;
    until(&server, &failed, "failed").await;
    until_job(&server, &job_of(&server, &runs, "a").await, "completed").await;
    until_job(&server, &lone, "completed").await;
    let _pruner = pruner(&database);
    eventually("the finished workflow is deleted", || async {
        (server.get(&format!("/workflows/{gone}")).await.status == 404).then_some(())
    })
    .await;
    server.get(&format!("/jobs/{lone}")).await.expect(404);
    assert_eq!(
        database.number("SELECT count(*) FROM jobs").await,
        4,
        "the steps of what is not finished, or failed, stay"
    );
    assert_eq!(database.number("SELECT count(*) FROM job_dependencies").await, 2);
    let stats = server.get("/stats").await.expect(200).json();
    let class = stats["retention"].as_array().unwrap().iter().find(|it| it["class"] == "workflows").cloned().unwrap();
    assert_eq!(class["removed"], 1);
    database.check_invariants().await;
}

#[tokio::test]
async fn dependency_is_kept_until_its_dependents_ran() {
    let database = Database::new().await;
    let server = fast_server(&database, &[]);
    let done = enqueue(&server, json!({"kind": "echo", "payload": {"n": 1}})).await;
    until_job(&server, &done, "completed").await;
    let waits = enqueue(&server, json!({"kind": "unserved", "dependencies": [done]})).await;
    let other = enqueue(&server, json!({"kind": "noop"})).await;
    until_job(&server, &other, "completed").await;
    let _pruner = pruner(&database);
    eventually("the other workflow is deleted", || async {
        (server.get(&format!("/jobs/{other}")).await.status == 404).then_some(())
    })
    .await;
    server.get(&format!("/jobs/{done}")).await.expect(200);
    assert_eq!(job(&server, &waits).await["state"], "queued");
}

#[tokio::test]
async fn deleted_dead_letter_cancels_its_dependents() {
    let database = Database::new().await;
    let server = fast_server(&database, &[]);
    let dead = simulated(&server, json!({"outcome": "failed", "duration_ms": 0})).await;
    until_job(&server, &dead, "failed").await;
    let waits = enqueue(&server, json!({"kind": "noop", "dependencies": [dead]})).await;
    let after = enqueue(&server, json!({"kind": "noop", "dependencies": [waits]})).await;
    let id = start(&server, json!([failing("a", &[]), step("b", &["a"], json!({}))])).await;
    until(&server, &id, "failed").await;
    let step = job_of(&server, &id, "a").await;
    let done = server.post("/dlq/delete", json!({"job_ids": [dead, step]})).await.expect(200).json();
    assert_eq!(done["moved"], 1, "{done}");
    assert_eq!(
        (text(&done["refused"][0], "id"), text(&done["refused"][0], "reason")),
        (step, "the job belongs to a workflow and is deleted with the workflow".into())
    );
    assert_eq!(
        text(&job(&server, &waits).await, "error"),
        format!("canceled: it depends on job {dead}, which was deleted")
    );
    assert_eq!(job(&server, &after).await["state"], "canceled");
    database.check_invariants().await;
}
