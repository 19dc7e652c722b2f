//! Invalid schedules are rejected with the name of the field.

use serde_json::{Value, json};

use super::api_server;
use crate::api::assert_refused;
use crate::harness::Database;

fn with(field: &str, value: Value) -> Value {
    let mut body = json!({"name": "s", "cron": "0 8 * * *", "target": {"job": {"kind": "noop"}}});
    body[field] = value;
    body
}

#[tokio::test]
async fn invalid_field_is_named() {
    let database = Database::new().await;
    let server = api_server(&database);
    for (field, value, named) in [
        ("name", json!(""), "name"),
        ("name", json!("preview"), "name"),
        ("name", json!("."), "name"),
        ("name", json!(".."), "name"),
        ("name", json!(null), "name"),
        ("cron", json!("0 0 30 2 *"), "cron"),
        ("cron", json!("61 * * * *"), "cron"),
        ("cron", json!("* * *"), "cron"),
        ("cron", json!("1,".repeat(50_000)), "cron"),
        ("cron", json!(null), "cron"),
        ("every", json!("1h"), "every"),
        ("time_zone", json!("Mars/Olympus"), "time_zone"),
        ("time_zone", json!("+02:00"), "time_zone"),
        ("misfire", json!("once"), "misfire"),
        ("catch_up", json!(1001), "catch_up"),
        ("catch_up", json!(-1), "catch_up"),
        ("misfire_grace", json!("25h"), "misfire_grace"),
        ("overlap", json!("kill"), "overlap"),
        ("jitter", json!("25h"), "jitter"),
        ("target", json!(null), "target"),
        ("target", json!({"job": {"kind": "a b"}}), "target.job.kind"),
        ("target", json!({"job": {"kind": "project.provision"}}), "target.job.kind"),
        ("target", json!({"job": {"kind": "noop", "run_at": "2030-01-01T00:00:00Z"}}), "target.job.run_at"),
        ("target", json!({"job": {"kind": "noop", "delay": 1}}), "target.job.delay"),
        ("target", json!({"job": {"kind": "noop", "idempotency_key": "k"}}), "target.job.idempotency_key"),
        ("target", json!({"job": {"kind": "noop", "deadline_at": "2030-01-01T00:00:00Z"}}), "target.job.deadline_at"),
        ("target", json!({"project": {"action": "paint"}}), "target.project.action"),
        ("target", json!({"project": {"action": "create"}}), "target.project.name"),
        (
            "target",
            json!({"project": {"action": "create", "name": format!("{}{{{{due_at}}}}", "x".repeat(240))}}),
            "target.project.name",
        ),
        (
            "target",
            json!({"project": {"action": "create", "name": "x", "template": "gold"}}),
            "target.project.template",
        ),
        ("target", json!({"project": {"action": "delete"}}), "target.project.project_id"),
        ("kind", json!("noop"), "kind"),
        ("queue", json!("q"), "queue"),
        ("payload", json!({}), "payload"),
        ("priority", json!(1), "priority"),
        ("max_attempts", json!(1), "max_attempts"),
        ("timeout", json!("1m"), "timeout"),
        ("tenant", json!("t"), "tenant"),
        ("color", json!("red"), "color"),
    ] {
        assert_refused(&server.post("/schedules", with(field, value)).await, 422, "invalid_field", named);
    }
    let answer = server.post("/schedules", json!({"name": "s", "cron": "@daily", "queue": "q"})).await;
    assert_refused(&answer, 422, "invalid_field", "kind");
    let answer = server.post("/schedules", json!({"name": "s", "every": "0s", "kind": "noop"})).await;
    assert_refused(&answer, 422, "invalid_field", "every");
    let answer =
        server.post("/schedules", json!({"name": "s", "cron": "@daily", "kind": "email.send", "payload": {}})).await;
    assert_eq!(answer.status, 422, "the payload must match the schema of its kind: {}", answer.text);
    for body in [json!({"cron": "0 0 31 4 *"}), json!({}), json!({"cron": "@daily", "every": 60})] {
        assert_eq!(server.post("/schedules/preview", body).await.status, 422);
    }
    assert_eq!(database.number("SELECT count(*) FROM schedules").await, 0);
}
