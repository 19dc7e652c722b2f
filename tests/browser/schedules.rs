//! Schedules are added, run, changed, paused, backfilled and deleted.

use serde_json::json;

use super::work::JobFixtures;
use crate::harness::{Browser, Database, Server};

#[tokio::test]
async fn schedule_is_added_run_changed_paused_and_deleted() {
    let database = Database::new().await;
    let server = Server::on(&database);
    let browser = Browser::on(&server).await;
    browser.open("/dashboard/schedules").await;
    browser.wait_for_text("Each run starts once, no matter how many servers are running.").await;
    browser.press("Add a schedule").await;
    browser.fill("#schedule-name", "mail/nightly & co").await;
    browser.fill("#cron", "30 2 * * *").await;
    browser.fill("#time-zone", "Europe/Rome").await;
    browser.fill("#kind", "echo").await;
    browser.fill("#payload", "{\"day\":  \"{{due_at}}\"}").await;
    browser.js("document.querySelector('#overlap').value = 'skip'").await;
    browser.press("Add schedule").await;
    browser.wait_for_text("Schedule added.").await;
    browser.arrives("/dashboard/schedules/mail%2Fnightly%20%26%20co").await;
    browser.wait_for_text("At 02:30 (Europe/Rome)").await;
    browser.wait_for_text("A run is skipped if the previous one is still running.").await;
    assert_eq!(browser.texts("#next-times tr").await.len(), 5);

    browser.press("Run now").await;
    browser.wait_for_text("Run started. See the run history.").await;
    browser.wait_for_text("run now by dashboard").await;
    browser.wait_for_text("Completed").await;
    let jobs = server.get("/jobs").await.json();
    assert_eq!(jobs[0]["result"]["day"].as_str().unwrap().len(), 24, "{jobs}");

    browser.press("Edit").await;
    assert_eq!(browser.js("return document.querySelector('#payload').value").await, "{\"day\":  \"{{due_at}}\"}");
    browser.fill("#cron", "@every 90m").await;
    browser.fill("#reason", "more often").await;
    browser.press("Save schedule").await;
    browser.wait_for_text("Schedule changed.").await;
    browser.wait_for_text("Every 1h 30m").await;
    browser.press("Pause…").await;
    browser.fill("#reason", "holidays").await;
    browser.press("Pause schedule").await;
    browser.wait_for_text("Paused: no runs start, and runs missed while paused are not caught up.").await;
    browser.wait_for_text("“holidays” · dashboard").await;
    browser.open("/dashboard/schedules").await;
    assert_eq!(browser.texts("#rows .badge").await, ["Paused"]);
    browser.wait_for_text("1 schedule, 1 paused").await;
    browser.press("More for mail/nightly & co").await;
    browser.press("Delete…").await;
    browser.press("Delete schedule").await;
    browser.wait_for_text("Schedule deleted. Jobs already started continue.").await;
    assert_eq!(server.get("/schedules").await.json(), json!([]));
}

#[tokio::test]
async fn invalid_schedule_is_refused_at_its_field_and_kept() {
    let database = Database::new().await;
    let server = Server::on(&database);
    let browser = Browser::on(&server).await;
    server.post("/schedules", json!({"name": "taken", "cron": "@daily", "kind": "noop"})).await.expect(201);
    for (field, text, wrong) in [
        ("schedule-name", "taken", "A schedule with this name already exists"),
        ("cron", "0 0 30 2 *", "is never due"),
        ("cron", "0 25 * * *", "for the hour"),
        ("time-zone", "Mars/Olympus", "must be an IANA time zone"),
        ("kind", "a b", "must"),
        ("payload", "{", "is not JSON"),
        ("jitter", "soon", "must be a duration"),
    ] {
        browser.open("/dashboard/schedules").await;
        browser.press("Add a schedule").await;
        browser.fill("#schedule-name", "new").await;
        browser.fill("#cron", "@daily").await;
        browser.fill("#kind", "noop").await;
        browser.fill(&format!("#{field}"), text).await;
        browser.press("Add schedule").await;
        let message = browser.text(&format!("#{field}-error")).await;
        assert!(message.contains(wrong), "{field}: {message}");
        assert_eq!(browser.js(&format!("return document.querySelector('#{field}').value")).await, text);
    }
    assert_eq!(server.get("/schedules").await.json().as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn schedule_page_shows_clock_changes_and_history() {
    let fixtures = JobFixtures::new().await;
    let browser = Browser::on(&fixtures.server).await;
    browser.open("/dashboard/schedules").await;
    browser.wait_for_text("2 schedules, 1 paused").await;
    assert_eq!(browser.texts("#rows .strip li").await.len(), 4);
    browser.press("nightly report").await;
    browser.wait_for_text("At 02:30, on day 8, in March (America/New_York)").await;
    // In 2026 and some later years, this due time is skipped by daylight saving time.
    browser.wait_for_text("EST (-05:00)").await;
    browser.wait_for_text("6 runs, since").await;
    browser.wait_for_text("backfill by schedule:nightly report, “the March bug”").await;
    let times = fixtures.server.get("/schedules/nightly%20report/next?limit=5").await.json();
    let flagged = times["next"].as_array().unwrap().iter().filter(|it| it["note"].is_string()).count();
    assert_eq!(browser.texts("#next-times .note").await.len(), flagged);

    browser.press("Backfill").await;
    browser.fill("#from", "2026-03-01T00:00:00Z").await;
    browser.fill("#to", "2026-03-31T00:00:00Z").await;
    browser.press("Preview runs…").await;
    browser.wait_for_text("Starts 1 run immediately.").await;
    browser.wait_for_text("2026-03-08 03:00:00 EDT 2026-03-08 02:30:00 does not exist on this day").await;
    browser.press("Backfill schedule").await;
    browser.wait_for_text("Backfill started.").await;
    browser.wait_for_text("backfill by dashboard").await;
    browser
        .open("/dashboard/schedules/nightly%20report/backfill?from=2026-03-01T00:00:00Z&to=2026-03-31T00:00:00Z")
        .await;
    browser.wait_for_text("Every run in this range has already started.").await;
    browser.open("/dashboard/schedules/nightly%20report/backfill?from=soon&to=2026-03-31T00:00:00Z").await;
    browser.wait_for_text("The field from must be an RFC 3339 time").await;
}
