//! Jobs that may be asked for twice.

use reqwest::Method;
use serde_json::{Value, json};

use super::{brisk, simulated, text, until};
use crate::api::{assert_problem, assert_refused, still};
use crate::harness::{Answer, Database, Server, eventually, send};

async fn post_under(server: &Server, key: &str, body: &Value) -> Answer {
    send(server.request(Method::POST, "/jobs").header("idempotency-key", key).json(body)).await
}

#[tokio::test]
async fn the_same_wish_under_the_same_key_is_answered_with_the_job_that_is_there() {
    let database = Database::new().await;
    let server = brisk(&database, &[]);
    let wish = json!({"kind": "echo", "payload": {"n": 1}, "idempotency_key": "k"});
    let first = server.post("/jobs", wish.clone()).await.expect(201);
    assert_eq!(first.header("idempotency-replayed"), "");
    let id = text(&first.json(), "id");
    until(&server, &id, "completed").await;
    let again = server.post("/api/v1/jobs", wish.clone()).await.expect(201);
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_eq!((text(&again.json(), "id"), text(&again.json(), "state")), (id.clone(), "completed".to_owned()));
    assert_eq!(again.header("location"), format!("/api/v1/jobs/{id}"));
    assert_eq!(database.number("SELECT count(*) FROM jobs").await, 1);
    database.check_invariants().await;
}

#[tokio::test]
async fn keys_are_apart_for_each_tenant_and_kind() {
    let database = Database::new().await;
    let server = still(&database);
    for (kind, tenant) in [("a", "x"), ("a", "y"), ("b", "x")] {
        let wish = json!({"kind": kind, "tenant": tenant, "idempotency_key": "k"});
        let answer = server.post("/jobs", wish).await.expect(201);
        assert_eq!(answer.header("idempotency-replayed"), "", "{kind} of {tenant}");
    }
    assert_eq!(database.number("SELECT count(*) FROM jobs").await, 3);
}

#[tokio::test]
async fn a_key_stands_for_one_wish_only() {
    let database = Database::new().await;
    let server = still(&database);
    let wish = json!({"kind": "echo", "idempotency_key": "k"});
    server.post("/jobs", wish.clone()).await.expect(201);
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
        let mut other = wish.clone();
        other[field] = value;
        let answer = server.post("/jobs", other).await;
        assert_eq!(answer.status, 422, "{field}: {}", answer.text);
        assert_problem(&answer, 422, "idempotency_key_reused");
    }
    assert_eq!(database.number("SELECT count(*) FROM jobs").await, 1);
}

#[tokio::test]
async fn the_header_speaks_for_the_whole_request() {
    let database = Database::new().await;
    let server = still(&database);
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
async fn of_many_at_once_under_one_key_one_job_is_born() {
    let database = Database::new().await;
    let (one, two) = (still(&database), still(&database));
    let wish = json!({"kind": "noop", "idempotency_key": "k"});
    let mut asked = Vec::new();
    for n in 0..20 {
        let server = if n % 2 == 0 { &one } else { &two };
        asked.push(server.post("/jobs", wish.clone()));
    }
    let answers = futures_util::future::join_all(asked).await;
    let new = answers.iter().filter(|it| it.status == 201 && it.header("idempotency-replayed").is_empty()).count();
    assert_eq!(new, 1);
    assert!(answers.iter().all(|it| it.status == 201 && it.json()["id"] == answers[0].json()["id"]));
    assert_eq!(database.number("SELECT count(*) FROM jobs").await, 1);
    database.check_invariants().await;
}

#[tokio::test]
async fn one_request_cannot_mean_one_key_twice() {
    let database = Database::new().await;
    let server = still(&database);
    let wish = json!({"kind": "noop", "idempotency_key": "k"});
    assert_refused(&server.post("/jobs", json!([wish, wish])).await, 422, "invalid_field", "1.idempotency_key");
    // A batch of which one is there already enqueues the others.
    server.post("/jobs", wish.clone()).await.expect(201);
    let answer = server.post("/jobs", json!([wish, {"kind": "noop"}])).await.expect(201);
    assert_eq!(answer.header("idempotency-replayed"), "", "not all of it was there");
    assert_eq!(database.number("SELECT count(*) FROM jobs").await, 2);
}

#[tokio::test]
async fn a_key_is_forgotten_after_its_window_or_with_its_job() {
    let database = Database::new().await;
    let server = brisk(&database, &[]);
    let wish = json!({"kind": "noop", "idempotency_key": "k", "idempotency_window": "300ms"});
    let first = server.post("/jobs", wish.clone()).await.expect(201).json();
    let other = || async {
        let answer = server.post("/jobs", wish.clone()).await.expect(201);
        (answer.json()["id"] != first["id"]).then_some(())
    };
    eventually("the window is over", other).await;

    let id = simulated(&server, json!({"outcome": "failed", "duration_ms": 0})).await;
    until(&server, &id, "failed").await;
    let wish = json!({"kind": "simulated", "payload": {"outcome": "failed", "duration_ms": 0}, "idempotency_key": "j"});
    let first = text(&server.post("/jobs", wish.clone()).await.expect(201).json(), "id");
    until(&server, &first, "failed").await;
    server.post("/dlq/delete", json!({"job_ids": [first]})).await.expect(200);
    let answer = server.post("/jobs", wish).await.expect(201);
    assert_eq!(answer.header("idempotency-replayed"), "");
}
