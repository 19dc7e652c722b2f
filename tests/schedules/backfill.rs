//! Backfills of past due times.

use serde_json::{Value, json};

use super::{api_server, schedule, server_without_workers, text, ticks};
use crate::api::assert_refused;
use crate::harness::Database;

#[tokio::test]
async fn backfill_starts_only_missing_due_times() {
    let database = Database::new().await;
    let server = api_server(&database);
    let target = json!({"job": {"kind": "noop", "payload": {"day": "{{due_at}}"}}});
    schedule(&server, "daily", json!({"cron": "30 2 * * *", "time_zone": "America/New_York", "target": target})).await;
    let span = |dry: bool, to: &str| json!({"from": "2026-03-06T00:00:00-05:00", "to": to, "dry_run": dry, "reason": "the March bug"});
    let plan =
        server.post("/schedules/daily/backfill", span(true, "2026-03-10T00:00:00-04:00")).await.expect(200).json();
    let local: Vec<String> = plan["due"].as_array().unwrap().iter().map(|it| text(it, "local")).collect();
    assert_eq!(local, ["2026-03-06 02:30:00", "2026-03-07 02:30:00", "2026-03-08 03:00:00", "2026-03-09 02:30:00"]);
    assert!(text(&plan["due"][2], "note").contains("2026-03-08 02:30:00 does not exist"), "{plan}");
    assert_eq!((&plan["started"], &plan["already"], &plan["dry_run"]), (&json!(4), &json!(0), &json!(true)));
    assert_eq!(database.number("SELECT count(*) FROM ticks").await, 0, "a dry run starts nothing");

    let done =
        server.post("/schedules/daily/backfill", span(false, "2026-03-08T12:00:00-04:00")).await.expect(202).json();
    assert_eq!((&done["started"], &done["already"], &done["left_out"]), (&json!(3), &json!(0), &json!(0)));
    let done =
        server.post("/schedules/daily/backfill", span(false, "2026-03-10T00:00:00-04:00")).await.expect(202).json();
    assert_eq!((&done["started"], &done["already"]), (&json!(1), &json!(3)), "a longer range starts only the rest");
    let all = ticks(&server, "daily").await;
    assert!(all.iter().all(|it| text(it, "cause") == "backfill" && text(it, "reason") == "the March bug"));
    let jobs = server.get("/jobs").await.json();
    let mut days: Vec<String> = jobs.as_array().unwrap().iter().map(|it| text(&it["payload"], "day")).collect();
    days.sort();
    assert_eq!(
        days,
        [
            "2026-03-06T07:30:00.000Z",
            "2026-03-07T07:30:00.000Z",
            "2026-03-08T07:00:00.000Z",
            "2026-03-09T06:30:00.000Z"
        ]
    );
    let next = |value: &Value| value["next_at"].clone();
    let seen = server.get("/schedules/daily").await.json();
    assert!(text(&seen, "next_at") > text(&seen, "updated_at"), "the next due time is unchanged: {}", next(&seen));
    database.check_invariants().await;
}

#[tokio::test]
async fn large_backfill_runs_in_batches() {
    let database = Database::new().await;
    let server = server_without_workers(&database);
    schedule(&server, "s", json!({"cron": "* * * * * *"})).await;
    let span = json!({"from": "2026-01-01T00:00:00Z", "to": "2026-01-01T00:09:59Z"});
    let done = server.post("/schedules/s/backfill", span.clone()).await.expect(202).json();
    assert_eq!((&done["started"], &done["left_out"]), (&json!(600), &json!(0)));
    assert_eq!(database.number("SELECT count(*) FROM ticks WHERE cause = 'backfill'").await, 600);
    let again = server.post("/schedules/s/backfill", span).await.expect(202).json();
    assert_eq!((&again["started"], &again["already"]), (&json!(0), &json!(600)));
    database.check_invariants().await;
}

#[tokio::test]
async fn invalid_range_is_rejected() {
    let database = Database::new().await;
    let server = api_server(&database);
    schedule(&server, "s", json!({"cron": "* * * * *"})).await;
    for (from, to, field) in [
        ("2026-01-01T00:00:00Z", "2999-01-01T00:00:00Z", "to"),
        ("2026-01-02T00:00:00Z", "2026-01-01T00:00:00Z", "from"),
        ("2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z", "to"),
        ("yesterday", "2026-02-01T00:00:00Z", "from"),
    ] {
        let answer = server.post("/schedules/s/backfill", json!({"from": from, "to": to})).await;
        assert_refused(&answer, 422, "invalid_field", field);
    }
}
