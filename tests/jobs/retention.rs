//! Retention.

use serde_json::{Value, json};

use super::{act, enqueue, fast_server, server_without_workers, simulated, text, until};
use crate::harness::{Database, Server, eventually};

/// Number of rows removed from one class.
async fn removed(server: &Server, class: &str) -> i64 {
    let statistics = server.get("/stats").await.expect(200).json();
    let class = statistics["retention"].as_array().unwrap().iter().find(|it| it["class"] == class).cloned().unwrap();
    assert_eq!(class["removed"] != 0, class["pruned_at"].is_string(), "{class}");
    class["removed"].as_i64().unwrap()
}

/// Creates one completed, one failed and one canceled job.
async fn history(server: &Server) -> [String; 3] {
    let done = enqueue(server, json!({"kind": "noop"})).await;
    let dead = simulated(server, json!({"outcome": "failed", "duration_ms": 0})).await;
    let off = enqueue(server, json!({"kind": "noop", "delay": "1h"})).await;
    act(server, &off, "cancel", json!({})).await.expect(200);
    until(server, &done, "completed").await;
    until(server, &dead, "failed").await;
    [done, dead, off]
}

/// A server with these retention settings. Its pruner runs once at the start.
fn pruner(database: &Database, settings: &[(&str, &str)]) -> Server {
    fast_server(database, &[&[("PROVOST_ROLES", "api,scheduler")], settings].concat())
}

#[tokio::test]
async fn zero_retention_prunes_and_max_keeps_each_class() {
    let database = Database::new().await;
    let server = fast_server(&database, &[]);
    let [done, dead, off] = history(&server).await;
    let waiting = enqueue(&server, json!({"kind": "unserved"})).await;
    database.run("UPDATE jobs SET finished_at = finished_at - interval '900 days'").await;
    let kept = pruner(
        &database,
        &[("PROVOST_RETAIN_COMPLETED", "max"), ("PROVOST_RETAIN_CANCELED", "max"), ("PROVOST_RETAIN_FAILED", "max")],
    );
    let _zero = pruner(&database, &[("PROVOST_RETAIN_COMPLETED", "0s"), ("PROVOST_RETAIN_CANCELED", "max")]);
    eventually("the completed job is pruned", || async { (removed(&kept, "completed").await == 1).then_some(()) })
        .await;
    kept.get(&format!("/jobs/{done}")).await.expect(404);
    for id in [&dead, &off, &waiting] {
        kept.get(&format!("/jobs/{id}")).await.expect(200);
    }
    assert_eq!((removed(&kept, "failed").await, removed(&kept, "canceled").await), (0, 0));
    let _both = pruner(&database, &[("PROVOST_RETAIN_CANCELED", "0s"), ("PROVOST_RETAIN_FAILED", "0s")]);
    eventually("the other jobs are pruned", || async {
        (removed(&kept, "failed").await == 1 && removed(&kept, "canceled").await == 1).then_some(())
    })
    .await;
    assert_eq!(database.text("SELECT string_agg(id::text, '') FROM jobs").await, waiting);
    assert_eq!(database.number("SELECT count(*) FROM executions").await, 0, "attempts are deleted with their jobs");
    let totals = kept.get("/stats").await.json()["totals"].clone();
    assert_eq!((&totals["completed"], &totals["failed"], &totals["queued"]), (&json!(0), &json!(0), &json!(1)));
}

#[tokio::test]
async fn rows_younger_than_retention_are_kept() {
    let database = Database::new().await;
    let server = fast_server(&database, &[]);
    let [old, _, _] = history(&server).await;
    let [young, _, _] = history(&server).await;
    database
        .rows("UPDATE jobs SET finished_at = finished_at - interval '2 hours' WHERE id = $1::text::uuid", &[&old])
        .await;
    let pruner = pruner(&database, &[("PROVOST_RETAIN_COMPLETED", "1h")]);
    eventually("the old event is pruned", || async { (removed(&pruner, "completed").await == 1).then_some(()) }).await;
    pruner.get(&format!("/jobs/{old}")).await.expect(404);
    pruner.get(&format!("/jobs/{young}")).await.expect(200);
}

#[tokio::test]
async fn executions_and_events_have_own_retention() {
    let database = Database::new().await;
    let server = fast_server(&database, &[]);
    let [done, ..] = history(&server).await;
    let running = simulated(&server, json!({"duration_ms": 600_000})).await;
    until(&server, &running, "active").await;
    let project = server.ready("p").await;
    server.post("/queues/default/pause", json!({})).await.expect(200);
    let pruner = pruner(&database, &[("PROVOST_RETAIN_EXECUTIONS", "0s"), ("PROVOST_RETAIN_EVENTS", "0s")]);
    eventually("both are pruned", || async {
        (removed(&pruner, "executions").await == 3 && removed(&pruner, "events").await > 8).then_some(())
    })
    .await;
    pruner.get(&format!("/jobs/{done}")).await.expect(200);
    for path in ["events", "executions"] {
        assert_eq!(pruner.get(&format!("/jobs/{done}/{path}")).await.expect(200).json(), json!([]));
    }
    assert_eq!(
        database.number("SELECT count(*) FROM executions WHERE ended_at IS NULL").await,
        1,
        "what goes on stays"
    );
    assert_eq!(database.number("SELECT count(*) FROM events WHERE entity = 'job'").await, 0);
    assert_eq!(pruner.history(&project).await, ["creating", "provisioning", "ready"]);
    let paused = pruner.get("/events?entity=queue&id=default").await.json();
    assert_eq!(text(&paused[0], "new_state"), "paused", "operator events are kept");
}

#[tokio::test]
async fn delivery_requests_are_pruned_in_batches() {
    let database = Database::new().await;
    let server = fast_server(&database, &[("PROVOST_ROLES", "api")]);
    // More than one batch of the pruner.
    database
        .run(
            "INSERT INTO deliveries (worker_id, request_id, executions, created_at)
             SELECT 'w', n::text, '{}', clock_timestamp() - interval '1 minute' * (n % 2 * 120) FROM generate_series(1, 90000) AS n",
        )
        .await;
    server.kill();
    let _pruner = server_without_workers(&database);
    let left = || database.number("SELECT count(*) FROM deliveries");
    eventually("one run prunes all old requests", || async { (left().await <= 45_000).then_some(()) }).await;
    assert_eq!(left().await, 45_000, "recent requests are kept");
}

#[tokio::test]
async fn expired_keys_statistics_and_workers_are_pruned() {
    let database = Database::new().await;
    let server = fast_server(&database, &[]);
    for key in ["old", "young"] {
        let id = enqueue(&server, json!({"kind": "noop", "idempotency_key": key})).await;
        until(&server, &id, "completed").await;
    }
    super::only_worker(&server).await;
    server.kill();
    database
        .run(
            "UPDATE job_keys SET expires_at = clock_timestamp() - interval '1 second' WHERE key = 'old';
             UPDATE workers SET seen_at = seen_at - interval '2 days';
             UPDATE work_stats SET minute = minute - interval '9 days' WHERE event = 'completed'",
        )
        .await;
    let pruner = server_without_workers(&database);
    eventually("the old key, statistics and worker are pruned", || async {
        let gone = removed(&pruner, "keys").await == 1 && removed(&pruner, "statistics").await >= 1;
        (gone && pruner.get("/workers").await.json() == json!([])).then_some(())
    })
    .await;
    assert_eq!(database.text("SELECT string_agg(key, '') FROM job_keys").await, "young");
    assert!(database.number("SELECT count(*) FROM work_stats WHERE event = 'enqueued'").await > 0);
    let event = pruner.get("/events?entity=worker&actor=pruner").await.json()[0].clone();
    assert_eq!((text(&event, "new_state"), text(&event, "reason")), ("gone".into(), "no heartbeat for a day".into()));
}

#[tokio::test]
async fn pruner_removes_several_batches_per_run() {
    let database = Database::new().await;
    let server = server_without_workers(&database);
    let bodies: Vec<Value> = (0..1000).map(|_| json!({"kind": "a", "delay": "1h"})).collect();
    for _ in 0..6 {
        server.post("/jobs", json!(bodies)).await.expect(201);
    }
    let canceled = server.post("/jobs/cancel", json!({"filter": {}})).await.expect(200).json();
    assert_eq!(canceled["moved"], 6000);
    let pruner = pruner(&database, &[("PROVOST_RETAIN_CANCELED", "0s")]);
    eventually("all are pruned", || async { (removed(&pruner, "canceled").await == 6000).then_some(()) }).await;
    assert_eq!(database.number("SELECT count(*) FROM jobs").await, 0);
}
