//! `POST /jobs`.

use serde_json::{Value, json};

use super::{enqueue, fast_server, job, moment, server_without_workers, text, until};
use crate::api::{api_server, assert_problem, assert_refused, ids, post_raw};
use crate::harness::Database;

#[tokio::test]
async fn new_job_is_returned_with_defaults() {
    let database = Database::new().await;
    let server = api_server(&database);
    let answer = server.post("/jobs", json!({"kind": "noop"})).await.expect(201);
    let job = answer.json();
    let expected = json!({"kind": "noop", "queue": "default", "tenant": "default", "tags": [], "state": "queued",
        "priority": 5, "payload": {}, "attempt": 0, "failures": 0, "max_attempts": 3, "replays": 0});
    for (field, value) in expected.as_object().unwrap() {
        assert_eq!(&job[field], value, "{field}");
    }
    for field in [
        "result",
        "error",
        "timeout_s",
        "deadline_at",
        "backoff",
        "project_id",
        "origin_id",
        "schema_version",
        "idempotency_key",
        "execution_id",
        "worker_id",
        "lease_until",
        "cancel_requested_at",
        "finished_at",
    ] {
        assert!(job.as_object().unwrap().contains_key(field) && job[field].is_null(), "{field}: {}", job[field]);
    }
    assert_eq!(job["run_at"], job["created_at"]);
    assert_eq!(answer.header("location"), format!("/jobs/{}", text(&job, "id")));
    assert_eq!(server.get(answer.header("location")).await.expect(200).json(), job);
    let answer = server.post("/api/v1/jobs", json!({"kind": "noop"})).await.expect(201);
    assert_eq!(answer.header("location"), format!("/api/v1/jobs/{}", text(&answer.json(), "id")));
    database.check_invariants().await;
}

#[tokio::test]
async fn every_field_is_kept() {
    let database = Database::new().await;
    let server = api_server(&database);
    let job = server
        .post(
            "/jobs",
            json!({"kind": "video.encode", "queue": "eu-west/1", "tenant": "acme", "tags": ["a", "ä b"], "priority": 9,
                "payload": {"n": 1}, "run_at": "2099-01-31T08:00:00+02:00", "max_attempts": 7, "timeout": "1m 30s",
                "deadline_at": "2100-01-01T00:00:00Z", "idempotency_key": "k", "idempotency_window": "1h",
                "backoff": {"strategy": "linear", "base": 10, "max": "1m", "jitter": false}}),
        )
        .await
        .expect(201)
        .json();
    let expected = json!({"kind": "video.encode", "queue": "eu-west/1", "tenant": "acme", "tags": ["a", "ä b"], "priority": 9,
        "payload": {"n": 1}, "state": "scheduled", "run_at": "2099-01-31T06:00:00.000Z", "max_attempts": 7,
        "timeout_s": 90.0, "deadline_at": "2100-01-01T00:00:00.000Z", "idempotency_key": "k",
        "backoff": {"strategy": "linear", "base_s": 10.0, "max_s": 60.0, "jitter": false}});
    for (field, value) in expected.as_object().unwrap() {
        assert_eq!(&job[field], value, "{field}");
    }
    let kept = server.get(&format!("/jobs/{}", text(&job, "id"))).await.expect(200).json();
    assert_eq!(kept, job, "the response equals the stored job");
    let exact = json!([{"kind": "a", "run_at": "2099-01-31T08:00:00.123456789Z", "deadline_at": "2100-01-01T00:00:00.999999999Z"},
        {"kind": "b", "delay": "1h", "payload": "x", "tags": ["t"]}]);
    for job in server.post("/jobs", exact).await.expect(201).json().as_array().unwrap() {
        assert_eq!(&server.get(&format!("/jobs/{}", text(job, "id"))).await.expect(200).json(), job);
    }
}

#[tokio::test]
async fn requests_of_reference_systems_work() {
    let database = Database::new().await;
    let server = api_server(&database);
    let request = json!({"type": "email.send", "queue": "critical", "tenantId": "tenant-a",
        "payload": {"recipient": "ops@example.com", "durationMs": 250}, "priority": 9, "maxAttempts": 5,
        "delaySeconds": 30, "timeoutSeconds": 60, "schemaVersion": 1, "idempotencyKey": "email-1", "dedupeWindowSeconds": 900});
    let job = server.post("/api/v1/jobs", request).await.expect(201).json();
    let expected = json!({"kind": "email.send", "queue": "critical", "tenant": "tenant-a", "priority": 9, "max_attempts": 5,
        "timeout_s": 60.0, "schema_version": 1, "idempotency_key": "email-1", "state": "scheduled"});
    for (field, value) in expected.as_object().unwrap() {
        assert_eq!(&job[field], value, "{field}");
    }
    assert!((moment(&job, "run_at") - moment(&job, "created_at") - 30.0).abs() < 0.01, "{job}");

    let request = json!({"type": "cleanup.run", "scheduledAt": "2099-01-01T00:00:00Z", "timeoutSeconds": 0});
    let job = server.post("/api/v1/jobs", request).await.expect(201).json();
    assert_eq!((&job["run_at"], &job["timeout_s"]), (&json!("2099-01-01T00:00:00.000Z"), &Value::Null));

    let request = json!({"jobs": [{"type": "cleanup.run"}, {"type": "user.notify", "payload": {"userId": "u", "channel": "sms"}}]});
    let jobs = server.post("/api/v1/jobs/batch", request).await.expect(201).json();
    assert_eq!((text(&jobs[0], "kind").as_str(), text(&jobs[1], "kind").as_str()), ("cleanup.run", "user.notify"));
    for alias in ["runAt", "scheduled_at", "run_at"] {
        let job = server.post("/jobs", json!({"kind": "noop", alias: "2099-01-01T00:00:00Z"})).await.expect(201).json();
        assert_eq!(job["state"], "scheduled", "{alias}");
    }
}

#[tokio::test]
async fn batches_in_three_formats_keep_order() {
    let database = Database::new().await;
    let server = api_server(&database);
    let bodies: Vec<Value> = (0..40).map(|n| json!({"kind": "noop", "payload": {"n": n}})).collect();
    for (path, body) in [
        ("/jobs", json!(bodies)),
        ("/jobs", json!({"jobs": bodies})),
        ("/jobs/batch", json!({"jobs": bodies})),
        ("/api/v1/jobs/batch", json!(bodies)),
    ] {
        let jobs = server.post(path, body).await.expect(201).json();
        let order: Vec<i64> = jobs.as_array().unwrap().iter().map(|it| it["payload"]["n"].as_i64().unwrap()).collect();
        assert_eq!(order, (0..40).collect::<Vec<_>>());
        assert!(ids(&jobs).is_sorted(), "ids are in request order");
    }
    let one = server.post("/jobs", json!([{"kind": "noop"}])).await.expect(201).json();
    assert_eq!(one.as_array().map(Vec::len), Some(1), "an array request has an array response");
    assert_eq!(database.number("SELECT count(*) FROM jobs").await, 161);
    database.check_invariants().await;
}

#[tokio::test]
async fn batch_is_atomic_and_names_invalid_job() {
    let database = Database::new().await;
    let server = api_server(&database);
    for (second, field) in [
        (json!({"kind": "noop", "priority": 10}), "1.priority"),
        (json!({"kind": "noop", "priority": "high"}), "1.priority"),
        (json!({"kind": "noop", "colour": "red"}), "1.colour"),
        (json!({"queue": "default"}), "1.kind"),
        (json!({"kind": "email.send", "payload": {}}), "1.payload"),
        (json!({"kind": "noop", "backoff": {"strategy": "square"}}), "1.backoff.strategy"),
        (json!(7), "1"),
    ] {
        for body in [json!([{"kind": "noop"}, second]), json!({"jobs": [{"kind": "noop"}, second]})] {
            assert_refused(&server.post("/jobs", body).await, 422, "invalid_field", field);
        }
    }
    let many: Vec<Value> = (0..1001).map(|_| json!({"kind": "noop"})).collect();
    for body in [json!([]), json!({"jobs": []}), json!(many)] {
        assert_refused(&server.post("/jobs", body).await, 422, "invalid_field", "jobs");
    }
    assert_eq!(database.number("SELECT count(*) FROM jobs").await, 0);
    server.post("/jobs", json!(&many[..1000])).await.expect(201);
}

#[tokio::test]
async fn invalid_field_is_named() {
    let database = Database::new().await;
    let server = api_server(&database);
    for (field, value) in [
        ("kind", json!("")),
        ("kind", json!("a b")),
        ("kind", json!("x".repeat(129))),
        ("queue", json!("*")),
        ("tenant", json!("é")),
        ("priority", json!(-1)),
        ("priority", json!(10)),
        ("priority", json!(5.5)),
        ("max_attempts", json!(0)),
        ("max_attempts", json!(101)),
        ("run_at", json!("tomorrow")),
        ("run_at", json!("294277-01-01T00:00:00Z")),
        ("delay", json!(-1)),
        ("delay", json!("soon")),
        ("timeout", json!("31d")),
        ("deadline_at", json!("2026-13-01T00:00:00Z")),
        ("tags", json!(["a", ""])),
        ("tags", json!(["x".repeat(65)])),
        ("tags", json!((0..33).map(|n| n.to_string()).collect::<Vec<_>>())),
        ("idempotency_key", json!("")),
        ("idempotency_window", json!({})),
        ("schema_version", json!(1)),
        ("colour", json!("red")),
    ] {
        let mut request = json!({"kind": "noop"});
        request[field] = value.clone();
        let answer = server.post("/jobs", request).await;
        assert_eq!(crate::api::refusal(&answer).2, [field], "{value}: {}", answer.text);
        assert_eq!(answer.status, 422);
    }
    let both = json!({"kind": "noop", "delay": 5, "run_at": "2099-01-01T00:00:00Z"});
    assert_refused(&server.post("/jobs", both).await, 422, "invalid_field", "delay");
    assert_refused(&server.post("/jobs", json!({})).await, 422, "invalid_field", "kind");
    for text in ["", "{", "kind=noop", "{\"kind\": \"noop\"} x"] {
        assert_problem(&post_raw(&server, "/jobs", text).await, 400, "invalid_json");
    }
    assert_eq!(database.number("SELECT count(*) FROM jobs").await, 0);
}

/// JSON that a parser would change.
const PRECISE: &str = r#"{ "n": 123456789012345678901234567890,  "pi":3.14159265358979323846264338327950288,"z":1,"z":2 ,"a":[ 1.0,1e3 ] , "u":"\u00e9é\/🚀" , "":null}"#;

#[tokio::test]
async fn payload_and_result_are_kept_byte_for_byte() {
    let database = Database::new().await;
    let server = fast_server(&database, &[]);
    let body = format!(r#"{{"kind":"echo","payload":{PRECISE}}}"#);
    let created = post_raw(&server, "/jobs", body).await.expect(201);
    assert!(created.text.contains(&format!(r#""payload":{PRECISE},"#)), "{}", created.text);
    let id = text(&created.json(), "id");
    until(&server, &id, "completed").await;
    let read = server.get(&format!("/jobs/{id}")).await;
    assert!(read.text.contains(&format!(r#""payload":{PRECISE},"result":{PRECISE},"#)), "{}", read.text);
    for payload in ["7", "false", "\"\"", "[ ]", "-0", "1E+2"] {
        let body = format!(r#"[{{"kind":"echo","payload":{payload}}}]"#);
        let id = text(&post_raw(&server, "/jobs", body).await.expect(201).json()[0], "id");
        until(&server, &id, "completed").await;
        let read = server.get(&format!("/jobs/{id}")).await.text;
        assert!(read.contains(&format!(r#""payload":{payload},"result":{payload},"#)), "{read}");
    }
}

#[tokio::test]
async fn unstorable_payloads_are_rejected() {
    let database = Database::new().await;
    let server = api_server(&database);
    let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
    for payload in [r#""\u0000""#, r#"{"\u0000":1}"#, r#""\ud800""#, "1e400", "[-1e999]", &deep] {
        let answer = post_raw(&server, "/jobs", format!(r#"{{"kind":"noop","payload":{payload}}}"#)).await;
        assert_refused(&answer, 422, "invalid_field", "payload");
    }
    let fine = [r#""\\u0000""#, r#""\ud83d\ude00""#, "1e308"];
    for payload in fine {
        post_raw(&server, "/jobs", format!(r#"{{"kind":"noop","payload":{payload}}}"#)).await.expect(201);
    }
    assert_eq!(database.number("SELECT count(*) FROM jobs").await, fine.len() as i64);
}

#[tokio::test]
async fn payload_and_body_size_are_limited() {
    let database = Database::new().await;
    let server = api_server(&database);
    let request = |size: usize| json!({"kind": "noop", "payload": "x".repeat(size - 2)});
    server.post("/jobs", request(256 * 1024)).await.expect(201);
    assert_refused(&server.post("/jobs", request(256 * 1024 + 1)).await, 422, "invalid_field", "payload");
    let many: Vec<Value> = (0..15).map(|_| request(256 * 1024)).collect();
    server.post("/jobs", json!(many)).await.expect(201);
    let more: Vec<Value> = (0..17).map(|_| request(256 * 1024)).collect();
    assert_problem(&server.post("/jobs", json!(more)).await, 413, "body_too_large");
    assert_eq!(database.number("SELECT count(*) FROM jobs").await, 16);
}

#[tokio::test]
async fn past_run_at_is_due_and_future_one_waits() {
    let database = Database::new().await;
    let server = fast_server(&database, &[("PROVOST_POLL_INTERVAL", "10m")]);
    let past = server.post("/jobs", json!({"kind": "noop", "run_at": "1999-01-01T00:00:00Z"})).await.expect(201).json();
    assert_eq!(past["run_at"], past["created_at"]);
    let soon = server.post("/jobs", json!({"kind": "noop", "delay": "600ms"})).await.expect(201).json();
    assert_eq!(soon["state"], "scheduled");
    until(&server, &text(&past, "id"), "completed").await;
    // There is no notification when a job becomes due, and the poll interval is ten minutes, so the worker must compute the time itself.
    assert_eq!(super::transitions(&server, &text(&past, "id")).await[0], "none>queued");
    let done = until(&server, &text(&soon, "id"), "completed").await;
    let late = moment(&done, "finished_at") - moment(&done, "run_at");
    assert!((0.0..1.0).contains(&late), "completed {late} s after the due time");
    let events = super::transitions(&server, &text(&soon, "id")).await;
    assert_eq!(events, ["none>scheduled", "scheduled>active", "active>completed"]);
    database.check_invariants().await;
}

#[tokio::test]
async fn jobs_run_by_priority_then_age() {
    let database = Database::new().await;
    let server = server_without_workers(&database);
    let mut expected = Vec::new();
    for priority in [5, 0, 9, 5, 9, 0, 7] {
        expected.push((9 - priority, enqueue(&server, json!({"kind": "noop", "priority": priority})).await));
    }
    expected.sort_by_key(|(rank, _)| *rank);
    let worker = fast_server(&database, &[("PROVOST_ROLES", "api,worker"), ("PROVOST_WORKER_CONCURRENCY", "1")]);
    for (_, id) in &expected {
        until(&worker, id, "completed").await;
    }
    let served = database.text("SELECT string_agg(job_id::text, ' ' ORDER BY claimed_at) FROM executions").await;
    assert_eq!(served, expected.into_iter().map(|(_, id)| id).collect::<Vec<_>>().join(" "));
}

#[tokio::test]
async fn job_without_matching_worker_is_explained() {
    let database = Database::new().await;
    let server = fast_server(&database, &[]);
    let id = enqueue(&server, json!({"kind": "nobody.does.this", "queue": "far"})).await;
    enqueue(&server, json!({"kind": "noop", "queue": "far"})).await;
    let explained = super::explained_as(&server, &id, "no_worker").await;
    assert!(text(&explained, "summary").contains("kind nobody.does.this on queue far"), "{explained}");
    assert_eq!((explained["workers"].as_i64(), job(&server, &id).await["attempt"].as_i64()), (Some(0), Some(0)));
}
