//! Fairness between tenants.

use serde_json::{Value, json};

use super::{fast_server, server_without_workers};
use crate::harness::{Database, Server, eventually};

/// Enqueues 2,000 jobs of one tenant, then 20 of another.
async fn flood(server: &Server, more: Value) {
    let body = |tenant: &str| {
        let mut body = json!({"kind": "simulated", "tenant": tenant, "payload": {"duration_ms": 5}});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    for _ in 0..2 {
        let many: Vec<Value> = (0..1000).map(|_| body("a")).collect();
        server.post("/jobs", json!(many)).await.expect(201);
    }
    let few: Vec<Value> = (0..20).map(|_| body("b")).collect();
    server.post("/jobs", json!(few)).await.expect(201);
}

/// Number of jobs of the first tenant that started before the last job of the second.
async fn before_b_was_served(database: &Database) -> i64 {
    eventually("all jobs of b are done", || async {
        let left = "SELECT count(*) FROM jobs WHERE tenant = 'b' AND state <> 'completed'";
        (database.number(left).await == 0).then_some(())
    })
    .await;
    database
        .number(
            "SELECT count(*) FROM executions x JOIN jobs j ON j.id = x.job_id WHERE j.tenant = 'a' AND x.claimed_at <=
             (SELECT max(y.claimed_at) FROM executions y JOIN jobs k ON k.id = y.job_id WHERE k.tenant = 'b')",
        )
        .await
}

#[tokio::test]
async fn small_tenant_finishes_before_large_one() {
    let database = Database::new().await;
    flood(&server_without_workers(&database), json!({})).await;
    let _workers = (fast_server(&database, &[]), fast_server(&database, &[]));
    let before = before_b_was_served(&database).await;
    assert!(before < 200, "{before} jobs of a were started before b was done");
}

#[tokio::test]
async fn single_slot_worker_is_fair() {
    let database = Database::new().await;
    flood(&server_without_workers(&database), json!({})).await;
    let _worker = fast_server(&database, &[("PROVOST_WORKER_CONCURRENCY", "1")]);
    let before = before_b_was_served(&database).await;
    assert!(before < 100, "{before} jobs of a were started before b was done");
}

#[tokio::test]
async fn queue_with_concurrency_one_is_fair() {
    let database = Database::new().await;
    let server = server_without_workers(&database);
    server.post("/queues", json!({"name": "q", "concurrency": 1})).await.expect(201);
    flood(&server, json!({"queue": "q"})).await;
    let _worker = fast_server(&database, &[]);
    let before = before_b_was_served(&database).await;
    assert!(before < 100, "{before} jobs of a were started before b was done");
    assert_eq!(super::limits::most_at_once(&database, "true").await, 1);
}

#[tokio::test]
async fn priority_precedes_fairness() {
    let database = Database::new().await;
    let server = server_without_workers(&database);
    for (tenant, priority) in [("a", 9), ("b", 5)] {
        let many: Vec<Value> =
            (0..30).map(|_| json!({"kind": "noop", "tenant": tenant, "priority": priority})).collect();
        server.post("/jobs", json!(many)).await.expect(201);
    }
    let _worker = fast_server(&database, &[("PROVOST_WORKER_CONCURRENCY", "1")]);
    assert_eq!(before_b_was_served(&database).await, 30);
    let early =
        "SELECT count(*) FROM executions x JOIN jobs j ON j.id = x.job_id WHERE j.tenant = 'b' AND x.claimed_at <
        (SELECT max(y.claimed_at) FROM executions y JOIN jobs k ON k.id = y.job_id WHERE k.tenant = 'a')";
    assert_eq!(database.number(early).await, 0);
}
