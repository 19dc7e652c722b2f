//! `GET /projects/{id}/explain`: every reason.

use serde_json::{Value, json};

use super::api_server;
use crate::harness::{Database, Server, eventually};

async fn explain(server: &Server, id: &str) -> Value {
    let found = server.get(&format!("/projects/{id}/explain")).await.expect(200).json();
    assert!(found["summary"].as_str().unwrap().len() > 15, "{found}");
    assert!(found["elapsed_ms"].as_i64().unwrap() >= 0 && found["project_id"] == id, "{found}");
    found
}

async fn reason(server: &Server, id: &str) -> String {
    explain(server, id).await["reason"].as_str().unwrap().to_owned()
}

/// Inserts the row of a worker that claims nothing.
async fn pretend_worker(database: &Database, slots: i32, busy: i32) {
    database
        .run(&format!(
            "INSERT INTO workers VALUES ('w', 'h', 1, '0', 'online', '{{default}}', \
             '{{project.provision,project.deprovision}}', {slots}, {busy}, clock_timestamp(), 'infinity') \
             ON CONFLICT (id) DO UPDATE SET slots = {slots}, busy = {busy}"
        ))
        .await;
}

#[tokio::test]
async fn settled_project_lists_possible_actions() {
    let database = Database::new().await;
    let server = Server::on(&database);
    let (ready, failed, gone) = (server.ready("a").await, server.failed("b").await, server.ready("c").await);
    server.delete(&format!("/projects/{gone}")).await.expect(202);
    server.until(&gone, "deleted").await;
    let of_ready = json!(["update", "rotate", "pause", "delete"]);
    let cases = [(ready, of_ready), (failed.clone(), json!(["retry", "delete"])), (gone, json!([]))];
    for (id, possible) in cases {
        let found = explain(&server, &id).await;
        assert_eq!((&found["reason"], &found["possible"]), (&json!("settled"), &possible), "{found}");
        assert!(found["job"].is_null() && found["deadline_at"].is_null() && found["then"].is_null(), "{found}");
    }
    assert!(explain(&server, &failed).await["summary"].as_str().unwrap().contains("no quota"));
}

#[tokio::test]
async fn active_project_names_worker_and_attempt() {
    let database = Database::new().await;
    let server = Server::on(&database);
    let id = server.create_as("a", json!({"duration_ms": 600_000})).await;
    server.until(&id, "provisioning").await;
    let found = explain(&server, &id).await;
    assert_eq!((&found["reason"], &found["possible"]), (&json!("working"), &json!(["cancel", "delete"])), "{found}");
    let job = &found["job"];
    assert_eq!(
        (&job["state"], &job["attempt"], &job["kind"]),
        (&json!("active"), &json!(1), &json!("project.provision"))
    );
    assert!(job["lease_until"].is_string() && job["execution_id"].is_string(), "{job}");
    assert!(found["summary"].as_str().unwrap().contains(job["worker_id"].as_str().unwrap()), "{found}");
    assert!(found["deadline_at"].is_string() && found["then"].is_string(), "{found}");
}

#[tokio::test]
async fn waiting_project_names_what_it_waits_for() {
    let database = Database::new().await;
    let server = api_server(&database);
    let (first, second) = (server.create("a").await, server.create("b").await);
    assert_eq!(
        (reason(&server, &first).await, reason(&server, &second).await),
        ("no_worker".into(), "no_worker".into())
    );
    pretend_worker(&database, 1, 0).await;
    assert_eq!(reason(&server, &first).await, "about_to_start");
    let behind = explain(&server, &second).await;
    assert_eq!((&behind["reason"], &behind["job"]["ahead"]), (&json!("queued_behind_others"), &json!(1)));
    pretend_worker(&database, 1, 1).await;
    assert_eq!(reason(&server, &first).await, "no_free_slot");
    database.run("UPDATE workers SET state = 'draining'").await;
    assert_eq!(reason(&server, &first).await, "no_worker");
    database.run("UPDATE workers SET state = 'online', kinds = '{project.deprovision}'").await;
    assert_eq!(reason(&server, &first).await, "no_worker");
    database
        .run("UPDATE workers SET kinds = '{project.provision}', seen_at = clock_timestamp() - interval '3 s'")
        .await;
    assert_eq!(reason(&server, &first).await, "no_worker");
}

#[tokio::test]
async fn retrying_project_names_error_and_retry_time() {
    let database = Database::new().await;
    let server = api_server(&database);
    let id = server.create("a").await;
    let later =
        "state = 'retrying', failures = 1, error = 'no route', run_at = clock_timestamp() + interval '1 minute'";
    let jump =
        format!("SET session_replication_role = replica; UPDATE jobs SET {later}; RESET session_replication_role");
    database.run(&jump).await;
    let found = explain(&server, &id).await;
    assert_eq!(found["reason"], "retrying_later");
    let summary = found["summary"].as_str().unwrap();
    assert!(summary.contains("1 of 3") && summary.contains("no route"), "{summary}");
}

#[tokio::test]
async fn flaky_project_is_retried() {
    let database = Database::new().await;
    let server = Server::on(&database);
    let id = server.create_as("a", json!({"outcome": "flaky", "duration_ms": 0, "reason": "no route"})).await;
    let explained = eventually("the explanation mentions the failed attempt", async || {
        let found = explain(&server, &id).await;
        (found["job"]["failures"].as_i64() > Some(0)).then_some(found)
    })
    .await;
    assert_eq!(explained["job"]["error"], "no route", "{explained}");
    assert!(
        ["retrying_later", "about_to_start", "working"].contains(&explained["reason"].as_str().unwrap()),
        "{explained}"
    );
}

#[tokio::test]
async fn expired_lease_is_explained() {
    let database = Database::new().await;
    let server = api_server(&database);
    let id = server.create("a").await;
    let lapsed = "state = 'active', worker_id = 'w', execution_id = id, claimed_at = clock_timestamp(), lease_until = clock_timestamp() - interval '1 s'";
    database.run(&format!("UPDATE jobs SET {lapsed}")).await;
    let found = explain(&server, &id).await;
    assert_eq!((&found["reason"], &found["job"]["worker_id"]), (&json!("lease_expired"), &json!("w")));
    database.run("UPDATE projects SET deadline_at = clock_timestamp() - interval '1 s'").await;
    assert_eq!(reason(&server, &id).await, "past_deadline");
    database.run("UPDATE projects SET deadline_at = clock_timestamp() + interval '1 h'; DELETE FROM jobs").await;
    assert_eq!(reason(&server, &id).await, "no_job");
}

#[tokio::test]
async fn project_past_deadline_is_marked_failed() {
    let database = Database::new().await;
    let server = Server::with(&database.url, &[("PROVOST_ROLES", "api,scheduler"), ("PROVOST_PROJECT_DEADLINE", "1s")]);
    let id = server.create("a").await;
    let project = server.until(&id, "failed").await;
    assert!(project["error_reason"].as_str().unwrap().contains("deadline"), "{project}");
    let events = server.get(&format!("/projects/{id}/events")).await.json();
    assert_eq!((&events[0]["actor"], &events[0]["new_state"]), (&json!("deadlines"), &json!("failed")));
    assert_eq!(reason(&server, &id).await, "settled");
    database.check_invariants().await;
}
