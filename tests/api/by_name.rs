//! `/projects/by-name/{name}`: projects as a declaration.

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use super::{api_server, assert_problem, assert_refused, without_observation};
use crate::harness::{Answer, Database, Server, send};

async fn put(server: &Server, name: &str, body: Value) -> Answer {
    send(server.request(Method::PUT, &format!("/projects/by-name/{name}")).json(&body)).await
}

#[tokio::test]
async fn same_declaration_gives_the_same_project() {
    let database = Database::new().await;
    let server = Server::on(&database);
    let body =
        json!({"parameters": {"size": 1, "simulate": {"duration_ms": 0, "outcome": "ready"}}, "labels": {"team": "a"}});
    let created = put(&server, "shop%20%C3%A9", body.clone()).await.expect(201);
    let project = created.json();
    let id = project["id"].as_str().unwrap();
    assert_eq!((&project["name"], created.header("location")), (&json!("shop é"), &*format!("/projects/{id}")));
    server.until(id, "ready").await;

    // The order of keys makes no difference.
    let same =
        json!({"labels": {"team": "a"}, "parameters": {"simulate": {"outcome": "ready", "duration_ms": 0}, "size": 1}});
    let again = put(&server, "shop%20%C3%A9", same).await.expect(200).json();
    assert_eq!((&again["id"], &again["version"], &again["status"]), (&json!(id), &json!(3), &json!("ready")));
    let found = server.get("/projects/by-name/shop%20%C3%A9").await.expect(200).json();
    assert_eq!(without_observation(found), without_observation(again));

    let without_labels = json!({"parameters": body["parameters"]});
    assert_eq!(put(&server, "shop%20%C3%A9", without_labels).await.expect(200).json()["version"], 3);
    database.check_invariants().await;
}

#[tokio::test]
async fn other_parameters_start_an_update() {
    let database = Database::new().await;
    let server = Server::on(&database);
    let body = |size: i64| json!({"parameters": {"size": size, "simulate": {"duration_ms": 0, "outcome": "ready"}}});
    let id = put(&server, "shop", body(1)).await.expect(201).json()["id"].as_str().unwrap().to_owned();
    server.until(&id, "ready").await;
    let updating = put(&server, "shop", body(2)).await.expect(202).json();
    assert_eq!(
        (&updating["id"], &updating["status"], &updating["operation"]),
        (&json!(id), &json!("updating"), &json!("update"))
    );
    assert_eq!(server.until(&id, "ready").await["parameters"]["size"], 2);
    let labeled = put(&server, "shop", json!({"parameters": body(2)["parameters"], "labels": {"team": "b"}})).await;
    assert_eq!(labeled.expect(200).json()["labels"], json!({"team": "b"}));
    database.check_invariants().await;
}

#[tokio::test]
async fn declaration_says_what_is_impossible() {
    let database = Database::new().await;
    let server = api_server(&database);
    let id = put(&server, "shop", json!({})).await.expect(201).json()["id"].as_str().unwrap().to_owned();
    assert_problem(&put(&server, "shop", json!({"parameters": {"size": 2}})).await, 409, "invalid_state");
    assert_refused(&put(&server, "shop", json!({"template": "postgres"})).await, 422, "invalid_field", "template");
    assert_refused(&put(&server, "%07", json!({})).await, 400, "invalid_parameter", "name");
    assert_problem(&server.get("/projects/by-name/other").await, 404, "not_found");
    server.create("shop").await;
    assert_problem(&put(&server, "shop", json!({})).await, 409, "ambiguous_name");
    assert_problem(&server.get("/projects/by-name/shop").await, 409, "ambiguous_name");
    assert_eq!(server.get(&format!("/projects/{id}")).await.json()["version"], 1);
}

#[tokio::test]
async fn simultaneous_declarations_create_one_project() {
    let database = Database::new().await;
    let server = api_server(&database);
    let answers = join_all((0..12).map(|_| put(&server, "shop", json!({"parameters": {"size": 1}})))).await;
    assert_eq!(answers.iter().filter(|it| it.status == 201).count(), 1);
    assert_eq!(answers.iter().filter(|it| it.status == 200).count(), 11);
    assert_eq!(database.number("SELECT count(*) FROM projects").await, 1);
    database.check_invariants().await;
}

#[tokio::test]
async fn name_is_free_again_after_deletion() {
    let database = Database::new().await;
    let server = Server::on(&database);
    let body = json!({"parameters": {"simulate": {"duration_ms": 0, "outcome": "ready"}}});
    let id = put(&server, "shop", body.clone()).await.expect(201).json()["id"].as_str().unwrap().to_owned();
    server.until(&id, "ready").await;
    server.delete(&format!("/projects/{id}?grace=1h")).await.expect(202);
    server.until(&id, "pending_deletion").await;
    assert_problem(&put(&server, "shop", body.clone()).await, 409, "invalid_state");
    server.delete(&format!("/projects/{id}?grace=0s")).await.expect(202);
    server.until(&id, "deleted").await;
    let next = put(&server, "shop", body).await.expect(201).json();
    assert_ne!(next["id"], json!(id));
}

/// What failed is made again, with the parameters of the declaration; what the declaration leaves out stays.
#[tokio::test]
async fn declaration_retries_what_failed() {
    let database = Database::new().await;
    let server = Server::on(&database);
    let body = |outcome: &str| json!({"parameters": {"simulate": {"duration_ms": 0, "outcome": outcome}}});
    let id = put(&server, "shop", body("failed")).await.expect(201).json()["id"].as_str().unwrap().to_owned();
    server.until(&id, "failed").await;
    let again = put(&server, "shop", body("ready")).await.expect(202).json();
    assert_eq!((&again["id"], &again["operation"]), (&json!(id), &json!("create")));
    let ready = server.until(&id, "ready").await;
    assert_eq!(ready["parameters"], body("ready")["parameters"]);
    let same = put(&server, "shop", json!({"labels": {"team": "a"}})).await.expect(200).json();
    assert_eq!((&same["parameters"], &same["status"]), (&ready["parameters"], &json!("ready")));
}

/// A declaration that is refused changes nothing.
#[tokio::test]
async fn refused_declaration_leaves_the_labels() {
    let database = Database::new().await;
    let server = Server::on(&database);
    let id = server.ready("shop").await;
    server.post(&format!("/projects/{id}/pause"), json!({})).await.expect(202);
    server.until(&id, "paused").await;
    let other = json!({"parameters": {"size": 2}, "labels": {"team": "a"}});
    assert_problem(&put(&server, "shop", other).await, 409, "invalid_state");
    assert_eq!(server.get(&format!("/projects/{id}")).await.json()["labels"], json!({}));
    server.post(&format!("/projects/{id}/resume"), json!({})).await.expect(202);
    server.until(&id, "ready").await;
    server.post("/queues/default/drain", json!({})).await.expect(200);
    assert_problem(
        &put(&server, "shop", json!({"parameters": {"size": 2}, "labels": {"team": "a"}})).await,
        409,
        "queue_draining",
    );
    assert_eq!(server.get(&format!("/projects/{id}")).await.json()["labels"], json!({}));
    // Without a template, a project keeps its own.
    database.run("UPDATE projects SET template = 'postgres'").await;
    put(&server, "shop", json!({"labels": {"team": "b"}})).await.expect(200);
}
