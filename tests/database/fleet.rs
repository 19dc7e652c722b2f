//! What all processes together lack.

use serde_json::json;

use crate::harness::{Database, Server, eventually};

#[tokio::test]
async fn missing_scheduler_is_named_everywhere() {
    let database = Database::new().await;
    let server = Server::with(&database.url, &[("PROVOST_ROLES", "api,worker")]);
    let id = server.ready("a").await;
    server.post(&format!("/projects/{id}/pause"), json!({})).await.expect(202);
    server.until(&id, "paused").await;
    let health = server.get("/health").await.expect(200).json();
    assert_eq!((&health["status"], &health["fleet"]["schedulers"]), (&json!("degraded"), &json!(0)), "{health}");
    assert_eq!(health["roles"].as_object().unwrap().keys().collect::<Vec<_>>(), ["api", "worker"]);
    assert!(health["roles"]["worker"]["acted_at"].is_string(), "{health}");
    let page = server.get("/dashboard/workers").await.expect(200).text;
    assert!(page.contains("No process has the role scheduler"), "{page}");
    let metrics = server.get("/metrics/prometheus").await.text;
    assert!(metrics.contains("provost_schedulers 0"), "{metrics}");
    // Nothing takes back the job of a worker that is lost.
    let job = server.post("/jobs", json!({"kind": "simulated", "payload": {"duration_ms": 600_000}})).await.expect(201);
    let job = job.json()["id"].as_str().unwrap().to_owned();
    crate::jobs::until(&server, &job, "active").await;
    server.kill();
    let api = Server::with(&database.url, &[("PROVOST_ROLES", "api")]);
    let why = eventually("the lease expires", async || {
        let why = api.get(&format!("/jobs/{job}/explain")).await.json();
        (why["reason"] == "lease_expired").then_some(why)
    })
    .await;
    assert!(why["summary"].as_str().unwrap_or_default().contains("role scheduler"), "{why}");
    let mut complete = Server::on(&database);
    eventually("the fleet is complete", async || {
        (complete.get("/health").await.json()["fleet"]["schedulers"] == 1).then_some(())
    })
    .await;
    complete.stop();
    eventually("a process that stops is forgotten", async || {
        (api.get("/health").await.json()["fleet"]["schedulers"] == 0).then_some(())
    })
    .await;
}

/// A kind that no worker runs, and an agent that runs it without registering.
#[tokio::test]
async fn queue_without_a_worker_is_named() {
    let database = Database::new().await;
    let server = Server::on(&database);
    let body = json!({"kind": "render", "queue": "gpu"});
    let job = server.post("/jobs", body.clone()).await.expect(201).json()["id"].as_str().unwrap().to_owned();
    server.post("/jobs", body).await.expect(201);
    database.run("UPDATE jobs SET run_at = run_at - interval '1 minute', created_at = created_at - interval '1 minute' WHERE kind = 'render'").await;
    database.run("UPDATE lanes SET since = since - interval '1 minute' WHERE kind = 'render'").await;
    let health = server.get("/health").await.json();
    assert_eq!((&health["status"], &health["fleet"]["unserved_queues"]), (&json!("degraded"), &json!(["gpu"])));
    let why = server.get(&format!("/jobs/{job}/explain")).await.json();
    assert_eq!(why["reason"], "no_worker", "{why}");
    let ask = json!({"worker_id": "agent-1", "queues": ["gpu"], "kinds": ["render"], "limit": 1});
    server.post("/internal/executions/dequeue", ask).await.expect(200);
    let health = server.get("/health").await.json();
    assert_eq!(health["fleet"]["unserved_queues"], json!([]), "{health}");
    let jobs = server.get("/jobs?kind=render&state=queued").await.json();
    let waiting = jobs[0]["id"].as_str().unwrap();
    let why = server.get(&format!("/jobs/{waiting}/explain")).await.json();
    assert_ne!(why["reason"], "no_worker", "{why}");
}
