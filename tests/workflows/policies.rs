//! Dependency policies, when a dependency does not complete.

use serde_json::{Value, json};

use super::{failing, job_of, node, start, step, unserved_step, until, until_states, workflow};
use crate::harness::{Database, eventually};
use crate::jobs::{act, fast_server, job, text};

/// Two steps with a dependency of this policy, and a third step after both.
fn edge(first: Value, policy: &str) -> Value {
    let mut second = step("second", &[], json!({}));
    second["depends_on"] = json!([{"step": "first", "policy": policy}]);
    json!([first, second, step("third", &["second"], json!({}))])
}

#[tokio::test]
async fn policies_apply_when_a_dependency_fails() {
    let database = Database::new().await;
    let server = fast_server(&database, &[]);
    for (policy, states, state) in [
        ("block", "first=failed second=blocked third=blocked", "failed"),
        ("allow_failed", "first=failed second=completed third=completed", "failed"),
        ("cancel", "first=failed second=canceled third=canceled", "failed"),
    ] {
        let id = start(&server, edge(failing("first", &[]), policy)).await;
        until_states(&server, &id, states).await;
        let workflow = until(&server, &id, state).await;
        assert!(workflow["finished_at"].is_string(), "{workflow}");
    }
    database.check_invariants().await;
}

#[tokio::test]
async fn policies_apply_when_a_dependency_is_canceled() {
    let database = Database::new().await;
    let server = fast_server(&database, &[]);
    for (policy, states) in [
        ("block", "first=canceled second=canceled third=canceled"),
        ("allow_failed", "first=canceled second=completed third=completed"),
        ("cancel", "first=canceled second=canceled third=canceled"),
    ] {
        let id = start(&server, edge(unserved_step("first", &[]), policy)).await;
        act(&server, &job_of(&server, &id, "first").await, "cancel", json!({"reason": "not today"})).await.expect(200);
        until_states(&server, &id, states).await;
        until(&server, &id, "canceled").await;
    }
    database.check_invariants().await;
}

#[tokio::test]
async fn canceled_and_blocked_steps_state_the_reason() {
    let database = Database::new().await;
    let server = fast_server(&database, &[]);
    let id = start(&server, edge(failing("first", &[]), "cancel")).await;
    until(&server, &id, "failed").await;
    let (first, second, third) =
        (job_of(&server, &id, "first").await, node(&server, &id, "second").await, node(&server, &id, "third").await);
    assert_eq!(
        (text(&second, "canceled_by"), text(&second, "error")),
        (first, "canceled: it depends on first, which failed".into())
    );
    assert_eq!(text(&third, "error"), "canceled: it depends on second, which was canceled");

    let id = start(&server, edge(failing("first", &[]), "block")).await;
    until(&server, &id, "failed").await;
    let second = node(&server, &id, "second").await;
    assert!(text(&second, "blocked_reason").starts_with("depends on first, which failed"), "{second}");
}

#[tokio::test]
async fn allow_failed_step_runs_with_all_outcomes() {
    let database = Database::new().await;
    let server = fast_server(&database, &[]);
    let last =
        json!({"name": "report", "kind": "echo", "depends_on": ["good", "bad"], "dependency_policy": "allow_failed"});
    let id = start(&server, json!([step("good", &[], json!({"result": 1})), failing("bad", &[]), last])).await;
    until_states(&server, &id, "good=completed bad=failed report=completed").await;
    let inputs = job(&server, &job_of(&server, &id, "report").await).await["result"]["inputs"].clone();
    assert_eq!(
        (&inputs["good"]["result"], &inputs["bad"]["state"], &inputs["bad"]["error"]),
        (&json!(1), &json!("failed"), &json!("no route"))
    );
    assert_eq!(workflow(&server, &id).await["state"], "failed", "an allowed failure still fails the workflow");
    database.check_invariants().await;
}

#[tokio::test]
async fn canceling_a_workflow_cancels_active_steps() {
    let database = Database::new().await;
    // A lease that expires on a busy machine would end the step in another way.
    let server = fast_server(&database, &[("PROVOST_LEASE_TTL", "30s")]);
    let id = start(
        &server,
        json!([
            step("works", &[], json!({"duration_ms": 60_000})),
            unserved_step("waits", &[]),
            step("after", &["works", "waits"], json!({}))
        ]),
    )
    .await;
    until_states(&server, &id, "works=active waits=queued after=blocked").await;
    server.post(&format!("/workflows/{id}/cancel"), json!({"reason": "wrong file"})).await.expect(202);
    let canceled = until(&server, &id, "canceled").await;
    assert_eq!(canceled["steps"]["canceled"], 3);
    let again = server.post(&format!("/workflows/{id}/cancel"), json!({})).await.expect(409).json();
    assert_eq!((&again["code"], &again["current_status"]), (&json!("invalid_state"), &json!("canceled")));
    server.post(&format!("/workflows/{id}/retry"), json!({})).await.expect(409);
    let works = job(&server, &job_of(&server, &id, "works").await).await;
    assert_eq!(text(&works, "error"), "canceled: wrong file");
    database.check_invariants().await;
}

#[tokio::test]
async fn cancellation_reaches_the_end_of_a_chain() {
    let database = Database::new().await;
    let server = fast_server(&database, &[]);
    let name = |n: usize| format!("s{n}");
    let chained =
        |n: usize| json!({"name": name(n), "kind": "noop", "depends_on": [name(n - 1)], "dependency_policy": "cancel"});
    let steps: Vec<Value> = std::iter::once(failing("s0", &[])).chain((1..=2000).map(chained)).collect();
    let id = start(&server, json!(steps)).await;
    until(&server, &id, "failed").await;
    let all = || async { (workflow(&server, &id).await["steps"]["canceled"] == 2000).then_some(()) };
    eventually("the whole chain is canceled", all).await;
    database.check_invariants().await;
}
