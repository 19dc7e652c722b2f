//! Schedules that start a whole workflow at each due time, once.

use std::collections::HashMap;

use reqwest::Method;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::{
    api_server, assert_every_second, fast_server, job, moment, move_due_time_back, schedule, server_without_workers,
    text, ticks, wait_for_ticks,
};
use crate::api::assert_refused;
use crate::harness::{Database, eventually};
use crate::workflows::{job_of, node, states, until, workflow};

/// A target: a workflow of these steps.
fn target(steps: Value) -> Value {
    json!({"workflow": {"name": "of {{due_at}}", "tenant": "acme", "steps": steps}})
}

/// Two steps, the dependent first.
fn pair(kind: &str) -> Value {
    json!([
        {"name": "b", "kind": kind, "depends_on": ["a"]},
        {"name": "a", "kind": kind, "payload": {"at": "{{due_at}}"}},
    ])
}

#[tokio::test]
async fn two_servers_start_one_workflow_per_due_time() {
    let database = Database::new().await;
    let (one, _other) = (fast_server(&database, &[]), fast_server(&database, &[]));
    schedule(&one, "s", json!({"cron": "* * * * * *", "target": target(pair("echo"))})).await;
    let fired = wait_for_ticks(&one, "s", "fired", 6).await;
    assert_every_second(&fired);
    for tick in &fired {
        assert_eq!((&tick["job_id"], &tick["job_state"]), (&json!(null), &json!(null)));
        let (id, due) = (text(tick, "workflow_id"), text(tick, "due_at"));
        let done = until(&one, &id, "completed").await;
        assert_eq!(
            (text(&done, "name"), text(&done, "tenant"), text(&done, "actor")),
            (format!("of {due}"), "acme".into(), "schedule:s".into())
        );
        assert_eq!(states(&one, &id).await, "a=completed b=completed");
        let first = job(&one, &job_of(&one, &id, "a").await).await;
        assert_eq!((text(&first["payload"], "at"), text(&first, "tenant")), (due, "acme".into()));
        let last = job(&one, &job_of(&one, &id, "b").await).await;
        assert!(moment(&last, "run_at") >= moment(&first, "finished_at"), "each step runs after its dependencies");
    }
    let fired = ticks(&one, "s").await;
    assert_eq!(fired.last().map(|it| text(it, "workflow_state")), Some("completed".into()));
    one.post("/schedules/s/pause", json!({})).await.expect(200);
    let (started, there) = ("SELECT count(*) FROM ticks WHERE outcome = 'fired'", "SELECT count(*) FROM workflows");
    assert_eq!(database.number(started).await, database.number(there).await);
    database.check_invariants().await;
}

#[tokio::test]
async fn overlap_skip_waits_for_the_running_workflow() {
    let database = Database::new().await;
    let server = server_without_workers(&database);
    let body = json!({"cron": "* * * * * *", "overlap": "skip", "target": target(pair("unserved"))});
    schedule(&server, "s", body).await;
    let skipped = wait_for_ticks(&server, "s", "skipped", 2).await;
    let fired = wait_for_ticks(&server, "s", "fired", 1).await;
    let id = text(&fired[0], "workflow_id");
    assert_eq!(
        (fired.len(), text(&skipped[0], "reason")),
        (1, format!("workflow {id}, started earlier, is not finished"))
    );
    server.post(&format!("/workflows/{id}/cancel"), json!({})).await.expect(200);
    wait_for_ticks(&server, "s", "fired", 2).await;
    // The target changes, but the earlier workflow still runs.
    let job = json!({"target": {"job": {"kind": "noop"}}, "enabled": false});
    server.patch("/schedules/s", job).await.expect(200);
    let before = ticks(&server, "s").await.len();
    server.post("/schedules/s/resume", json!({})).await.expect(200);
    let skipped = eventually("another due time is skipped", || async {
        let all = ticks(&server, "s").await;
        (all.len() > before).then(|| all[0].clone())
    })
    .await;
    assert!(text(&skipped, "reason").starts_with("workflow "), "{skipped}");
    database.check_invariants().await;
}

#[tokio::test]
async fn run_now_and_backfill_start_workflows_once() {
    let database = Database::new().await;
    let server = api_server(&database);
    let body = json!({"cron": "0 8 * * *", "enabled": false, "overlap": "skip", "jitter": "24h", "target": target(pair("unserved"))});
    schedule(&server, "s", body).await;
    for _ in 0..2 {
        let tick = server.post("/schedules/s/run", json!({"reason": "now"})).await.expect(202).json();
        assert_eq!(
            (text(&tick, "cause"), text(&tick, "workflow_state"), &tick["job_id"]),
            ("manual".into(), "running".into(), &json!(null))
        );
        assert_eq!(states(&server, &text(&tick, "workflow_id")).await, "a=queued b=blocked", "without jitter");
    }
    let span = |dry: bool| json!({"from": "2026-03-01T00:00:00Z", "to": "2026-03-03T12:00:00Z", "dry_run": dry});
    let body = server.post("/schedules/s/backfill", span(true)).await.expect(200).json();
    assert_eq!((&body["started"], database.number("SELECT count(*) FROM workflows").await), (&json!(3), 2));
    let done = server.post("/schedules/s/backfill", span(false)).await.expect(202).json();
    assert_eq!((&done["started"], &done["left_out"]), (&json!(3), &json!(0)));
    let again = server.post("/schedules/s/backfill", span(false)).await.expect(202).json();
    assert_eq!((&again["started"], &again["already"]), (&json!(0), &json!(3)));
    let latest = &ticks(&server, "s").await[0];
    let made = workflow(&server, &text(latest, "workflow_id")).await;
    assert_eq!((text(latest, "cause"), text(&made, "name")), ("backfill".into(), "of 2026-03-03T08:00:00.000Z".into()));
    assert_eq!(database.number("SELECT count(*) FROM workflows").await, 5);
    database.check_invariants().await;
}

#[tokio::test]
async fn draining_queue_of_a_step_skips_the_due_time() {
    let database = Database::new().await;
    let server = server_without_workers(&database);
    let steps = json!([{"name": "a", "kind": "unserved"}, {"name": "b", "kind": "unserved", "queue": "full", "depends_on": ["a"]}]);
    schedule(&server, "s", json!({"cron": "* * * * * *", "enabled": false, "target": target(steps)})).await;
    server.post("/queues", json!({"name": "full"})).await.expect(201);
    server.post("/queues/full/drain", json!({})).await.expect(200);
    let refused = server.post("/schedules/s/run", json!({})).await.expect(409);
    assert!(refused.text.contains("the queue full is draining"), "{}", refused.text);
    server.post("/schedules/s/resume", json!({})).await.expect(200);
    let skipped = wait_for_ticks(&server, "s", "skipped", 3).await;
    assert_eq!(text(&skipped[2], "reason"), "the queue full is draining and accepts no new jobs");
    for table in ["workflows", "jobs", "job_dependencies"] {
        assert_eq!(database.number(&format!("SELECT count(*) FROM {table}")).await, 0, "{table}");
    }
    server.post("/queues/full/resume", json!({})).await.expect(200);
    wait_for_ticks(&server, "s", "fired", 1).await;
    database.check_invariants().await;
}

#[tokio::test]
async fn workflow_target_is_shown_and_kept_by_patches() {
    let database = Database::new().await;
    let server = api_server(&database);
    let payload = r#"{ "n": 123456789012345678901234567890,  "x": 1.0, "e": "\u00e9 {{due_at}}" }"#;
    let body = format!(
        r#"{{"name": "s", "cron": "@yearly", "target": {{"workflow": {{"name": " nightly ", "tenant": "acme", "steps": [
            {{"name": "join", "kind": "noop", "depends_on": ["left", {{"step": "fetch", "policy": "cancel"}}], "dependency_policy": "allow_failed"}},
            {{"name": "left", "type": "echo", "queue": "q", "payload": {payload}, "priority": 9, "max_attempts": 7, "timeout": "1m", "delay": "90s",
              "tags": ["t"], "backoff": {{"strategy": "fixed", "base": 10}}, "depends_on": ["fetch"]}},
            {{"name": "fetch", "kind": "noop"}}]}}}}}}"#
    );
    let made = crate::api::post_raw(&server, "/schedules", body).await.expect(201);
    assert!(made.text.contains(payload), "{}", made.text);
    let shown = server.get("/schedules/s").await.expect(200).json()["target"].clone();
    let flow = &shown["workflow"];
    assert_eq!((&flow["name"], &flow["tenant"]), (&json!("nightly"), &json!("acme")));
    let (join, left, fetch) = (&flow["steps"][0], &flow["steps"][1], &flow["steps"][2]);
    assert_eq!(
        join["depends_on"],
        json!([{"step": "left", "policy": "allow_failed"}, {"step": "fetch", "policy": "cancel"}])
    );
    let expected = json!({"name": "left", "kind": "echo", "queue": "q", "priority": 9, "max_attempts": 7, "timeout_s": 60.0, "delay_s": 90.0, "tags": ["t"],
        "depends_on": [{"step": "fetch", "policy": "block"}]});
    for (field, value) in expected.as_object().unwrap() {
        assert_eq!(&left[field], value, "{field}");
    }
    assert_eq!(text(&left["backoff"], "strategy"), "fixed");
    assert_eq!((&fetch["queue"], &fetch["payload"], &fetch["delay_s"]), (&json!("default"), &json!({}), &json!(null)));
    let stored = "SELECT spec -> 'steps' -> 1 -> 'job' ->> 'payload' FROM schedules";
    assert_eq!(database.text(stored).await, payload);

    // A patch of another field keeps the target, and the shown target can be sent again.
    let kept = server.patch("/schedules/s", json!({"jitter": "1s"})).await.expect(200);
    assert!(kept.text.contains(payload) && kept.json()["target"] == shown, "{}", kept.text);
    let fields: HashMap<String, Box<RawValue>> = serde_json::from_str(&made.text).unwrap();
    let again = format!(r#"{{"target": {}}}"#, fields["target"].get());
    let again = crate::api::send_raw(&server, Method::PATCH, "/schedules/s", again).await.expect(200);
    assert!(again.text.contains(payload) && again.json()["target"] == shown, "{}", again.text);
    assert_refused(&server.patch("/schedules/s", json!({"queue": "r"})).await, 422, "invalid_field", "kind");
    let tick = server.post("/schedules/s/run", json!({})).await.expect(202).json();
    let id = text(&tick, "workflow_id");
    let due = text(&tick, "due_at");
    let left = node(&server, &id, "left").await;
    let raw = database.text(&format!("SELECT payload::text FROM jobs WHERE id = '{}'", text(&left, "job_id"))).await;
    assert_eq!(raw, payload.replace("{{due_at}}", &due));
    assert_eq!(states(&server, &id).await, "fetch=queued left=blocked join=blocked");
    let policies = "SELECT string_agg(policy, ' ' ORDER BY policy) FROM job_dependencies";
    assert_eq!(database.text(policies).await, "allow_failed block cancel");
    let job = server.patch("/schedules/s", json!({"kind": "noop"})).await.expect(200).json();
    assert_eq!(text(&job["target"]["job"], "kind"), "noop");
    database.check_invariants().await;
}

#[tokio::test]
async fn invalid_target_field_is_named() {
    let database = Database::new().await;
    let server = api_server(&database);
    let a = json!({"name": "a", "kind": "noop"});
    let with = |field: &str, value: Value| {
        let mut step = a.clone();
        step[field] = value;
        json!({"name": "x", "steps": [step]})
    };
    let many: Vec<Value> = (0..1001).map(|n| json!({"name": n.to_string(), "kind": "noop"})).collect();
    let large = json!({"name": "c", "kind": "noop", "payload": "x".repeat(150 * 1024)});
    let other = json!({"name": "d", "kind": "noop", "payload": "x".repeat(150 * 1024)});
    let dense = |n: usize| json!({"name": format!("d{n}"), "kind": "noop", "depends_on": (0..80).map(|n| n.to_string()).collect::<Vec<_>>()});
    let tangled: Vec<Value> = many.iter().take(80).cloned().chain((0..80).map(dense)).collect();
    for (body, named) in [
        (json!({}), "target.workflow.name"),
        (json!({"name": "x"}), "target.workflow.steps"),
        (json!([]), "target.workflow"),
        (json!(7), "target.workflow"),
        (json!({"name": "", "steps": [a]}), "target.workflow.name"),
        (json!({"name": format!("{}{{{{due_at}}}}", "x".repeat(180)), "steps": [a]}), "target.workflow.name"),
        (json!({"name": "x", "steps": [a], "color": "red"}), "target.workflow.color"),
        (json!({"name": "x", "tenant": "a b", "steps": [a]}), "target.workflow.tenant"),
        (json!({"name": "x", "steps": []}), "target.workflow.steps"),
        (json!({"name": "x", "steps": [a, a]}), "target.workflow.steps.1.name"),
        (json!({"name": "x", "steps": many}), "target.workflow.steps"),
        (json!({"name": "x", "steps": [large, other]}), "target.workflow.steps"),
        (json!({"name": "x", "steps": tangled}), "target.workflow.steps"),
        (with("depends_on", json!(["z"])), "target.workflow.steps.0.depends_on.0"),
        (with("depends_on", json!(["a"])), "target.workflow.steps.0.depends_on.0"),
        (with("dependency_policy", json!("maybe")), "target.workflow.steps.0.dependency_policy"),
        (with("kind", json!("a b")), "target.workflow.steps.0.kind"),
        (with("prio", json!(1)), "target.workflow.steps.0.prio"),
        (with("priority", json!(12)), "target.workflow.steps.0.priority"),
        (with("tenant", json!("t")), "target.workflow.steps.0.tenant"),
        (with("idempotency_key", json!("k")), "target.workflow.steps.0.idempotency_key"),
        (with("run_at", json!("2030-01-01T00:00:00Z")), "target.workflow.steps.0.run_at"),
        (with("deadline_at", json!("2030-01-01T00:00:00Z")), "target.workflow.steps.0.deadline_at"),
    ] {
        let body = json!({"name": "s", "cron": "@daily", "target": {"workflow": body}});
        assert_refused(&server.post("/schedules", body).await, 422, "invalid_field", named);
    }
    let unfit = json!({"name": "x", "steps": [{"name": "a", "kind": "email.send", "payload": {}}]});
    let answer = server.post("/schedules", json!({"name": "s", "cron": "@daily", "target": {"workflow": unfit}})).await;
    let field = answer.expect(422).json()["errors"][0]["field"].as_str().unwrap_or_default().to_owned();
    assert!(
        field.starts_with("target.workflow.steps.0.payload"),
        "the payload must match the schema of its kind: {field}"
    );
    assert_eq!(database.number("SELECT count(*) FROM schedules").await, 0);
}

#[tokio::test]
async fn large_missed_workflows_start_in_batches() {
    let database = Database::new().await;
    let watcher = api_server(&database);
    let steps: Vec<Value> = (0..400).map(|n| json!({"name": n.to_string(), "kind": "unserved"})).collect();
    let body = json!({"cron": "0 * * * *", "misfire": "all", "catch_up": 5, "target": target(json!(steps))});
    schedule(&watcher, "s", body).await;
    move_due_time_back(&database, "s", "8 hours").await;
    database.run("UPDATE schedules SET next_at = date_trunc('hour', next_at)").await;
    let _server = server_without_workers(&database);
    let fired = wait_for_ticks(&watcher, "s", "fired", 5).await;
    assert!(fired.windows(2).all(|pair| moment(&pair[1], "due_at") - moment(&pair[0], "due_at") == 3600.0));
    // Rows of one statement share the timestamp of its transaction.
    let together =
        "SELECT max(n) FROM (SELECT count(*) AS n FROM ticks WHERE outcome = 'fired' GROUP BY xmin::text) AS of_one";
    assert_eq!(database.number(together).await, 2, "no more than a thousand steps in one statement");
    assert_eq!(database.number("SELECT count(*) FROM workflows WHERE steps = 400").await, fired.len() as i64);
    database.check_invariants().await;
}

#[tokio::test]
async fn jitter_delays_only_steps_without_dependencies() {
    let database = Database::new().await;
    let server = server_without_workers(&database);
    schedule(&server, "s", json!({"cron": "* * * * * *", "jitter": "1h", "target": target(pair("unserved"))})).await;
    let fired = wait_for_ticks(&server, "s", "fired", 3).await;
    let mut later = Vec::new();
    for tick in &fired {
        let id = text(tick, "workflow_id");
        assert_eq!(states(&server, &id).await, "a=scheduled b=blocked");
        let first = job(&server, &job_of(&server, &id, "a").await).await;
        later.push(moment(&first, "run_at") - moment(tick, "due_at"));
    }
    assert!(later.iter().all(|it| (0.0..3600.0).contains(it)) && later[0] != later[1], "{later:?}");
    database.check_invariants().await;
}

#[tokio::test]
async fn pages_describe_and_link_started_workflows() {
    let database = Database::new().await;
    let server = fast_server(&database, &[]);
    schedule(&server, "s", json!({"cron": "@yearly", "target": target(pair("noop"))})).await;
    let tick = server.post("/schedules/s/run", json!({})).await.expect(202).json();
    let id = text(&tick, "workflow_id");
    until(&server, &id, "completed").await;
    let link = format!("/dashboard/workflows/{id}");
    for path in ["/dashboard/schedules", "/dashboard/schedules/s"] {
        let page = server.get(path).await.expect(200).text;
        assert!(page.contains("workflow of {{due_at}}, 2 steps"), "{page}");
        assert!(page.contains(&link) && page.contains("Completed"), "{page}");
    }
    let page = server.get("/dashboard/schedules/s").await.expect(200).text;
    assert!(page.contains("b (noop), a (noop)"), "{page}");
    assert!(!page.contains("name=\"kind\"") && page.contains("name=\"cron\""), "the form does not edit steps");
    let form = server.request(Method::POST, "/dashboard/schedules/s");
    let form = form.header("content-type", "application/x-www-form-urlencoded");
    let form = form.body("cron=%40daily&misfire=skip&overlap=skip&jitter=0s");
    crate::harness::send(form).await.expect(303);
    let saved = server.get("/schedules/s").await.json();
    assert_eq!(
        (text(&saved, "expression"), saved["target"]["workflow"]["steps"].as_array().map(Vec::len)),
        ("@daily".into(), Some(2))
    );

    // A tick outlives its workflow.
    let _pruner = fast_server(&database, &[("PROVOST_ROLES", "api,scheduler"), ("PROVOST_RETAIN_COMPLETED", "0s")]);
    eventually("the workflow is deleted", || async {
        (server.get(&format!("/workflows/{id}")).await.status == 404).then_some(())
    })
    .await;
    let tick = &ticks(&server, "s").await[0];
    assert_eq!((text(tick, "workflow_id"), &tick["workflow_state"]), (id, &json!(null)));
    let page = server.get("/dashboard/schedules/s").await.expect(200).text;
    assert!(!page.contains(&link) && page.contains("Started"), "{page}");
    database.check_invariants().await;
}

#[tokio::test]
async fn invariant_finds_ticks_without_workflows() {
    let database = Database::new().await;
    let server = api_server(&database);
    schedule(&server, "s", json!({"cron": "@yearly", "target": target(pair("unserved"))})).await;
    for _ in 0..2 {
        server.post("/schedules/s/run", json!({"actor": "schedule:s"})).await.expect(202);
    }
    database.check_invariants().await;
    let broken = async |corruption: &str| {
        database.run(&format!("CREATE TABLE kept AS TABLE ticks; {corruption}")).await;
        let broken: Vec<_> = database.broken().await.into_iter().map(|it| (it.name, it.n)).collect();
        database.run("DELETE FROM ticks; INSERT INTO ticks OVERRIDING SYSTEM VALUE TABLE kept; DROP TABLE kept").await;
        broken
    };
    let lost = broken("UPDATE ticks SET workflow_id = gen_random_uuid() WHERE id = (SELECT min(id) FROM ticks)").await;
    assert_eq!(lost, [("ticks_have_their_jobs", 2)], "the tick and the workflow");
    let lost = broken("DELETE FROM ticks").await;
    assert_eq!(lost, [("ticks_have_their_jobs", 2)]);
    let twice = broken("UPDATE ticks SET workflow_id = (SELECT workflow_id FROM ticks ORDER BY id LIMIT 1)").await;
    assert!(twice.contains(&("due_times_start_once", 1)), "{twice:?}");
    database.check_invariants().await;
}
