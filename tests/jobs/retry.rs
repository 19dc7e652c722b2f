//! Failures, retries, timeouts, deadlines and released jobs.

use serde_json::json;

use super::{
    act, enqueue, explained_as, fast_server, job, moment, outcomes, server_without_workers, simulated, text,
    transitions, until,
};
use crate::harness::{Database, Server, eventually};

#[tokio::test]
async fn failure_is_retried_after_job_backoff() {
    let database = Database::new().await;
    let server = fast_server(&database, &[]);
    let backoff = json!({"strategy": "exponential", "base": "200ms", "max": "300ms", "jitter": false});
    let payload = json!({"duration_ms": 0, "fail_times": 3, "reason": "no route"});
    let body = json!({"kind": "simulated", "payload": payload, "backoff": backoff, "max_attempts": 4});
    let id = enqueue(&server, body).await;
    let done = until(&server, &id, "completed").await;
    assert_eq!((&done["attempt"], &done["failures"], &done["error"]), (&json!(4), &json!(3), &json!(null)));
    assert_eq!(outcomes(&server, &id).await, ["failed", "failed", "failed", "completed"]);
    let executions = server.get(&format!("/jobs/{id}/executions")).await.json();
    for (n, wait) in [(3, 0.2), (2, 0.3), (1, 0.3)] {
        let pause = moment(&executions[n - 1], "claimed_at") - moment(&executions[n], "ended_at");
        assert!((wait..wait + 0.6).contains(&pause), "waited {pause} s, not {wait} s");
        assert_eq!(text(&executions[n], "error"), "no route");
    }
    database.check_invariants().await;
}

#[tokio::test]
async fn retry_delay_is_shown_and_can_be_skipped() {
    let database = Database::new().await;
    let server = fast_server(&database, &[]);
    let backoff = json!({"strategy": "fixed", "base": "10m", "jitter": false});
    let payload = json!({"duration_ms": 0, "fail_times": 1, "reason": "busy"});
    let id = enqueue(&server, json!({"kind": "simulated", "payload": payload, "backoff": backoff})).await;
    let waiting = until(&server, &id, "retrying").await;
    assert!((moment(&waiting, "run_at") - moment(&waiting, "updated_at") - 600.0).abs() < 0.01, "{waiting}");
    let explained = explained_as(&server, &id, "retrying_later").await;
    assert_eq!(
        (&explained["until"], &explained["possible"]),
        (&waiting["run_at"], &json!(["cancel", "retry", "prioritize"]))
    );
    assert!(
        text(&explained, "summary").contains("1 of 3 failures") && text(&explained, "summary").contains("busy"),
        "{explained}"
    );
    let now = act(&server, &id, "retry", json!({"reason": "fixed it", "actor": "ada"})).await.expect(200).json();
    assert_eq!((&now["failures"], &now["replays"]), (&json!(1), &json!(0)), "the failures are kept");
    until(&server, &id, "completed").await;
    let later = enqueue(&server, json!({"kind": "noop", "delay": "1h"})).await;
    let explained = explained_as(&server, &later, "not_due").await;
    assert!((3500.0..=3600.0).contains(&(moment(&explained, "until") - moment(&explained, "at"))), "{explained}");
    act(&server, &later, "retry", json!({})).await.expect(200);
    until(&server, &later, "completed").await;
    database.check_invariants().await;
}

#[tokio::test]
async fn default_first_retry_is_within_two_seconds() {
    let database = Database::new().await;
    let server = fast_server(&database, &[]);
    let body = json!({"kind": "simulated", "payload": {"outcome": "flaky", "duration_ms": 0}, "max_attempts": 2});
    let bodies: Vec<_> = (0..8).map(|_| body.clone()).collect();
    server.post("/jobs", json!(bodies)).await.expect(201);
    eventually("all jobs have failed", || async {
        (database.number("SELECT count(*) FROM jobs WHERE state = 'failed'").await == 8).then_some(())
    })
    .await;
    let waits =
        "SELECT extract(epoch FROM b.due_at - a.ended_at) AS s FROM executions a JOIN executions b USING (job_id)
                 WHERE a.attempt = 1 AND b.attempt = 2";
    let spread = format!("SELECT count(*) FROM ({waits}) AS w WHERE s BETWEEN 0 AND 2");
    assert_eq!(database.number(&spread).await, 8);
    let spread = format!("SELECT count(DISTINCT round(s, 3)) FROM ({waits}) AS w");
    assert!(database.number(&spread).await > 4, "jitter spreads the retries");
}

#[tokio::test]
async fn last_or_permanent_failure_makes_dead_letter() {
    let database = Database::new().await;
    let server = fast_server(&database, &[]);
    let payload = json!({"outcome": "flaky", "duration_ms": 0, "retry_after_s": 0, "reason": "still no"});
    let spent = enqueue(&server, json!({"kind": "simulated", "payload": payload, "max_attempts": 2})).await;
    let fatal = simulated(&server, json!({"outcome": "failed", "duration_ms": 0, "reason": "never"})).await;
    for (id, tries, error) in [(&spent, 2, "still no"), (&fatal, 1, "never")] {
        let dead = until(&server, id, "failed").await;
        assert_eq!((dead["attempt"].as_i64(), dead["failures"].as_i64()), (Some(tries), Some(tries)));
        assert_eq!(text(&dead, "error"), error);
        assert!(dead["finished_at"].is_string() && dead["worker_id"].is_null() && dead["lease_until"].is_null());
        assert_eq!(outcomes(&server, id).await, vec!["failed"; tries as usize]);
    }
    database.check_invariants().await;
}

#[tokio::test]
async fn handler_can_set_retry_time() {
    let database = Database::new().await;
    let server = fast_server(&database, &[]);
    let id = simulated(&server, json!({"outcome": "flaky", "duration_ms": 0, "retry_after_s": 90})).await;
    let waiting = until(&server, &id, "retrying").await;
    assert!((moment(&waiting, "run_at") - moment(&waiting, "updated_at") - 90.0).abs() < 0.01, "{waiting}");
    let id = simulated(&server, json!({"outcome": "snooze", "duration_ms": 0, "retry_after_s": 0.3})).await;
    let done = until(&server, &id, "completed").await;
    assert_eq!((&done["attempt"], &done["failures"]), (&json!(2), &json!(0)), "a snooze counts no failure");
    assert_eq!(outcomes(&server, &id).await, ["snoozed", "completed"]);
    let moved = ["none>queued", "queued>active", "active>scheduled", "scheduled>active", "active>completed"];
    assert_eq!(transitions(&server, &id).await, moved);
    database.check_invariants().await;
}

#[tokio::test]
async fn timed_out_attempt_is_a_failure() {
    let database = Database::new().await;
    let server = fast_server(&database, &[]);
    let body = json!({"kind": "sleep", "payload": {"seconds": 600}, "timeout": 0.2, "max_attempts": 2,
        "backoff": {"base": 0.1, "strategy": "fixed"}});
    let id = enqueue(&server, body).await;
    let dead = until(&server, &id, "failed").await;
    assert_eq!((text(&dead, "error"), dead["failures"].as_i64()), ("timed out after 200ms".to_owned(), Some(2)));
    assert_eq!(outcomes(&server, &id).await, ["timed_out", "timed_out"]);
    database.check_invariants().await;
}

#[tokio::test]
async fn stuck_worker_loses_timed_out_job() {
    let database = Database::new().await;
    let frozen = Server::with(&database.url, &[("PROVOST_LEASE_TTL", "10m"), ("PROVOST_ROLES", "api,worker")]);
    let payload = json!({"seconds": 600});
    let id = enqueue(&frozen, json!({"kind": "sleep", "payload": payload, "timeout": "10m", "max_attempts": 1})).await;
    until(&frozen, &id, "active").await;
    frozen.signal("STOP");
    // Move the times into the past.
    database.run("UPDATE jobs SET timeout_at = timeout_at - interval '10 minutes' - interval '5 seconds'").await;
    let server = server_without_workers(&database);
    let dead = until(&server, &id, "failed").await;
    assert!(text(&dead, "error").starts_with("timed out after 600 s: worker "), "{dead}");
    assert_eq!(outcomes(&server, &id).await, ["timed_out"]);
    frozen.signal("CONT");
    database.check_invariants().await;
}

#[tokio::test]
async fn deadline_fails_job_in_any_state() {
    let database = Database::new().await;
    let server = fast_server(&database, &[]);
    let soon = (time::OffsetDateTime::now_utc() + time::Duration::milliseconds(1200))
        .format(&time::format_description::well_known::Rfc3339)
        .unwrap();
    let flaky = json!({"outcome": "flaky", "duration_ms": 0, "retry_after_s": 3600});
    let body = |kind: &str, payload: serde_json::Value| json!({"kind": kind, "payload": payload, "deadline_at": soon});
    let waiting = enqueue(&server, body("unserved", json!({}))).await;
    let running = enqueue(&server, body("simulated", json!({"duration_ms": 600_000}))).await;
    let retrying = enqueue(&server, body("simulated", flaky)).await;
    let quick = enqueue(&server, body("noop", json!({}))).await;
    for (id, ended) in [(&waiting, vec![]), (&running, vec!["timed_out"]), (&retrying, vec!["failed"])] {
        let dead = until(&server, id, "failed").await;
        assert_eq!(text(&dead, "error"), "the deadline passed before the job finished");
        assert_eq!(outcomes(&server, id).await, ended);
    }
    until(&server, &quick, "completed").await;
    eventually("the worker stops the attempt", || async {
        server.log().iter().any(|line| line["msg"] == "lease lost").then_some(())
    })
    .await;
    // A replay clears the deadline.
    act(&server, &running, "retry", json!({})).await.expect(200);
    let again = until(&server, &running, "active").await;
    assert!(again["deadline_at"].is_null(), "{again}");
    database.check_invariants().await;
}

#[tokio::test]
async fn panic_fails_only_its_own_job() {
    let database = Database::new().await;
    let mut server = fast_server(&database, &[("PROVOST_LEASE_TTL", "10m")]);
    let other = simulated(&server, json!({"duration_ms": 1500})).await;
    let payload = json!({"outcome": "panic", "duration_ms": 0, "reason": "index out of range"});
    let id = enqueue(&server, json!({"kind": "simulated", "payload": payload, "max_attempts": 1})).await;
    let dead = until(&server, &id, "failed").await;
    assert_eq!(text(&dead, "error"), "the handler panicked: index out of range");
    assert_eq!(outcomes(&server, &id).await, ["failed"]);
    let done = until(&server, &other, "completed").await;
    assert_eq!(done["attempt"], 1);
    assert!(server.is_running());
    database.check_invariants().await;
}

#[tokio::test]
async fn job_that_kills_workers_becomes_dead_letter() {
    let database = Database::new().await;
    let server = server_without_workers(&database);
    let payload = json!({"duration_ms": 600_000});
    let id = enqueue(&server, json!({"kind": "simulated", "payload": payload, "max_attempts": 2})).await;
    for _ in 0..2 {
        let victim = fast_server(&database, &[("PROVOST_ROLES", "api,worker")]);
        until(&server, &id, "active").await;
        victim.kill();
        eventually("the lease expires and the job is reaped", || async {
            (job(&server, &id).await["state"] != "active").then_some(())
        })
        .await;
    }
    let dead = job(&server, &id).await;
    assert_eq!((text(&dead, "state"), dead["failures"].as_i64()), ("failed".to_owned(), Some(2)));
    assert!(text(&dead, "error").ends_with("was lost: its lease expired without a heartbeat"), "{dead}");
    assert_eq!(outcomes(&server, &id).await, ["lease_expired", "lease_expired"]);
    let moved = transitions(&server, &id).await;
    assert_eq!(moved[2..], ["active>retrying", "retrying>active", "active>failed"]);
    database.check_invariants().await;
}

#[tokio::test]
async fn shutdown_releases_jobs_without_failure() {
    let database = Database::new().await;
    let mut server = fast_server(&database, &[("PROVOST_SHUTDOWN_GRACE", "0s"), ("PROVOST_LEASE_TTL", "60s")]);
    let id = simulated(&server, json!({"duration_ms": 600_000})).await;
    until(&server, &id, "active").await;
    assert_eq!(server.stop(), 0);
    let after = server_without_workers(&database);
    let job = job(&after, &id).await;
    assert_eq!((text(&job, "state"), &job["attempt"], &job["failures"]), ("queued".to_owned(), &json!(1), &json!(0)));
    assert_eq!(job["run_at"], job["created_at"], "the job keeps its place in the queue");
    assert_eq!(outcomes(&after, &id).await, ["released"]);
    database.check_invariants().await;
}

#[tokio::test]
async fn replay_resets_failures_and_keeps_attempts() {
    let database = Database::new().await;
    let server = fast_server(&database, &[]);
    let payload = json!({"outcome": "flaky", "fail_times": 3, "duration_ms": 0, "retry_after_s": 0});
    let id = enqueue(&server, json!({"kind": "simulated", "payload": payload, "max_attempts": 2})).await;
    until(&server, &id, "failed").await;
    let again =
        act(&server, &id, "retry", json!({"reason": "the route is back", "actor": "ada"})).await.expect(200).json();
    assert_eq!(again["replays"], 1);
    let done = until(&server, &id, "completed").await;
    assert_eq!((&done["attempt"], &done["failures"], &done["id"]), (&json!(4), &json!(1), &json!(id)));
    let events = server.get(&format!("/jobs/{id}/events")).await.json();
    let replay = events.as_array().unwrap().iter().find(|it| it["previous_state"] == "failed").unwrap();
    assert_eq!((text(replay, "actor"), text(replay, "reason")), ("ada".into(), "the route is back".into()));
    database.check_invariants().await;
}
