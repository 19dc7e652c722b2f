//! `provost worker` processes: end to end, killed, disconnected and drained.

use std::process::Command;

use serde_json::json;

use super::{server_without_workers, text};
use crate::harness::{Database, Process, Proxy, Server, eventually};
use crate::jobs::{act, enqueue, job, only_worker, outcomes, simulated, until};

/// Starts a worker of the server at this address.
pub fn worker_of(url: &str, flags: &[&str], settings: &[(&str, &str)]) -> Process {
    let mut command = Server::command();
    command.args(["worker", "--server", url]).args(flags);
    command.env("PROVOST_LOG_FORMAT", "json").env("PROVOST_POLL_INTERVAL", "300ms").envs(settings.iter().copied());
    Process::of(command).0
}

#[tokio::test]
async fn remote_worker_needs_no_database() {
    let database = Database::new().await;
    let token = "a-worker-token-0123456789";
    let server = server_without_workers(&database, &[("PROVOST_WORKER_TOKEN", token)]);
    // A database connection would be noticed.
    let decoy = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    decoy.set_nonblocking(true).unwrap();
    let url = format!("postgres://nobody@{}/nothing", decoy.local_addr().unwrap());
    let settings = [
        ("DATABASE_URL", url.as_str()),
        ("PROVOST_SIMULATE_MIN", "10ms"),
        ("PROVOST_SIMULATE_MAX", "20ms"),
        ("PROVOST_SIMULATE_FAILURE_RATE", "0"),
    ];
    let mut worker = worker_of(&server.url, &["--token", token, "--concurrency", "4"], &settings);
    let project = server.create("from afar").await;
    let mut jobs = Vec::new();
    for n in 0..30 {
        jobs.push(enqueue(&server, json!({"kind": "echo", "payload": {"n": n}})).await);
    }
    for (n, id) in jobs.iter().enumerate() {
        assert_eq!(until(&server, id, "completed").await["result"], json!({"n": n}));
    }
    server.until(&project, "ready").await;
    let id = only_worker(&server).await;
    let shown = server.get(&format!("/workers/{id}")).await.expect(200).json();
    assert_eq!((&shown["slots"], text(&shown, "state")), (&json!(4), "online".into()));
    let failing = simulated(&server, json!({"outcome": "failed", "reason": "no quota", "duration_ms": 0})).await;
    assert_eq!(text(&until(&server, &failing, "failed").await, "error"), "no quota");
    let endless = simulated(&server, json!({"duration_ms": 600_000})).await;
    until(&server, &endless, "active").await;
    act(&server, &endless, "cancel", json!({"reason": "enough"})).await.expect(202);
    assert_eq!(text(&until(&server, &endless, "canceled").await, "error"), "canceled: enough");
    worker.signal("TERM");
    assert_eq!(worker.exit_code(), 0);
    assert_eq!(server.get("/workers").await.json(), json!([]), "the worker deregistered");
    assert!(decoy.accept().is_err(), "nothing connected to the database");
    assert_eq!(database.number("SELECT count(*) FROM executions WHERE worker_id NOT LIKE '%-%-%'").await, 0);
    database.check_invariants().await;
}

#[tokio::test]
async fn jobs_of_killed_worker_run_elsewhere() {
    let database = Database::new().await;
    let server = server_without_workers(&database, &[("PROVOST_LEASE_TTL", "6s")]);
    let victim = worker_of(&server.url, &[], &[]);
    let id = simulated(&server, json!({"duration_ms": 5000})).await;
    until(&server, &id, "active").await;
    drop(victim);
    let _other = worker_of(&server.url, &[], &[]);
    until(&server, &id, "completed").await;
    assert_eq!(outcomes(&server, &id).await, ["lease_expired", "completed"]);
    database.check_invariants().await;
}

#[tokio::test]
async fn remote_workers_survive_server_restart() {
    let database = Database::new().await;
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let listen = format!("127.0.0.1:{port}");
    let settings = [("PROVOST_LISTEN", listen.as_str()), ("PROVOST_LEASE_TTL", "20s")];
    let server = server_without_workers(&database, &settings);
    let worker = worker_of(&server.url, &[], &[]);
    let gate = database.gate("jobs", "NEW.state = 'completed'").await;
    let id = simulated(&server, json!({"duration_ms": 0})).await;
    gate.is_reached(&database).await;
    server.kill();
    eventually("the worker cannot deliver the settlement", || async {
        worker.stderr_contains("settlement not delivered yet").then_some(())
    })
    .await;
    gate.open().await;
    let server = server_without_workers(&database, &settings);
    until(&server, &id, "completed").await;
    assert_eq!(outcomes(&server, &id).await, ["completed"], "one attempt is enough");
    let next = enqueue(&server, json!({"kind": "noop"})).await;
    until(&server, &next, "completed").await;
    database.check_invariants().await;
}

#[tokio::test]
async fn disconnected_worker_stops_before_lease_ends() {
    let database = Database::new().await;
    let server = server_without_workers(&database, &[]);
    let proxy = Proxy::to(server.port());
    let worker = worker_of(&proxy.address(), &[], &[]);
    let id = simulated(&server, json!({"duration_ms": 600_000})).await;
    let held = until(&server, &id, "active").await;
    let is_renewed = async || (job(&server, &id).await["lease_until"] != held["lease_until"]).then_some(());
    eventually("the worker has the job and renews its lease", is_renewed).await;
    proxy.cut();
    eventually("the worker stops the attempt", || async {
        worker.stderr_contains("no heartbeat has confirmed the lease").then_some(())
    })
    .await;
    until(&server, &id, "retrying").await;
    assert_eq!(outcomes(&server, &id).await, ["lease_expired"], "{held}");
    proxy.repair();
    eventually("the same worker claims the job again", || async {
        let now = job(&server, &id).await;
        (now["attempt"] == 2 && now["state"] == "active").then_some(())
    })
    .await;
    database.check_invariants().await;
}

#[tokio::test]
async fn first_signal_drains_and_second_exits() {
    let database = Database::new().await;
    let server = server_without_workers(&database, &[("PROVOST_LEASE_TTL", "20s")]);
    let mut worker = worker_of(&server.url, &[], &[("PROVOST_SHUTDOWN_GRACE", "4s")]);
    let (short, long) = (
        simulated(&server, json!({"duration_ms": 300})).await,
        simulated(&server, json!({"duration_ms": 600_000})).await,
    );
    // The other one was claimed before or with it.
    until(&server, &long, "active").await;
    worker.signal("TERM");
    assert_eq!(worker.exit_code(), 0);
    assert_eq!(outcomes(&server, &short).await, ["completed"]);
    let back = job(&server, &long).await;
    assert_eq!(
        (text(&back, "state"), &back["failures"], outcomes(&server, &long).await),
        ("queued".into(), &json!(0), vec!["released".into()])
    );
    let mut hasty = worker_of(&server.url, &[], &[]);
    until(&server, &long, "active").await;
    hasty.signal("TERM");
    eventually("the worker is stopping", || async { hasty.stderr_contains("a second signal").then_some(()) }).await;
    hasty.signal("INT");
    assert_eq!(hasty.exit_code(), 130);
}

#[tokio::test]
async fn worker_drained_by_operator_keeps_running() {
    let database = Database::new().await;
    let server = server_without_workers(&database, &[]);
    let mut worker = worker_of(&server.url, &[], &[("PROVOST_SHUTDOWN_GRACE", "100ms")]);
    let id = simulated(&server, json!({"duration_ms": 600_000})).await;
    until(&server, &id, "active").await;
    let name = only_worker(&server).await;

    server.post(&format!("/workers/{name}/drain"), json!({})).await.expect(200);
    until(&server, &id, "queued").await;
    assert_eq!(outcomes(&server, &id).await, ["released"]);
    server.post(&format!("/workers/{name}/uncordon"), json!({})).await.expect(200);
    until(&server, &id, "active").await;
    assert!(worker.is_running());
}

#[tokio::test]
async fn wrong_token_is_logged_and_retried() {
    let run = |command: &mut Command| {
        let output = command.output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (code, printed) = run(Server::command().arg("worker"));
    assert_eq!((code, printed.contains("PROVOST_SERVER")), (Some(2), true), "{printed}");
    let (code, printed) = run(Server::command().args(["worker", "--server", "localhost"]));
    assert_eq!((code, printed.contains("PROVOST_SERVER")), (Some(2), true), "{printed}");
    let (code, printed) = run(Server::command().args([
        "worker",
        "--server",
        "http://127.0.0.1:1",
        "--token",
        "one-token-0123456789,another-0123456789",
    ]));
    assert_eq!((code, printed.contains("one token")), (Some(2), true), "{printed}");
    let database = Database::new().await;
    let tokens =
        [("PROVOST_ADMIN_TOKEN", "an-admin-token-0123456789"), ("PROVOST_WORKER_TOKEN", "a-worker-token-0123456789")];
    let server = server_without_workers(&database, &tokens);
    let mut worker = worker_of(&server.url, &["--token", "another-token-0123456789"], &[]);
    eventually("the worker reports the missing token", || async {
        worker.stderr_contains("PROVOST_WORKER_TOKEN").then_some(())
    })
    .await;
    assert!(worker.is_running());
}
