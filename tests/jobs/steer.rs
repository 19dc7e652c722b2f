//! Actions on one job or on many: cancel, change priority, retry, run again.

use serde_json::{Value, json};

use super::{
    act, enqueue, explained_as, fast_server, job, outcomes, server_without_workers, simulated, text, transitions, until,
};
use crate::api::{UNKNOWN_ID, assert_problem, assert_refused};
use crate::harness::{Database, Server, eventually};

const WAITS: &[(&str, &str)] = &[("PROVOST_ROLES", "api,scheduler,worker"), ("PROVOST_CANCEL_GRACE", "1s")];

/// Starts a job that runs until it is canceled, and returns its id.
async fn active(server: &Server) -> String {
    let id = simulated(server, json!({"duration_ms": 600_000})).await;
    until(server, &id, "active").await;
    id
}

#[tokio::test]
async fn waiting_job_is_canceled_immediately() {
    let database = Database::new().await;
    let server = server_without_workers(&database);
    let queued = enqueue(&server, json!({"kind": "noop"})).await;
    let scheduled = enqueue(&server, json!({"kind": "noop", "delay": "1h"})).await;
    for (id, was) in [(&queued, "queued"), (&scheduled, "scheduled")] {
        let requested = json!({"reason": "not needed", "actor": "ada"});
        let job = act(&server, id, "cancel", requested).await.expect(200).json();
        assert_eq!((text(&job, "state"), text(&job, "error")), ("canceled".into(), "canceled: not needed".into()));
        assert!(job["finished_at"].is_string());
        assert_eq!(transitions(&server, id).await, [format!("none>{was}"), format!("{was}>canceled")]);
        let event = server.get(&format!("/jobs/{id}/events")).await.json()[0].clone();
        assert_eq!((text(&event, "actor"), text(&event, "reason")), ("ada".into(), "canceled: not needed".into()));
        let explained = explained_as(&server, id, "finished").await;
        assert_eq!(explained["possible"], json!(["run-again"]));
    }
    database.check_invariants().await;
}

#[tokio::test]
async fn retrying_job_is_canceled_immediately() {
    let database = Database::new().await;
    let server = fast_server(&database, &[]);
    let id = simulated(&server, json!({"outcome": "flaky", "duration_ms": 0, "retry_after_s": 3600})).await;
    until(&server, &id, "retrying").await;
    act(&server, &id, "cancel", json!({})).await.expect(200);
    assert_eq!(outcomes(&server, &id).await, ["failed"]);
    assert_eq!(transitions(&server, &id).await[2..], ["active>retrying", "retrying>canceled"]);
    database.check_invariants().await;
}

#[tokio::test]
async fn cancel_of_an_active_job_is_heard_at_once() {
    let database = Database::new().await;
    // The heartbeat that would report the request is 20 minutes away.
    let server = fast_server(&database, &[("PROVOST_LEASE_TTL", "1h")]);
    let id = active(&server).await;
    let requested = act(&server, &id, "cancel", json!({"reason": "wrong file"})).await.expect(202).json();
    assert_eq!(requested["state"], "active");
    assert!(requested["cancel_requested_at"].is_string());
    let job = until(&server, &id, "canceled").await;
    assert_eq!((text(&job, "error"), job["failures"].as_i64()), ("canceled: wrong file".to_owned(), Some(0)));
    assert!(job["cancel_requested_at"].is_null() && job["worker_id"].is_null());
    assert_eq!(outcomes(&server, &id).await, ["canceled"]);
    let moved = ["none>queued", "queued>active", "active>active", "active>canceled"];
    assert_eq!(transitions(&server, &id).await, moved, "a repeated request records one event");
    database.check_invariants().await;
}

#[tokio::test]
async fn ignored_cancellation_revokes_lease_after_grace() {
    let database = Database::new().await;
    let server = fast_server(&database, &[("PROVOST_ROLES", "api,scheduler"), ("PROVOST_CANCEL_GRACE", "5s")]);
    // A frozen process behaves like a handler that ignores cancellation.
    let frozen = fast_server(&database, &[("PROVOST_LEASE_TTL", "30s"), ("PROVOST_ROLES", "api,worker")]);
    let id = active(&frozen).await;
    frozen.signal("STOP");
    let requested = act(&server, &id, "cancel", json!({"reason": "enough"})).await.expect(202).json();
    let explained = explained_as(&server, &id, "cancel_requested").await;
    assert!(text(&explained, "summary").contains("revoked"), "{explained}");
    let job = until(&server, &id, "canceled").await;
    assert_eq!(text(&job, "error"), "canceled: enough");
    assert!(
        super::moment(&job, "finished_at") < super::moment(&requested, "lease_until"),
        "not for the end of its lease"
    );
    assert_eq!((job["failures"].as_i64(), outcomes(&server, &id).await), (Some(0), vec!["canceled".to_owned()]));
    frozen.signal("CONT");
    eventually("the resumed worker learns that its lease is lost", || async {
        frozen.log().iter().any(|line| line["msg"] == "lease lost").then_some(())
    })
    .await;
    assert_eq!(text(&super::job(&server, &id).await, "state"), "canceled");
    database.check_invariants().await;
}

#[tokio::test]
async fn cancel_racing_completion_has_one_outcome() {
    let database = Database::new().await;
    let server = fast_server(&database, WAITS);
    let request = json!({"kind": "simulated", "payload": {"duration_ms": 15}});
    let bodies: Vec<Value> = (0..40).map(|_| request.clone()).collect();
    let jobs = server.post("/jobs", json!(bodies)).await.expect(201).json();
    let ids = crate::api::ids(&jobs);
    let answers = futures_util::future::join_all(ids.iter().map(|id| act(&server, id, "cancel", json!({})))).await;
    let mut ends = std::collections::BTreeSet::new();
    for (id, answer) in ids.iter().zip(&answers) {
        assert!([200, 202, 409].contains(&answer.status), "{}", answer.text);
        let ended = eventually("every job ends", || async {
            let job = job(&server, id).await;
            job["finished_at"].is_string().then_some(job)
        })
        .await;
        let (state, last) = (text(&ended, "state"), transitions(&server, id).await.pop().unwrap());
        assert!(last.ends_with(&state), "{last}");
        assert!(answer.status != 200 || state == "canceled", "{state}");
        assert!(answer.status != 409 || state == "completed", "{state}");
        ends.insert(state);
    }
    assert!(ends.iter().all(|it| it == "completed" || it == "canceled"), "{ends:?}");
    database.check_invariants().await;
}

#[tokio::test]
async fn inapplicable_action_is_409_with_state() {
    let database = Database::new().await;
    let server = fast_server(&database, &[]);
    let done = enqueue(&server, json!({"kind": "noop"})).await;
    until(&server, &done, "completed").await;
    let running = active(&server).await;
    let queued = enqueue(&server, json!({"kind": "unserved"})).await;
    let project = server.failed("p").await;
    let of_project = crate::api::ids(&server.get(&format!("/jobs?project={project}")).await.json()).remove(0);
    for (id, verb, was) in [
        (&done, "cancel", "completed"),
        (&done, "retry", "completed"),
        (&running, "retry", "active"),
        (&running, "run-again", "active"),
        (&queued, "retry", "queued"),
        (&queued, "run-again", "queued"),
        (&of_project, "retry", "failed"),
        (&of_project, "run-again", "failed"),
        (&of_project, "cancel", "failed"),
    ] {
        let answer = act(&server, id, verb, json!({})).await;
        assert_problem(&answer, 409, "invalid_state");
        assert_eq!(answer.json()["current_status"], was, "{verb}");
    }
    let answer = server.patch(&format!("/jobs/{done}"), json!({"priority": 1})).await;
    assert_problem(&answer, 409, "invalid_state");
    for verb in ["cancel", "retry", "run-again"] {
        assert_problem(&act(&server, UNKNOWN_ID, verb, json!({})).await, 404, "not_found");
    }
    database.check_invariants().await;
}

#[tokio::test]
async fn changed_priority_reorders_and_is_recorded() {
    let database = Database::new().await;
    let server = server_without_workers(&database);
    let first = enqueue(&server, json!({"kind": "noop"})).await;
    let second = enqueue(&server, json!({"kind": "noop"})).await;
    let request = json!({"priority": 9, "reason": "the boss waits", "actor": "ada"});
    let job = server.patch(&format!("/jobs/{second}"), request).await.expect(200).json();
    assert_eq!(job["priority"], 9);
    let event = server.get(&format!("/jobs/{second}/events")).await.json()[0].clone();
    assert_eq!(event["detail"], json!({"before": {"priority": 5}, "after": {"priority": 9}}));
    assert_eq!(
        (text(&event, "actor"), text(&event, "reason")),
        ("ada".into(), "priority changed: the boss waits".into())
    );
    for wrong in [json!(10), json!(-1)] {
        let answer = server.patch(&format!("/jobs/{second}"), json!({"priority": wrong})).await;
        assert_refused(&answer, 422, "invalid_field", "priority");
    }
    let worker = fast_server(&database, &[("PROVOST_ROLES", "api,worker"), ("PROVOST_WORKER_CONCURRENCY", "1")]);
    until(&worker, &first, "completed").await;
    let served = database.text("SELECT string_agg(job_id::text, ' ' ORDER BY claimed_at) FROM executions").await;
    assert_eq!(served, format!("{second} {first}"));
}

#[tokio::test]
async fn run_again_creates_copy_with_origin() {
    let database = Database::new().await;
    let server = fast_server(&database, &[]);
    let request = json!({"kind": "echo", "payload": {"n": 1.0}, "tags": ["t"], "priority": 7, "tenant": "acme", "max_attempts": 2});
    let id = enqueue(&server, request).await;
    until(&server, &id, "completed").await;
    let answer = server.post(&format!("/api/v1/jobs/{id}/run-again"), json!({"actor": "ada"})).await.expect(201);
    let copy = text(&answer.json(), "id");
    assert_ne!(copy, id);
    assert_eq!(answer.header("location"), format!("/api/v1/jobs/{copy}"));
    let (old, new) = (job(&server, &id).await, until(&server, &copy, "completed").await);
    for field in ["kind", "payload", "tags", "priority", "tenant", "max_attempts", "queue", "result"] {
        assert_eq!(old[field], new[field], "{field}");
    }
    assert_eq!((text(&new, "origin_id"), &new["attempt"]), (id, &json!(1)));
    let birth = server.get(&format!("/jobs/{copy}/events")).await.json().as_array().unwrap().last().cloned().unwrap();
    assert_eq!(text(&birth, "actor"), "ada");
}

#[tokio::test]
async fn bulk_cancel_and_retry_by_id_or_filter() {
    let database = Database::new().await;
    let server = server_without_workers(&database);
    let bodies: Vec<Value> = (0..1200).map(|n| json!({"kind": "a", "tenant": if n < 3 { "x" } else { "y" }})).collect();
    for chunk in bodies.chunks(600) {
        server.post("/jobs", json!(chunk)).await.expect(201);
    }
    let later = enqueue(&server, json!({"kind": "a", "delay": "1h", "tenant": "z"})).await;

    let of_x = server.post("/jobs/cancel", json!({"filter": {"tenant": "x"}, "actor": "ada"})).await.expect(200).json();
    assert_eq!(of_x, json!({"moved": 3, "refused": [], "more": false, "after": null}));
    let canceled = crate::api::ids(&server.get("/jobs?tenant=x").await.json());
    let body = json!({"job_ids": [canceled[0], UNKNOWN_ID, later]});
    let mixed = server.post("/api/v1/jobs/cancel", body.clone()).await.expect(200).json();
    assert_eq!(mixed["moved"], 1);
    let refused: Vec<_> =
        mixed["refused"].as_array().unwrap().iter().map(|it| (text(it, "id"), text(it, "reason"))).collect();
    assert!(refused.contains(&(canceled[0].clone(), "the job has already finished".into())), "{refused:?}");
    assert!(refused.contains(&(UNKNOWN_ID.into(), "the job does not exist".into())), "{refused:?}");

    let some = server.post("/jobs/cancel", json!({"filter": {"kind": "a"}, "limit": 700})).await.expect(200).json();
    assert_eq!((&some["moved"], &some["more"]), (&json!(700), &json!(true)));
    let rest = server.post("/jobs/cancel", json!({"filter": {}})).await.expect(200).json();
    assert_eq!((&rest["moved"], &rest["more"]), (&json!(497), &json!(false)));
    assert_eq!(database.number("SELECT count(*) FROM jobs WHERE state = 'canceled'").await, 1201);
    assert_eq!(database.number("SELECT count(*) FROM events WHERE actor = 'ada' AND new_state = 'canceled'").await, 3);

    let soon = enqueue(&server, json!({"kind": "b", "delay": "1h"})).await;
    let body = json!({"filter": {"state": "scheduled"}, "reason": "now", "actor": "bob"});
    assert_eq!(server.post("/jobs/retry", body).await.expect(200).json()["moved"], 1);
    assert_eq!(text(&job(&server, &soon).await, "state"), "queued");
    for wrong in [json!({}), json!({"job_ids": [], "reason": "x"}), json!({"job_ids": [UNKNOWN_ID], "filter": {}})] {
        assert_refused(&server.post("/jobs/cancel", wrong).await, 422, "invalid_field", "job_ids");
    }
    let wrong = json!({"filter": {"state": "sleeping"}});
    assert_problem(&server.post("/jobs/cancel", wrong).await, 422, "invalid_field");
    database.check_invariants().await;
}

/// Six jobs are canceled by others, one after the other, while a request for all of them waits for each.
#[tokio::test]
async fn bulk_cancel_skips_jobs_that_finish_meanwhile() {
    let database = Database::new().await;
    let server = server_without_workers(&database);
    loop {
        let mut others = Vec::new();
        for _ in 0..6 {
            let id = enqueue(&server, json!({"kind": "noop"})).await;
            let other = database.connection().await;
            let cancel = format!(
                "BEGIN; UPDATE jobs SET state = 'canceled', error = 'x', finished_at = now(), updated_at = now() WHERE id = '{id}'"
            );
            other.batch_execute(&cancel).await.unwrap();
            let pid: i32 = other.query_one("SELECT pg_backend_pid()", &[]).await.unwrap().get(0);
            others.push((pid, other));
        }
        let free = enqueue(&server, json!({"kind": "noop"})).await;
        let request = server.request(reqwest::Method::POST, "/jobs/cancel").json(&json!({"filter": {"kind": "noop"}}));
        let answer = tokio::spawn(crate::harness::send(request));
        for (pid, other) in others {
            let waits = format!("SELECT count(*) FROM pg_stat_activity WHERE {pid} = ANY (pg_blocking_pids(pid))");
            eventually("the request waits for the job", async || {
                (answer.is_finished() || database.number(&waits).await > 0).then_some(())
            })
            .await;
            other.batch_execute("COMMIT").await.unwrap();
        }
        let answer = answer.await.unwrap();
        // On a busy machine, the statement may wait too long for one of the jobs. That is another case.
        if answer.status == 503 && server.log().iter().any(|line| line.to_string().contains("lock timeout")) {
            continue;
        }
        let outcome = answer.expect(200).json();
        assert_eq!((&outcome["moved"], &outcome["refused"]), (&json!(1), &json!([])), "{outcome}");
        assert_eq!(text(&super::job(&server, &free).await, "state"), "canceled");
        break;
    }
}
