//! `GET /projects/{id}/events`.

use reqwest::Method;
use serde_json::{Value, json};

use super::{api_server, assert_refused, next_page};
use crate::harness::{Database, Server, send};

async fn events(server: &Server, id: &str) -> Vec<Value> {
    let mut all = server.get(&format!("/projects/{id}/events")).await.expect(200).json().as_array().unwrap().clone();
    all.reverse();
    all
}

async fn asked_as(server: &Server, method: Method, path: &str, request_id: &str, body: Value) -> Value {
    send(server.request(method, path).header("x-request-id", request_id).json(&body)).await.json()
}

#[tokio::test]
async fn events_name_actor_transition_and_reason() {
    let database = Database::new().await;
    let server = Server::on(&database);
    let request = json!({"outcome": "failed", "duration_ms": 0, "reason": "no quota"});
    let body = json!({"name": "a", "parameters": {"simulate": request}});
    let id = asked_as(&server, Method::POST, "/projects", "ask-1", body).await["id"].as_str().unwrap().to_owned();
    server.until(&id, "failed").await;
    let retry = json!({"reason": "  the quota was raised  "});
    asked_as(&server, Method::POST, &format!("/projects/{id}/retry"), "ask-2", retry).await;
    server.until(&id, "failed").await;
    let delete = json!({"reason": "not needed <b>any</b> more"});
    asked_as(&server, Method::DELETE, &format!("/projects/{id}"), "ask-3", delete).await;
    server.until(&id, "deleted").await;

    let worker = database.text("SELECT id FROM workers").await;
    let expected = [
        ("none", "creating", None, "api", Some("ask-1")),
        ("creating", "provisioning", None, &worker, None),
        ("provisioning", "failed", Some("no quota"), &worker, None),
        ("failed", "creating", Some("the quota was raised"), "api", Some("ask-2")),
        ("creating", "provisioning", None, &worker, None),
        ("provisioning", "failed", Some("no quota"), &worker, None),
        ("failed", "deleting", Some("not needed <b>any</b> more"), "api", Some("ask-3")),
        ("deleting", "deleted", None, &worker, None),
    ];
    let all = events(&server, &id).await;
    let transitions = all.iter().map(|it| {
        let text = |key: &str| it[key].as_str();
        let (from, to) = (text("previous_state").unwrap(), text("new_state").unwrap());
        (from, to, text("reason"), text("actor").unwrap(), text("request_id"))
    });
    assert_eq!(transitions.collect::<Vec<_>>(), expected);
    database.check_invariants().await;
}

#[tokio::test]
async fn events_name_job_and_execution() {
    let database = Database::new().await;
    let server = Server::on(&database);
    let id = server.ready("a").await;
    let all = events(&server, &id).await;
    let (job, execution) =
        (database.text("SELECT id FROM jobs").await, database.text("SELECT id FROM executions").await);
    assert!(all.iter().all(|it| it["job_id"] == json!(job) && it["project_id"] == json!(id)), "{all:#?}");
    assert!(all[0]["execution_id"].is_null());
    assert!(all[1..].iter().all(|it| it["execution_id"] == json!(execution)), "{all:#?}");
    assert!(all.is_sorted_by_key(|it| it["id"].as_i64()) && all.is_sorted_by_key(|it| it["occurred_at"].to_string()));
}

#[tokio::test]
async fn events_are_paged() {
    let database = Database::new().await;
    let server = Server::on(&database);
    let id = server.ready("a").await;
    let whole = server.get(&format!("/projects/{id}/events")).await.expect(200);
    assert_eq!(next_page(&whole), None);
    let (mut path, mut seen) = (Some(format!("/api/v1/projects/{id}/events?limit=2")), Vec::new());
    while let Some(at) = path {
        let answer = server.get(&at).await.expect(200);
        seen.extend(answer.json().as_array().unwrap().clone());
        path = next_page(&answer);
    }
    assert_eq!(json!(seen), whole.json());
    assert_eq!(server.get(&format!("/projects/{id}/events?cursor=-1")).await.expect(200).text, "[]");
}

#[tokio::test]
async fn invalid_query_parameter_is_named() {
    let database = Database::new().await;
    let server = api_server(&database);
    let id = server.create("a").await;
    let cases = [("limit=0", "limit"), ("limit=201", "limit"), ("cursor=x", "cursor"), ("status=ready", "status")];
    for (query, parameter) in cases.into_iter().chain([("cursor=9223372036854775808", "cursor")]) {
        let answer = server.get(&format!("/projects/{id}/events?{query}")).await;
        assert_refused(&answer, 400, "invalid_parameter", parameter);
    }
}
