//! Idempotency keys of jobs.

use reqwest::Method;
use serde_json::{Value, json};

use super::{fast_server, simulated, text, until};
use crate::api::{api_server, assert_problem, assert_refused};
use crate::harness::{Answer, Database, Server, eventually, send};

async fn post_under(server: &Server, key: &str, body: &Value) -> Answer {
    send(server.request(Method::POST, "/jobs").header("idempotency-key", key).json(body)).await
}

#[tokio::test]
async fn repeated_request_returns_existing_job() {
    let database = Database::new().await;
    let server = fast_server(&database, &[]);
    let request = json!({"kind": "echo", "payload": {"n": 1}, "idempotency_key": "k"});
    let first = server.post("/jobs", request.clone()).await.expect(201);
    assert_eq!(first.header("idempotency-replayed"), "");
    let id = text(&first.json(), "id");
    until(&server, &id, "completed").await;
    let again = server.post("/api/v1/jobs", request.clone()).await.expect(201);
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_eq!((text(&again.json(), "id"), text(&again.json(), "state")), (id.clone(), "completed".to_owned()));
    assert_eq!(again.header("location"), format!("/api/v1/jobs/{id}"));
    assert_eq!(database.number("SELECT count(*) FROM jobs").await, 1);
    database.check_invariants().await;
}

#[tokio::test]
async fn keys_are_scoped_to_tenant_and_kind() {
    let database = Database::new().await;
    let server = api_server(&database);
    for (kind, tenant) in [("a", "x"), ("a", "y"), ("b", "x")] {
        let request = json!({"kind": kind, "tenant": tenant, "idempotency_key": "k"});
        let answer = server.post("/jobs", request).await.expect(201);
        assert_eq!(answer.header("idempotency-replayed"), "", "{kind} of {tenant}");
    }
    assert_eq!(database.number("SELECT count(*) FROM jobs").await, 3);
}

#[tokio::test]
async fn key_with_other_request_is_rejected() {
    let database = Database::new().await;
    let server = api_server(&database);
    let request = json!({"kind": "echo", "idempotency_key": "k"});
    server.post("/jobs", request.clone()).await.expect(201);
    for (field, value) in [
        ("payload", json!({"n": 2})),
        ("queue", json!("other")),
        ("priority", json!(6)),
        ("max_attempts", json!(9)),
        ("delay", json!("1h")),
        ("timeout", json!(5)),
        ("tags", json!(["a"])),
        ("deadline_at", json!("2099-01-01T00:00:00Z")),
        ("backoff", json!({"base": 7})),
    ] {
        let mut other = request.clone();
        other[field] = value;
        let answer = server.post("/jobs", other).await;
        assert_eq!(answer.status, 422, "{field}: {}", answer.text);
        assert_problem(&answer, 422, "idempotency_key_reused");
    }
    assert_eq!(database.number("SELECT count(*) FROM jobs").await, 1);
}

#[tokio::test]
async fn header_key_applies_to_whole_batch() {
    let database = Database::new().await;
    let server = api_server(&database);
    let one = json!({"kind": "noop"});
    let first = post_under(&server, "one", &one).await.expect(201);
    let again = post_under(&server, "one", &one).await.expect(201);
    assert_eq!((again.header("idempotency-replayed"), &again.json()["id"]), ("true", &first.json()["id"]));
    assert_problem(
        &post_under(&server, "one", &json!({"kind": "noop", "priority": 1})).await,
        422,
        "idempotency_key_reused",
    );
    let many = json!([{"kind": "noop"}, {"kind": "noop"}]);
    let first = post_under(&server, "many", &many).await.expect(201);
    let again = post_under(&server, "many", &many).await.expect(201);
    assert_eq!((again.header("idempotency-replayed"), again.json()), ("true", first.json()));
    let more = json!([{"kind": "noop"}, {"kind": "noop"}, {"kind": "noop"}]);
    assert_problem(&post_under(&server, "many", &more).await, 422, "idempotency_key_reused");
    assert_eq!(database.number("SELECT count(*) FROM jobs").await, 3);
}

#[tokio::test]
async fn concurrent_requests_with_key_create_one_job() {
    let database = Database::new().await;
    let (one, two) = (api_server(&database), api_server(&database));
    let request = json!({"kind": "noop", "idempotency_key": "k"});
    let mut requests = Vec::new();
    for n in 0..20 {
        let server = if n % 2 == 0 { &one } else { &two };
        requests.push(server.post("/jobs", request.clone()));
    }
    let answers = futures_util::future::join_all(requests).await;
    let new = answers.iter().filter(|it| it.status == 201 && it.header("idempotency-replayed").is_empty()).count();
    assert_eq!(new, 1);
    assert!(answers.iter().all(|it| it.status == 201 && it.json()["id"] == answers[0].json()["id"]));
    assert_eq!(database.number("SELECT count(*) FROM jobs").await, 1);
    database.check_invariants().await;
}

#[tokio::test]
async fn key_must_not_repeat_within_batch() {
    let database = Database::new().await;
    let server = api_server(&database);
    let request = json!({"kind": "noop", "idempotency_key": "k"});
    assert_refused(&server.post("/jobs", json!([request, request])).await, 422, "invalid_field", "1.idempotency_key");
    // A batch with an existing job enqueues only the others.
    server.post("/jobs", request.clone()).await.expect(201);
    let answer = server.post("/jobs", json!([request, {"kind": "noop"}])).await.expect(201);
    assert_eq!(answer.header("idempotency-replayed"), "", "the response is not a pure replay");
    assert_eq!(database.number("SELECT count(*) FROM jobs").await, 2);
}

#[tokio::test]
async fn key_expires_with_window_or_job() {
    let database = Database::new().await;
    let server = fast_server(&database, &[]);
    let request = json!({"kind": "noop", "idempotency_key": "k", "idempotency_window": "300ms"});
    let first = server.post("/jobs", request.clone()).await.expect(201).json();
    let other = || async {
        let answer = server.post("/jobs", request.clone()).await.expect(201);
        (answer.json()["id"] != first["id"]).then_some(())
    };
    eventually("the window has passed", other).await;

    let id = simulated(&server, json!({"outcome": "failed", "duration_ms": 0})).await;
    until(&server, &id, "failed").await;
    let request =
        json!({"kind": "simulated", "payload": {"outcome": "failed", "duration_ms": 0}, "idempotency_key": "j"});
    let first = text(&server.post("/jobs", request.clone()).await.expect(201).json(), "id");
    until(&server, &first, "failed").await;
    server.post("/dlq/delete", json!({"job_ids": [first]})).await.expect(200);
    let answer = server.post("/jobs", request).await.expect(201);
    assert_eq!(answer.header("idempotency-replayed"), "");
}
