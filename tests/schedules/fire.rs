//! Each due time fires exactly once, whatever happens to servers and the database.

use provost::domain::schedule::Cause;
use provost::store::Audit;
use provost::store::projects::OperationPolicy;
use provost::store::schedules::Firing;
use reqwest::Method;
use serde_json::json;

use super::{
    api_server, assert_every_second, fast_server, job, moment, schedule, server_without_workers, text, ticks, until,
    wait_for_ticks,
};
use crate::api::assert_refused;
use crate::harness::{Database, TIMEOUT, eventually, send};

#[tokio::test]
async fn two_servers_fire_each_due_time_once() {
    let database = Database::new().await;
    let (one, _other) = (fast_server(&database, &[]), fast_server(&database, &[]));
    let made = schedule(&one, "every-second", json!({"cron": "* * * * * *"})).await;
    assert_eq!((text(&made, "state"), text(&made, "words")), ("enabled".into(), "Every second (UTC)".into()));
    let fired = wait_for_ticks(&one, "every-second", "fired", 6).await;
    assert_every_second(&fired);
    for tick in &fired {
        let late = moment(tick, "occurred_at") - moment(tick, "due_at");
        assert!((0.0..5.0).contains(&late), "{late} s late: {tick}");
        assert_eq!((text(tick, "cause"), text(tick, "actor")), ("due".into(), "schedule:every-second".into()));
        until(&one, &text(tick, "job_id"), "completed").await;
    }
    let seen = one.get("/schedules/every-second").await.expect(200).json();
    assert!(
        moment(&seen, "last_at") >= moment(&fired[5], "due_at") && moment(&seen, "next_at") > moment(&seen, "last_at")
    );
    database.check_invariants().await;
}

#[tokio::test]
async fn due_times_survive_killed_and_frozen_servers() {
    let database = Database::new().await;
    let watcher = api_server(&database);
    schedule(&watcher, "s", json!({"cron": "* * * * * *"})).await;
    // The firing server disappears three times, each in another way.
    let first = server_without_workers(&database);
    wait_for_ticks(&watcher, "s", "fired", 2).await;
    first.kill();
    let mut second = server_without_workers(&database);
    let so_far = ticks(&watcher, "s").await.len();
    wait_for_ticks(&watcher, "s", "fired", so_far + 2).await;
    second.signal("STOP");
    let third = server_without_workers(&database);
    let so_far = ticks(&watcher, "s").await.len();
    wait_for_ticks(&watcher, "s", "fired", so_far + 3).await;
    second.signal("CONT");
    let so_far = ticks(&watcher, "s").await.len();
    wait_for_ticks(&watcher, "s", "fired", so_far + 2).await;
    assert_eq!(second.stop(), 0);
    drop(third);
    let all = wait_for_ticks(&watcher, "s", "fired", 9).await;
    assert_every_second(&all);
    assert_eq!(database.number("SELECT count(*) FROM jobs").await, all.len() as i64);
    database.check_invariants().await;
}

#[tokio::test]
async fn due_times_survive_terminated_connections() {
    let database = Database::new().await;
    let (one, _two) = (server_without_workers(&database), server_without_workers(&database));
    schedule(&one, "s", json!({"cron": "* * * * * *"})).await;
    // Right after a cut, a request may find the database unavailable.
    let reach = async |n: usize| {
        eventually("the schedule continues", async || {
            let answer = one.get("/schedules/s/ticks?limit=200").await;
            let all = answer.json().as_array().cloned().unwrap_or_default();
            (all.len() >= n).then_some(all)
        })
        .await
    };
    for round in 1..=4 {
        reach(2 * round).await;
        database
            .run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
            .await;
    }
    let all = reach(10).await;
    assert_every_second(&all);
    database.check_invariants().await;
}

#[tokio::test]
async fn paused_due_times_never_start() {
    let database = Database::new().await;
    let server = server_without_workers(&database);
    schedule(&server, "s", json!({"cron": "* * * * * *"})).await;
    wait_for_ticks(&server, "s", "fired", 2).await;
    let paused =
        server.post("/schedules/s/pause", json!({"reason": "holidays", "actor": "ada"})).await.expect(200).json();
    assert_eq!(
        (text(&paused, "state"), &paused["next_at"], text(&paused, "reason")),
        ("paused".into(), &json!(null), "holidays".into())
    );
    let before = ticks(&server, "s").await.len();
    // Another schedule proves that the scheduler polled meanwhile.
    schedule(&server, "other", json!({"cron": "* * * * * *"})).await;
    wait_for_ticks(&server, "other", "fired", 3).await;
    assert_eq!(ticks(&server, "s").await.len(), before);
    server.post("/schedules/s/resume", json!({})).await.expect(200);
    let all = wait_for_ticks(&server, "s", "fired", before + 2).await;
    let gap = moment(&all[before], "due_at") - moment(&all[before - 1], "due_at");
    assert!(gap >= 3.0, "due times of the pause are skipped: {gap} s");
    let events = server.get("/events?entity=schedule&id=s").await.expect(200).json();
    let transitions: Vec<String> = events
        .as_array()
        .unwrap()
        .iter()
        .map(|it| format!("{}>{}", text(it, "previous_state"), text(it, "new_state")))
        .collect();
    assert_eq!(transitions, ["paused>enabled", "enabled>paused", "none>enabled"]);
    database.check_invariants().await;
}

#[tokio::test]
async fn overlap_skip_waits_for_the_running_job() {
    let database = Database::new().await;
    let server = fast_server(&database, &[]);
    let target = json!({"job": {"kind": "sleep", "payload": {"seconds": 600}}});
    schedule(&server, "s", json!({"cron": "* * * * * *", "overlap": "skip", "target": target})).await;
    let skipped = wait_for_ticks(&server, "s", "skipped", 2).await;
    let fired = wait_for_ticks(&server, "s", "fired", 1).await;
    assert_eq!(fired.len(), 1);
    let id = text(&fired[0], "job_id");
    assert_eq!(text(&skipped[0], "reason"), format!("job {id}, started earlier, is not finished"));
    crate::jobs::act(&server, &id, "cancel", json!({})).await;
    until(&server, &id, "canceled").await;
    let fired = wait_for_ticks(&server, "s", "fired", 2).await;
    assert!(moment(&fired[1], "occurred_at") >= moment(&job(&server, &id).await, "finished_at"));
    database.check_invariants().await;
}

#[tokio::test]
async fn run_now_ignores_pause_and_overlap() {
    let database = Database::new().await;
    let server = fast_server(&database, &[]);
    let target = json!({"job": {"kind": "echo", "payload": {"at": "{{due_at}}", "n": 12345678901234567890_u64}, "queue": "q", "priority": 9, "tags": ["t"]}});
    schedule(
        &server,
        "a/b c",
        json!({"cron": "@yearly", "enabled": false, "overlap": "skip", "jitter": "24h", "target": target}),
    )
    .await;
    let mut runs = Vec::new();
    for path in ["/schedules/a%2Fb%20c/run", "/api/v1/schedules/a%2Fb%20c/trigger"] {
        let tick = server.post(path, json!({"reason": "now", "actor": "ada"})).await.expect(202).json();
        assert_eq!(
            (text(&tick, "cause"), text(&tick, "outcome"), text(&tick, "reason"), text(&tick, "actor")),
            ("manual".into(), "fired".into(), "now".into(), "ada".into())
        );
        runs.push(tick);
    }
    for tick in &runs {
        let done = until(&server, &text(tick, "job_id"), "completed").await;
        assert_eq!((text(&done, "queue"), &done["priority"], &done["tags"]), ("q".into(), &json!(9), &json!(["t"])));
        assert_eq!(done["payload"], json!({"at": text(tick, "due_at"), "n": 12345678901234567890_u64}));
    }
    assert_eq!(database.number("SELECT count(*) FROM ticks").await, 2);
    let keyed = server.request(Method::POST, "/schedules/a%2Fb%20c/run").header("idempotency-key", "k");
    assert_refused(&send(keyed).await, 400, "invalid_header", "Idempotency-Key");
    // A draining queue is a reason not to start.
    server.post("/queues/q/drain", json!({})).await.expect(200);
    let refused = server.post("/schedules/a%2Fb%20c/run", json!({})).await;
    assert_eq!((refused.status, refused.code()), (409, "invalid_state".into()));
    assert!(refused.text.contains("draining"), "{}", refused.text);
    assert_eq!(database.number("SELECT count(*) FROM jobs").await, 2);
    database.check_invariants().await;
}

#[tokio::test]
async fn project_schedule_creates_retries_and_deletes() {
    let database = Database::new().await;
    let server = fast_server(
        &database,
        &[("PROVOST_SIMULATE_MIN", "0s"), ("PROVOST_SIMULATE_MAX", "10ms"), ("PROVOST_SIMULATE_FAILURE_RATE", "0")],
    );
    let create = json!({"project": {"action": "create", "name": "night of {{due_at}}", "labels": {"by": "schedule"}, "parameters": {"n": 1.0}}});
    schedule(&server, "create", json!({"cron": "@yearly", "target": create})).await;
    let tick = server.post("/schedules/create/run", json!({})).await.expect(202).json();
    let id = text(&tick, "project_id");
    let project = server.until(&id, "ready").await;
    assert_eq!(
        (text(&project, "name"), &project["labels"]),
        (format!("night of {}", text(&tick, "due_at")), &json!({"by": "schedule"}))
    );
    let delete = json!({"project": {"action": "delete", "project_id": id}});
    schedule(&server, "delete", json!({"cron": "* * * * * *", "target": delete})).await;
    eventually("the project is deleted", || async {
        (text(&server.get(&format!("/projects/{id}")).await.json(), "status") == "deleted").then_some(())
    })
    .await;
    let skipped = wait_for_ticks(&server, "delete", "skipped", 1).await;
    assert!(text(&skipped[0], "reason").starts_with("the project is delet"), "{}", skipped[0]);
    assert_eq!(wait_for_ticks(&server, "delete", "fired", 1).await.len(), 1);
    let retry = json!({"project": {"action": "retry", "project_id": crate::api::UNKNOWN_ID}});
    schedule(&server, "retry", json!({"cron": "@yearly", "target": retry})).await;
    let refused = server.post("/schedules/retry/run", json!({})).await.expect(409);
    assert!(refused.text.contains("the project does not exist"), "{}", refused.text);
    send(server.request(Method::DELETE, "/schedules/delete")).await.expect(204);
    database.check_invariants().await;
}

#[tokio::test]
async fn jitter_delays_and_is_deterministic() {
    let database = Database::new().await;
    let server = server_without_workers(&database);
    schedule(&server, "s", json!({"cron": "* * * * * *", "jitter": "1h"})).await;
    let fired = wait_for_ticks(&server, "s", "fired", 3).await;
    let mut later = Vec::new();
    for tick in &fired {
        let job = job(&server, &text(tick, "job_id")).await;
        assert_eq!(text(&job, "state"), "scheduled");
        later.push(moment(&job, "run_at") - moment(tick, "due_at"));
    }
    assert!(later.iter().all(|it| (0.0..3600.0).contains(it)) && later[0] != later[1], "{later:?}");
    database.check_invariants().await;
}

#[tokio::test]
async fn schedule_from_another_process_is_noticed() {
    let database = Database::new().await;
    let (api, _scheduler) = (api_server(&database), server_without_workers(&database));
    // The scheduler is idle; a notification wakes it.
    schedule(&api, "s", json!({"every": "1s"})).await;
    wait_for_ticks(&api, "s", "fired", 2).await;
    database.check_invariants().await;
}

#[tokio::test]
async fn one_of_many_concurrent_firings_succeeds() {
    let database = Database::new().await;
    let server = api_server(&database);
    schedule(&server, "s", json!({"cron": "0 0 1 1 *"})).await;
    let store = crate::harness::worker::store(&database).await;
    let audit = Audit { actor: "schedule:s".into(), request_id: None, reason: None };
    let policy = OperationPolicy { deadline: TIMEOUT, max_attempts: 3 };
    for round in 0..10 {
        database
            .run("UPDATE schedules SET next_at = date_trunc('second', clock_timestamp()), revision = revision + 1")
            .await;
        let found = store.due_schedules(10, &[]).await.unwrap();
        let (due, plan) = (&found.due[0], found.due[0].plan.as_ref().unwrap());
        let all = (0..8).map(|n| {
            let (store, audit) = (store.clone(), audit.clone());
            // Every firing saw the same state and would start its own job.
            let start = plan.run_at(due.id, due.next_at + time::Duration::milliseconds(round * 10 + n % 2), Cause::Due);
            async move {
                let firing = Firing {
                    schedule: due.id,
                    revision: due.revision,
                    cause: Cause::Due,
                    starts: &[start],
                    missed: None,
                    missed_reason: "",
                    next: None,
                };
                store.fire_schedule(&firing, policy, &audit).await.unwrap().is_some()
            }
        });
        let done = futures_util::future::join_all(all).await;
        assert_eq!(done.iter().filter(|it| **it).count(), 1, "{done:?}");
    }
    assert_eq!(database.number("SELECT count(*) FROM jobs").await, 10);
    // A firing computed before an edit starts nothing.
    database.run("UPDATE schedules SET next_at = date_trunc('second', clock_timestamp())").await;
    let found = store.due_schedules(10, &[]).await.unwrap();
    let due = &found.due[0];
    server.patch("/schedules/s", json!({"catch_up": 5})).await.expect(200);
    let start = due.plan.as_ref().unwrap().run_at(due.id, due.next_at + time::Duration::milliseconds(500), Cause::Due);
    let firing = Firing {
        schedule: due.id,
        revision: due.revision,
        cause: Cause::Due,
        starts: &[start],
        missed: None,
        missed_reason: "",
        next: None,
    };
    assert!(store.fire_schedule(&firing, policy, &audit).await.unwrap().is_none());
    // A due time that started a run never starts another, even if a clock runs backwards.
    let again = store.due_schedules(10, &[]).await.unwrap();
    let revision = again.due[0].revision;
    let first = store.fire_schedule(&Firing { revision, ..firing.clone() }, policy, &audit).await.unwrap().unwrap();
    let next = Firing { revision: revision + 1, ..firing.clone() };
    let second = store.fire_schedule(&next, policy, &audit).await.unwrap().unwrap();
    assert_eq!((first.started, second.started, second.left_out), (1, 0, 0));
    assert_eq!(database.number("SELECT count(*) FROM jobs").await, 11);
}
