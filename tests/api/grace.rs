//! Deletion with a grace time, and the way back.

use serde_json::json;

use super::{assert_problem, assert_refused};
use crate::harness::{Database, Server, eventually};

/// Lets the grace time of every project pass.
const OVER: &str = "UPDATE projects SET delete_after = clock_timestamp() WHERE delete_after IS NOT NULL";

#[tokio::test]
async fn deletion_can_be_taken_back_in_its_grace_time() {
    let database = Database::new().await;
    let server = Server::on(&database);
    let id = server.ready("a").await;
    let path = format!("/projects/{id}");
    assert_eq!(server.delete(&format!("{path}?grace=1h")).await.expect(202).json()["operation"], "retire");
    let pending = server.until(&id, "pending_deletion").await;
    assert!(pending["delete_after"].is_string() && pending["deadline_at"].is_null(), "{pending}");
    let version = &pending["version"];
    assert_eq!(
        &server.delete(&path).await.expect(202).json()["version"],
        version,
        "a repeated deletion changes nothing"
    );
    let explained = server.get(&format!("{path}/explain")).await.expect(200).json();
    assert_eq!(explained["possible"], json!(["delete", "undelete"]), "{explained}");
    assert_problem(&server.patch(&path, json!({"name": "b"})).await, 409, "invalid_state");

    server.post(&format!("{path}/undelete"), json!({"reason": "a mistake"})).await.expect(202);
    let back = server.until(&id, "ready").await;
    assert!(back["delete_after"].is_null(), "{back}");
    assert_problem(&server.post(&format!("{path}/undelete"), json!({})).await, 409, "invalid_state");
    let expected = ["creating", "provisioning", "ready", "deleting", "pending_deletion", "restoring", "ready"];
    assert_eq!(server.history(&id).await, expected);
    database.check_invariants().await;
}

#[tokio::test]
async fn project_is_deleted_when_its_grace_time_is_over() {
    let database = Database::new().await;
    let server = Server::on(&database);
    let id = server.ready("a").await;
    server.delete(&format!("/projects/{id}?grace=30d")).await.expect(202);
    server.until(&id, "pending_deletion").await;
    let changed = server.delete(&format!("/projects/{id}?grace=1h")).await.expect(202).json();
    assert_eq!(changed["status"], "pending_deletion");
    database.run(OVER).await;
    let path = format!("/projects/{id}");
    eventually("it is deleted", async || (server.get(&path).await.json()["status"] == "deleted").then_some(())).await;
    let last = server.get(&format!("/projects/{id}/events?limit=2")).await.expect(200).json();
    assert_eq!((&last[1]["actor"], &last[1]["reason"]), (&json!("expiry"), &json!("the grace time is over")));
    database.check_invariants().await;
}

#[tokio::test]
async fn grace_of_zero_deletes_at_once() {
    let database = Database::new().await;
    let server = Server::on(&database);
    let id = server.ready("a").await;
    server.delete(&format!("/projects/{id}?grace=1h")).await.expect(202);
    server.until(&id, "pending_deletion").await;
    server.delete(&format!("/projects/{id}?grace=0s")).await.expect(202);
    server.until(&id, "deleted").await;
    database.check_invariants().await;
}

#[tokio::test]
async fn undeleted_project_is_as_it_was() {
    let database = Database::new().await;
    let server = Server::on(&database);
    let id = server.ready("a").await;
    server.post(&format!("/projects/{id}/pause"), json!({})).await.expect(202);
    server.until(&id, "paused").await;
    server.delete(&format!("/projects/{id}?grace=1h")).await.expect(202);
    server.until(&id, "pending_deletion").await;
    server.post(&format!("/projects/{id}/undelete"), json!({})).await.expect(202);
    server.until(&id, "paused").await;
    database.check_invariants().await;
}

/// A deletion with a grace time keeps what it has, whatever is in progress when it is requested.
#[tokio::test]
async fn deletion_during_an_undelete_keeps_its_grace_time() {
    let database = Database::new().await;
    let server = Server::on(&database);
    let id = server.create_as("a", json!({"outcome": "ready", "duration_ms": 1000})).await;
    server.until(&id, "ready").await;
    let path = format!("/projects/{id}");
    server.delete(&format!("{path}?grace=7d")).await.expect(202);
    // While it is taken out of service, its grace time can be changed.
    assert_eq!(server.delete(&format!("{path}?grace=30d")).await.expect(202).json()["status"], "deleting");
    server.until(&id, "pending_deletion").await;
    let kept = format!("SELECT count(*) FROM projects WHERE id = '{id}' AND delete_after > now() + interval '29 days'");
    assert_eq!(database.number(&kept).await, 1);
    assert_eq!(server.post(&format!("{path}/undelete"), json!({})).await.expect(202).json()["status"], "restoring");
    server.delete(&format!("{path}?grace=7d")).await.expect(202);
    // A repeated deletion without a grace time does not shorten it.
    server.delete(&path).await.expect(202);
    server.until(&id, "pending_deletion").await;
    let kept = format!("SELECT count(*) FROM projects WHERE id = '{id}' AND delete_after > now() + interval '6 days'");
    assert_eq!(database.number(&kept).await, 1);
    database.check_invariants().await;
}

#[tokio::test]
async fn operation_in_progress_stops_before_the_grace_time() {
    let database = Database::new().await;
    let server = Server::on(&database);
    let id = server.ready("a").await;
    // The update stops at the request, and the project goes out of service.
    let slow = json!({"parameters": {"simulate": {"duration_ms": 600_000}}});
    server.patch(&format!("/projects/{id}"), slow).await.expect(202);
    server.delete(&format!("/projects/{id}?grace=1h")).await.expect(202);
    server.until(&id, "pending_deletion").await;
    server.post(&format!("/projects/{id}/undelete"), json!({})).await.expect(202);
    server.until(&id, "ready").await;
    database.check_invariants().await;
}

#[tokio::test]
async fn project_that_never_worked_has_no_grace_time() {
    let database = Database::new().await;
    let server = Server::on(&database);
    let failed = server.failed("a").await;
    server.delete(&format!("/projects/{failed}?grace=1h")).await.expect(202);
    server.until(&failed, "deleted").await;
    let busy = server.create_as("b", json!({"duration_ms": 600_000, "removal_ms": 0})).await;
    server.until(&busy, "provisioning").await;
    server.delete(&format!("/projects/{busy}?grace=1h")).await.expect(202);
    server.until(&busy, "deleted").await;
    for wrong in ["400d", "soon", "-1s"] {
        let answer = server.delete(&format!("/projects/{busy}?grace={wrong}")).await;
        assert_refused(&answer, 400, "invalid_parameter", "grace");
    }
}
