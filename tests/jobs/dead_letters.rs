//! `/dlq`.

use serde_json::{Value, json};

use super::{enqueue, fast_server, job, moment, simulated, text, until};
use crate::api::{UNKNOWN_ID, assert_problem, assert_refused, ids, next_page, post_raw, refusal};
use crate::harness::{Database, Server};

/// Creates a dead letter and returns its id.
async fn dead(server: &Server, more: Value) -> String {
    let reason = more["reason"].as_str().unwrap_or("no quota");
    let mut request =
        json!({"kind": "simulated", "payload": {"outcome": "failed", "duration_ms": 0, "reason": reason}});
    for (field, value) in more.as_object().unwrap().iter().filter(|(field, _)| *field != "reason") {
        request[field] = value.clone();
    }
    let id = enqueue(server, request).await;
    until(server, &id, "failed").await;
    id
}

async fn matching(server: &Server, query: &str) -> Vec<String> {
    ids(&server.get(&format!("/dlq?{query}")).await.expect(200).json())
}

async fn replay(server: &Server, request: Value) -> Value {
    server.post("/dlq/replay", request).await.expect(200).json()
}

#[tokio::test]
async fn dead_letters_are_listed_latest_first_and_filtered() {
    let database = Database::new().await;
    let server = fast_server(&database, &[]);
    let first = dead(&server, json!({"reason": "No route to host", "queue": "q"})).await;
    let second = dead(&server, json!({"tenant": "acme", "tags": ["red"]})).await;
    let third = enqueue(
        &server,
        json!({"kind": "cleanup.run", "payload": {"forceError": true, "durationMs": 0}, "max_attempts": 1}),
    )
    .await;
    until(&server, &third, "failed").await;
    simulated(&server, json!({"duration_ms": 0})).await;
    assert_eq!(matching(&server, "").await, [third.as_str(), &second, &first]);
    for (query, id) in [
        ("queue=q", &first),
        ("error=ROUTE", &first),
        ("tenant=acme", &second),
        ("tag=red", &second),
        ("kind=cleanup.run", &third),
    ] {
        assert_eq!(matching(&server, query).await, [id.as_str()], "{query}");
    }
    let page = server.get("/dlq?limit=2").await.expect(200);
    let rest = server.get(&next_page(&page).unwrap()).await.expect(200);
    assert_eq!((ids(&page.json()), ids(&rest.json())), (vec![third, second], vec![first]));
    assert_eq!(next_page(&rest), None);
    for (query, parameter) in [("state=failed", "state"), ("cursor=x", "cursor"), ("limit=0", "limit")] {
        assert_refused(&server.get(&format!("/dlq?{query}")).await, 400, "invalid_parameter", parameter);
    }
}

#[tokio::test]
async fn dead_letters_are_grouped_by_error() {
    let database = Database::new().await;
    let server = fast_server(&database, &[]);
    let mut of_quota = Vec::new();
    for _ in 0..3 {
        of_quota.push(dead(&server, json!({})).await);
    }
    dead(&server, json!({"reason": "no route", "queue": "q"})).await;
    let groups = server.get("/dlq/groups").await.expect(200).json();
    assert_eq!(groups.as_array().map(Vec::len), Some(2));
    let most = &groups[0];
    assert_eq!(
        (text(most, "kind"), text(most, "error"), most["n"].as_i64()),
        ("simulated".into(), "no quota".into(), Some(3))
    );
    assert_eq!(text(most, "example_id"), of_quota[2]);
    assert!(moment(most, "first_at") < moment(most, "last_at"));
    let of_q = server.get("/api/v1/dlq/groups?queue=q&kind=simulated&limit=1").await.expect(200).json();
    assert_eq!((of_q.as_array().map(Vec::len), text(&of_q[0], "error")), (Some(1), "no route".into()));
}

#[tokio::test]
async fn replay_can_edit_job_and_records_changes() {
    let database = Database::new().await;
    let server = fast_server(&database, &[]);
    let id = dead(&server, json!({})).await;
    let body = format!(
        r#"{{"jobIds":["{id}"],"type":"echo","queue":"second-try","priority":8,
        "payload":{{ "n": 123456789012345678901234567890 }},"reason":"moved house","actor":"ada"}}"#
    );
    let answer = post_raw(&server, "/api/v1/dlq/replay", body).await.expect(200).json();
    assert_eq!(answer, json!({"moved": 1, "refused": [], "more": false, "after": null}));
    until(&server, &id, "completed").await;
    let read = server.get(&format!("/jobs/{id}")).await;
    assert!(
        read.text.contains(r#""payload":{ "n": 123456789012345678901234567890 },"result":{ "n": 1"#),
        "{}",
        read.text
    );
    let job = read.json();
    assert_eq!(
        (text(&job, "kind"), text(&job, "queue"), &job["priority"]),
        ("echo".into(), "second-try".into(), &json!(8))
    );
    assert_eq!((&job["replays"], &job["attempt"], &job["failures"]), (&json!(1), &json!(2), &json!(0)));
    let events = server.get(&format!("/jobs/{id}/events")).await.json();
    let replayed = events.as_array().unwrap().iter().find(|it| it["previous_state"] == "failed").unwrap();
    assert_eq!((text(replayed, "actor"), text(replayed, "reason")), ("ada".into(), "moved house".into()));
    let (before, after) = (&replayed["detail"]["before"], &replayed["detail"]["after"]);
    assert_eq!(
        (text(before, "kind"), text(before, "queue"), &before["priority"]),
        ("simulated".into(), "default".into(), &json!(5))
    );
    assert_eq!((&before["payload"]["reason"], text(after, "queue")), (&json!("no quota"), "second-try".into()));
    let birth = server.get("/events?entity=queue&id=second-try").await.json()[0].clone();
    assert_eq!(text(&birth, "reason"), "first use");
    database.check_invariants().await;
}

#[tokio::test]
async fn replay_by_id_or_filter_is_counted() {
    let database = Database::new().await;
    let server = fast_server(&database, &[]);
    let (a, b) =
        (dead(&server, json!({"reason": "a"})).await, dead(&server, json!({"reason": "b", "tenant": "t"})).await);
    let done = enqueue(&server, json!({"kind": "noop"})).await;
    until(&server, &done, "completed").await;
    for replays in 1..=2 {
        assert_eq!(replay(&server, json!({"filter": {"error": "A"}})).await["moved"], 1);
        crate::harness::eventually("the job failed again", || async {
            let now = job(&server, &a).await;
            (now["state"] == "failed" && now["replays"] == replays).then_some(())
        })
        .await;
    }
    assert_eq!(job(&server, &b).await["replays"], 0);
    let mixed = replay(&server, json!({"job_ids": [b, done, UNKNOWN_ID]})).await;
    assert_eq!(mixed["moved"], 1);
    let why: Vec<_> = mixed["refused"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| (text(it, "reason"), text(it, "current_status")))
        .collect();
    assert!(why.contains(&("the job cannot be retried in its state".into(), "completed".into())), "{why:?}");
    assert!(why.contains(&("the job does not exist".into(), String::new())), "{why:?}");
    until(&server, &b, "failed").await;
    let one = replay(&server, json!({"filter": {}, "limit": 1})).await;
    assert_eq!((&one["moved"], &one["more"]), (&json!(1), &json!(true)));
    let with_ids = server.post("/dlq/replay", json!({"job_ids": [a], "after": UNKNOWN_ID})).await;
    assert_refused(&with_ids, 422, "invalid_field", "after");
    database.check_invariants().await;
}

#[tokio::test]
async fn replay_with_after_visits_each_job_once() {
    let database = Database::new().await;
    let server = fast_server(&database, &[]);
    let mut all = Vec::new();
    for _ in 0..3 {
        all.push(dead(&server, json!({})).await);
    }
    let mut after = Value::Null;
    for (nth, id) in all.iter().enumerate() {
        let answer = replay(&server, json!({"filter": {}, "limit": 1, "after": after})).await;
        let more = nth < 2;
        assert_eq!(answer["moved"], 1);
        assert_eq!((&answer["more"], &answer["after"]), (&json!(more), &if more { json!(id) } else { Value::Null }));
        after = answer["after"].clone();
        crate::harness::eventually("the job failed again", || async {
            let now = job(&server, id).await;
            (now["state"] == "failed" && now["replays"] == 1).then_some(())
        })
        .await;
    }
    database.check_invariants().await;
}

#[tokio::test]
async fn deleted_dead_letters_keep_their_events() {
    let database = Database::new().await;
    let server = fast_server(&database, &[]);
    let id = dead(&server, json!({"tenant": "acme"})).await;
    let done = enqueue(&server, json!({"kind": "noop"})).await;
    until(&server, &done, "completed").await;
    let request = json!({"job_ids": [id, done], "reason": "not ours", "actor": "ada"});
    let answer = server.post("/dlq/delete", request).await.expect(200).json();
    assert_eq!((&answer["moved"], text(&answer["refused"][0], "id")), (&json!(1), done));
    assert_problem(&server.get(&format!("/jobs/{id}")).await, 404, "not_found");
    let kept = server.get(&format!("/jobs/{id}/events")).await.expect(200).json();
    let last = &kept[0];
    assert_eq!(
        (text(last, "new_state"), text(last, "actor"), text(last, "reason")),
        ("deleted".into(), "ada".into(), "not ours".into())
    );
    assert_eq!(last["detail"], json!({"kind": "simulated", "queue": "default", "tenant": "acme", "error": "no quota"}));
    assert_eq!(database.number("SELECT count(*) FROM executions WHERE job_id NOT IN (SELECT id FROM jobs)").await, 0);
    database.check_invariants().await;
}

#[tokio::test]
async fn project_jobs_are_not_replayed_or_deleted() {
    let database = Database::new().await;
    let server = fast_server(&database, &[]);
    let project = server.failed("p").await;
    let of_project = matching(&server, "").await.remove(0);
    let refused = replay(&server, json!({"job_ids": [of_project]})).await;
    assert_eq!(text(&refused["refused"][0], "reason"), "the job belongs to a project; retry the project");
    assert_eq!(replay(&server, json!({"filter": {}})).await["moved"], 0);
    server.until(&project, "failed").await;
    database.check_invariants().await;
}

#[tokio::test]
async fn edited_payload_must_match_schema() {
    let database = Database::new().await;
    let server = fast_server(&database, &[]);
    let id = dead(&server, json!({})).await;
    let wrong = json!({"outcome": "sideways"});
    for request in [
        json!({"job_ids": [id], "payload": wrong}),
        json!({"filter": {"kind": "simulated"}, "payload": wrong}),
        json!({"filter": {}, "payload": wrong}),
        json!({"job_ids": [id], "payload": {}, "kind": "email.send"}),
    ] {
        let answer = server.post("/dlq/replay", request.clone()).await;
        assert_eq!(answer.status, 422, "{request}: {}", answer.text);
        assert!(refusal(&answer).2[0].starts_with("payload"), "{}", answer.text);
    }
    for (field, value) in [("priority", json!(10)), ("queue", json!("a b")), ("kind", json!("")), ("limit", json!(0))] {
        let mut request = json!({"job_ids": [id]});
        request[field] = value;
        assert_refused(&server.post("/dlq/replay", request).await, 422, "invalid_field", field);
    }
    let nul = format!(r#"{{"job_ids":["{id}"],"payload":"\u0000"}}"#);
    assert_refused(&post_raw(&server, "/dlq/replay", nul).await, 422, "invalid_field", "payload");
    assert_eq!(job(&server, &id).await["replays"], 0);
}
