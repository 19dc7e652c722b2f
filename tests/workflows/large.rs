//! Workflows of the maximum size.

use serde_json::{Value, json};

use super::{failing, start, until, workflow};
use crate::browser::weight::{MOST, weight};
use crate::harness::{Database, eventually};
use crate::jobs::{enqueue, fast_server, text, until as until_job};

/// One step, `n` dependents, and one step after all of these.
pub fn wide(n: usize) -> Value {
    let name = |n: usize| format!("part-{n}");
    let part = |n: usize| json!({"name": name(n), "kind": "noop", "depends_on": ["split"]});
    let ends = [
        json!({"name": "split", "kind": "noop"}),
        json!({"name": "join", "kind": "noop", "depends_on": (0..n).map(name).collect::<Vec<_>>()}),
    ];
    json!(ends.into_iter().chain((0..n).map(part)).collect::<Vec<_>>())
}

#[tokio::test]
async fn ten_thousand_steps_fan_out_and_in() {
    let database = Database::new().await;
    let server = fast_server(&database, &[("PROVOST_WORKER_CONCURRENCY", "200"), ("PROVOST_LEASE_TTL", "10s")]);
    let id = start(&server, wide(10_000)).await;
    until(&server, &id, "completed").await;
    assert_eq!(workflow(&server, &id).await["steps"]["completed"], 10_002);
    let released =
        "SELECT count(*) FROM events WHERE entity = 'job' AND previous_state = 'blocked' AND new_state = 'queued'";
    assert_eq!(database.number(released).await, 10_001);
    let shown = super::graph(&server, &id).await;
    assert_eq!((shown["nodes"].as_array().unwrap().len(), shown["edges"].as_array().unwrap().len()), (10_002, 20_000));
    assert_eq!(text(&shown["nodes"][10_001], "step"), "join");
    database.check_invariants().await;
}

/// A chain of steps whose first step fails.
fn chain(n: usize, policy: &str) -> Value {
    let name = |n: usize| format!("s{n}");
    let link =
        |n: usize| json!({"name": name(n), "kind": "noop", "depends_on": [name(n - 1)], "dependency_policy": policy});
    json!(std::iter::once(failing("s0", &[])).chain((1..n).map(link)).collect::<Vec<_>>())
}

#[tokio::test]
async fn longest_chain_is_canceled_and_revived_in_batches() {
    let database = Database::new().await;
    let server = fast_server(&database, &[("PROVOST_WORKER_CONCURRENCY", "50"), ("PROVOST_LEASE_TTL", "10s")]);
    let id = start(&server, chain(3000, "cancel")).await;
    let other = enqueue(&server, json!({"kind": "noop"})).await;
    until_job(&server, &other, "completed").await;
    let all = || async { (workflow(&server, &id).await["steps"]["canceled"] == 2999).then_some(()) };
    eventually("the whole chain is canceled", all).await;
    until(&server, &id, "failed").await;
    let page = format!("/dashboard/workflows/{id}");
    assert!(server.get(&page).await.expect(200).text.contains("the first 100 of 3,000 stages"));
    assert!(weight(&server, &page).await < MOST);
    let moved = "SELECT max(n) FROM (SELECT count(*) AS n FROM events WHERE new_state = 'canceled' AND entity = 'job' GROUP BY xmin) AS s";
    assert!(database.number(moved).await <= 301, "each statement is bounded");
    database.check_invariants().await;

    server.post("/queues/default/pause", json!({})).await.expect(200);
    server.post(&format!("/workflows/{id}/retry"), json!({})).await.expect(200);
    let revived = || async { (workflow(&server, &id).await["steps"]["blocked"] == 2999).then_some(()) };
    eventually("the whole chain is blocked again", revived).await;
    server.post(&format!("/workflows/{id}/cancel"), json!({})).await.expect(200);
    assert_eq!(workflow(&server, &id).await["steps"]["canceled"], 3000);
    database.check_invariants().await;
}

#[tokio::test]
async fn running_workflow_can_be_canceled() {
    let database = Database::new().await;
    let server = fast_server(&database, &[("PROVOST_WORKER_CONCURRENCY", "100"), ("PROVOST_LEASE_TTL", "10s")]);
    let id = start(&server, wide(6000)).await;
    let works = || async { (workflow(&server, &id).await["steps"]["completed"].as_i64() > Some(10)).then_some(()) };
    eventually("its steps run", works).await;
    let answer = server.post(&format!("/workflows/{id}/cancel"), json!({})).await;
    assert!([200, 202].contains(&answer.status), "{}", answer.text);
    let ended = until(&server, &id, "canceled").await;
    assert_eq!(ended["steps"]["blocked"], 0);
    database.check_invariants().await;
}

/// On a slow database, a large workflow takes longer to start than other statements may take.
#[tokio::test]
async fn large_workflow_has_more_time_to_start() {
    let database = Database::new().await;
    let server = crate::jobs::server_without_workers(&database);
    database
        .run(
            "CREATE FUNCTION public.slow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(5.5); RETURN NEW; END';
             CREATE TRIGGER slow BEFORE INSERT ON workflows FOR EACH ROW EXECUTE FUNCTION public.slow()",
        )
        .await;
    let body = |steps: Value| json!({"name": "x", "steps": steps});
    let small = server.post("/workflows", body(wide(10))).await.expect(503);
    assert_eq!(small.code(), "database_busy");
    server.post("/workflows", body(wide(1000))).await.expect(201);
    assert_eq!(database.number("SELECT sum(steps) FROM workflows").await, 1002);
}

#[tokio::test]
async fn workflow_size_is_limited() {
    let database = Database::new().await;
    let server = crate::jobs::server_without_workers(&database);
    let many: Vec<Value> = (0..20_001).map(|n| json!({"name": n.to_string(), "kind": "noop"})).collect();
    let refused = server.post("/workflows", json!({"name": "x", "steps": many})).await.expect(422).json();
    assert_eq!(refused["errors"][0]["field"], "steps");
    let names: Vec<String> = (0..320).map(|n| n.to_string()).collect();
    let dense = |n: usize| json!({"name": format!("d{n}"), "kind": "noop", "depends_on": names});
    let steps: Vec<Value> =
        names.iter().map(|name| json!({"name": name, "kind": "noop"})).chain((0..320).map(dense)).collect();
    let refused = server.post("/workflows", json!({"name": "x", "steps": steps})).await.expect(422).json();
    assert!(text(&refused["errors"][0], "message").contains("100000"), "{refused}");
    assert_eq!(database.number("SELECT count(*) FROM workflows").await, 0);
}
