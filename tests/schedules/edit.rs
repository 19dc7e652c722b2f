//! Creating, showing, changing and deleting schedules.

use reqwest::Method;
use serde_json::{Value, json};

use super::{api_server, moment, schedule, server_without_workers, text, wait_for_ticks};
use crate::api::{assert_problem, assert_refused};
use crate::harness::{Database, send};

#[tokio::test]
async fn schedule_is_created_shown_changed_and_deleted() {
    let database = Database::new().await;
    let server = api_server(&database);
    let body = json!({"name": "nightly", "cron": "0 8 * * 1-5", "time_zone": "europe/rome", "misfire": "all", "catch_up": 5, "misfire_grace": "2m",
        "overlap": "skip", "jitter": 30, "target": {"job": {"kind": "noop", "payload": { "n": 1.0 }, "timeout": "1m", "backoff": {"strategy": "fixed", "base": 10}}}});
    let answer = server.post("/api/v1/schedules", body.clone()).await.expect(201);
    assert_eq!((answer.header("location"), answer.header("etag")), ("/api/v1/schedules/nightly", "\"1\""));
    let made = answer.json();
    let expected = json!({"name": "nightly", "state": "enabled", "expression": "0 8 * * 1-5", "words": "At 08:00, on weekdays (Europe/Rome)", "time_zone": "Europe/Rome",
        "misfire": "all", "catch_up": 5, "misfire_grace_s": 120.0, "overlap": "skip", "jitter_s": 30.0, "version": 1, "actor": "api", "last_at": null});
    for (field, value) in expected.as_object().unwrap() {
        assert_eq!(&made[field], value, "{field}");
    }
    let job = &made["target"]["job"];
    assert_eq!(
        (text(job, "kind"), &job["timeout_s"], &job["backoff"]["base_s"], &job["max_attempts"]),
        ("noop".into(), &json!(60.0), &json!(10.0), &json!(3))
    );

    // A patch changes the given fields if the version matches.
    let patch = |etag: &str, body: Value| {
        send(server.request(Method::PATCH, "/schedules/nightly").header("if-match", etag).json(&body))
    };
    let changed =
        patch("\"1\"", json!({"cron": "0 9 * * *", "reason": "later", "actor": "ada"})).await.expect(200).json();
    assert_eq!(
        (text(&changed, "expression"), text(&changed, "time_zone"), &changed["catch_up"], &changed["version"]),
        ("0 9 * * *".into(), "Europe/Rome".into(), &json!(5), &json!(2))
    );
    assert_ne!(changed["next_at"], made["next_at"]);
    assert_problem(&patch("\"1\"", json!({"cron": "0 9 * * *"})).await, 412, "stale_version");
    let event = server.get("/events?entity=schedule&id=nightly").await.json()[0].clone();
    assert_eq!(
        (
            text(&event["detail"]["before"], "expression"),
            text(&event["detail"]["after"], "expression"),
            text(&event, "actor"),
            text(&event, "reason")
        ),
        ("0 8 * * 1-5".into(), "0 9 * * *".into(), "ada".into(), "later".into())
    );
    // A POST with the same name replaces the schedule.
    let replaced = server
        .post(
            "/schedules",
            json!({"name": "nightly", "every": "15m", "type": "email.send", "payload": {"recipient": "a@example.org"}}),
        )
        .await
        .expect(200)
        .json();
    assert_eq!(
        (text(&replaced, "expression"), text(&replaced, "time_zone"), &replaced["catch_up"], text(&replaced, "words")),
        ("@every 15m".into(), "UTC".into(), &json!(10), "Every 15m".into())
    );
    assert_eq!((&replaced["id"], text(&replaced["target"]["job"], "kind")), (&made["id"], "email.send".into()));

    assert_eq!(server.get("/schedules").await.expect(200).json().as_array().map(Vec::len), Some(1));
    assert_problem(
        &send(server.request(Method::DELETE, "/schedules/nightly").header("if-match", "\"1\"")).await,
        412,
        "stale_version",
    );
    send(server.request(Method::DELETE, "/schedules/nightly").json(&json!({"reason": "over"}))).await.expect(204);
    for (method, path) in [
        (Method::GET, ""),
        (Method::DELETE, ""),
        (Method::POST, "/run"),
        (Method::POST, "/pause"),
        (Method::GET, "/ticks"),
        (Method::GET, "/next"),
    ] {
        assert_problem(&send(server.request(method, &format!("/schedules/nightly{path}"))).await, 404, "not_found");
    }
    assert_problem(&server.patch("/schedules/nightly", json!({"cron": "@daily"})).await, 404, "not_found");
    database.check_invariants().await;
}

#[tokio::test]
async fn edit_applies_at_once_and_keeps_other_fields() {
    let database = Database::new().await;
    let server = server_without_workers(&database);
    let made = schedule(&server, "s", json!({"every": "1h"})).await;
    let kept = server.patch("/schedules/s", json!({"jitter": "1s"})).await.expect(200).json();
    assert_eq!(kept["next_at"], made["next_at"], "other fields do not change the due times");
    let kept = server.post("/schedules", json!({"name": "s", "every": "1h", "kind": "noop"})).await.expect(200).json();
    assert_eq!(kept["next_at"], made["next_at"], "the same interval keeps its anchor");
    server.patch("/schedules/s", json!({"every": "1s"})).await.expect(200);
    wait_for_ticks(&server, "s", "fired", 2).await;
    let slow = server.patch("/schedules/s", json!({"cron": "@yearly"})).await.expect(200).json();
    assert!(moment(&slow, "next_at") > moment(&slow, "updated_at"));
    assert_eq!(database.number("SELECT count(*) FROM ticks WHERE outcome = 'skipped'").await, 0);
    database.check_invariants().await;
}

#[tokio::test]
async fn next_times_show_local_time_and_clock_changes() {
    let database = Database::new().await;
    let server = api_server(&database);
    schedule(&server, "s", json!({"cron": "30 1 * * *", "time_zone": "America/New_York"})).await;
    let shown = server.get("/schedules/s/next?limit=3&after=2026-10-31T12:00:00Z").await.expect(200).json();
    let next: Vec<(String, String, String, String)> = shown["next"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| (text(it, "at"), text(it, "local"), text(it, "offset"), text(it, "abbreviation")))
        .collect();
    let row = |at: &str, local: &str, offset: &str, zone: &str| {
        (at.to_owned(), local.to_owned(), offset.to_owned(), zone.to_owned())
    };
    assert_eq!(
        next,
        [
            row("2026-11-01T05:30:00.000Z", "2026-11-01 01:30:00", "-04:00", "EDT"),
            row("2026-11-02T06:30:00.000Z", "2026-11-02 01:30:00", "-05:00", "EST"),
            row("2026-11-03T06:30:00.000Z", "2026-11-03 01:30:00", "-05:00", "EST"),
        ]
    );
    assert!(text(&shown["next"][0], "note").contains("this time occurs twice"), "{shown}");
    assert_eq!(
        (text(&shown["previous"], "at"), text(&shown, "tzdb").starts_with("20")),
        ("2026-10-31T05:30:00.000Z".into(), true)
    );
    let preview =
        json!({"expression": "0 12 * * *", "timezone": "Europe/Kiev", "after": "2026-03-12T08:30:00Z", "limit": 1});
    let shown = server.post("/schedules/preview", preview).await.expect(200).json();
    assert_eq!(
        (text(&shown["next"][0], "at"), text(&shown, "words")),
        ("2026-03-12T10:00:00.000Z".into(), "At 12:00 (Europe/Kiev)".into())
    );
    assert_eq!(database.number("SELECT count(*) FROM schedules").await, 1, "a preview stores nothing");
    for (path, field) in [("limit=0", "limit"), ("limit=101", "limit"), ("after=soon", "after"), ("color=red", "color")]
    {
        assert_refused(&server.get(&format!("/schedules/s/next?{path}")).await, 400, "invalid_parameter", field);
    }
    assert_refused(&server.get("/schedules/s/ticks?outcome=lost").await, 400, "invalid_parameter", "outcome");
}

#[tokio::test]
async fn flat_request_fields_are_accepted() {
    let database = Database::new().await;
    let server = api_server(&database);
    let body = json!({"name": "daily-report", "cronExpression": "0 6 * * *", "timezone": "Europe/Kiev", "type": "report.generate", "queue": "default",
        "payload": {"reportId": "daily"}, "priority": 5, "maxAttempts": 5, "timeoutSeconds": 120, "enabled": true});
    let made = server.post("/api/v1/schedules", body).await.expect(201).json();
    assert_eq!(
        (&made["target"]["job"]["max_attempts"], &made["target"]["job"]["timeout_s"]),
        (&json!(5), &json!(120.0))
    );
    let every = json!({"name": "e", "cronExpression": "@every 30s", "type": "noop"});
    assert_eq!(text(&server.post("/schedules", every).await.expect(201).json(), "expression"), "@every 30s");
}

#[tokio::test]
async fn patch_of_the_job_keeps_other_fields() {
    let database = Database::new().await;
    let server = api_server(&database);
    let target = json!({"job": {"kind": "noop", "queue": "q", "priority": 7, "tags": ["t"], "payload": {"n": 1}, "timeout": "1m", "max_attempts": 4}});
    schedule(&server, "s", json!({"cron": "@yearly", "target": target})).await;
    let patched =
        |body: Value| async { server.patch("/schedules/s", body).await.expect(200).json()["target"]["job"].take() };
    let job = patched(json!({"payload": {"n": 2}})).await;
    assert_eq!(
        (&job["payload"], &job["queue"], &job["priority"], &job["tags"], &job["timeout_s"], &job["max_attempts"]),
        (&json!({"n": 2}), &json!("q"), &json!(7), &json!(["t"]), &json!(60.0), &json!(4))
    );
    let job = patched(json!({"queue": "r", "priority": 1, "max_attempts": 2, "timeout": "2m", "tenant": "acme"})).await;
    assert_eq!(
        (
            &job["kind"],
            &job["payload"],
            &job["queue"],
            &job["priority"],
            &job["timeout_s"],
            &job["max_attempts"],
            &job["tenant"]
        ),
        (&json!("noop"), &json!({"n": 2}), &json!("r"), &json!(1), &json!(120.0), &json!(2), &json!("acme"))
    );
    let job = patched(json!({"kind": "echo"})).await;
    assert_eq!((&job["kind"], &job["payload"], &job["queue"]), (&json!("echo"), &json!({"n": 2}), &json!("r")));

    let create = json!({"project": {"action": "create", "name": "p"}});
    schedule(&server, "p", json!({"cron": "@yearly", "target": create})).await;
    assert_refused(&server.patch("/schedules/p", json!({"queue": "q"})).await, 422, "invalid_field", "kind");
}
