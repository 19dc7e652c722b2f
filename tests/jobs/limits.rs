//! `/limits`: rates and concurrency, exact with many workers.

use reqwest::Method;
use serde_json::{Value, json};

use super::{enqueue, explained_as, fast_server, job, moment, outcomes, server_without_workers, text, until};
use crate::api::{api_server, assert_problem, assert_refused};
use crate::harness::{Database, Server, eventually, send};

/// Maximum number of concurrent attempts that match a condition, computed from their start and end times.
pub async fn most_at_once(database: &Database, fit: &str) -> i64 {
    let sweep = format!(
        "SELECT coalesce(max(n), 0) FROM (
             SELECT sum(d) OVER (ORDER BY at, d) AS n FROM (
                 SELECT claimed_at AS at, 1 AS d FROM executions WHERE {fit}
                 UNION ALL SELECT ended_at, -1 FROM executions WHERE {fit} AND ended_at IS NOT NULL) AS edges) AS line"
    );
    database.number(&sweep).await
}

async fn limit(server: &Server, body: Value) -> Value {
    let answer = server.post("/limits", body).await;
    assert!([200, 201].contains(&answer.status), "{}", answer.text);
    answer.json()
}

async fn many(server: &Server, n: usize, body: Value) {
    let bodies: Vec<Value> = (0..n).map(|_| body.clone()).collect();
    server.post("/jobs", json!(bodies)).await.expect(201);
}

/// Waits until `n` jobs are in a state.
async fn have(database: &Database, n: i64, state: &str) {
    eventually(&format!("{n} jobs are {state}"), || async {
        let there = database.number(&format!("SELECT count(*) FROM jobs WHERE state = '{state}'")).await;
        (there >= n).then_some(())
    })
    .await;
}

#[tokio::test]
async fn limit_can_be_created_changed_and_deleted() {
    let database = Database::new().await;
    let server = api_server(&database);
    let body = json!({"name": "email rate", "scope": "job_type", "scopeValue": "email.send", "mode": "rate", "limit": 50,
        "windowSeconds": 1, "burst": 10, "enabled": true});
    let made = server.post("/api/v1/rate-limits", body).await.expect(201).json();
    let expected = json!({"name": "email rate", "scope": "kind", "value": "email.send", "mode": "rate", "limit": 50, "window_s": 1.0,
        "burst": 10, "enabled": true, "tokens": 10.0, "active": null, "held_back": 0});
    for (field, value) in expected.as_object().unwrap() {
        assert_eq!(&made[field], value, "{field}");
    }
    let again = json!({"name": "email rate", "scope": "kind", "value": "email.send", "limit": 5, "window": "1m", "reason": "calmer"});
    let changed = server.post("/limits", again).await.expect(200).json();
    assert_eq!((&changed["limit"], &changed["window_s"], &changed["burst"]), (&json!(5), &json!(60.0), &json!(5)));
    assert_eq!(changed["tokens"], 5.0, "a bucket never holds more than its burst");
    let event = server.get("/events?entity=limit&id=email+rate").await.json()[0].clone();
    assert_eq!((&event["detail"]["before"]["limit"], &event["detail"]["after"]["limit"]), (&json!(50), &json!(5)));
    assert_eq!(text(&event, "reason"), "calmer");
    limit(&server, json!({"name": "all", "scope": "global", "mode": "concurrency", "limit": 0})).await;
    for path in ["/limits", "/rate-limits", "/api/v1/limits"] {
        assert_eq!(server.get(path).await.expect(200).json().as_array().map(Vec::len), Some(2), "{path}");
    }
    assert_eq!(text(&server.get("/limits/email%20rate").await.expect(200).json(), "name"), "email rate");
    send(server.request(Method::DELETE, "/limits/email%20rate").json(&json!({"actor": "ada"}))).await.expect(204);
    assert_problem(&server.delete("/limits/email%20rate").await, 404, "not_found");
    let event = server.get("/events?entity=limit&id=email+rate").await.json()[0].clone();
    assert_eq!((text(&event, "new_state"), text(&event, "actor")), ("gone".into(), "ada".into()));
    database.check_invariants().await;
}

#[tokio::test]
async fn invalid_limit_field_is_named() {
    let database = Database::new().await;
    let server = api_server(&database);
    let fine = json!({"name": "a", "scope": "kind", "value": "noop", "limit": 1});
    for (field, value) in [
        ("name", json!("")),
        ("scope", json!("planet")),
        ("mode", json!("speed")),
        ("value", json!("a b")),
        ("limit", json!(-1)),
        ("limit", json!(1_000_001)),
        ("window", json!(0)),
        ("window", json!("31d")),
        ("burst", json!(0)),
    ] {
        let mut body = fine.clone();
        body[field] = value;
        assert_refused(&server.post("/limits", body).await, 422, "invalid_field", field);
    }
    for (body, field) in [
        (json!({"name": "a", "scope": "global", "value": "x", "limit": 1}), "value"),
        (json!({"name": "a", "scope": "queue", "limit": 1}), "value"),
        (json!({"name": "a", "scope": "global", "mode": "concurrency", "limit": 1, "window": 1}), "window"),
        (json!({"name": "a", "scope": "global", "mode": "concurrency", "limit": 1, "burst": 1}), "burst"),
    ] {
        assert_refused(&server.post("/limits", body).await, 422, "invalid_field", field);
    }
    assert_eq!(database.number("SELECT count(*) FROM limits").await, 0);
}

#[tokio::test]
async fn limit_affects_only_its_scope() {
    let database = Database::new().await;
    let server = fast_server(&database, &[]);
    for (scope, value, mode) in [("queue", "q", "rate"), ("kind", "echo", "concurrency"), ("tenant", "t", "rate")] {
        limit(&server, json!({"name": scope, "scope": scope, "value": value, "mode": mode, "limit": 0})).await;
    }
    let held = [
        (json!({"kind": "noop", "queue": "q"}), "queue"),
        (json!({"kind": "echo"}), "kind"),
        (json!({"kind": "noop", "tenant": "t"}), "tenant"),
    ];
    let free = enqueue(&server, json!({"kind": "noop", "priority": 0})).await;
    for (body, limit) in &held {
        let id = enqueue(&server, body.clone()).await;
        let explained = explained_as(&server, &id, "throttled").await;
        assert_eq!((text(&explained, "limit").as_str(), &explained["until"]), (*limit, &json!(null)), "{explained}");
        assert_eq!(server.get(&format!("/limits/{limit}")).await.json()["held_back"], 1);
    }
    until(&server, &free, "completed").await;
    assert_eq!(database.number("SELECT count(*) FROM executions").await, 1, "throttled jobs consume no attempts");
    assert_eq!(database.number("SELECT sum(attempt) FROM jobs WHERE state <> 'completed'").await, 0);
    limit(&server, json!({"name": "all", "scope": "global", "mode": "concurrency", "limit": 0})).await;
    let nothing = enqueue(&server, json!({"kind": "noop"})).await;
    explained_as(&server, &nothing, "throttled").await;
    // A disabled or deleted limit has no effect.
    limit(&server, json!({"name": "all", "scope": "global", "mode": "concurrency", "limit": 0, "enabled": false}))
        .await;
    until(&server, &nothing, "completed").await;
    for name in ["queue", "kind", "tenant"] {
        server.delete(&format!("/limits/{name}")).await.expect(204);
    }
    have(&database, 5, "completed").await;
    database.check_invariants().await;
}

#[tokio::test]
async fn concurrency_is_exact_with_many_workers() {
    let database = Database::new().await;
    let one = fast_server(&database, &[]);
    limit(&one, json!({"name": "four", "scope": "kind", "value": "simulated", "mode": "concurrency", "limit": 4}))
        .await;
    many(&one, 300, json!({"kind": "simulated", "payload": {"duration_ms": 12}})).await;
    let _others = (fast_server(&database, &[]), fast_server(&database, &[]));
    have(&database, 300, "completed").await;
    assert_eq!(most_at_once(&database, "true").await, 4, "at most four at once, and four at least once");
    assert_eq!(database.number("SELECT count(DISTINCT worker_id) FROM executions").await, 3);
    assert_eq!(database.number("SELECT max(attempt) FROM jobs").await, 1);
    database.check_invariants().await;
}

#[tokio::test]
async fn rate_is_exact_with_many_workers() {
    let database = Database::new().await;
    let one = fast_server(&database, &[]);
    limit(&one, json!({"name": "r", "scope": "tenant", "value": "t", "limit": 20, "window": "1s", "burst": 5})).await;
    let _others = (fast_server(&database, &[]), fast_server(&database, &[]));
    many(&one, 60, json!({"kind": "noop", "tenant": "t"})).await;
    many(&one, 60, json!({"kind": "noop"})).await;
    have(&database, 120, "completed").await;
    let of_t = "SELECT x.claimed_at AS at FROM executions x JOIN jobs j ON j.id = x.job_id WHERE j.tenant = 't'";
    // Between any two starts there are at most burst + refilled tokens.
    let worst = format!(
        "WITH s AS ({of_t}) SELECT count(*) FROM s a JOIN s b ON b.at >= a.at
         WHERE (SELECT count(*) FROM s m WHERE m.at BETWEEN a.at AND b.at) > 5 + 20 * extract(epoch FROM b.at - a.at) + 0.001"
    );
    assert_eq!(database.number(&worst).await, 0, "no window exceeds the limit");
    let span = format!("SELECT extract(epoch FROM max(at) - min(at)) FROM ({of_t}) AS s");
    let took: f64 = database.text(&span).await.parse().unwrap();
    assert!((2.7..30.0).contains(&took), "55 more at 20 a second took {took} s: the rate is used");
    assert_eq!(database.number("SELECT max(attempt) FROM jobs").await, 1);
}

#[tokio::test]
async fn throttled_job_starts_when_limit_is_raised() {
    let database = Database::new().await;
    let server = fast_server(&database, &[("PROVOST_POLL_INTERVAL", "10m")]);
    limit(
        &server,
        json!({"name": "slow", "scope": "queue", "value": "default", "limit": 1, "window": "1h", "burst": 1}),
    )
    .await;
    let first = enqueue(&server, json!({"kind": "noop"})).await;
    until(&server, &first, "completed").await;
    let second = enqueue(&server, json!({"kind": "noop"})).await;
    let explained = explained_as(&server, &second, "throttled").await;
    let free_in = moment(&explained, "until") - moment(&explained, "at");
    assert!((3400.0..=3600.0).contains(&free_in), "{explained}");
    assert!(
        text(&explained, "summary").starts_with("Limit slow allows 1 per 3600 s; the next start is in 3"),
        "{explained}"
    );
    let seen = server.get("/limits/slow").await.json();
    assert_eq!((&seen["held_back"], seen["tokens"].as_f64().unwrap() < 0.1), (&json!(1), true), "{seen}");
    assert!((moment(&seen, "free_at") - moment(&explained, "until")).abs() < 1.0);
    let waits = job(&server, &second).await;
    assert_eq!(
        (text(&waits, "state"), &waits["attempt"], &waits["execution_id"]),
        ("queued".into(), &json!(0), &json!(null))
    );
    limit(&server, json!({"name": "slow", "scope": "queue", "value": "default", "limit": 100, "window": "1s"})).await;
    until(&server, &second, "completed").await;
}

#[tokio::test]
async fn changed_concurrency_takes_effect() {
    let database = Database::new().await;
    let server = fast_server(&database, &[]);
    let body =
        |most: i64| json!({"name": "c", "scope": "queue", "value": "default", "mode": "concurrency", "limit": most});
    limit(&server, body(2)).await;
    let mut ids = Vec::new();
    for _ in 0..4 {
        ids.push(enqueue(&server, json!({"kind": "sleep", "payload": {"seconds": 600}})).await);
    }
    have(&database, 2, "active").await;
    assert_eq!(server.get("/limits/c").await.json()["active"], 2);
    let explained = explained_as(&server, &ids[3], "throttled").await;
    assert!(text(&explained, "summary").contains("2 of 2 active"), "{explained}");
    limit(&server, body(3)).await;
    have(&database, 3, "active").await;
    limit(&server, body(1)).await;
    super::act(&server, &ids[0], "cancel", json!({})).await.expect(202);
    until(&server, &ids[0], "canceled").await;
    explained_as(&server, &ids[3], "throttled").await;
    assert_eq!(
        job(&server, &ids[3]).await["attempt"],
        0,
        "what runs above the new limit runs on, and nothing comes to it"
    );
    assert_eq!(most_at_once(&database, "true").await, 3);
}

#[tokio::test]
async fn killed_process_frees_slots_with_its_leases() {
    let database = Database::new().await;
    let server = server_without_workers(&database);
    limit(&server, json!({"name": "c", "scope": "global", "mode": "concurrency", "limit": 2})).await;
    let victim = fast_server(&database, &[("PROVOST_ROLES", "api,worker")]);
    many(&server, 2, json!({"kind": "sleep", "payload": {"seconds": 600}, "max_attempts": 1})).await;
    have(&database, 2, "active").await;
    let next = enqueue(&server, json!({"kind": "noop"})).await;
    explained_as(&server, &next, "throttled").await;
    victim.kill();
    let _successor = fast_server(&database, &[("PROVOST_ROLES", "api,worker")]);
    until(&server, &next, "completed").await;
    let active = async || (server.get("/limits/c").await.json()["active"] == 0).then_some(());
    eventually("both leases are taken back", active).await;
    assert_eq!(outcomes(&server, &next).await, ["completed"]);
}

#[tokio::test]
async fn job_must_satisfy_all_limits() {
    let database = Database::new().await;
    let server = fast_server(&database, &[]);
    limit(&server, json!({"name": "kinds", "scope": "kind", "value": "simulated", "mode": "concurrency", "limit": 3}))
        .await;
    limit(&server, json!({"name": "t", "scope": "tenant", "value": "t", "mode": "concurrency", "limit": 1})).await;
    let payload = json!({"duration_ms": 40});
    many(&server, 12, json!({"kind": "simulated", "payload": payload, "tenant": "t"})).await;
    many(&server, 24, json!({"kind": "simulated", "payload": payload, "tenant": "u"})).await;
    have(&database, 36, "completed").await;
    let of = |tenant: &str| format!("job_id IN (SELECT id FROM jobs WHERE tenant = '{tenant}')");
    assert_eq!(most_at_once(&database, "true").await, 3);
    assert_eq!(most_at_once(&database, &of("t")).await, 1);
    assert!(
        most_at_once(&database, &of("u")).await >= 2,
        "a start that one limit rejects consumes no tokens of the other"
    );
}

#[tokio::test]
async fn clock_step_back_does_not_drain_bucket() {
    let database = Database::new().await;
    let tokens = |tokens: &str, ago: &str| {
        format!("SELECT available_tokens({tokens}, now() - interval '{ago}', 10, 1.0::float8, 5, now())")
    };
    for (had, ago, has) in
        [("2", "-1 hour", "2"), ("0", "-1 second", "0"), ("0", "0.1 second", "1"), ("2", "1 hour", "5")]
    {
        assert_eq!(database.text(&tokens(had, ago)).await, has, "{had} tokens, refilled {ago} ago");
    }
    // A bucket refilled in the future still has its current tokens, but no more.
    let server = fast_server(&database, &[]);
    limit(&server, json!({"name": "r", "scope": "global", "limit": 1, "window": "1h", "burst": 2})).await;
    database.run("UPDATE limits SET refilled_at = clock_timestamp() + interval '1 hour'").await;
    many(&server, 3, json!({"kind": "noop"})).await;
    have(&database, 2, "completed").await;
    let seen = server.get("/limits/r").await.json();
    assert!((0.0..0.1).contains(&seen["tokens"].as_f64().unwrap()), "{seen}");
    assert_eq!(database.number("SELECT count(*) FROM jobs WHERE state = 'queued'").await, 1);
    for nonsense in ["'NaN'", "'Infinity'", "-1"] {
        let refused = database.connection().await.execute(&format!("UPDATE limits SET tokens = {nonsense}"), &[]).await;
        assert!(refused.is_err(), "{nonsense}");
    }
}
