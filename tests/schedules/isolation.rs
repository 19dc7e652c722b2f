//! Schedules that cannot be fired or read do not disturb others.

use reqwest::Method;
use serde_json::json;

use super::{api_server, schedule, server_without_workers, text, ticks, wait_for_ticks};
use crate::harness::{Database, send};

#[tokio::test]
async fn blocked_schedule_delays_no_other() {
    let database = Database::new().await;
    let server = server_without_workers(&database);
    let project = text(&server.post("/projects", json!({"name": "p"})).await.expect(201).json(), "id");
    let holder = database.connection().await;
    let hold = format!("BEGIN; SELECT FROM projects WHERE id = '{project}' FOR UPDATE");
    holder.batch_execute(&hold).await.unwrap();
    let delete = json!({"project": {"action": "delete", "project_id": project}});
    schedule(&server, "held", json!({"cron": "* * * * * *", "target": delete})).await;
    schedule(&server, "free", json!({"cron": "* * * * * *"})).await;
    wait_for_ticks(&server, "free", "fired", 8).await;
    assert_eq!(ticks(&server, "held").await.len(), 0);
    holder.batch_execute("ROLLBACK").await.unwrap();
    wait_for_ticks(&server, "held", "skipped", 1).await;
    database.check_invariants().await;
}

#[tokio::test]
async fn unreadable_schedule_is_skipped_and_kept() {
    let database = Database::new().await;
    let server = server_without_workers(&database);
    schedule(&server, "broken", json!({"cron": "* * * * * *", "enabled": false})).await;
    database
        .run("UPDATE schedules SET time_zone = 'Mars/Olympus', state = 'enabled', next_at = clock_timestamp(), revision = revision + 1")
        .await;
    let left = "SELECT count(*) FROM schedules WHERE next_at IS NOT NULL AND revision = 2";
    schedule(&server, "s", json!({"cron": "* * * * * *"})).await;
    wait_for_ticks(&server, "s", "fired", 7).await;
    assert_eq!(database.number(&format!("{left} AND name = 'broken'")).await, 1, "a newer version may read it");
    assert_eq!(server.raw_log().matches("this version cannot read it").count(), 1, "logged once");
    send(server.request(Method::DELETE, "/schedules/broken")).await.expect(204);
}

#[tokio::test]
async fn unreadable_schedule_is_shown_and_replaceable() {
    let database = Database::new().await;
    let server = api_server(&database);
    for name in ["broken", "sound"] {
        schedule(&server, name, json!({"cron": "@yearly"})).await;
    }
    database.run("UPDATE schedules SET time_zone = 'Mars/Olympus' WHERE name = 'broken'").await;
    let all = server.get("/schedules").await.expect(200).json();
    assert_eq!(
        (text(&all[0], "state"), text(&all[0], "time_zone"), &all[0]["target"], text(&all[1], "state")),
        ("unreadable".into(), "Mars/Olympus".into(), &json!(null), "enabled".into())
    );
    let page = server.get("/dashboard/schedules").await.expect(200).text;
    assert!(page.contains("InvalidSchedule") && page.contains("sound"), "{page}");
    assert!(!page.contains("broken/run") && page.contains("broken/delete"), "{page}");
    server.get("/dashboard/schedules/broken/delete").await.expect(200);
    for (method, path) in [
        (Method::GET, ""),
        (Method::PATCH, ""),
        (Method::POST, "/run"),
        (Method::GET, "/next"),
        (Method::POST, "/pause"),
    ] {
        let request = server.request(method.clone(), &format!("/schedules/broken{path}"));
        let answer = send(if method == Method::GET { request } else { request.json(&json!({})) }).await;
        assert_eq!((answer.status, answer.code()), (409, "invalid_state".into()), "{path}");
        assert!(answer.text.contains("eplace or delete it"), "{}", answer.text);
    }
    server.get("/schedules/broken/ticks").await.expect(200);
    let replacement = json!({"name": "broken", "cron": "@daily", "kind": "noop"});
    let replacement = server.post("/schedules", replacement).await.expect(200).json();
    assert_eq!((text(&replacement, "time_zone"), &replacement["id"]), ("UTC".into(), &all[0]["id"]));
    assert_ne!(replacement["next_at"], json!(null));
    // An older version may have cleared the next due time; an edit computes it again.
    database.run("UPDATE schedules SET next_at = NULL").await;
    let edited = server.patch("/schedules/sound", json!({"jitter": "1s"})).await.expect(200).json();
    assert_ne!(edited["next_at"], json!(null));
    database.check_invariants().await;
}
