//! Outages: lost notifications, an unreachable database, killed processes, and shutdown.

use std::time::Instant;

use serde_json::json;

use crate::harness::{Database, NO_POLL, Proxy, Server, TIMEOUT, eventually, shorten};

async fn listener_pid(database: &Database, server: &Server) -> i64 {
    eventually("the server listens", || async {
        (server.get("/health").await.json()["listener"]["mode"] == "notify").then_some(())
    })
    .await;
    database.number(LISTENERS).await
}

const LISTENERS: &str = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'provost' AND query LIKE '%LISTEN%'";

/// A project and its job without a notification.
const WITHOUT_NOTIFY: &str = "WITH p AS (INSERT INTO projects (id, status, name, template, parameters, labels, requested_at, deadline_at, created_at, updated_at)
               SELECT gen_random_uuid(), 'creating', 'without notify', 'simulated', '{}', '{}', now(), now() + interval '1 minute', now(), now() RETURNING id),
             j AS (INSERT INTO jobs (id, state, kind, run_at, payload, project_id, max_attempts, created_at, updated_at)
               SELECT gen_random_uuid(), 'queued', 'project.provision', now(), json_build_object('project_id', id, 'template', 'simulated', 'parameters', '{}'::json), id, 3, now(), now() FROM p RETURNING id, project_id)
             INSERT INTO events (entity, entity_id, previous_state, new_state, actor) SELECT 'project', project_id, 'none', 'creating', 'test' FROM j UNION ALL SELECT 'job', id, 'none', 'queued', 'test' FROM j";

#[tokio::test]
async fn notification_from_another_process_starts_work() {
    let database = Database::new().await;
    let worker = Server::with(&database.url, &[NO_POLL]);
    listener_pid(&database, &worker).await;
    let api = Server::with(&database.url, &[("PROVOST_ROLES", "api"), NO_POLL]);
    let id = api.create("across").await;
    api.until(&id, "ready").await;
}

#[tokio::test]
async fn poll_finds_work_after_a_lost_notification() {
    let database = Database::new().await;
    let server = Server::on(&database);
    listener_pid(&database, &server).await;
    // The state after a crash between commit and NOTIFY.
    database.run(WITHOUT_NOTIFY).await;
    let id = database.text("SELECT id FROM projects").await;
    server.until(&id, "ready").await;
    let waited = database
        .text(
            "SELECT extract(epoch FROM x.claimed_at - j.run_at) < 1.5 FROM executions x JOIN jobs j ON j.id = x.job_id",
        )
        .await;
    assert_eq!(waited, "t", "claimed within the poll interval of half a second");
    database.check_invariants().await;
}

#[tokio::test]
async fn reconnected_listener_finds_missed_work() {
    let database = Database::new().await;
    let worker = Server::with(&database.url, &[NO_POLL]);
    let listener = listener_pid(&database, &worker).await;
    database.forbid_connections(true).await;
    database.run(&format!("SELECT pg_terminate_backend({listener})")).await;
    eventually("the listener is disconnected", || async { database.text(LISTENERS).await.is_empty().then_some(()) })
        .await;
    database.run(WITHOUT_NOTIFY).await;
    database.run("NOTIFY provost, 'default'").await;
    database.forbid_connections(false).await;
    let id = database.text("SELECT id FROM projects").await;
    worker.until(&id, "ready").await;
    eventually("notifications arrive again, on another connection", || async {
        let health = worker.get("/health").await.json();
        (health["listener"]["mode"] == "notify" && health["listener"]["reconnects"] == 1).then_some(())
    })
    .await;
}

#[tokio::test]
async fn duplicate_notifications_are_harmless() {
    let database = Database::new().await;
    let server = Server::on(&database);
    listener_pid(&database, &server).await;
    let id = server.create("once").await;
    for _ in 0..50 {
        database.run("NOTIFY provost, 'default'; NOTIFY provost, 'nonsense'; NOTIFY provost").await;
    }
    server.until(&id, "ready").await;
    assert_eq!(database.number("SELECT count(*) FROM executions").await, 1);
    assert!(server.log().iter().all(|line| line["level"] == "info"), "{}", server.raw_log());
}

#[tokio::test]
async fn database_outage_loses_nothing() {
    let database = Database::new().await;
    let proxy = Proxy::before(&database.url);
    let mut server = Server::with(&proxy.url(&database.url), &[("PROVOST_LEASE_TTL", "20s")]);
    let project = server.create_as("in flight", json!({"outcome": "ready", "duration_ms": 4000})).await;
    eventually("the job is active", || async {
        (server.get(&format!("/projects/{project}")).await.json()["status"] == "provisioning").then_some(())
    })
    .await;

    proxy.cut();
    let started = Instant::now();
    for path in ["/projects", "/metrics", &format!("/projects/{project}")] {
        let answer = server.get(path).await.expect(503);
        assert_eq!((answer.code().as_str(), answer.header("retry-after")), ("database_unavailable", "2"));
    }
    let refused = server.post("/projects", json!({"name": "not now"})).await.expect(503);
    assert_eq!(refused.code(), "database_unavailable");
    assert!(started.elapsed() < TIMEOUT, "the server waited for its database: {:?}", started.elapsed());
    assert_eq!(server.get("/healthz").await.status, 200);
    assert_eq!(server.get("/readyz").await.status, 503);
    let health = server.get("/health").await.expect(503).json();
    assert_eq!((&health["status"], &health["db"]), (&json!("unavailable"), &json!("down")));
    assert!(server.get("/metrics/prometheus").await.expect(200).text.contains("provost_database_up 0"));
    let page = server.get("/dashboard/projects").await.expect(503);
    assert!(page.text.contains("The database is not responding"), "the response is a page");
    assert!(server.is_running());

    eventually("the work ends during the outage", || async {
        server.log().iter().any(|line| line["msg"] == "step not recorded yet").then_some(())
    })
    .await;
    proxy.repair();
    // The original execution settles its result; no second one is needed.
    server.until(&project, "ready").await;
    assert_eq!(database.number("SELECT count(*) FROM executions").await, 1);
    server.ready("afterwards").await;
    eventually("the server is healthy again", || async {
        (server.get("/health").await.json()["status"] == "ok").then_some(())
    })
    .await;
    database.check_invariants().await;
}

#[tokio::test]
async fn provisioning_survives_a_killed_server() {
    let database = Database::new().await;
    let server = Server::on(&database);
    let id = server.create_as("interrupted", json!({"outcome": "ready", "duration_ms": 600_000})).await;
    eventually("the job is active", || async {
        (server.get(&format!("/projects/{id}")).await.json()["status"] == "provisioning").then_some(())
    })
    .await;
    server.kill();

    let observer = Server::with(&database.url, &[("PROVOST_ROLES", "api,scheduler")]);
    eventually("the lease is taken back", async || {
        (database.number("SELECT count(*) FROM jobs WHERE state = 'retrying'").await == 1).then_some(())
    })
    .await;
    shorten(&database).await;
    let server = Server::on(&database);
    server.until(&id, "ready").await;
    drop(observer);
    assert_eq!(server.history(&id).await, ["creating", "provisioning", "provisioning", "ready"]);
    let outcomes = "SELECT string_agg(outcome, ' ' ORDER BY attempt) FROM executions";
    assert_eq!(database.text(outcomes).await, "lease_expired completed");
    database.check_invariants().await;
}

#[tokio::test]
async fn repeated_kills_lose_and_repeat_nothing() {
    let database = Database::new().await;
    let settings = [("PROVOST_LEASE_TTL", "1s"), ("PROVOST_MAX_ATTEMPTS", "50"), ("PROVOST_SIMULATE_MAX", "300ms")];
    let mut accepted = Vec::new();
    for round in 0..6 {
        let server = Server::with(&database.url, &settings);
        for n in 0..10 {
            accepted.push(server.create(&format!("p{round}-{n}")).await);
        }
        for id in accepted.iter().step_by(7) {
            // Only projects that are ready are deleted; the response does not matter.
            server.delete(&format!("/projects/{id}")).await;
        }
        server.kill();
    }
    let server = Server::with(&database.url, &settings);
    eventually("no project is in transition", || async {
        let counts = server.get("/metrics").await.json()["counts_by_status"].clone();
        ["creating", "provisioning", "deleting"].iter().all(|status| counts[status] == 0).then_some(())
    })
    .await;
    for id in &accepted {
        let status = server.get(&format!("/projects/{id}")).await.expect(200).json()["status"].clone();
        assert!(status == "ready" || status == "deleted", "{id} is {status}");
    }
    database.check_invariants().await;
}

#[tokio::test]
async fn stop_signal_lets_running_work_finish() {
    let database = Database::new().await;
    let gate = database.gate("projects", "NEW.status = 'ready'").await;
    let mut server = Server::with(&database.url, &[("PROVOST_LEASE_TTL", "10m")]);
    let id = server.create_as("finishes", json!({"outcome": "ready", "duration_ms": 0})).await;
    gate.is_reached(&database).await;
    server.signal("TERM");
    eventually("the server stops claiming", || async {
        (server.get("/readyz").await.text == "draining\n").then_some(())
    })
    .await;
    let waiting = server.get(&format!("/projects/{id}?wait=ready&timeout=20s")).await;
    assert_eq!(waiting.status, 200, "HTTP responds until the end, and waiting requests end");
    gate.open().await;
    assert_eq!(server.exit_code(), 0);
    assert_eq!(database.text("SELECT status FROM projects").await, "ready");
    assert_eq!(database.number("SELECT count(*) FROM workers").await, 0, "the worker deregistered");
    database.check_invariants().await;
}

#[tokio::test]
async fn unfinished_work_is_released_after_the_grace() {
    let database = Database::new().await;
    let mut server = Server::with(&database.url, &[("PROVOST_SHUTDOWN_GRACE", "0s"), ("PROVOST_LEASE_TTL", "10m")]);
    let id = server.create_as("released", json!({"outcome": "ready", "duration_ms": 600_000})).await;
    eventually("the job is active", || async {
        (server.get(&format!("/projects/{id}")).await.json()["status"] == "provisioning").then_some(())
    })
    .await;
    assert_eq!(server.stop(), 0);
    assert_eq!(database.text("SELECT state || ' ' || attempt || ' ' || failures FROM jobs").await, "queued 1 0");
    shorten(&database).await;
    let server = Server::on(&database);
    server.until(&id, "ready").await;
    database.check_invariants().await;
}

#[tokio::test]
async fn second_signal_exits_at_once() {
    let database = Database::new().await;
    let mut server = Server::on(&database);
    let id = server.create_as("cut off", json!({"duration_ms": 60_000})).await;
    eventually("the job is active", || async {
        (server.get(&format!("/projects/{id}")).await.json()["status"] == "provisioning").then_some(())
    })
    .await;
    server.signal("INT");
    eventually("the server stops claiming", || async {
        (server.get("/readyz").await.text == "draining\n").then_some(())
    })
    .await;
    server.signal("INT");
    assert_eq!(server.exit_code(), 130);
}

#[tokio::test]
async fn stop_during_an_outage_does_not_hang() {
    let database = Database::new().await;
    let proxy = Proxy::before(&database.url);
    let mut server = Server::with(&proxy.url(&database.url), &[("PROVOST_SHUTDOWN_GRACE", "1s")]);
    server.create_as("in flight", json!({"duration_ms": 60_000})).await;
    proxy.cut();
    assert_eq!(server.stop(), 0);
}
