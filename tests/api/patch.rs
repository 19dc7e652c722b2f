//! `PATCH /projects/{id}`.

use reqwest::Method;
use serde_json::{Value, json};

use super::{api_server, assert_problem, assert_refused};
use crate::harness::{Answer, Database, Server, send};

async fn patch_if(server: &Server, id: &str, tag: &str, body: Value) -> Answer {
    send(server.request(Method::PATCH, &format!("/projects/{id}")).header("if-match", tag).json(&body)).await
}

#[tokio::test]
async fn patch_changes_only_given_fields() {
    let database = Database::new().await;
    let server = api_server(&database);
    let id = server.create("before").await;
    let path = format!("/projects/{id}");
    let before = server.get(&path).await.json();
    let named = server.patch(&path, json!({"name": " بعد "})).await.expect(200);
    assert_eq!((named.json()["name"].as_str(), named.header("etag")), (Some("بعد"), "\"2\""));
    let labeled = server.patch(&path, json!({"labels": {"env": "prod"}})).await.expect(200).json();
    assert_eq!((&labeled["name"], &labeled["labels"]), (&json!("بعد"), &json!({"env": "prod"})));
    let replaced = server.patch(&path, json!({"labels": {"team": "core"}})).await.expect(200).json();
    assert_eq!(replaced["labels"], json!({"team": "core"}));
    let after = server.patch(&path, json!({"labels": {}})).await.expect(200).json();
    assert_eq!((&after["labels"], &after["version"]), (&json!({}), &json!(5)));
    for kept in ["id", "status", "parameters", "template", "created_at", "deadline_at"] {
        assert_eq!(after[kept], before[kept], "{kept}");
    }
    assert_eq!(server.history(&id).await, ["creating"]);
    database.check_invariants().await;
}

#[tokio::test]
async fn if_match_rejects_stale_version() {
    let database = Database::new().await;
    let server = api_server(&database);
    let id = server.create("a").await;
    patch_if(&server, &id, "\"1\"", json!({"name": "b"})).await.expect(200);
    let stale = patch_if(&server, &id, "\"1\"", json!({"name": "c"})).await;
    assert_problem(&stale, 412, "stale_version");
    assert!(stale.json()["detail"].as_str().unwrap().contains("version is 2"), "{}", stale.text);
    patch_if(&server, &id, "*", json!({"name": "d"})).await.expect(200);
    for tag in ["3", "\"3", "\"3\" \"4\"", "\"3\", 4", "\"3\", *", "w/\"3\"", "é", "", ","] {
        let answer = patch_if(&server, &id, tag, json!({"name": "e"})).await;
        assert_refused(&answer, 400, "invalid_header", "If-Match");
    }
    assert_eq!(server.get(&format!("/projects/{id}")).await.json()["name"], "d");
}

/// RFC 9110: one tag of the list must match, by the strong comparison.
#[tokio::test]
async fn if_match_accepts_lists_and_never_weak_tags() {
    let database = Database::new().await;
    let server = api_server(&database);
    let id = server.create("a").await;
    let lists = [
        "W/\"1\"",
        "W/\"1\", W/\"2\"",
        "\"2\", W/\"1\"",
        "\"\"",
        "\"x\"",
        "\"01\"",
        "\"+1\"",
        "\"a,1\"",
        "\"2\", \"3\"",
    ];
    for list in lists {
        assert_problem(&patch_if(&server, &id, list, json!({"name": "b"})).await, 412, "stale_version");
        let deletion = server.request(Method::DELETE, &format!("/projects/{id}")).header("if-match", list);
        assert_problem(&send(deletion).await, 412, "stale_version");
    }
    for (n, list) in ["\"1\", \"9\"", "\"9\",\"2\"", " , W/\"3\" ,\t\"3\",,", "\"a,b\", \"4\""].into_iter().enumerate()
    {
        patch_if(&server, &id, list, json!({"name": format!("c{n}")})).await.expect(200);
    }
    let two_lines = server.request(Method::PATCH, &format!("/projects/{id}")).header("if-match", "\"9\"");
    send(two_lines.header("if-match", "\"5\"").json(&json!({"name": "d"}))).await.expect(200);

    server
        .post("/schedules", json!({"name": "s", "cron": "@yearly", "target": {"job": {"kind": "noop"}}}))
        .await
        .expect(201);
    let change = |method, list: &str| server.request(method, "/schedules/s").header("if-match", list);
    assert_problem(&send(change(Method::PATCH, "W/\"1\"").json(&json!({"jitter": "1s"}))).await, 412, "stale_version");
    assert_problem(&send(change(Method::DELETE, "W/\"1\", \"7\"")).await, 412, "stale_version");
    send(change(Method::PATCH, "\"7\", \"1\"").json(&json!({"jitter": "1s"}))).await.expect(200);
    send(change(Method::DELETE, "\"1\", \"2\"")).await.expect(204);
}

#[tokio::test]
async fn concurrent_changes_to_one_version_apply_once() {
    let database = Database::new().await;
    let server = api_server(&database);
    let id = server.create("a").await;
    let tries = (0..8).map(|n| patch_if(&server, &id, "\"1\"", json!({"name": format!("b{n}")})));
    let answers = futures_util::future::join_all(tries).await;
    let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 412, 412, 412, 412, 412, 412, 412]);
}

#[tokio::test]
async fn empty_or_invalid_patch_is_rejected() {
    let database = Database::new().await;
    let server = api_server(&database);
    let path = format!("/projects/{}", server.create("a").await);
    let cases = [
        (json!({}), "body"),
        (json!({"name": null}), "body"),
        (json!({"name": ""}), "name"),
        (json!({"name": "a\0b"}), "name"),
        (json!({"name": "é".repeat(256)}), "name"),
        (json!({"labels": {"a b": "c"}}), "labels"),
        (json!({"labels": {"a": "\0"}}), "labels"),
        (json!({"parameters": []}), "parameters"),
        (json!({"parameters": {}, "name": "b"}), "parameters"),
        (json!({"status": "ready"}), "status"),
        (json!({"name": 7}), "name"),
    ];
    for (body, field) in cases {
        assert_refused(&server.patch(&path, body).await, 422, "invalid_field", field);
    }
    server.patch(&path, json!({"name": "é".repeat(255)})).await.expect(200);
}

#[tokio::test]
async fn deleting_or_deleted_project_cannot_change() {
    let database = Database::new().await;
    let server = Server::on(&database);
    let (going, gone) = (server.ready("going").await, server.ready("gone").await);
    server.delete(&format!("/projects/{gone}")).await.expect(202);
    server.until(&gone, "deleted").await;
    server.kill();
    let server = api_server(&database);
    server.delete(&format!("/projects/{going}")).await.expect(202);
    for (id, status) in [(going, "deleting"), (gone, "deleted")] {
        let answer = server.patch(&format!("/projects/{id}"), json!({"name": "other"})).await;
        assert_problem(&answer, 409, "invalid_state");
        assert_eq!(answer.json()["current_status"], status);
    }
    assert_eq!(database.number("SELECT count(*) FROM projects WHERE name = 'other'").await, 0);
}

#[tokio::test]
async fn ready_and_failed_projects_can_be_renamed() {
    let database = Database::new().await;
    let server = Server::on(&database);
    for id in [server.ready("a").await, server.failed("b").await] {
        let project = server.patch(&format!("/projects/{id}"), json!({"name": "c"})).await.expect(200).json();
        assert_eq!(project["name"], "c");
    }
    database.check_invariants().await;
}
