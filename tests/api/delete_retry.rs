//! `DELETE /projects/{id}` and `POST /projects/{id}/retry`.

use reqwest::Method;
use serde_json::json;

use super::{api_server, assert_problem, assert_refused, post_raw};
use crate::harness::{Answer, Database, Server, eventually, send};

async fn delete_if(server: &Server, id: &str, tag: &str) -> Answer {
    send(server.request(Method::DELETE, &format!("/projects/{id}")).header("if-match", tag)).await
}

/// A failed project, and a server without workers.
async fn failed_and_still(database: &Database) -> (Server, String) {
    let server = Server::on(database);
    let id = server.failed("a").await;
    server.kill();
    (api_server(database), id)
}

#[tokio::test]
async fn ready_project_can_be_deleted() {
    let database = Database::new().await;
    let server = Server::on(&database);
    let id = server.ready("a").await;
    let answer = server.delete(&format!("/projects/{id}")).await.expect(202);
    let project = answer.json();
    assert_eq!(&project["status"], "deleting");
    assert!(answer.header("etag").starts_with("\"4"), "{}", answer.header("etag"));
    assert!(project["deadline_at"].is_string());
    server.until(&id, "deleted").await;
    assert_eq!(server.history(&id).await, ["creating", "provisioning", "ready", "deleting", "deleted"]);
    database.check_invariants().await;
}

#[tokio::test]
async fn failed_project_can_be_deleted() {
    let database = Database::new().await;
    let server = Server::on(&database);
    let id = server.failed("a").await;
    let project = server.delete(&format!("/projects/{id}")).await.expect(202).json();
    assert!(project["error_reason"].is_null());
    server.until(&id, "deleted").await;
    assert_eq!(server.history(&id).await, ["creating", "provisioning", "failed", "deleting", "deleted"]);
    database.check_invariants().await;
}

#[tokio::test]
async fn failed_deletion_has_reason_and_can_be_retried() {
    let database = Database::new().await;
    let server = Server::on(&database);
    let request = json!({"removal": "failed", "duration_ms": 0, "reason": "volume is in use"});
    let id = server.create_as("a", request).await;
    server.until(&id, "ready").await;
    server.delete(&format!("/projects/{id}")).await.expect(202);
    assert_eq!(server.until(&id, "failed").await["error_reason"], "volume is in use");
    server.delete(&format!("/projects/{id}")).await.expect(202);
    server.until(&id, "failed").await;
    server.post(&format!("/projects/{id}/retry"), json!({})).await.expect(200);
    server.until(&id, "ready").await;
    let expected = ["creating", "provisioning", "ready", "deleting", "failed", "deleting", "failed", "creating"];
    assert_eq!(server.history(&id).await[..8], expected);
    database.check_invariants().await;
}

#[tokio::test]
async fn project_can_be_deleted_in_every_status() {
    let database = Database::new().await;
    let server = Server::on(&database);
    let busy = server.create_as("busy", json!({"duration_ms": 600_000, "removal_ms": 0})).await;
    server.until(&busy, "provisioning").await;
    let answer = server.delete(&format!("/projects/{busy}")).await.expect(202).json();
    assert!(["provisioning", "deleting", "deleted"].contains(&answer["status"].as_str().unwrap()), "{answer}");
    server.until(&busy, "deleted").await;
    assert_eq!(server.history(&busy).await, ["creating", "provisioning", "provisioning", "deleting", "deleted"]);
    let quiet = api_server(&database);
    server.kill();
    let waiting = quiet.create("waiting").await;
    assert_eq!(quiet.delete(&format!("/projects/{waiting}")).await.expect(202).json()["status"], "deleting");
    assert_eq!(quiet.delete(&format!("/projects/{busy}")).await.expect(202).json()["status"], "deleted");
    database.check_invariants().await;
}

#[tokio::test]
async fn removal_after_a_stop_has_the_policy_of_its_template() {
    let database = Database::new().await;
    let folder = tempfile::tempdir().unwrap();
    let config = "[templates.slow]\nprovisioner = \"simulated\"\nparameters = { type = \"object\" }\ndeadline = \"1h\"\n\
                  operations.delete = { deadline = \"20m\", max_attempts = 7 }";
    std::fs::write(folder.path().join("provost.toml"), config).unwrap();
    let server = Server::within(folder.path(), &database.url, &[]);
    let simulate = json!({"duration_ms": 600_000, "removal": "flaky", "removal_ms": 0});
    let body = json!({"name": "busy", "template": "slow", "parameters": {"simulate": simulate}});
    let id = server.post("/projects", body).await.expect(201).json()["id"].as_str().unwrap().to_owned();
    server.until(&id, "provisioning").await;
    server.delete(&format!("/projects/{id}")).await.expect(202);
    let removal = format!("SELECT max_attempts FROM jobs WHERE project_id = '{id}' AND kind = 'project.deprovision'");
    eventually("the removal has begun", async || (!database.text(&removal).await.is_empty()).then_some(())).await;
    assert_eq!(database.number(&removal).await, 7);
    let timeout =
        format!("SELECT extract(epoch FROM deadline_at - requested_at)::bigint FROM projects WHERE id = '{id}'");
    assert_eq!(database.number(&timeout).await, 1200);
}

#[tokio::test]
async fn repeated_deletion_changes_nothing() {
    let database = Database::new().await;
    let (server, id) = failed_and_still(&database).await;
    let path = format!("/projects/{id}");
    let tries = futures_util::future::join_all((0..6).map(|_| server.delete(&path))).await;
    assert!(tries.iter().all(|answer| answer.status == 202 && answer.json()["status"] == "deleting"));
    let jobs = database.number("SELECT count(*) FROM jobs WHERE kind = 'project.deprovision'").await;
    assert_eq!(jobs, 1);
    database.check_invariants().await;
}

#[tokio::test]
async fn protected_project_is_not_deleted() {
    let database = Database::new().await;
    let server = Server::on(&database);
    let (id, busy) = (
        server.ready("precious").await,
        server.create_as("busy", json!({"duration_ms": 600_000, "removal_ms": 0})).await,
    );
    for id in [&id, &busy] {
        let path = format!("/projects/{id}");
        server.patch(&path, json!({"protected": true})).await.expect(200);
        let answer = server.delete(&path).await;
        assert_problem(&answer, 409, "protected");
        assert!(answer.text.contains("PATCH"), "{}", answer.text);
        assert_eq!(server.patch(&path, json!({"protected": false})).await.expect(200).json()["protected"], false);
        server.delete(&path).await.expect(202);
        server.until(id, "deleted").await;
    }
}

#[tokio::test]
async fn canceled_creation_fails_at_once_and_can_be_retried() {
    let database = Database::new().await;
    // Without the wakeup, the worker would learn of the request from a heartbeat after 20 minutes.
    let server = Server::with(&database.url, &[("PROVOST_LEASE_TTL", "1h")]);
    let id = server.create_as("busy", json!({"duration_ms": 3_000_000, "removal_ms": 0})).await;
    eventually("the step is running", async || {
        let steps = server.get(&format!("/projects/{id}/steps")).await.json();
        (steps[0]["state"] == "running").then_some(())
    })
    .await;
    let cancel = format!("/projects/{id}/cancel");
    server.post(&cancel, json!({"reason": "not needed"})).await.expect(202);
    let project = server.until(&id, "failed").await;
    assert_eq!(project["error_reason"], "canceled: not needed");
    let failure = &project["failure"];
    assert_eq!((&failure["operation"], &failure["code"]), (&json!("create"), &json!("canceled")), "{failure}");
    assert_eq!((&failure["step"], &failure["usable"]), (&json!("simulate"), &json!(false)), "{failure}");
    let refused = server.post(&cancel, json!({})).await;
    assert_problem(&refused, 409, "invalid_state");
    server.post(&format!("/projects/{id}/retry"), json!({})).await.expect(200);
    server.until(&id, "provisioning").await;
    server.delete(&format!("/projects/{id}")).await.expect(202);
    server.until(&id, "deleted").await;
    database.check_invariants().await;
}

#[tokio::test]
async fn force_ends_every_status_and_needs_a_reason() {
    let database = Database::new().await;
    let server = Server::on(&database);
    let busy = server.create_as("busy", json!({"duration_ms": 600_000, "removal_ms": 0})).await;
    server.until(&busy, "provisioning").await;
    for id in [busy, server.ready("ready").await, server.failed("failed").await] {
        let path = format!("/projects/{id}/force");
        assert_refused(&server.post(&path, json!({})).await, 422, "invalid_field", "reason");
        let project = server.post(&path, json!({"reason": "the cluster burned down"})).await.expect(200).json();
        assert_eq!(project["status"], "deleted");
        let events = server.get(&format!("/projects/{id}/events")).await.json();
        assert_eq!(events[0]["reason"], "forced: the cluster burned down");
    }
    database.check_invariants().await;
}

#[tokio::test]
async fn protected_project_is_not_forced() {
    let database = Database::new().await;
    let server = Server::on(&database);
    let id = server.ready("a").await;
    let path = format!("/projects/{id}");
    server.patch(&path, json!({"protected": true})).await.expect(200);
    assert_problem(&server.post(&format!("{path}/force"), json!({"reason": "x"})).await, 409, "protected");
    server.patch(&path, json!({"protected": false})).await.expect(200);
    server.post(&format!("{path}/force"), json!({"reason": "x"})).await.expect(200);
}

#[tokio::test]
async fn if_match_prevents_deleting_changed_project() {
    let database = Database::new().await;
    let (server, id) = failed_and_still(&database).await;
    server.patch(&format!("/projects/{id}"), json!({"name": "precious"})).await.expect(200);
    assert_problem(&delete_if(&server, &id, "\"3\"").await, 412, "stale_version");
    for tag in ["4", "nonsense"] {
        assert_refused(&delete_if(&server, &id, tag).await, 400, "invalid_header", "If-Match");
    }
    assert_eq!(server.get(&format!("/projects/{id}")).await.json()["status"], "failed");
    delete_if(&server, &id, "\"4\"").await.expect(202);
    assert_problem(&delete_if(&server, &id, "\"4\"").await, 412, "stale_version");
    assert_eq!(delete_if(&server, &id, "*").await.expect(202).json()["status"], "deleting");
}

#[tokio::test]
async fn failed_project_can_be_retried() {
    let database = Database::new().await;
    let (server, id) = failed_and_still(&database).await;
    let answer = server.post(&format!("/projects/{id}/retry"), json!({})).await.expect(200);
    let project = answer.json();
    assert_eq!((&project["status"], answer.header("etag")), (&json!("creating"), "\"4\""));
    assert!(project["error_reason"].is_null() && project["deadline_at"].is_string());
    assert_eq!(answer.header("retry-after"), "1");
    let _worker = Server::on(&database);
    server.until(&id, "failed").await;
    assert_eq!(server.history(&id).await, ["creating", "provisioning", "failed", "creating", "provisioning", "failed"]);
    eventually("the history is complete", async || {
        (database.number("SELECT count(*) FROM jobs").await == 2).then_some(())
    })
    .await;
    database.check_invariants().await;
}

#[tokio::test]
async fn concurrent_retries_apply_once() {
    let database = Database::new().await;
    let (server, id) = failed_and_still(&database).await;
    let path = format!("/projects/{id}/retry");
    for rounds in 0..3 {
        let (one, other) = tokio::join!(server.post(&path, json!({})), server.post(&path, json!({})));
        let mut both = [one, other];
        both.sort_by_key(|answer| answer.status);
        let expected = if rounds == 0 { [200, 409] } else { [409, 409] };
        assert_eq!(both.each_ref().map(|answer| answer.status), expected);
        assert_eq!((both[1].code().as_str(), &both[1].json()["current_status"]), ("invalid_state", &json!("creating")));
    }
    assert_eq!(database.number("SELECT count(*) FROM jobs").await, 2);
    database.check_invariants().await;
}

#[tokio::test]
async fn only_failed_project_can_be_retried() {
    let database = Database::new().await;
    let server = Server::on(&database);
    let busy = server.create_as("busy", json!({"duration_ms": 600_000})).await;
    server.until(&busy, "provisioning").await;
    let (ready, going, gone) = (server.ready("r").await, server.ready("d").await, server.ready("g").await);
    server.delete(&format!("/projects/{gone}")).await.expect(202);
    server.until(&gone, "deleted").await;
    let quiet = api_server(&database);
    server.kill();
    quiet.delete(&format!("/projects/{going}")).await.expect(202);
    let waiting = quiet.create("w").await;
    let all = [(busy, "provisioning"), (ready, "ready"), (going, "deleting"), (gone, "deleted"), (waiting, "creating")];
    for (id, status) in all {
        let answer = quiet.post(&format!("/projects/{id}/retry"), json!({})).await;
        assert_problem(&answer, 409, "invalid_state");
        assert_eq!(answer.json()["current_status"], status);
        assert!(answer.text.contains("Only a failed project can be retried."), "{}", answer.text);
    }
    assert_eq!(database.number("SELECT count(*) FROM events WHERE previous_state = 'failed'").await, 0);
}

#[tokio::test]
async fn reason_length_is_limited() {
    let database = Database::new().await;
    let (server, id) = failed_and_still(&database).await;
    let retry = format!("/projects/{id}/retry");
    for reason in ["é".repeat(501), "a\0b".to_owned()] {
        let body = json!({"reason": reason});
        assert_refused(&server.post(&retry, body.clone()).await, 422, "invalid_field", "reason");
        let deleted = send(server.request(Method::DELETE, &format!("/projects/{id}")).json(&body)).await;
        assert_refused(&deleted, 422, "invalid_field", "reason");
    }
    assert_problem(&post_raw(&server, &retry, r#"{"reason": "\ud800"}"#).await, 400, "invalid_json");
    server.post(&retry, json!({"reason": "é".repeat(500)})).await.expect(200);
}
