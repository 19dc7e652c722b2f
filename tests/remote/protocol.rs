//! `/internal`, request by request.

use serde_json::{Value, json};

use super::{dequeue, held, put, server_without_workers, text};
use crate::api::{assert_problem, assert_refused};
use crate::harness::{Database, eventually, worker};
use crate::jobs::{act, job, only_worker, outcomes, until};

#[tokio::test]
async fn repeated_request_returns_same_executions() {
    let database = Database::new().await;
    let server = server_without_workers(&database, &[("PROVOST_LEASE_TTL", "20s")]);
    let (_, first) = held(&server, "r1").await;
    server.post("/jobs", json!({"kind": "noop"})).await.expect(201);
    let again = dequeue(&server, "r1").await;
    assert_eq!(
        (again.len(), text(&again[0], "execution_id")),
        (1, first.clone()),
        "a repeated request returns the same jobs"
    );
    assert_eq!(again[0]["lease_ttl_ms"], 10_000, "until the first heartbeat");
    let other = dequeue(&server, "r2").await;
    assert_ne!(text(&other[0], "execution_id"), first, "another request id claims other jobs");
    put(&server, &format!("/internal/executions/{first}/result"), json!({"exit_code": 0})).await.expect(200);
    assert!(
        dequeue(&server, "r1").await.is_empty(),
        "what was settled is not given again, and nothing new for an old question"
    );
    assert_eq!(database.number("SELECT max(attempt) FROM jobs").await, 1);
    database.check_invariants().await;
}

#[tokio::test]
async fn concurrent_identical_requests_share_executions() {
    let database = Database::new().await;
    let server = server_without_workers(&database, &[("PROVOST_LEASE_TTL", "20s")]);
    for _ in 0..8 {
        server.post("/jobs", json!({"kind": "noop"})).await.expect(201);
    }
    let all = futures_util::future::join_all((0..8).map(|_| dequeue(&server, "same"))).await;
    let mut ids: Vec<String> = all.iter().flatten().map(|it| text(it, "execution_id")).collect();
    ids.dedup();
    assert_eq!(ids.len(), 1, "{ids:?}");
    assert_eq!(database.number("SELECT count(*) FROM jobs WHERE state = 'active'").await, 1);
}

#[tokio::test]
async fn lost_delivery_is_claimed_again_soon() {
    let database = Database::new().await;
    let server = server_without_workers(&database, &[("PROVOST_LEASE_TTL", "1m")]);
    let (id, execution) = held(&server, "lost").await;
    let left = "SELECT round(extract(epoch FROM lease_until - clock_timestamp())) BETWEEN 8 AND 10 FROM jobs WHERE state = 'active'";
    assert_eq!(database.text(left).await, "t", "ten seconds, although leases last a minute");
    let beat = put(&server, &format!("/internal/executions/{execution}/heartbeat"), json!({})).await.expect(200).json();
    assert_eq!(beat, json!({"lease_ttl_ms": 60_000, "cancel": false, "drain": false}));
    database.run("UPDATE jobs SET lease_until = clock_timestamp() WHERE state = 'active'").await;
    let back = until(&server, &id, "retrying").await;
    assert!(text(&back, "error").contains("was lost"), "{back}");
}

#[tokio::test]
async fn later_request_ends_waiting_one() {
    let database = Database::new().await;
    let server = &server_without_workers(&database, &[("PROVOST_LEASE_TTL", "20s")]);
    let ask = |request: &'static str| {
        let ask = json!({"worker_id": "w", "request_id": request, "kinds": ["noop"], "wait": "15s"});
        server.post("/internal/executions/dequeue", ask)
    };
    // A request is recorded when it arrives.
    let arrived = async |request: &str| {
        let found = format!("SELECT count(*) FROM deliveries WHERE request_id = '{request}'");
        eventually("the request has arrived", async || (database.number(&found).await == 1).then_some(())).await;
    };
    let (answer, ()) = tokio::join!(ask("waits"), async {
        arrived("waits").await;
        server.post("/jobs", json!({"kind": "noop"})).await.expect(201);
    });
    let answer = answer.expect(200).json();
    assert_eq!(answer["executions"].as_array().map(Vec::len), Some(1));
    assert!(answer["waited_ms"].is_u64(), "{answer}");
    let (first, second) = tokio::join!(ask("gave up"), async {
        arrived("gave up").await;
        let second = ask("second request");
        let born = async {
            arrived("second request").await;
            server.post("/jobs", json!({"kind": "noop"})).await.expect(201);
        };
        tokio::join!(second, born).0
    });
    assert_eq!(first.expect(200).json()["executions"], json!([]));
    assert_eq!(second.expect(200).json()["executions"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn duplicate_result_succeeds_and_stale_fails() {
    let database = Database::new().await;
    let server = server_without_workers(&database, &[("PROVOST_LEASE_TTL", "20s")]);
    let (id, execution) = held(&server, "r").await;
    let path = format!("/internal/executions/{execution}/result");
    let done = json!({"exit_code": 0, "result": {"n": 1}});
    let answer = put(&server, &path, done.clone()).await.expect(200).json();
    assert_eq!(answer, json!({"state": "completed", "duplicate": false}));
    for body in [done.clone(), json!({"exit_code": 0, "job_id": id})] {
        let again = put(&server, &path, body).await.expect(200).json();
        assert_eq!(again, json!({"state": "completed", "duplicate": true}));
    }
    assert_problem(&put(&server, &path, json!({"exit_code": 1})).await, 409, "lease_lost");
    assert_eq!(job(&server, &id).await["result"], json!({"n": 1}));
    let (id, execution) = held(&server, "s").await;
    database.run("UPDATE jobs SET lease_until = clock_timestamp() WHERE state = 'active'").await;
    until(&server, &id, "retrying").await;
    for (method, what) in [("PUT", "heartbeat"), ("PUT", "result"), ("POST", "release"), ("POST", "logs")] {
        let request = server.request(method.parse().unwrap(), &format!("/internal/executions/{execution}/{what}"));
        assert_problem(&crate::harness::send(request.json(&json!({}))).await, 409, "lease_lost");
    }
    database.check_invariants().await;
}

#[tokio::test]
async fn remote_outcomes_match_local_ones() {
    let database = Database::new().await;
    let server = server_without_workers(&database, &[("PROVOST_LEASE_TTL", "20s")]);
    let cases = [
        (json!({"exit_code": 0}), "completed", "completed", None),
        (json!({}), "completed", "completed", None),
        (json!({"exit_code": 3}), "retrying", "failed", Some("Exit code 3")),
        (json!({"exit_code": 0, "error": "no disk"}), "retrying", "failed", Some("no disk")),
        (json!({"exit_code": 3, "error": "", "retryable": false}), "failed", "failed", Some("Exit code 3")),
        (json!({"error": "busy", "retry_after": "1h"}), "retrying", "failed", Some("busy")),
        (json!({"timed_out": true}), "retrying", "timed_out", Some("timed out")),
        (json!({"snooze": "1h"}), "scheduled", "snoozed", None),
        (json!({"canceled": true}), "canceled", "canceled", Some("canceled")),
    ];
    for (at, (result, state, outcome, error)) in cases.into_iter().enumerate() {
        // One queue each, because a retry may become due at any time.
        let queue = format!("q{at}");
        server.post("/jobs", json!({"kind": "noop", "queue": queue})).await.expect(201);
        let ask = json!({"worker_id": "w", "request_id": queue, "kinds": ["noop"], "queues": [queue]});
        let given = server.post("/internal/executions/dequeue", ask).await.expect(200).json()["executions"][0].clone();
        let (id, execution) = (text(&given, "job_id"), text(&given, "execution_id"));
        for duplicate in [false, true] {
            let path = format!("/internal/executions/{execution}/result");
            let answer = put(&server, &path, result.clone()).await.expect(200).json();
            assert_eq!(answer, json!({"state": state, "duplicate": duplicate}), "{result}");
        }
        assert_eq!(outcomes(&server, &id).await, [outcome], "{result}");
        let job = job(&server, &id).await;
        assert_eq!((text(&job, "state"), job["error"].as_str()), (state.to_owned(), error), "{result}");
    }
    database.check_invariants().await;
}

#[tokio::test]
async fn released_job_is_due_without_failure() {
    let database = Database::new().await;
    let server = server_without_workers(&database, &[("PROVOST_LEASE_TTL", "20s")]);
    let (id, execution) = held(&server, "r").await;
    let path = format!("/internal/executions/{execution}/release");
    let back = server.request(reqwest::Method::POST, &path);
    let answer = crate::harness::send(back).await.expect(200).json();
    assert_eq!(answer, json!({"state": "queued", "duplicate": false}));
    let again = dequeue(&server, "s").await;
    assert_eq!((text(&again[0], "job_id"), &again[0]["attempt"], &again[0]["failures"]), (id, &json!(2), &json!(0)));
    database.check_invariants().await;
}

#[tokio::test]
async fn heartbeating_worker_is_listed_and_controlled() {
    let database = Database::new().await;
    let server = server_without_workers(&database, &[("PROVOST_LEASE_TTL", "20s")]);
    let (id, execution) = held(&server, "r").await;
    let gone = "0190c2f4-7c1e-7d3a-9f52-0242ac120009";
    let beat = || {
        let held = json!([{"execution_id": execution, "job_id": id}, {"execution_id": gone, "job_id": id}]);
        let worker = json!({"id": "w", "host": "far", "kinds": ["noop"], "queues": ["*"], "slots": 3, "busy": 1});
        server.post("/internal/executions/heartbeat", json!({"worker": worker, "executions": held}))
    };
    let answer = beat().await.expect(200).json();
    let expected = json!({"held": [{"execution_id": execution}], "lost": [gone], "worker_state": "online", "lease_ttl_ms": 20_000});
    assert_eq!(answer, expected);
    assert_eq!(only_worker(&server).await, "w");
    let shown = server.get("/workers/w").await.expect(200).json();
    assert_eq!((text(&shown, "host"), &shown["slots"], &shown["busy"]), ("far".into(), &json!(3), &json!(1)));
    act(&server, &id, "cancel", json!({"reason": "not needed"})).await.expect(202);
    server.post("/workers/w/drain", json!({})).await.expect(200);
    let answer = beat().await.expect(200).json();
    assert_eq!((&answer["held"][0]["cancel"], &answer["worker_state"]), (&json!("not needed"), &json!("draining")));
    let one = put(&server, &format!("/internal/executions/{execution}/heartbeat"), json!({})).await.expect(200).json();
    assert_eq!(one, json!({"lease_ttl_ms": 20_000, "cancel": true, "reason": "not needed", "drain": true}));
    server.post("/jobs", json!({"kind": "noop"})).await.expect(201);
    assert!(dequeue(&server, "s").await.is_empty(), "a draining worker receives no jobs");
    put(&server, &format!("/internal/executions/{execution}/result"), json!({"canceled": true})).await.expect(200);
    assert_eq!(text(&job(&server, &id).await, "error"), "canceled: not needed");
    server.post("/internal/workers/w/leave", json!({})).await.expect(204);
    assert_problem(&server.get("/workers/w").await, 404, "not_found");
}

#[tokio::test]
async fn follow_ups_are_enqueued_or_rejected_by_field() {
    let database = Database::new().await;
    let server = server_without_workers(&database, &[("PROVOST_LEASE_TTL", "20s")]);
    let (id, execution) = held(&server, "r").await;
    let path = format!("/internal/executions/{execution}/result");
    let refused = put(&server, &path, json!({"next": [{"kind": "no good"}]})).await;
    assert_refused(&refused, 422, "invalid_field", "next");
    put(&server, &path, json!({"next": [{"kind": "echo", "payload": {"n": 1}}]})).await.expect(200);
    let next = server.get("/jobs?kind=echo").await.expect(200).json();
    assert_eq!((text(&next[0], "origin_id"), &next[0]["payload"]), (id, &json!({"n": 1})));
    for body in [json!({"snooze": "1s", "released": true}), json!({"exit": 0}), json!({"snooze": "soon"})] {
        assert_eq!(put(&server, &path, body).await.status, 422);
    }
}

#[tokio::test]
async fn unstorable_result_is_rejected_without_loss() {
    let database = Database::new().await;
    let server = server_without_workers(&database, &[("PROVOST_LEASE_TTL", "20s")]);
    let (id, execution) = held(&server, "r1").await;
    let path = format!("/internal/executions/{execution}/result");
    let deep = format!("{{\"result\": {}{}}}", "[".repeat(5000), "]".repeat(5000));
    let twice = r#"{"next": [{"kind": "noop", "idempotency_key": "k"}, {"kind": "noop", "idempotency_key": "k"}]}"#;
    for body in [r#"{"result": "\ud800"}"#, r#"{"result": {"a": "\u0000"}}"#, &deep, twice] {
        let sent = server.request(reqwest::Method::PUT, &path).header("content-type", "application/json");
        let answer = crate::harness::send(sent.body(body.to_owned())).await;
        assert_eq!(answer.status, 422, "{}", answer.text);
    }
    let later = json!({"error": "not yet", "retry_after": "9999999d"});
    put(&server, &path, later).await.expect(200);
    assert_eq!(text(&job(&server, &id).await, "state"), "retrying");
    database.check_invariants().await;
}

#[tokio::test]
async fn payloads_arrive_byte_for_byte() {
    let database = Database::new().await;
    let server = server_without_workers(&database, &[("PROVOST_LEASE_TTL", "20s")]);
    let payload = r#"{ "n": 12345678901234567890123,  "x": 1.0 }"#;
    for tenant in ["a", "b"] {
        let body = format!(
            r#"{{"kind": "noop", "tenant": "{tenant}", "queue": "q.{tenant}", "timeout": "90s", "payload": {payload}}}"#
        );
        crate::api::post_raw(&server, "/jobs", body).await.expect(201);
    }
    let ask = |more: Value| {
        let mut ask = json!({"worker_id": "w", "request_id": more.to_string(), "kinds": ["noop"], "limit": 9});
        ask.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        server.post("/internal/executions/dequeue", ask)
    };
    for nothing in [json!({"tenants": ["c"]}), json!({"queues": ["q.c"]}), json!({"kinds": ["echo"]})] {
        assert_eq!(ask(nothing.clone()).await.expect(200).json()["executions"], json!([]), "{nothing}");
    }
    let answer = ask(json!({"tenant_ids": ["b"]})).await.expect(200);
    assert!(answer.text.contains(payload), "{}", answer.text);
    let given = answer.json()["executions"].clone();
    assert_eq!(
        (given.as_array().unwrap().len(), text(&given[0], "queue"), &given[0]["timeout_ms"]),
        (1, "q.b".into(), &json!(90_000))
    );
    for (body, field) in [
        (json!({"request_id": "r"}), "worker_id"),
        (json!({"worker_id": "", "request_id": "r"}), "worker_id"),
        (json!({"wait": "1m"}), "wait"),
        (json!({"kinds": ["a b"]}), "kinds.0"),
        (json!({"max": 1}), "max"),
    ] {
        assert_refused(&server.post("/internal/executions/dequeue", body).await, 422, "invalid_field", field);
    }
    database.run("UPDATE deliveries SET created_at = created_at - interval '2 hours'").await;
    assert!(
        worker::store(&database).await.prune_deliveries(100).await.unwrap() > 0,
        "an old request id is not remembered"
    );
}
