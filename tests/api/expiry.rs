//! Projects that expire, projects with a place of their own, and what remains of failed attempts.

use serde_json::{Value, json};

use super::{api_server, assert_refused};
use crate::harness::{Database, Server, eventually};

async fn create(server: &Server, fields: Value) -> String {
    let mut body = json!({"name": "a", "parameters": {"simulate": {"duration_ms": 0, "outcome": "ready"}}});
    body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    server.post("/projects", body).await.expect(201).json()["id"].as_str().unwrap().to_owned()
}

/// How many events announce the expiry.
async fn announcements(server: &Server, id: &str) -> usize {
    let events = server.get(&format!("/projects/{id}/events")).await.expect(200).json();
    let announces = |it: &&Value| it["reason"].as_str().is_some_and(|text| text.starts_with("the project expires at"));
    events.as_array().unwrap().iter().filter(announces).count()
}

#[tokio::test]
async fn expiry_is_announced_and_then_deletes() {
    let database = Database::new().await;
    let server = Server::on(&database);
    let id = create(&server, json!({"expires_in": "2d"})).await;
    server.until(&id, "ready").await;
    let soon = "UPDATE projects SET expires_at = clock_timestamp() + interval '23 hours'";
    database.run(soon).await;
    eventually("the expiry is announced", async || (announcements(&server, &id).await == 1).then_some(())).await;

    let extended = server.post(&format!("/projects/{id}/extend"), json!({"by": "7d"})).await.expect(200).json();
    let days = database.number("SELECT extract(day FROM expires_at - clock_timestamp())::bigint FROM projects").await;
    assert_eq!(days, 7, "{extended}");
    database.run(soon).await;
    eventually("it is announced again", async || (announcements(&server, &id).await == 2).then_some(())).await;

    database.run("UPDATE projects SET is_protected = true, expires_at = clock_timestamp()").await;
    let other = create(&server, json!({"expires_in": 0.001})).await;
    let path = format!("/projects/{other}");
    eventually("it is deleted", async || (server.get(&path).await.json()["status"] == "deleted").then_some(())).await;
    assert_eq!(server.get(&format!("/projects/{id}")).await.json()["status"], "ready", "protected");
    server.patch(&format!("/projects/{id}"), json!({"protected": false})).await.expect(200);
    let path = format!("/projects/{id}");
    eventually("it is deleted", async || (server.get(&path).await.json()["status"] == "deleted").then_some(())).await;
    database.check_invariants().await;
}

#[tokio::test]
async fn expiry_can_be_changed_and_lifted() {
    let database = Database::new().await;
    let server = api_server(&database);
    let id = create(&server, json!({"expires_at": "2999-01-01T00:00:00Z"})).await;
    let path = format!("/projects/{id}");
    assert_eq!(server.get(&path).await.json()["expires_at"], "2999-01-01T00:00:00.000Z");
    let changed = server.patch(&path, json!({"expires_at": "2998-01-01T00:00:00Z"})).await.expect(200).json();
    assert_eq!(changed["expires_at"], "2998-01-01T00:00:00.000Z");
    assert!(server.patch(&path, json!({"expires_at": null})).await.expect(200).json()["expires_at"].is_null());
    assert_refused(&server.post(&format!("{path}/extend"), json!({"by": "1d"})).await, 422, "invalid_field", "by");
    for (fields, field) in [
        (json!({"expires_at": "2001-01-01T00:00:00Z"}), "expires_at"),
        (json!({"expires_at": "soon"}), "expires_at"),
        (json!({"expires_at": "2999-01-01T00:00:00Z", "expires_in": "1d"}), "expires_in"),
        (json!({"expires_in": 0}), "expires_in"),
        (json!({"deadline": "0s"}), "deadline"),
        (json!({"priority": 10}), "priority"),
        (json!({"queue": "no spaces"}), "queue"),
        (json!({"tenant": ""}), "tenant"),
    ] {
        let mut body = json!({"name": "a"});
        body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        assert_refused(&server.post("/projects", body).await, 422, "invalid_field", field);
    }
}

#[tokio::test]
async fn jobs_of_a_project_have_its_place() {
    let database = Database::new().await;
    let server = Server::on(&database);
    let place = json!({"tenant": "acme", "queue": "eu", "priority": 8, "deadline": "90s"});
    let id = create(&server, place).await;
    let project = server.until(&id, "ready").await;
    assert_eq!((&project["queue"], &project["operation_deadline_s"]), (&json!("eu"), &json!(90.0)));
    server.delete(&format!("/projects/{id}")).await.expect(202);
    server.until(&id, "deleted").await;
    let jobs = server.get(&format!("/jobs?project={id}")).await.expect(200).json();
    assert_eq!(jobs.as_array().unwrap().len(), 2);
    for job in jobs.as_array().unwrap() {
        assert_eq!((&job["tenant"], &job["queue"], &job["priority"]), (&json!("acme"), &json!("eu"), &json!(8)));
    }
    assert_eq!(database.number("SELECT operation_timeout::bigint FROM projects").await, 90);
    assert_eq!(database.number("SELECT count(*) FROM queues WHERE name = 'eu'").await, 1);
    database.check_invariants().await;
}

#[tokio::test]
async fn failed_attempts_stand_in_the_record_of_the_project() {
    let database = Database::new().await;
    let server = Server::with(&database.url, &[("PROVOST_MAX_ATTEMPTS", "2")]);
    let id = server.create_as("a", json!({"outcome": "flaky", "reason": "no route", "duration_ms": 0})).await;
    server.until(&id, "failed").await;
    let events = server.get(&format!("/projects/{id}/events")).await.expect(200).json();
    let reasons: Vec<&str> = events.as_array().unwrap().iter().filter_map(|it| it["reason"].as_str()).collect();
    assert_eq!(reasons, ["no route", "attempt 1 failed and will be retried: no route"]);
    database.check_invariants().await;
}

#[tokio::test]
async fn dead_letter_is_superseded_when_its_project_goes_on() {
    let database = Database::new().await;
    let server = Server::on(&database);
    let id = server.failed("a").await;
    let dead = server.get("/dlq").await.expect(200).json();
    assert_eq!(dead.as_array().unwrap().len(), 1);
    let job = dead[0]["id"].as_str().unwrap();
    server.post(&format!("/projects/{id}/retry"), json!({})).await.expect(200);
    server.until(&id, "failed").await;
    let dead = server.get("/dlq").await.expect(200).json();
    assert_eq!((dead.as_array().unwrap().len(), dead[0]["id"] == job), (1, false), "only the latest one");
    let history = server.get(&format!("/jobs/{job}")).await.expect(200).json();
    assert_eq!(history["state"], "superseded");
    server.delete(&format!("/projects/{id}")).await.expect(202);
    server.until(&id, "deleted").await;
    assert_eq!(server.get("/dlq").await.expect(200).json(), json!([]));
    database.check_invariants().await;
}

/// The project once it has this status, whatever it is before.
async fn reached(server: &Server, id: &str, status: &str) -> Value {
    eventually(&format!("the project is {status}"), async || {
        let project = server.get(&format!("/projects/{id}")).await.json();
        (project["status"] == status).then_some(project)
    })
    .await
}

/// A time of expiry that has passed does not delete a project that somebody wants to keep, nor one whose removal has failed.
#[tokio::test]
async fn expiry_that_has_passed_acts_once() {
    let database = Database::new().await;
    let server = Server::on(&database);
    let body =
        json!({"name": "a", "parameters": {"simulate": {"duration_ms": 0, "outcome": "ready", "removal": "failed"}}});
    let id = server.post("/projects", body).await.expect(201).json()["id"].as_str().unwrap().to_owned();
    server.until(&id, "ready").await;
    let path = format!("/projects/{id}");
    database.run("UPDATE projects SET is_protected = true, expires_at = clock_timestamp()").await;
    server.patch(&path, json!({"protected": false})).await.expect(200);
    let failed = reached(&server, &id, "failed").await;
    assert!(failed["expires_at"].is_null(), "{failed}");
    assert_eq!(database.number("SELECT count(*) FROM jobs WHERE kind = 'project.deprovision'").await, 1);

    let kept = server.ready("b").await;
    server.delete(&format!("/projects/{kept}?grace=1h")).await.expect(202);
    server.until(&kept, "pending_deletion").await;
    database.run(&format!("UPDATE projects SET expires_at = clock_timestamp() WHERE id = '{kept}'")).await;
    server.post(&format!("/projects/{kept}/undelete"), json!({})).await.expect(202);
    assert!(server.until(&kept, "ready").await["expires_at"].is_null());
    database.check_invariants().await;
}

/// A project that cannot be deleted now does not hold up the others.
#[tokio::test]
async fn draining_queue_does_not_stop_other_deletions() {
    let database = Database::new().await;
    let server = Server::on(&database);
    let body =
        json!({"name": "a", "queue": "slow", "parameters": {"simulate": {"duration_ms": 0, "outcome": "ready"}}});
    let waits = server.post("/projects", body).await.expect(201).json()["id"].as_str().unwrap().to_owned();
    let goes = server.ready("b").await;
    server.until(&waits, "ready").await;
    server.post("/queues/slow/drain", json!({})).await.expect(200);
    database.run("UPDATE projects SET expires_at = clock_timestamp() - interval '1 s', expiry_announced = true").await;
    reached(&server, &goes, "deleted").await;
    assert_eq!(server.get(&format!("/projects/{waits}")).await.json()["status"], "ready");
    server.post("/queues/slow/resume", json!({})).await.expect(200);
    reached(&server, &waits, "deleted").await;
}
