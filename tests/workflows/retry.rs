//! Retrying workflows and steps.

use serde_json::json;

use super::{failing, job_of, start, states, step, unserved_step, until, until_states, workflow};
use crate::harness::{Database, Server};
use crate::jobs::{act, fast_server, job, transitions, until as until_job};

#[tokio::test]
async fn retried_workflow_reruns_only_failed_steps() {
    let database = Database::new().await;
    let server = fast_server(&database, &[]);
    let mut doomed = step("doomed", &[], json!({}));
    doomed["depends_on"] = json!([{"step": "flaky", "policy": "cancel"}]);
    let steps = json!([
        step("done", &[], json!({})),
        failing("flaky", &["done"]),
        step("waits", &["flaky"], json!({})),
        doomed,
        step("last", &["waits", "doomed"], json!({}))
    ]);
    let id = start(&server, steps).await;
    until_states(&server, &id, "done=completed flaky=failed waits=blocked doomed=canceled last=canceled").await;
    until(&server, &id, "failed").await;

    let retried =
        server.post(&format!("/workflows/{id}/retry"), json!({"reason": "the route is back"})).await.expect(200).json();
    assert!(retried["finished_at"].is_null() || retried["state"] == "completed", "{retried}");
    until(&server, &id, "completed").await;
    let changes = transitions(&server, &job_of(&server, &id, "doomed").await).await;
    assert_eq!(
        changes,
        ["none>blocked", "blocked>canceled", "canceled>blocked", "blocked>queued", "queued>active", "active>completed"]
    );
    assert_eq!(job(&server, &job_of(&server, &id, "done").await).await["attempt"], 1);
    let events = server.get(&format!("/workflows/{id}/events")).await.expect(200).json();
    let changes: Vec<String> =
        events.as_array().unwrap().iter().rev().map(|it| crate::jobs::text(it, "new_state")).collect();
    assert_eq!(changes, ["running", "failed", "running", "completed"]);
    let refused = server.post(&format!("/workflows/{id}/retry"), json!({})).await.expect(409).json();
    assert_eq!(refused["current_status"], "completed");
    database.check_invariants().await;
}

#[tokio::test]
async fn retry_blocks_waiting_dependents_again() {
    let database = Database::new().await;
    let server = fast_server(&database, &[]);
    let allowing = |name: &str, after: &[&str]| {
        let mut step = step(name, after, json!({}));
        step["dependency_policy"] = json!("allow_failed");
        step
    };
    let steps = json!([
        failing("flaky", &[]),
        unserved_step("never", &[]),
        allowing("gone", &["flaky"]),
        allowing("waits", &["flaky", "never"])
    ]);
    let id = start(&server, steps).await;
    until_states(&server, &id, "flaky=failed never=queued gone=completed waits=blocked").await;
    act(&server, &job_of(&server, &id, "flaky").await, "retry", json!({})).await.expect(200);
    until_states(&server, &id, "flaky=completed never=queued gone=completed waits=blocked").await;
    act(&server, &job_of(&server, &id, "never").await, "cancel", json!({})).await.expect(200);
    until_states(&server, &id, "flaky=completed never=canceled gone=completed waits=completed").await;
    assert_eq!(job(&server, &job_of(&server, &id, "gone").await).await["attempt"], 1);
    database.check_invariants().await;
}

#[tokio::test]
async fn retry_revives_only_automatic_cancellations() {
    let database = Database::new().await;
    let server = fast_server(&database, &[]);
    let doomed = |name: &str, after: &[&str]| {
        let mut step = step(name, after, json!({}));
        step["dependency_policy"] = json!("cancel");
        step
    };
    let steps = json!([
        failing("one", &[]),
        failing("two", &[]),
        unserved_step("off", &[]),
        doomed("both", &["one", "two"]),
        step("late", &["one", "off"], json!({}))
    ]);
    let id = start(&server, steps).await;
    until_states(&server, &id, "one=failed two=failed off=queued both=canceled late=blocked").await;
    act(&server, &job_of(&server, &id, "late").await, "cancel", json!({})).await.expect(200);
    act(&server, &job_of(&server, &id, "one").await, "retry", json!({})).await.expect(200);
    until_job(&server, &job_of(&server, &id, "one").await, "completed").await;
    assert_eq!(states(&server, &id).await, "one=completed two=failed off=queued both=canceled late=canceled");
    act(&server, &job_of(&server, &id, "two").await, "retry", json!({})).await.expect(200);
    until_states(&server, &id, "one=completed two=completed off=queued both=completed late=canceled").await;
    act(&server, &job_of(&server, &id, "off").await, "cancel", json!({})).await.expect(200);
    until(&server, &id, "canceled").await;
    database.check_invariants().await;
}

/// Starts a workflow with a step whose deadline passed while it was blocked; returns its id.
async fn expired_while_blocked(server: &Server) -> String {
    let mut hasty = step("hasty", &["never"], json!({}));
    hasty["deadline_at"] = json!("2020-01-01T00:00:00Z");
    let id = start(server, json!([unserved_step("never", &[]), hasty])).await;
    until_states(server, &id, "never=queued hasty=failed").await;
    id
}

#[tokio::test]
async fn retried_expired_step_is_blocked_again() {
    let database = Database::new().await;
    let server = fast_server(&database, &[]);
    let id = expired_while_blocked(&server).await;
    server.post(&format!("/workflows/{id}/retry"), json!({})).await.expect(200);
    assert_eq!(states(&server, &id).await, "never=queued hasty=blocked", "the step waits for its dependency");
    act(&server, &job_of(&server, &id, "never").await, "cancel", json!({})).await.expect(200);
    until_states(&server, &id, "never=canceled hasty=canceled").await;
    assert_eq!(workflow(&server, &id).await["state"], "canceled");
    database.check_invariants().await;
}

#[tokio::test]
async fn expired_step_that_can_never_run_is_not_retried() {
    let database = Database::new().await;
    let server = fast_server(&database, &[]);
    let id = expired_while_blocked(&server).await;
    act(&server, &job_of(&server, &id, "never").await, "cancel", json!({})).await.expect(200);
    let refused = act(&server, &job_of(&server, &id, "hasty").await, "retry", json!({})).await.expect(409);
    assert!(refused.text.contains("can no longer complete"), "{}", refused.text);
    assert_eq!(states(&server, &id).await, "never=canceled hasty=failed");
    database.check_invariants().await;
}
