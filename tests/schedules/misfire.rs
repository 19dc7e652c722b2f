//! What nobody was there for.

use serde_json::json;

use super::{idle, moment, schedule, set_back, still, text, ticked, ticks};
use crate::harness::Database;

#[tokio::test]
async fn what_was_missed_while_nobody_was_there_goes_by_the_policy() {
    let database = Database::new().await;
    let watcher = still(&database);
    for (name, policy) in [
        ("skip", json!({"cron": "0 * * * *", "misfire": "skip"})),
        ("latest", json!({"cron": "0 * * * *"})),
        ("all", json!({"cron": "0 * * * *", "misfire": "all", "catch_up": 3})),
    ] {
        schedule(&watcher, name, policy).await;
    }
    // Five hours ago on the hour, and nobody since.
    database.run("UPDATE schedules SET next_at = date_trunc('hour', clock_timestamp()) - interval '5 hours', revision = revision + 1").await;
    // When the hour has just begun, its due time is in time and not missed.
    let in_time = database
        .number("SELECT (clock_timestamp() - date_trunc('hour', clock_timestamp()) < interval '60 seconds')::int")
        .await as usize;
    let _server = idle(&database);
    for (name, started) in [("skip", in_time), ("latest", 1), ("all", 3 + in_time)] {
        let skipped = ticked(&watcher, name, "skipped", 1).await;
        let fired = ticked(&watcher, name, "fired", started).await;
        assert_eq!((fired.len(), skipped.len()), (started, 1), "{name}");
        assert_eq!(skipped[0]["n"].as_u64().unwrap() as usize + started, 6, "{name}: none is forgotten");
        assert!(text(&skipped[0], "reason").contains(&format!("misfire policy {name}")), "{}", skipped[0]);
        if let Some(last) = fired.last() {
            assert!(moment(last, "due_at") > moment(&skipped[0], "due_at"), "the newest are those that start");
        }
        let next = watcher.get(&format!("/schedules/{name}")).await.json();
        assert!(moment(&next, "next_at") > moment(&next, "updated_at"));
    }
    database.check_invariants().await;
}

#[tokio::test]
async fn a_week_of_seconds_is_no_herd() {
    let database = Database::new().await;
    let watcher = still(&database);
    schedule(&watcher, "s", json!({"cron": "* * * * * *", "misfire_grace": "5s", "overlap": "skip"})).await;
    set_back(&database, "s", "7 days").await;
    let _server = idle(&database);
    ticked(&watcher, "s", "fired", 1).await;
    let skipped = ticks(&watcher, "s").await;
    let n: u64 = skipped.iter().filter(|it| it["outcome"] == "skipped").map(|it| it["n"].as_u64().unwrap()).sum();
    assert!(n >= 7 * 86400 - 60, "{n}");
    assert!(database.number("SELECT count(*) FROM jobs").await < 20);
    assert!(database.number("SELECT count(*) FROM ticks").await < 200, "they are kept together");
    database.check_invariants().await;
}
