//! `/queues`: first use, pause, resume, drain, concurrency and counts.

use serde_json::{Value, json};

use super::{act, enqueue, explained_as, fast_server, job, server_without_workers, simulated, text, until};
use crate::api::{api_server, assert_problem, assert_refused};
use crate::harness::{Database, Server, eventually};

async fn queue(server: &Server, name: &str) -> Value {
    server.get(&format!("/queues/{name}")).await.expect(200).json()
}

async fn set(server: &Server, name: &str, verb: &str) -> Value {
    let request = json!({"reason": "maintenance", "actor": "ada"});
    server.post(&format!("/queues/{name}/{verb}"), request).await.expect(200).json()
}

#[tokio::test]
async fn queue_is_created_on_use_or_request() {
    let database = Database::new().await;
    let server = api_server(&database);
    let names = |queues: Value| queues.as_array().unwrap().iter().map(|it| text(it, "name")).collect::<Vec<_>>();
    assert_eq!(names(server.get("/queues").await.json()), ["default"]);
    enqueue(&server, json!({"kind": "noop", "queue": "used"})).await;
    let made = server.post("/queues", json!({"name": "made", "concurrency": 2})).await.expect(201);
    assert_eq!(made.header("location"), "/queues/made");
    assert_eq!((&made.json()["state"], &made.json()["concurrency"]), (&json!("active"), &json!(2)));
    server.post("/queues", json!({"name": "made"})).await.expect(200);
    assert_eq!(names(server.get("/queues").await.json()), ["default", "made", "used"]);
    let used = queue(&server, "used").await;
    assert_eq!((&used["waiting"], &used["workers"], &used["concurrency"]), (&json!(1), &json!(0), &json!(null)));
    let birth = server.get("/events?entity=queue&id=used").await.json()[0].clone();
    assert_eq!((text(&birth, "new_state"), text(&birth, "reason")), ("active".into(), "first use".into()));
    assert_problem(&server.get("/queues/nowhere").await, 404, "not_found");
    assert_problem(&server.post("/queues/nowhere/pause", json!({})).await, 404, "not_found");
    assert_refused(&server.post("/queues", json!({"name": "*"})).await, 422, "invalid_field", "name");
    assert_refused(
        &server.post("/queues", json!({"name": "a", "concurrency": -1})).await,
        422,
        "invalid_field",
        "concurrency",
    );
    assert_refused(&server.get("/queues?colour=red").await, 400, "invalid_parameter", "colour");
    database.check_invariants().await;
}

#[tokio::test]
async fn name_with_slash_is_reachable_when_escaped() {
    let database = Database::new().await;
    let server = api_server(&database);
    enqueue(&server, json!({"kind": "noop", "queue": "eu/1"})).await;
    assert_eq!(text(&queue(&server, "eu%2F1").await, "name"), "eu/1");
    assert_eq!(set(&server, "eu%2F1", "pause").await["state"], "paused");
}

#[tokio::test]
async fn paused_queue_accepts_jobs_but_runs_none() {
    let database = Database::new().await;
    let server = fast_server(&database, &[]);
    server.post("/queues", json!({"name": "q"})).await.expect(201);
    let running = enqueue(&server, json!({"kind": "sleep", "queue": "q", "payload": {"seconds": 1}})).await;
    until(&server, &running, "active").await;
    let paused = set(&server, "q", "pause").await;
    assert_eq!(
        (text(&paused, "state"), text(&paused, "reason"), text(&paused, "actor")),
        ("paused".into(), "maintenance".into(), "ada".into())
    );
    assert!(text(&paused, "meaning").contains("claim no jobs"), "{paused}");
    let held = enqueue(&server, json!({"kind": "noop", "queue": "q", "priority": 9})).await;
    let other = enqueue(&server, json!({"kind": "noop"})).await;
    until(&server, &other, "completed").await;
    let shown = explained_as(&server, &held, "paused").await;
    assert!(text(&shown, "summary").ends_with("paused by ada: maintenance."), "{shown}");
    until(&server, &running, "completed").await;
    assert_eq!(job(&server, &held).await["attempt"], 0, "the active job finishes and waiting jobs stay");
    set(&server, "q", "resume").await;
    until(&server, &held, "completed").await;
    let events = server.get("/events?entity=queue&id=q&actor=ada").await.json();
    let moved: Vec<_> = events.as_array().unwrap().iter().map(|it| text(it, "new_state")).collect();
    assert_eq!(moved, ["active", "paused"]);
    database.check_invariants().await;
}

#[tokio::test]
async fn pause_applies_to_all_processes() {
    let database = Database::new().await;
    let (one, two) = (fast_server(&database, &[]), fast_server(&database, &[]));
    server_has_queue(&one).await;
    set(&one, "q", "pause").await;
    for n in 0..20 {
        let request = json!({"kind": "noop", "queue": "q", "delay": if n % 2 == 0 { 0 } else { 1 }});
        enqueue(if n < 10 { &one } else { &two }, request).await;
    }
    let proof = enqueue(&two, json!({"kind": "noop", "delay": 1.2})).await;
    until(&two, &proof, "completed").await;
    assert_eq!(database.number("SELECT count(*) FROM executions WHERE queue = 'q'").await, 0);
    set(&two, "q", "resume").await;
    eventually("all jobs are completed", || async {
        (database.number("SELECT count(*) FROM jobs WHERE queue = 'q' AND state = 'completed'").await == 20)
            .then_some(())
    })
    .await;
}

async fn server_has_queue(server: &Server) {
    server.post("/queues", json!({"name": "q"})).await.expect(201);
}

#[tokio::test]
async fn draining_queue_rejects_new_and_runs_waiting_jobs() {
    let database = Database::new().await;
    let server = server_without_workers(&database);
    let mut waiting = Vec::new();
    for _ in 0..5 {
        waiting.push(enqueue(&server, json!({"kind": "noop", "queue": "q"})).await);
    }
    let draining = set(&server, "q", "drain").await;
    assert!(text(&draining, "meaning").contains("refused with 409"), "{draining}");
    for body in [json!({"kind": "noop", "queue": "q"}), json!([{"kind": "noop"}, {"kind": "noop", "queue": "q"}])] {
        let answer = server.post("/jobs", body).await;
        assert_problem(&answer, 409, "queue_draining");
        assert!(text(&answer.json(), "detail").contains("the queue q is draining"), "{}", answer.text);
    }
    assert_eq!(database.number("SELECT count(*) FROM jobs").await, 5, "all or nothing");
    let worker = fast_server(&database, &[]);
    for id in &waiting {
        until(&worker, id, "completed").await;
    }
    assert_problem(&act(&server, &waiting[0], "run-again", json!({})).await, 409, "queue_draining");
    set(&server, "q", "resume").await;
    let again = act(&server, &waiting[0], "run-again", json!({})).await.expect(201).json();
    until(&server, &text(&again, "id"), "completed").await;
    database.check_invariants().await;
}

#[tokio::test]
async fn draining_queue_accepts_follow_ups() {
    let database = Database::new().await;
    let gate = database.gate("jobs", "NEW.state = 'completed'").await;
    let server = fast_server(&database, &[("PROVOST_LEASE_TTL", "10m")]);
    let payload = json!({"duration_ms": 0, "next": [{"kind": "noop", "queue": "q"}]});
    let id = enqueue(&server, json!({"kind": "simulated", "queue": "q", "payload": payload})).await;
    gate.is_reached(&database).await;
    set(&server, "q", "drain").await;
    gate.open().await;
    until(&server, &id, "completed").await;
    let whole = server.get(&format!("/jobs/{id}/inspection")).await.json();
    until(&server, &text(&whole["followers"][0], "id"), "completed").await;
}

#[tokio::test]
async fn paused_queue_holds_projects() {
    let database = Database::new().await;
    let server = fast_server(&database, &[]);
    let failed = server.failed("f").await;
    set(&server, "default", "pause").await;
    let held = server.create("held").await;
    let proof = enqueue(&server, json!({"kind": "noop", "queue": "other"})).await;
    until(&server, &proof, "completed").await;
    assert_eq!(server.history(&held).await, ["creating"]);
    set(&server, "default", "drain").await;
    server.until(&held, "ready").await;
    for answer in [
        server.post("/projects", json!({"name": "new"})).await,
        server.post(&format!("/projects/{failed}/retry"), json!({})).await,
        server.delete(&format!("/projects/{failed}")).await,
    ] {
        assert_problem(&answer, 409, "queue_draining");
    }
    assert_eq!(server.history(&failed).await, ["creating", "provisioning", "failed"]);
    set(&server, "default", "resume").await;
    server.ready("new").await;
    database.check_invariants().await;
}

#[tokio::test]
async fn queue_concurrency_is_respected() {
    let database = Database::new().await;
    let server = fast_server(&database, &[]);
    server.post("/queues", json!({"name": "q", "concurrency": 1})).await.expect(201);
    let request = json!({"kind": "sleep", "queue": "q", "payload": {"ms": 60}});
    let bodies: Vec<Value> = (0..8).map(|_| request.clone()).collect();
    server.post("/jobs", json!(bodies)).await.expect(201);
    let done = |n: i64| {
        let database = &database;
        move || async move {
            let done = "SELECT count(*) FROM jobs WHERE state = 'completed'";
            (database.number(done).await >= n).then_some(())
        }
    };
    eventually("all jobs finish one by one", done(8)).await;
    assert_eq!(super::limits::most_at_once(&database, "true").await, 1);
    assert_eq!(queue(&server, "q").await["concurrency"], 1);
    let free =
        server.patch("/queues/q", json!({"concurrency": null, "reason": "more machines"})).await.expect(200).json();
    assert_eq!(free["concurrency"], json!(null));
    server.post("/jobs", json!(bodies)).await.expect(201);
    eventually("all jobs finish in parallel", done(16)).await;
    assert!(super::limits::most_at_once(&database, "true").await > 1);
    let event = server.get("/events?entity=limit&id=queue:q").await.json()[0].clone();
    assert_eq!((text(&event, "new_state"), text(&event, "reason")), ("gone".into(), "more machines".into()));
}

#[tokio::test]
async fn queue_reports_counts_and_oldest_wait() {
    let database = Database::new().await;
    let server = fast_server(&database, &[("PROVOST_WORKER_KINDS", "simulated")]);
    let first = enqueue(&server, json!({"kind": "noop"})).await;
    enqueue(&server, json!({"kind": "noop"})).await;
    enqueue(&server, json!({"kind": "noop", "delay": "1h"})).await;
    simulated(&server, json!({"duration_ms": 600_000})).await;
    let flaky = simulated(&server, json!({"outcome": "flaky", "duration_ms": 0, "retry_after_s": 3600})).await;
    let dead = simulated(&server, json!({"outcome": "failed", "duration_ms": 0})).await;
    until(&server, &flaky, "retrying").await;
    until(&server, &dead, "failed").await;
    let shown = eventually("one is active", || async {
        let shown = queue(&server, "default").await;
        (shown["active"] == 1 && shown["workers"] == 1).then_some(shown)
    })
    .await;
    for (what, n) in [("waiting", 2), ("scheduled", 1), ("active", 1), ("retrying", 1), ("failed", 1), ("blocked", 0)] {
        assert_eq!(shown[what], n, "{what}: {shown}");
    }
    assert_eq!(shown["oldest_waiting_at"], job(&server, &first).await["run_at"]);
    // Flows are counted per full minute, so move the current minute into the past.
    database.run("UPDATE work_stats SET minute = minute - interval '1 minute'").await;
    let shown = queue(&server, "default").await;
    assert_eq!((shown["in_per_minute"].as_f64(), shown["out_per_minute"].as_f64()), (Some(6.0 / 5.0), Some(0.0)));
}
