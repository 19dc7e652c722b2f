//! `/workers`.

use serde_json::{Value, json};

use super::{
    enqueue, explained_as, fast_server, job, only_worker, outcomes, server_without_workers, simulated, text, until,
};
use crate::api::{assert_problem, assert_refused};
use crate::harness::{Database, Server, eventually};

async fn worker(server: &Server, id: &str) -> Value {
    server.get(&format!("/workers/{id}")).await.expect(200).json()
}

/// Waits until a worker is in this state and returns it.
async fn becomes(server: &Server, id: &str, state: &str) -> Value {
    eventually(&format!("worker {id} is {state}"), || async {
        let worker = worker(server, id).await;
        (worker["state"] == state).then_some(worker)
    })
    .await
}

#[tokio::test]
async fn worker_reports_identity_and_queues() {
    let database = Database::new().await;
    let server = fast_server(
        &database,
        &[
            ("PROVOST_WORKER_QUEUES", "a,b"),
            ("PROVOST_WORKER_KINDS", "noop,sleep"),
            ("PROVOST_WORKER_CONCURRENCY", "3"),
        ],
    );
    let id = only_worker(&server).await;
    let it = worker(&server, &id).await;
    assert_eq!((&it["queues"], &it["kinds"], &it["slots"]), (&json!(["a", "b"]), &json!(["noop", "sleep"]), &json!(3)));
    assert_eq!((text(&it, "state"), it["pid"].as_u64()), ("online".into(), Some(server.pid().into())));
    for field in ["host", "incarnation", "version", "started_at", "seen_at"] {
        assert!(!text(&it, field).is_empty(), "{field}: {it}");
    }
    assert!((0..1000).contains(&it["heartbeat_age_ms"].as_i64().unwrap()), "{it}");
    let running = enqueue(&server, json!({"kind": "sleep", "queue": "a", "payload": {"seconds": 600}})).await;
    until(&server, &running, "active").await;
    eventually("the heartbeat reports a busy slot", || async {
        (worker(&server, &id).await["busy"] == 1).then_some(())
    })
    .await;
    let holds = server.get(&format!("/workers/{id}/executions")).await.expect(200).json();
    assert_eq!((text(&holds[0], "job_id"), &holds[0]["ended_at"]), (running, &json!(null)));

    let server = &server;
    let found = |query: &'static str| async move { server.get(&format!("/workers?{query}")).await.expect(200).json() };
    for (query, n) in [("queue=a", 1), ("queue=c", 0), ("state=online", 1), ("state=lost", 0)] {
        assert_eq!(found(query).await.as_array().map(Vec::len), Some(n), "{query}");
    }
    assert_refused(&server.get("/workers?state=asleep").await, 400, "invalid_parameter", "state");
    for path in ["/workers/nobody", "/workers/nobody/executions"] {
        assert_problem(&server.get(path).await, 404, "not_found");
    }
    assert_problem(&server.post("/workers/nobody/cordon", json!({})).await, 404, "not_found");
}

#[tokio::test]
async fn every_process_start_is_a_new_worker() {
    let database = Database::new().await;
    let (one, two) = (fast_server(&database, &[]), fast_server(&database, &[]));
    let both = eventually("both are registered", || async {
        let workers = one.get("/workers").await.json();
        (workers.as_array().unwrap().len() == 2).then_some(workers)
    })
    .await;
    assert_ne!(both[0]["incarnation"], both[1]["incarnation"]);
    let mut two = two;
    assert_eq!(two.stop(), 0);
    only_worker(&one).await;
    assert_eq!(
        one.get("/workers").await.json().as_array().map(Vec::len),
        Some(1),
        "whoever goes in good order is gone"
    );
    let gone = one.get("/events?entity=worker").await.json()[0].clone();
    assert_eq!(text(&gone, "new_state"), "gone");
    database.check_invariants().await;
}

#[tokio::test]
async fn cordoned_worker_claims_nothing() {
    let database = Database::new().await;
    let server = fast_server(&database, &[]);
    let id = only_worker(&server).await;
    let running = enqueue(&server, json!({"kind": "sleep", "payload": {"ms": 900}})).await;
    until(&server, &running, "active").await;
    let request = json!({"reason": "disk", "actor": "ada"});
    let cordoned = server.post(&format!("/workers/{id}/cordon"), request).await.expect(200).json();
    assert_eq!(
        (text(&cordoned, "state"), text(&cordoned, "reason"), text(&cordoned, "actor")),
        ("cordoned".into(), "disk".into(), "ada".into())
    );
    let held = enqueue(&server, json!({"kind": "noop"})).await;
    let explained = explained_as(&server, &held, "no_worker").await;
    assert!(text(&explained, "summary").contains("cordoned or draining"), "{explained}");
    until(&server, &running, "completed").await;
    assert_eq!(job(&server, &held).await["attempt"], 0);
    server.post(&format!("/api/v1/workers/{id}/resume"), json!({"actor": "ada"})).await.expect(200);
    until(&server, &held, "completed").await;
    let events = server.get(&format!("/events?entity=worker&id={id}&actor=ada")).await.json();
    let moved: Vec<_> = events.as_array().unwrap().iter().map(|it| text(it, "new_state")).collect();
    assert_eq!(moved, ["online", "cordoned"]);
    database.check_invariants().await;
}

#[tokio::test]
async fn drained_worker_releases_unfinished_jobs() {
    let database = Database::new().await;
    let mut server = fast_server(&database, &[("PROVOST_SHUTDOWN_GRACE", "300ms")]);
    let id = only_worker(&server).await;
    let long = simulated(&server, json!({"duration_ms": 600_000})).await;
    until(&server, &long, "active").await;
    server.post(&format!("/workers/{id}/drain"), json!({"reason": "new kernel"})).await.expect(200);
    let back = until(&server, &long, "queued").await;
    assert_eq!((&back["attempt"], &back["failures"]), (&json!(1), &json!(0)));
    assert_eq!(outcomes(&server, &long).await, ["released"]);
    assert!(server.is_running());
    assert_eq!(text(&worker(&server, &id).await, "state"), "draining");
    let waiting = simulated(&server, json!({"duration_ms": 0})).await;
    server.post(&format!("/workers/{id}/uncordon"), json!({})).await.expect(200);
    until(&server, &long, "active").await;
    until(&server, &waiting, "completed").await;
    database.check_invariants().await;
}

#[tokio::test]
async fn silent_worker_is_lost_and_can_be_forgotten() {
    let database = Database::new().await;
    let server = server_without_workers(&database);
    let victim = fast_server(&database, &[("PROVOST_ROLES", "api,worker")]);
    let id = only_worker(&server).await;
    let held = simulated(&server, json!({"duration_ms": 600_000})).await;
    until(&server, &held, "active").await;
    let early = server.delete(&format!("/workers/{id}")).await;
    assert_problem(&early, 409, "invalid_state");
    assert_eq!(early.json()["current_status"], "online");
    victim.kill();
    let lost = becomes(&server, &id, "lost").await;
    assert!(lost["heartbeat_age_ms"].as_i64().unwrap() >= 1000, "{lost}");
    let request = server
        .request(reqwest::Method::DELETE, &format!("/workers/{id}"))
        .json(&json!({"reason": "dead", "actor": "ada"}));
    crate::harness::send(request).await.expect(204);
    assert_problem(&server.get(&format!("/workers/{id}")).await, 404, "not_found");
    let event = server.get(&format!("/events?entity=worker&id={id}")).await.json()[0].clone();
    assert_eq!(
        (text(&event, "new_state"), text(&event, "actor"), text(&event, "reason")),
        ("gone".into(), "ada".into(), "dead".into())
    );
    let back = until(&server, &held, "retrying").await;
    assert!(text(&back, "error").contains("was lost"), "{back}");
}

#[tokio::test]
async fn job_recovers_without_worker_row() {
    let database = Database::new().await;
    let server = server_without_workers(&database);
    let victim = fast_server(&database, &[("PROVOST_ROLES", "api,worker")]);
    let held = simulated(&server, json!({"duration_ms": 600_000})).await;
    until(&server, &held, "active").await;
    victim.kill();
    database.run("DELETE FROM workers").await;
    until(&server, &held, "retrying").await;
    assert_eq!(outcomes(&server, &held).await, ["lease_expired"]);
}

#[tokio::test]
async fn worker_with_deleted_row_registers_again() {
    let database = Database::new().await;
    let server = fast_server(&database, &[]);
    let id = only_worker(&server).await;
    database.run("DELETE FROM workers").await;
    assert_eq!(only_worker(&server).await, id);
}

#[tokio::test]
async fn explanation_tells_busy_slots_from_jobs_ahead() {
    let database = Database::new().await;
    let server = fast_server(&database, &[("PROVOST_WORKER_CONCURRENCY", "1"), ("PROVOST_LEASE_TTL", "20s")]);
    let running = simulated(&server, json!({"duration_ms": 600_000})).await;
    let explained = explained_as(&server, &running, "active").await;
    assert!(text(&explained, "summary").contains("attempt 1, 0 of 3 failures"), "{explained}");
    enqueue(&server, json!({"kind": "noop"})).await;
    let waiting = enqueue(&server, json!({"kind": "noop"})).await;
    let explained = explained_as(&server, &waiting, "no_free_slot").await;
    assert_eq!(
        (&explained["ahead"], &explained["workers"], &explained["free_slots"]),
        (&json!(1), &json!(1), &json!(0))
    );
    // The row of a worker with a free slot that claims nothing, so that other jobs stay ahead.
    server.signal("STOP");
    database.run("UPDATE workers SET busy = 0, seen_at = clock_timestamp() + interval '1 minute'").await;
    let other = server_without_workers(&database);
    assert_eq!(explained_as(&other, &waiting, "queued_behind_others").await["ahead"], 1);
    let first = enqueue(&other, json!({"kind": "noop", "priority": 9})).await;
    explained_as(&other, &first, "about_to_start").await;
    server.signal("CONT");
}
