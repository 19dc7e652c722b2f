//! Going on from what failed.

use serde_json::json;

use super::{failing, idle, job_of, start, states, step, until, until_states, workflow};
use crate::harness::{Database, Server};
use crate::jobs::{act, brisk, job, moves, until as until_job};

#[tokio::test]
async fn a_retried_workflow_goes_on_from_what_failed_and_what_is_done_stays_done() {
    let database = Database::new().await;
    let server = brisk(&database, &[]);
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
    let told = moves(&server, &job_of(&server, &id, "doomed").await).await;
    assert_eq!(
        told,
        ["none>blocked", "blocked>canceled", "canceled>blocked", "blocked>queued", "queued>active", "active>completed"]
    );
    assert_eq!(job(&server, &job_of(&server, &id, "done").await).await["attempt"], 1);
    let events = server.get(&format!("/workflows/{id}/events")).await.expect(200).json();
    let told: Vec<String> =
        events.as_array().unwrap().iter().rev().map(|it| crate::jobs::text(it, "new_state")).collect();
    assert_eq!(told, ["running", "failed", "running", "completed"]);
    let refused = server.post(&format!("/workflows/{id}/retry"), json!({})).await.expect(409).json();
    assert_eq!(refused["current_status"], "completed");
    database.check_invariants().await;
}

#[tokio::test]
async fn whoever_has_gone_on_is_not_called_back_and_whoever_waits_waits_anew() {
    let database = Database::new().await;
    let server = brisk(&database, &[]);
    let allowing = |name: &str, after: &[&str]| {
        let mut step = step(name, after, json!({}));
        step["dependency_policy"] = json!("allow_failed");
        step
    };
    let steps = json!([
        failing("flaky", &[]),
        idle("never", &[]),
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
async fn who_was_canceled_by_somebody_stays_canceled_and_who_is_doomed_twice_waits_for_both() {
    let database = Database::new().await;
    let server = brisk(&database, &[]);
    let doomed = |name: &str, after: &[&str]| {
        let mut step = step(name, after, json!({}));
        step["dependency_policy"] = json!("cancel");
        step
    };
    let steps = json!([
        failing("one", &[]),
        failing("two", &[]),
        idle("off", &[]),
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

/// A workflow with a step that passed its deadline before it was let go; its id.
async fn given_up_while_it_waits(server: &Server) -> String {
    let mut hasty = step("hasty", &["never"], json!({}));
    hasty["deadline_at"] = json!("2020-01-01T00:00:00Z");
    let id = start(server, json!([idle("never", &[]), hasty])).await;
    until_states(server, &id, "never=queued hasty=failed").await;
    id
}

#[tokio::test]
async fn a_step_that_was_given_up_while_it_waited_waits_again_when_it_is_tried_again() {
    let database = Database::new().await;
    let server = brisk(&database, &[]);
    let id = given_up_while_it_waits(&server).await;
    server.post(&format!("/workflows/{id}/retry"), json!({})).await.expect(200);
    assert_eq!(states(&server, &id).await, "never=queued hasty=blocked", "it does not run before what it depends on");
    act(&server, &job_of(&server, &id, "never").await, "cancel", json!({})).await.expect(200);
    until_states(&server, &id, "never=canceled hasty=canceled").await;
    assert_eq!(workflow(&server, &id).await["state"], "canceled");
    database.check_invariants().await;
}

#[tokio::test]
async fn a_step_that_was_given_up_and_can_never_run_is_not_tried_again() {
    let database = Database::new().await;
    let server = brisk(&database, &[]);
    let id = given_up_while_it_waits(&server).await;
    act(&server, &job_of(&server, &id, "never").await, "cancel", json!({})).await.expect(200);
    let refused = act(&server, &job_of(&server, &id, "hasty").await, "retry", json!({})).await.expect(409);
    assert!(refused.text.contains("can no longer complete"), "{}", refused.text);
    assert_eq!(states(&server, &id).await, "never=canceled hasty=failed");
    database.check_invariants().await;
}
