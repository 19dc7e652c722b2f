//! `/events`: every change has an event with its actor and reason.

use reqwest::Method;
use serde_json::{Value, json};

use super::{act, enqueue, fast_server, only_worker, simulated, text, until};
use crate::api::{api_server, assert_refused, ids, next_page};
use crate::harness::{Database, Server, eventually, send};

async fn events(server: &Server, query: &str) -> Vec<Value> {
    server.get(&format!("/events?{query}")).await.expect(200).json().as_array().unwrap().clone()
}

#[tokio::test]
async fn operator_actions_record_actor_and_reason() {
    let database = Database::new().await;
    let server = fast_server(&database, &[]);
    let worker = only_worker(&server).await;
    let dead = simulated(&server, json!({"outcome": "failed", "duration_ms": 0})).await;
    let also_dead = simulated(&server, json!({"outcome": "failed", "duration_ms": 0})).await;
    let waiting = enqueue(&server, json!({"kind": "unserved", "delay": "1h"})).await;
    let flaky = simulated(&server, json!({"fail_times": 1, "duration_ms": 0, "retry_after_s": 3600})).await;
    let running = simulated(&server, json!({"duration_ms": 600_000})).await;
    for (id, state) in [(&dead, "failed"), (&also_dead, "failed"), (&flaky, "retrying"), (&running, "active")] {
        until(&server, id, state).await;
    }
    let because = json!({"reason": "a reason", "actor": "ada"});
    let with = |more: Value| {
        let mut body = because.clone();
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    let acts = [
        (Method::POST, "/queues/default/pause".to_owned(), because.clone(), "queue", "default".to_owned()),
        (Method::POST, "/queues/default/drain".to_owned(), because.clone(), "queue", "default".to_owned()),
        (Method::POST, "/queues/default/resume".to_owned(), because.clone(), "queue", "default".to_owned()),
        (Method::POST, format!("/workers/{worker}/cordon"), because.clone(), "worker", worker.clone()),
        (Method::POST, format!("/workers/{worker}/drain"), because.clone(), "worker", worker.clone()),
        (Method::POST, format!("/workers/{worker}/uncordon"), because.clone(), "worker", worker.clone()),
        (Method::PATCH, format!("/jobs/{waiting}"), with(json!({"priority": 9})), "job", waiting.clone()),
        (Method::POST, format!("/jobs/{waiting}/cancel"), because.clone(), "job", waiting.clone()),
        (Method::POST, format!("/jobs/{flaky}/retry"), because.clone(), "job", flaky.clone()),
        (Method::POST, format!("/jobs/{running}/cancel"), because.clone(), "job", running.clone()),
        (Method::POST, "/dlq/replay".to_owned(), with(json!({"job_ids": [dead]})), "job", dead.clone()),
        (Method::POST, "/dlq/delete".to_owned(), with(json!({"job_ids": [also_dead]})), "job", also_dead.clone()),
    ];
    for (method, path, body, entity, id) in acts {
        let before = events(&server, &format!("entity={entity}&id={id}&actor=ada")).await.len();
        let answer = send(server.request(method, &path).json(&body)).await;
        assert!(answer.status < 300, "{path}: {}", answer.text);
        let recorded = events(&server, &format!("entity={entity}&id={id}&actor=ada")).await;
        assert_eq!(recorded.len(), before + 1, "{path}");
        assert!(text(&recorded[0], "reason").ends_with("a reason"), "{path}: {}", recorded[0]);
        assert_eq!(text(&recorded[0], "request_id"), answer.header("x-request-id"), "{path}");
        assert_eq!(text(&recorded[0], "entity_id"), id);
    }
    database.check_invariants().await;
}

#[tokio::test]
async fn limit_and_schema_events_show_changes() {
    let database = Database::new().await;
    let server = api_server(&database);
    for most in [1, 2] {
        let request = json!({"name": "l", "scope": "global", "mode": "concurrency", "limit": most, "reason": "calm"});
        server.post("/limits", request).await;
    }
    server
        .post("/limits", json!({"name": "l", "scope": "global", "mode": "concurrency", "limit": 2, "enabled": false}))
        .await;
    server.delete("/limits/l").await.expect(204);
    let recorded = events(&server, "entity=limit").await;
    let moved: Vec<_> =
        recorded.iter().rev().map(|it| format!("{}>{}", text(it, "previous_state"), text(it, "new_state"))).collect();
    assert_eq!(moved, ["none>enabled", "enabled>enabled", "enabled>disabled", "disabled>gone"]);
    let change = &recorded[2];
    assert_eq!((&change["detail"]["before"]["limit"], &change["detail"]["after"]["limit"]), (&json!(1), &json!(2)));
    assert_eq!(text(change, "reason"), "calm");
    database.check_invariants().await;
}

#[tokio::test]
async fn events_are_filtered_and_paged() {
    let database = Database::new().await;
    let server = fast_server(&database, &[]);
    let id = enqueue(&server, json!({"kind": "noop"})).await;
    until(&server, &id, "completed").await;
    let project = server.ready("p").await;
    for (query, n) in [
        (format!("entity=job&id={id}"), 3),
        (format!("id={project}&entity=project"), 3),
        (format!("id={project}&entity=step"), 2),
        ("entity=queue".to_owned(), 1),
        ("entity=worker".to_owned(), 1),
        ("actor=api".to_owned(), 3),
        ("entity=limit".to_owned(), 0),
        ("since=2099-01-01T00:00:00Z".to_owned(), 0),
        ("since=1h&entity=job".to_owned(), 6),
    ] {
        assert_eq!(events(&server, &query).await.len(), n, "{query}");
    }
    let numbers =
        |page: &Value| page.as_array().unwrap().iter().map(|it| it["id"].as_i64().unwrap()).collect::<Vec<_>>();
    let (mut seen, mut path) = (Vec::new(), "/api/v1/events?limit=4".to_owned());
    loop {
        let page = server.get(&path).await.expect(200);
        seen.extend(numbers(&page.json()));
        let Some(next) = next_page(&page) else { break };
        path = next;
    }
    let all = server.get("/events?limit=200").await.json();
    assert_eq!(seen, numbers(&all));
    assert!(seen.is_sorted_by(|a, b| a > b), "newest first");
    for (query, parameter) in [
        ("colour=red", "colour"),
        ("entity=planet", "entity"),
        ("limit=0", "limit"),
        ("cursor=x", "cursor"),
        ("since=soon", "since"),
    ] {
        assert_refused(&server.get(&format!("/events?{query}")).await, 400, "invalid_parameter", parameter);
    }
}

#[tokio::test]
async fn action_without_effect_records_no_event() {
    let database = Database::new().await;
    let server = fast_server(&database, &[]);
    let id = enqueue(&server, json!({"kind": "noop"})).await;
    until(&server, &id, "completed").await;
    for verb in ["cancel", "retry"] {
        act(&server, &id, verb, json!({})).await.expect(409);
    }
    server.post("/jobs/cancel", json!({"filter": {}})).await.expect(200);
    assert_eq!(super::transitions(&server, &id).await.len(), 3);
    database.check_invariants().await;
}

#[tokio::test]
async fn events_match_job_states_after_faults() {
    let database = Database::new().await;
    let server = fast_server(&database, &[]);
    let bodies: Vec<Value> = (0..60)
        .map(|n| {
            let payload = match n % 6 {
                0 => json!({"outcome": "flaky", "duration_ms": 5, "retry_after_s": 0.1}),
                1 => json!({"outcome": "panic", "duration_ms": 5}),
                2 => json!({"outcome": "snooze", "duration_ms": 5, "retry_after_s": 0.1}),
                3 => json!({"duration_ms": 300}),
                4 => json!({"outcome": "failed", "duration_ms": 5, "next_on_failure": [{"kind": "noop"}]}),
                _ => json!({"duration_ms": 5, "next": [{"kind": "noop"}]}),
            };
            json!({"kind": "simulated", "payload": payload, "max_attempts": 2, "backoff": {"base": 0.1}})
        })
        .collect();
    let jobs = ids(&server.post("/jobs", json!(bodies)).await.expect(201).json());
    let victim = fast_server(&database, &[]);
    for id in jobs.iter().step_by(7) {
        act(&server, id, "cancel", json!({})).await;
    }
    eventually("the other process holds a lease", || async {
        let held =
            format!("SELECT count(*) FROM workers w JOIN jobs j ON j.worker_id = w.id WHERE w.pid = {}", victim.pid());
        let done = database.number("SELECT count(*) FROM jobs WHERE finished_at IS NULL").await == 0;
        (database.number(&held).await > 0 || done).then_some(())
    })
    .await;
    victim.kill();
    server.post("/dlq/replay", json!({"filter": {}})).await.expect(200);
    eventually("all jobs and workflows are finished", || async {
        (database.number("SELECT count(*) FROM jobs WHERE finished_at IS NULL").await == 0).then_some(())
    })
    .await;
    let elsewhere = "SELECT count(*) FROM jobs j WHERE j.state <> (SELECT new_state FROM events e WHERE e.entity = 'job' AND e.entity_id = j.id ORDER BY e.id DESC LIMIT 1)";
    assert_eq!(database.number(elsewhere).await, 0);
    assert_eq!(database.number("SELECT count(*) FROM executions WHERE ended_at IS NULL OR outcome IS NULL").await, 0);
    let miscounted = "SELECT count(*) FROM (SELECT queue, kind, state, sum(n) AS n FROM job_counts GROUP BY 1, 2, 3 HAVING sum(n) <> 0) AS t
        FULL JOIN (SELECT queue, kind, state, count(*) AS n FROM jobs GROUP BY 1, 2, 3) AS s USING (queue, kind, state) WHERE t.n IS DISTINCT FROM s.n";
    assert_eq!(database.number(miscounted).await, 0, "the counters equal a full count");
    database.check_invariants().await;
}
