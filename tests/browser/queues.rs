//! Queues are paused, drained, resumed and limited.

use serde_json::json;

use super::work::{JobFixtures, enqueue, job_until};
use crate::harness::{Browser, Database, Server};

#[tokio::test]
async fn queue_is_paused_drained_and_resumed() {
    let database = Database::new().await;
    let server = Server::on(&database);
    server.post("/queues", json!({"name": "bulk"})).await.expect(201);
    let browser = Browser::on(&server).await;
    browser.open("/dashboard/queues").await;
    browser.press("Pause bulk…").await;
    browser.wait_for_text("Workers stop taking jobs from this queue until you resume it.").await;
    browser.fill("#reason", "card processor down").await;
    browser.press("Pause queue").await;
    browser.wait_for_text("Paused. New jobs are accepted and wait.").await;
    assert!(browser.shows("“card processor down” · dashboard").await);
    let waits = enqueue(&server, json!({"kind": "noop", "queue": "bulk"})).await;
    tokio::time::sleep(std::time::Duration::from_millis(700)).await;
    job_until(&server, &waits, "queued").await;

    browser.open("/dashboard/queues").await;
    assert_eq!(browser.texts("#rows .badge").await, ["Paused", "Active"]);
    browser.press("Resume bulk").await;
    browser.wait_for_text("Resumed. Workers claim jobs from this queue again.").await;
    assert_eq!(browser.path().await, "/dashboard/queues");
    job_until(&server, &waits, "completed").await;

    browser.open("/dashboard/queues/bulk").await;
    browser.press("Drain…").await;
    browser.wait_for_text("New jobs are refused with status 409").await;
    browser.press("Drain queue").await;
    browser.wait_for_text("Draining: new jobs are refused; jobs already in the queue are processed.").await;
    assert_eq!(server.post("/jobs", json!({"kind": "noop", "queue": "bulk"})).await.code(), "queue_draining");
    browser.press("Resume").await;
    browser.wait_for_text("Resumed.").await;
    server.post("/jobs", json!({"kind": "noop", "queue": "bulk"})).await.expect(201);
}

#[tokio::test]
async fn queue_limits_are_set_changed_rejected_and_removed() {
    let database = Database::new().await;
    let server = Server::on(&database);
    server.post("/queues", json!({"name": "bulk"})).await.expect(201);
    let browser = Browser::on(&server).await;
    browser.open("/dashboard/queues/bulk").await;
    browser.fill("#concurrency", "10").await;
    browser.fill("#rate", "100").await;
    browser.fill("#window", "60").await;
    browser.fill("#burst", "20").await;
    browser.press("Save limits").await;
    browser.wait_for_text("Limits saved.").await;
    assert!(browser.shows("limit 10").await);
    let limits = server.get("/limits").await.json();
    assert_eq!(limits.as_array().unwrap().len(), 2, "{limits}");
    let rate = server.get("/limits/queue-rate:bulk").await.expect(200).json();
    assert_eq!((&rate["limit"], &rate["window_s"], &rate["burst"]), (&json!(100), &json!(60.0), &json!(20)));
    let changes = "SELECT count(*) FROM events WHERE entity = 'limit'";
    let before = database.number(changes).await;
    browser.press("Save limits").await;
    browser.wait_for_text("Limits saved.").await;
    assert_eq!(database.number(changes).await, before, "saving unchanged limits records no event");

    browser.js("document.querySelector('#rate').form.noValidate = true").await;
    browser.fill("#rate", "").await;
    browser.press("Save limits").await;
    assert!(browser.text("#rate-error").await.contains("Enter the maximum number of starts"));
    browser.fill("#window", "").await;
    browser.fill("#burst", "").await;
    browser.fill("#concurrency", "").await;
    browser.press("Save limits").await;
    browser.wait_for_text("Limits saved.").await;
    assert_eq!(server.get("/limits").await.json(), json!([]));
}

#[tokio::test]
async fn unserved_queue_with_slash_shows_worker_command() {
    let fixtures = JobFixtures::new().await;
    let browser = Browser::on(&fixtures.server).await;
    browser.open("/dashboard/queues").await;
    browser.press("eu/west:1").await;
    browser.arrives("/dashboard/queues/eu%2Fwest%3A1").await;
    assert_eq!(browser.text("h1").await, "eu/west:1");
    assert!(browser.shows("1 job waits, but no worker serves queue eu/west:1.").await);
    assert!(browser.shows("provost --roles worker --worker-queues eu/west:1").await);
    browser.press("Pause…").await;
    browser.press("Pause queue").await;
    browser.wait_for_text("Paused: new jobs are accepted and wait.").await;
    browser.press("View jobs").await;
    browser.arrives("/dashboard/jobs?queue=eu%2Fwest%3A1").await;
    assert_eq!(browser.texts("#rows .name").await, ["email.send"]);
    assert_eq!(fixtures.server.get("/dashboard/queues/nobody").await.status, 404);
    assert_eq!(fixtures.server.get("/dashboard/queues/%00").await.status, 404);
}
