//! Regressions: each of these once stopped a queue, a list or a worker.

use serde_json::{Value, json};

use super::{enqueue, fast_server, server_without_workers, until};
use crate::harness::{Database, eventually};

#[tokio::test]
async fn rejected_start_consumes_no_other_limit() {
    let database = Database::new().await;
    let server = fast_server(&database, &[]);
    for limit in [
        json!({"name": "room", "scope": "queue", "value": "lim", "mode": "concurrency", "limit": 5}),
        json!({"name": "shut", "scope": "tenant", "value": "acme", "mode": "concurrency", "limit": 0}),
    ] {
        server.post("/limits", limit).await.expect(201);
    }
    let refused = vec![json!({"kind": "noop", "queue": "lim", "tenant": "acme", "priority": 9}); 60];
    server.post("/jobs", json!({ "jobs": refused })).await.expect(201);
    let free = vec![json!({"kind": "noop", "queue": "lim", "tenant": "bob"}); 12];
    server.post("/jobs", json!({ "jobs": free })).await.expect(201);
    eventually("bob's jobs finish although jobs of acme are ahead", || async {
        let done = "SELECT count(*) FROM jobs WHERE tenant = 'bob' AND state = 'completed'";
        (database.number(done).await == 12).then_some(())
    })
    .await;
    assert_eq!(database.number("SELECT count(*) FROM jobs WHERE tenant = 'acme' AND attempt > 0").await, 0);
}

#[tokio::test]
async fn time_out_of_range_is_rejected_everywhere() {
    let database = Database::new().await;
    let server = server_without_workers(&database);
    let beyond = "9999-12-31T23:59:59-14:00";
    for field in ["run_at", "deadline_at"] {
        server.post("/jobs", json!({"kind": "noop", field: beyond})).await.expect(422);
    }
    for path in ["/jobs", "/dlq", "/events"] {
        server.get(&format!("{path}?since={beyond}")).await.expect(400);
    }
    let client = database.connection().await;
    for call in ["run_at => 'infinity'", "run_at => '294000-01-01'", "deadline_at => 'infinity'"] {
        assert!(client.batch_execute(&format!("SELECT enqueue('noop', {call})")).await.is_err(), "{call}");
    }
    for labels in ["{\"a\": 1}", "[1]"] {
        let call = format!("SELECT create_project('a', labels => '{labels}')");
        assert!(client.batch_execute(&call).await.is_err(), "{labels}");
    }
    server.get("/jobs").await.expect(200);
    server.get("/projects").await.expect(200);
}

#[tokio::test]
async fn follow_up_with_invalid_time_is_rejected() {
    let database = Database::new().await;
    let server = fast_server(&database, &[]);
    let next = json!([{"kind": "noop", "run_at": "9999-12-31T23:59:59-14:00"}]);
    let id = enqueue(&server, json!({"kind": "simulated", "payload": {"duration_ms": 0, "next": next}})).await;
    let job = until(&server, &id, "failed").await;
    assert!(job["error"].as_str().unwrap().contains("cannot be enqueued"), "{job}");
}

#[tokio::test]
async fn project_dead_letter_cannot_be_deleted() {
    let database = Database::new().await;
    let server = fast_server(&database, &[]);
    server.failed("a").await;
    let acted: Value = server.post("/dlq/delete", json!({"filter": {}})).await.expect(200).json();
    assert!(acted["moved"] == 0 && acted["refused"][0]["reason"].as_str().unwrap().contains("project"), "{acted}");
    server.post("/jobs", json!({"kind": "project.provision"})).await.expect(422);
}

#[tokio::test]
async fn concurrent_puts_create_limit_once() {
    let database = Database::new().await;
    let server = server_without_workers(&database);
    let limit = json!({"name": "rl", "scope": "global", "limit": 5});
    let answers = futures_util::future::join_all((0..20).map(|_| server.post("/limits", limit.clone()))).await;
    assert!(answers.iter().all(|it| [200, 201].contains(&it.status)), "{answers:?}");
    assert_eq!(answers.iter().filter(|it| it.status == 201).count(), 1);
    database.check_invariants().await;
}
