//! Schedules that cannot be fired, or not be read, are nobody else's trouble.

use reqwest::Method;
use serde_json::json;

use super::{idle, schedule, text, ticked, ticks};
use crate::harness::{Database, send};

#[tokio::test]
async fn a_schedule_that_others_hold_up_waits_alone() {
    let database = Database::new().await;
    let server = idle(&database);
    let project = text(&server.post("/projects", json!({"name": "p"})).await.expect(202).json(), "id");
    let holder = database.connection().await;
    let hold = format!("BEGIN; SELECT FROM projects WHERE id = '{project}' FOR UPDATE");
    holder.batch_execute(&hold).await.unwrap();
    let delete = json!({"project": {"action": "delete", "project_id": project}});
    schedule(&server, "held", json!({"cron": "* * * * * *", "target": delete})).await;
    schedule(&server, "free", json!({"cron": "* * * * * *"})).await;
    ticked(&server, "free", "fired", 8).await;
    assert_eq!(ticks(&server, "held").await.len(), 0);
    holder.batch_execute("ROLLBACK").await.unwrap();
    ticked(&server, "held", "skipped", 1).await;
    database.check_invariants().await;
}

#[tokio::test]
async fn what_this_version_cannot_read_is_left_alone_and_holds_up_nobody() {
    let database = Database::new().await;
    let server = idle(&database);
    schedule(&server, "broken", json!({"cron": "* * * * * *", "enabled": false})).await;
    database
        .run("UPDATE schedules SET time_zone = 'Mars/Olympus', state = 'enabled', next_at = clock_timestamp(), turn = turn + 1")
        .await;
    let left = "SELECT count(*) FROM schedules WHERE next_at IS NOT NULL AND turn = 2";
    schedule(&server, "s", json!({"cron": "* * * * * *"})).await;
    ticked(&server, "s", "fired", 7).await;
    assert_eq!(database.number(&format!("{left} AND name = 'broken'")).await, 1, "another version may read it");
    assert_eq!(server.raw_log().matches("cannot be read by this version").count(), 1, "told once");
    send(server.request(Method::DELETE, "/schedules/broken")).await.expect(204);
}
