//! `GET /projects/{id}`: the project, its `ETag`, and `?wait=`.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::json;

use super::{api_server, assert_refused, without_observation};
use crate::harness::{Answer, Database, Server, eventually, send};

async fn get_with(server: &Server, id: &str, header: &str, value: &str) -> Answer {
    send(server.request(Method::GET, &format!("/projects/{id}")).header(header, value)).await
}

/// A 60 s wait without a wakeup takes longer than this; a wait with a wakeup ends long before.
const UNWOKEN: Duration = Duration::from_secs(50);

#[tokio::test]
async fn matching_etag_returns_304() {
    let database = Database::new().await;
    let server = api_server(&database);
    let id = server.create("a").await;
    for tag in ["\"1\"", "W/\"1\"", "\"0\", \"1\"", "\"x\",W/\"1\"", "*"] {
        let answer = get_with(&server, &id, "if-none-match", tag).await.expect(304);
        assert_eq!((answer.header("etag"), answer.text.as_str()), ("\"1\"", ""), "{tag}");
    }
    for tag in ["\"2\"", "1", "\"\"", "\"11\"", "é"] {
        get_with(&server, &id, "if-none-match", tag).await.expect(200);
    }
    server.patch(&format!("/projects/{id}"), json!({"name": "b"})).await.expect(200);
    let changed = get_with(&server, &id, "if-none-match", "\"1\"").await.expect(200);
    assert_eq!((changed.header("etag"), changed.json()["version"].as_i64()), ("\"2\"", Some(2)));
}

/// A look changes health and conditions, but not the version.
#[tokio::test]
async fn look_changes_the_etag_and_is_no_conflict() {
    let database = Database::new().await;
    let server = Server::on(&database);
    let id = server.ready("a").await;
    let looked_at = async |earlier: &serde_json::Value| {
        eventually("a look is recorded", async || {
            let project = server.get(&format!("/projects/{id}")).await;
            (!project.json()["observed_at"].is_null() && project.json()["observed_at"] != *earlier).then_some(project)
        })
        .await
    };
    let first = looked_at(&json!(null)).await;
    let before = first.header("etag").to_owned();
    server.post(&format!("/projects/{id}/observe"), json!({})).await.expect(202);
    let after = looked_at(&first.json()["observed_at"]).await;
    assert_ne!(after.header("etag"), before);
    get_with(&server, &id, "if-none-match", &before).await.expect(200);
    get_with(&server, &id, "if-none-match", after.header("etag")).await.expect(304);
    let rename = server.request(Method::PATCH, &format!("/projects/{id}")).json(&json!({"name": "b"}));
    send(rename.header("if-match", &before)).await.expect(200);
    let rename = server.request(Method::PATCH, &format!("/projects/{id}")).json(&json!({"name": "c"}));
    send(rename.header("if-match", after.header("etag"))).await.expect(412);
}

#[tokio::test]
async fn only_creating_project_has_retry_after() {
    let database = Database::new().await;
    let server = Server::on(&database);
    let id = server.ready("a").await;
    assert_eq!(server.get(&format!("/projects/{id}")).await.header("retry-after"), "");
    let quiet = api_server(&database);
    server.kill();
    let id = quiet.create("b").await;
    assert_eq!(quiet.get(&format!("/projects/{id}")).await.header("retry-after"), "1");
}

#[tokio::test]
async fn wait_ends_when_status_is_reached() {
    let database = Database::new().await;
    let server = Server::on(&database);
    let id = server.create_as("a", json!({"outcome": "ready", "duration_ms": 400})).await;
    let started = Instant::now();
    let project = server.get(&format!("/projects/{id}?wait=ready&timeout=60s")).await.expect(200).json();
    assert_eq!(project["status"], "ready");
    assert!(started.elapsed() < UNWOKEN, "{:?}", started.elapsed());
    let again = server.get(&format!("/projects/{id}?wait=ready")).await.expect(200).json();
    assert_eq!(without_observation(again), without_observation(project));
}

#[tokio::test]
async fn wait_ends_when_status_is_unreachable() {
    let database = Database::new().await;
    let server = Server::on(&database);
    let id = server.create_as("a", json!({"outcome": "failed", "duration_ms": 50, "reason": "no quota"})).await;
    let project = server.get(&format!("/projects/{id}?wait=ready&timeout=60s")).await.expect(200).json();
    assert_eq!((project["status"].as_str(), project["error_reason"].as_str()), (Some("failed"), Some("no quota")));
    let deleted = server.get(&format!("/projects/{id}?wait=deleted&timeout=60s")).await.expect(200).json();
    assert_eq!(deleted, project);
}

#[tokio::test]
async fn wait_ends_in_process_without_worker() {
    let database = Database::new().await;
    let (api, _worker) = (api_server(&database), Server::on(&database));
    let id = api.create_as("a", json!({"outcome": "ready", "duration_ms": 100})).await;
    let started = Instant::now();
    let project = api.get(&format!("/projects/{id}?wait=ready&timeout=60s")).await.expect(200).json();
    assert_eq!(project["status"], "ready");
    assert!(started.elapsed() < UNWOKEN, "{:?}", started.elapsed());
}

#[tokio::test]
async fn wait_timeout_returns_current_project() {
    let database = Database::new().await;
    let server = api_server(&database);
    let id = server.create("a").await;
    for (timeout, least) in [("0", 0), ("300ms", 300), ("1", 1000)] {
        let started = Instant::now();
        let answer = server.get(&format!("/projects/{id}?wait=ready&timeout={timeout}")).await.expect(200);
        let took = started.elapsed();
        assert_eq!(answer.json()["status"], "creating");
        assert!(took >= Duration::from_millis(least), "{took:?}");
    }
}

#[tokio::test]
async fn wait_ends_when_process_stops() {
    let database = Database::new().await;
    let mut server = api_server(&database);
    let id = server.create("a").await;
    let path = format!("/projects/{id}?wait=ready&timeout=60s");
    let waiting = tokio::spawn(send(server.request(Method::GET, &path)));
    let waiting_queries = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'provost' AND query LIKE '%Get one project%'";
    eventually("the waiting request polls", async || (database.number(waiting_queries).await > 0).then_some(())).await;
    let started = Instant::now();
    assert_eq!(server.stop(), 0);
    let answer = waiting.await.unwrap().expect(200);
    assert_eq!(answer.json()["status"], "creating");
    assert!(started.elapsed() < UNWOKEN, "{:?}", started.elapsed());
}

#[tokio::test]
async fn invalid_query_parameter_is_named() {
    let database = Database::new().await;
    let server = api_server(&database);
    let id = server.create("a").await;
    let cases = [
        ("wait=soon", "wait"),
        ("wait=ready&wait=ready", "wait"),
        ("wait=ready&timeout=abc", "timeout"),
        ("wait=ready&timeout=61s", "timeout"),
        ("wait=ready&timeout=61", "timeout"),
        ("wait=ready&timeout=-1", "timeout"),
        ("wait=ready&timeout=1h", "timeout"),
        ("wait=ready&timeout=99999999999999999999999", "timeout"),
        ("timeout=abc", "timeout"),
        ("color=red", "color"),
        ("status=ready", "status"),
    ];
    for (query, parameter) in cases {
        let answer = server.get(&format!("/projects/{id}?{query}")).await;
        assert_refused(&answer, 400, "invalid_parameter", parameter);
    }
}
