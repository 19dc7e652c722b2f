//! Due times missed while no server ran.

use serde_json::json;

use super::{api_server, moment, move_due_time_back, schedule, server_without_workers, text, ticks, wait_for_ticks};
use crate::harness::Database;

#[tokio::test]
async fn missed_due_times_follow_the_policy() {
    let database = Database::new().await;
    let watcher = api_server(&database);
    for (name, policy) in [
        ("skip", json!({"cron": "0 * * * *", "misfire": "skip"})),
        ("latest", json!({"cron": "0 * * * *"})),
        ("all", json!({"cron": "0 * * * *", "misfire": "all", "catch_up": 3})),
    ] {
        schedule(&watcher, name, policy).await;
    }
    // The next due time was five hours ago.
    database.run("UPDATE schedules SET next_at = date_trunc('hour', clock_timestamp()) - interval '5 hours', revision = revision + 1").await;
    // In the first minute of an hour, its due time is on time.
    let in_time = database
        .number("SELECT (clock_timestamp() - date_trunc('hour', clock_timestamp()) < interval '60 seconds')::int")
        .await as usize;
    let _server = server_without_workers(&database);
    for (name, started) in [("skip", in_time), ("latest", 1), ("all", 3 + in_time)] {
        let skipped = wait_for_ticks(&watcher, name, "skipped", 1).await;
        let fired = wait_for_ticks(&watcher, name, "fired", started).await;
        assert_eq!((fired.len(), skipped.len()), (started, 1), "{name}");
        assert_eq!(skipped[0]["n"].as_u64().unwrap() as usize + started, 6, "{name}: every due time is accounted for");
        assert!(text(&skipped[0], "reason").contains(&format!("misfire policy {name}")), "{}", skipped[0]);
        if let Some(last) = fired.last() {
            assert!(moment(last, "due_at") > moment(&skipped[0], "due_at"), "the newest due times start");
        }
        let next = watcher.get(&format!("/schedules/{name}")).await.json();
        assert!(moment(&next, "next_at") > moment(&next, "updated_at"));
    }
    database.check_invariants().await;
}

#[tokio::test]
async fn week_of_missed_due_times_starts_few_jobs() {
    let database = Database::new().await;
    let watcher = api_server(&database);
    schedule(&watcher, "s", json!({"cron": "* * * * * *", "misfire_grace": "5s", "overlap": "skip"})).await;
    move_due_time_back(&database, "s", "7 days").await;
    let _server = server_without_workers(&database);
    wait_for_ticks(&watcher, "s", "fired", 1).await;
    let skipped = ticks(&watcher, "s").await;
    let n: u64 = skipped.iter().filter(|it| it["outcome"] == "skipped").map(|it| it["n"].as_u64().unwrap()).sum();
    assert!(n >= 7 * 86400 - 60, "{n}");
    assert!(database.number("SELECT count(*) FROM jobs").await < 20);
    assert!(database.number("SELECT count(*) FROM ticks").await < 200, "missed due times share a tick");
    database.check_invariants().await;
}
