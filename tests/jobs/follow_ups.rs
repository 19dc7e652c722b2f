//! Follow-up jobs, enqueued in the transaction that settles their parent.

use serde_json::{Value, json};

use super::{act, enqueue, fast_server, job, outcomes, simulated, text, until};
use crate::harness::{Database, Server, shorten};

async fn followers(server: &Server, id: &str) -> Vec<Value> {
    let whole = server.get(&format!("/jobs/{id}/inspection")).await.expect(200).json();
    whole["followers"].as_array().unwrap().clone()
}

#[tokio::test]
async fn follow_up_of_success_names_its_origin() {
    let database = Database::new().await;
    let server = fast_server(&database, &[]);
    let next = json!([{"kind": "echo", "payload": {"n": 1.0}, "priority": 8, "tags": ["t"]}, {"kind": "noop", "queue": "q", "delay": "1h"}]);
    let never = json!([{"kind": "noop", "queue": "never"}]);
    let id =
        simulated(&server, json!({"duration_ms": 0, "result": {"ok": true}, "next": next, "next_on_failure": never}))
            .await;
    let done = until(&server, &id, "completed").await;
    assert_eq!(done["result"], json!({"ok": true}));
    let after = followers(&server, &id).await;
    assert_eq!(after.len(), 2);
    assert_eq!(
        (text(&after[0], "kind"), &after[0]["priority"], &after[0]["tags"]),
        ("echo".into(), &json!(8), &json!(["t"]))
    );
    assert_eq!((text(&after[1], "queue"), text(&after[1], "state")), ("q".into(), "scheduled".into()));
    let together = "SELECT count(*) FROM jobs WHERE origin_id IS NOT NULL AND created_at >= (SELECT finished_at FROM jobs WHERE origin_id IS NULL)
        AND created_at < (SELECT finished_at FROM jobs WHERE origin_id IS NULL) + interval '50 ms'";
    assert_eq!(database.number(together).await, 2);
    until(&server, &text(&after[0], "id"), "completed").await;
    database.check_invariants().await;
}

#[tokio::test]
async fn follow_up_of_failure_waits_for_last_attempt() {
    let database = Database::new().await;
    let server = fast_server(&database, &[]);
    let (next, never) =
        (json!([{"kind": "noop", "tags": ["compensate"]}]), json!([{"kind": "noop", "queue": "never"}]));
    let payload =
        json!({"outcome": "flaky", "duration_ms": 0, "retry_after_s": 0, "next": never, "next_on_failure": next});
    let id = enqueue(&server, json!({"kind": "simulated", "payload": payload, "max_attempts": 3})).await;
    until(&server, &id, "failed").await;
    let after = followers(&server, &id).await;
    assert_eq!((outcomes(&server, &id).await.len(), after.len()), (3, 1));
    assert_eq!(after[0]["tags"], json!(["compensate"]));
    let stays =
        simulated(&server, json!({"outcome": "snooze", "duration_ms": 0, "retry_after_s": 3600, "next": never})).await;
    until(&server, &stays, "scheduled").await;
    act(&server, &stays, "cancel", json!({})).await.expect(200);
    assert_eq!(followers(&server, &stays).await.len(), 0, "nothing follows a snooze or a cancel");
    database.check_invariants().await;
}

#[tokio::test]
async fn invalid_follow_up_fails_the_attempt() {
    let database = Database::new().await;
    let server = fast_server(&database, &[]);
    server.post("/jobs", json!({"kind": "noop", "idempotency_key": "k", "delay": "1h"})).await.expect(201);
    for (second, why) in [
        (json!({"kind": "a b"}), "cannot be enqueued: kind must have 1 to 128"),
        (json!({"kind": "noop", "priority": 77}), "cannot be enqueued: priority must be a whole number"),
        (json!({"queue": "q"}), "cannot be enqueued: next missing field `kind`"),
        (json!({"kind": "noop", "idempotency_key": "k"}), "cannot be enqueued: this idempotency key was already used"),
    ] {
        let payload = json!({"duration_ms": 0, "next": [{"kind": "noop", "queue": "q"}, second]});
        let id = simulated(&server, payload).await;
        let dead = until(&server, &id, "failed").await;
        assert!(text(&dead, "error").contains(why), "{dead}");
        assert_eq!((&dead["attempt"], followers(&server, &id).await.len()), (&json!(1), 0));
        assert_eq!(outcomes(&server, &id).await, ["failed"]);
    }
    assert_eq!(database.number("SELECT count(*) FROM jobs WHERE queue = 'q'").await, 0);
    database.check_invariants().await;
}

#[tokio::test]
async fn follow_up_with_known_key_is_not_duplicated() {
    let database = Database::new().await;
    let server = fast_server(&database, &[]);
    let payload = json!({"duration_ms": 0, "next": [{"kind": "noop", "idempotency_key": "once"}]});
    for _ in 0..2 {
        let id = simulated(&server, payload.clone()).await;
        until(&server, &id, "completed").await;
    }
    assert_eq!(database.number("SELECT count(*) FROM jobs WHERE kind = 'noop'").await, 1);
}

#[tokio::test]
async fn killed_worker_enqueues_no_follow_up() {
    let database = Database::new().await;
    let server = super::server_without_workers(&database);
    let victim = fast_server(&database, &[("PROVOST_ROLES", "api,worker")]);
    let payload = json!({"duration_ms": 600_000, "next": [{"kind": "noop"}]});
    let id = simulated(&server, payload).await;
    until(&server, &id, "active").await;
    victim.kill();
    until(&server, &id, "retrying").await;
    shorten(&database).await;
    assert_eq!(followers(&server, &id).await.len(), 0);
    let _successor = fast_server(&database, &[("PROVOST_ROLES", "api,worker")]);
    until(&server, &id, "completed").await;
    assert_eq!(
        (followers(&server, &id).await.len(), outcomes(&server, &id).await),
        (1, vec!["lease_expired".to_owned(), "completed".to_owned()])
    );
    database.check_invariants().await;
}

#[tokio::test]
async fn follow_ups_can_form_three_phases() {
    let database = Database::new().await;
    let server = fast_server(&database, &[]);
    let phase = |name: &str, result: &str, next: Value| json!({"kind": "simulated", "queue": name, "payload": {"duration_ms": 0, "result": result, "next": next}});
    let third = phase("publish", "published", json!([]));
    let second = phase("render", "rendered", json!([third]));
    let mut id = enqueue(&server, phase("fetch", "fetched", json!([second]))).await;
    for (queue, result) in [("fetch", "fetched"), ("render", "rendered"), ("publish", "published")] {
        let done = until(&server, &id, "completed").await;
        assert_eq!((text(&done, "queue"), text(&done, "result")), (queue.to_owned(), result.to_owned()));
        let Some(next) = followers(&server, &id).await.first().cloned() else {
            assert_eq!(queue, "publish");
            break;
        };
        assert_eq!(text(&next, "origin_id"), id);
        id = text(&next, "id");
    }
    assert_eq!(job(&server, &id).await["result"], "published");
    assert_eq!(database.number("SELECT count(*) FROM jobs").await, 3);
    database.check_invariants().await;
}
