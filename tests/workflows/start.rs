//! Workflows from creation to completion.

use reqwest::Method;
use serde_json::{Value, json};

use super::{graph, job_of, node, start, states, step, unserved_step, until, workflow};
use crate::harness::{Database, eventually, send};
use crate::jobs::{fast_server, job, text, transitions, until as until_job};

#[tokio::test]
async fn steps_run_after_dependencies_with_their_results() {
    let database = Database::new().await;
    let server = fast_server(&database, &[]);
    let steps = json!([
        // In any order: a step may depend on a later one.
        {"name": "join", "kind": "echo", "payload": {"n": 1.0}, "depends_on": ["left", {"step": "right", "policy": "cancel"}]},
        step("left", &["first"], json!({"result": { "big": 12345678901234567890_u64, "e": 1.50 }})),
        step("right", &["first"], json!({})),
        {"name": "first", "kind": "echo", "payload": {"at": "first"}},
    ]);
    let answer =
        server.post("/workflows", json!({"name": " An import ", "tenant": "acme", "steps": steps})).await.expect(201);
    let born = answer.json();
    assert_eq!(
        (&born["name"], &born["tenant"], &born["state"]),
        (&json!("An import"), &json!("acme"), &json!("running"))
    );
    let id = text(&born, "id");
    assert_eq!(answer.header("location"), format!("/workflows/{id}"));

    let done = server.get(&format!("/workflows/{id}?wait=finished&timeout=20s")).await.expect(200).json();
    assert_eq!(
        (&done["state"], &done["progress"], &done["steps"]["completed"]),
        (&json!("completed"), &json!(1.0), &json!(4))
    );
    assert_eq!(states(&server, &id).await, "first=completed left=completed right=completed join=completed");

    let last = job(&server, &job_of(&server, &id, "join").await).await;
    assert_eq!((&last["tenant"], &last["workflow_id"], &last["step"]), (&json!("acme"), &json!(id), &json!("join")));
    let inputs = &last["result"]["inputs"];
    assert_eq!(inputs["left"]["result"], json!({"big": 12345678901234567890_u64, "e": 1.5}));
    assert_eq!(
        (&inputs["right"]["state"], &inputs["left"]["job_id"]),
        (&json!("completed"), &json!(job_of(&server, &id, "left").await))
    );
    let raw = database.text("SELECT result FROM jobs WHERE step = 'join'").await;
    assert!(raw.contains(r#"{"big":12345678901234567890,"e":1.5}"#), "byte for byte: {raw}");
    let first = job(&server, &job_of(&server, &id, "first").await).await;
    assert_eq!(first["result"], json!({"at": "first"}), "a step without dependencies gets no inputs");

    let changes = transitions(&server, &job_of(&server, &id, "join").await).await;
    assert_eq!(changes, ["none>blocked", "blocked>queued", "queued>active", "active>completed"]);
    let events = server.get(&format!("/workflows/{id}/events")).await.expect(200).json();
    let changes: Vec<String> = events.as_array().unwrap().iter().rev().map(|it| text(it, "new_state")).collect();
    assert_eq!(changes, ["running", "completed"]);
    database.check_invariants().await;
}

#[tokio::test]
async fn demo_runs_with_one_request() {
    let database = Database::new().await;
    let server = fast_server(&database, &[]);
    let graph = server.post("/api/v1/workflows/demo/thumbnail", json!({"tenantId": "acme"})).await.expect(202).json();
    let kinds: Vec<String> = graph["nodes"].as_array().unwrap().iter().map(|it| text(it, "kind")).collect();
    let thumbnail = "image.thumbnail";
    assert_eq!(kinds, ["file.ingest", thumbnail, thumbnail, thumbnail, "metadata.aggregate", "user.notify"]);
    let id = text(&graph, "workflow_id");
    until(&server, &id, "completed").await;
    let notify = job(&server, &job_of(&server, &id, "notify").await).await;
    assert_eq!((&notify["queue"], &notify["tenant"]), (&json!("critical"), &json!("acme")));
    let assets = job(&server, &job_of(&server, &id, "aggregate").await).await["result"]["assets"].clone();
    assert_eq!(assets.as_array().unwrap().len(), 3, "the results of the thumbnails are inputs: {assets}");
    send(server.request(Method::POST, "/workflows/demo/thumbnail")).await.expect(202);
}

#[tokio::test]
async fn delayed_step_waits_and_states_the_reason() {
    let database = Database::new().await;
    let server = fast_server(&database, &[]);
    let mut later = step("later", &["now"], json!({}));
    later["delay"] = json!("1h");
    let id = start(
        &server,
        json!([
            step("now", &[], json!({})),
            later,
            unserved_step("never", &[]),
            step("waits", &["never", "later"], json!({}))
        ]),
    )
    .await;
    until_job(&server, &job_of(&server, &id, "later").await, "scheduled").await;
    let waits = node(&server, &id, "waits").await;
    assert_eq!(waits["blocked_reason"], "waits for never, later");
    let changes = server.get(&format!("/jobs/{}/explain", text(&waits, "job_id"))).await.expect(200).json();
    assert_eq!(
        (&changes["reason"], &changes["summary"]),
        (&json!("blocked"), &json!("The job waits for never, later."))
    );
    let now = workflow(&server, &id).await;
    assert_eq!(
        now["steps"],
        json!({"total": 4, "blocked": 1, "waiting": 2, "active": 0, "completed": 1, "failed": 0, "canceled": 0})
    );
    assert_eq!((&now["state"], &now["progress"]), (&json!("running"), &json!(0.25)));
    database.check_invariants().await;
}

#[tokio::test]
async fn concurrent_requests_with_one_key_start_one_workflow() {
    let database = Database::new().await;
    let server = crate::jobs::server_without_workers(&database);
    let body = json!({"name": "once", "steps": [unserved_step("a", &[]), unserved_step("b", &["a"])]});
    // On a busy machine, a request may have to be repeated.
    let ask = || {
        eventually("the request is answered", async || {
            let request = server.request(Method::POST, "/workflows").json(&body).header("Idempotency-Key", "k");
            Some(send(request).await).filter(|answer| ![409, 503].contains(&answer.status))
        })
    };
    let answers = futures_util::future::join_all((0..8).map(|_| ask())).await;
    let ids: std::collections::BTreeSet<String> = answers.iter().map(|it| text(&it.json(), "id")).collect();
    assert_eq!(ids.len(), 1, "{ids:?}");
    let replayed = answers.iter().filter(|it| it.header("idempotency-replayed") == "true").count();
    assert_eq!((replayed, database.number("SELECT count(*) FROM jobs").await), (7, 2));
    let other = json!({"name": "another", "steps": [unserved_step("a", &[])]});
    let refused =
        send(server.request(Method::POST, "/workflows").json(&other).header("Idempotency-Key", "k")).await.expect(422);
    assert_eq!(refused.code(), "idempotency_key_reused");
}

#[tokio::test]
async fn lists_are_filtered_and_paged() {
    let database = Database::new().await;
    let server = fast_server(&database, &[]);
    for n in 0..5 {
        let steps = if n == 4 { json!([unserved_step("a", &[])]) } else { json!([step("a", &[], json!({}))]) };
        let tenant = if n < 2 { "acme" } else { "default" };
        server
            .post("/workflows", json!({"name": format!("import {n}"), "tenant": tenant, "steps": steps}))
            .await
            .expect(201);
    }
    let names = async |query: &str| {
        let rows = server.get(&format!("/workflows{query}")).await.expect(200).json();
        rows.as_array().unwrap().iter().map(|it| text(it, "name")).collect::<Vec<_>>()
    };
    assert_eq!(names("").await, ["import 4", "import 3", "import 2", "import 1", "import 0"]);
    assert_eq!(names("?tenant=acme").await, ["import 1", "import 0"]);
    assert_eq!(names("?name=PORT%204").await, ["import 4"]);
    assert_eq!(names("?state=running&tenant=default&name=4").await, ["import 4"]);
    let one = server.get("/workflows?name=PORT%204").await.json()[0]["id"].as_str().unwrap().to_uppercase();
    assert_eq!(names(&format!("?id={}", &one[..35])).await, ["import 4"], "a prefix of the id");
    assert_eq!(names("?id=ffffffff").await, [] as [&str; 0]);
    let page = server.get("/workflows?limit=2").await.expect(200);
    let next = page.header("link").split(['<', '>']).nth(1).unwrap().to_owned();
    assert!(next.starts_with("/workflows?") && page.header("link").contains("rel=\"next\""), "{next}");
    let rest = server.get(&next).await.expect(200).json();
    assert_eq!(text(&rest[0], "name"), "import 2");
    assert_eq!(server.get("/workflows?state=sleeping").await.expect(400).code(), "invalid_parameter");
    let nobody = "01900000-0000-7000-8000-000000000000";
    for path in ["", "/graph", "/events"] {
        server.get(&format!("/workflows/{nobody}{path}")).await.expect(404);
    }
    for verb in ["cancel", "retry"] {
        server.post(&format!("/workflows/{nobody}/{verb}"), json!({})).await.expect(404);
    }
    let _: Value = graph(&server, &text(&rest[0], "id")).await;
}
