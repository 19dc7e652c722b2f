//! `Idempotency-Key` of `POST /projects`.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::{Value, json};

use super::{api_server, assert_problem, assert_refused};
use crate::harness::{Answer, Database, Server, eventually, send};

async fn post_under(server: &Server, key: &str, body: Value) -> Answer {
    send(server.request(Method::POST, "/projects").header("idempotency-key", key).json(&body)).await
}

#[tokio::test]
async fn repeated_request_returns_same_project() {
    let database = Database::new().await;
    let server = api_server(&database);
    let first = post_under(&server, "k", json!({"name": "a"})).await.expect(201);
    assert_eq!(first.header("idempotency-replayed"), "");
    let again = post_under(&server, "k", json!({"name": "a"})).await.expect(201);
    assert_eq!((again.header("idempotency-replayed"), again.json()), ("true", first.json()));
    assert_eq!(again.header("location"), first.header("location"));
    let twin = send(
        server.request(Method::POST, "/api/v1/projects").header("idempotency-key", "k").json(&json!({"name": "a"})),
    );
    assert_eq!(twin.await.expect(201).json()["id"], first.json()["id"]);
    let other = post_under(&server, "K", json!({"name": "a"})).await.expect(201);
    assert_ne!(other.json()["id"], first.json()["id"]);
    assert_eq!(database.number("SELECT count(*) FROM projects").await, 2);
    database.check_invariants().await;
}

#[tokio::test]
async fn repeated_request_returns_current_project() {
    let database = Database::new().await;
    let server = Server::on(&database);
    let body = json!({"name": "a", "parameters": {"simulate": {"outcome": "ready", "duration_ms": 0}}});
    let id = post_under(&server, "k", body.clone()).await.expect(201).json()["id"].as_str().unwrap().to_owned();
    server.until(&id, "ready").await;
    assert_eq!(post_under(&server, "k", body.clone()).await.expect(201).json()["status"], "ready");
    server.delete(&format!("/projects/{id}")).await.expect(202);
    server.until(&id, "deleted").await;
    assert_eq!(post_under(&server, "k", body).await.expect(201).json()["status"], "deleted");
    assert_eq!(database.number("SELECT count(*) FROM projects").await, 1);
}

#[tokio::test]
async fn key_with_other_body_is_rejected() {
    let database = Database::new().await;
    let server = api_server(&database);
    post_under(&server, "k", json!({"name": "a"})).await.expect(201);
    let reused = post_under(&server, "k", json!({"name": "b"})).await;
    assert_problem(&reused, 422, "idempotency_key_reused");
    post_under(&server, "k", json!({"name": "a"})).await.expect(201);
    assert_eq!(database.number("SELECT count(*) FROM projects").await, 1);
}

#[tokio::test]
async fn rejected_request_does_not_consume_key() {
    let database = Database::new().await;
    let server = api_server(&database);
    assert_refused(&post_under(&server, "k", json!({"name": ""})).await, 422, "invalid_field", "name");
    let answer = post_under(&server, "k", json!({"name": "a"})).await.expect(201);
    assert_eq!(answer.header("idempotency-replayed"), "");
}

#[tokio::test]
async fn key_length_is_1_to_255_characters() {
    let database = Database::new().await;
    let server = api_server(&database);
    post_under(&server, &"k".repeat(255), json!({"name": "a"})).await.expect(201);
    for key in ["", "é", &"k".repeat(256)] {
        let answer = post_under(&server, key, json!({"name": "a"})).await;
        assert_refused(&answer, 400, "invalid_header", "Idempotency-Key");
    }
}

#[tokio::test]
async fn key_in_flight_returns_conflict() {
    let database = Database::new().await;
    let server = api_server(&database);
    let other = database.connection().await;
    other.batch_execute("SELECT pg_advisory_lock(hashtextextended('provost idempotency ' || 'k', 0))").await.unwrap();
    let answer = post_under(&server, "k", json!({"name": "a"})).await;
    assert_problem(&answer, 409, "idempotency_key_in_flight");
    assert_eq!(answer.header("retry-after"), "1");
    post_under(&server, "other", json!({"name": "a"})).await.expect(201);
    other.batch_execute("SELECT pg_advisory_unlock_all()").await.unwrap();
    post_under(&server, "k", json!({"name": "a"})).await.expect(201);
    assert_eq!(database.number("SELECT count(*) FROM projects").await, 2);
}

#[tokio::test]
async fn concurrent_requests_create_one_project() {
    let database = Database::new().await;
    let servers = [api_server(&database), api_server(&database)];
    for round in 0..5 {
        let key = format!("k{round}");
        let posts = (0..20).map(|n| post_under(&servers[n % 2], &key, json!({"name": key})));
        let answers = futures_util::future::join_all(posts).await;
        let fresh = answers.iter().filter(|it| it.status == 201 && it.header("idempotency-replayed").is_empty());
        assert_eq!(fresh.count(), 1, "{answers:#?}");
        for answer in answers.iter().filter(|it| it.status != 201) {
            assert_problem(answer, 409, "idempotency_key_in_flight");
        }
        let ids = answers.iter().filter(|it| it.status == 201).map(|it| it.json()["id"].to_string());
        assert_eq!(ids.collect::<BTreeSet<_>>().len(), 1);
    }
    assert_eq!(database.number("SELECT count(*) FROM projects").await, 5);
    assert_eq!(database.number("SELECT count(*) FROM jobs").await, 5);
    database.check_invariants().await;
}

#[tokio::test]
async fn requests_without_key_create_new_projects() {
    let database = Database::new().await;
    let server = api_server(&database);
    server.create("a").await;
    server.create("a").await;
    assert_eq!(database.number("SELECT count(*) FROM projects").await, 2);
    assert_eq!(database.number("SELECT count(*) FROM idempotency_keys").await, 0);
}

#[tokio::test]
async fn concurrent_key_of_other_process_is_replayed() {
    let database = Database::new().await;
    let server = api_server(&database);
    let id = server.create("theirs").await;
    let other = database.connection().await;
    let note = format!("BEGIN; INSERT INTO idempotency_keys (key, request_hash, project_id) VALUES ('k', 'h', '{id}')");
    other.batch_execute(&note).await.unwrap();
    let post = tokio::spawn(send(
        server.request(Method::POST, "/projects").header("idempotency-key", "k").json(&json!({"name": "ours"})),
    ));
    let waiting =
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    eventually("the request waits for the key", async || (database.number(waiting).await == 1).then_some(())).await;
    other.batch_execute("COMMIT").await.unwrap();
    assert_problem(&post.await.unwrap(), 422, "idempotency_key_reused");
    assert_eq!(database.number("SELECT count(*) FROM projects").await, 1);
}
