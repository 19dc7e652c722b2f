//! Jobs with dependencies outside workflows.

use serde_json::{Value, json};

use super::unserved_step;
use crate::harness::Database;
use crate::jobs::{act, enqueue, fast_server, job, server_without_workers, simulated, text, transitions, until};

#[tokio::test]
async fn dependencies_may_be_in_any_state_at_creation() {
    let database = Database::new().await;
    let server = fast_server(&database, &[]);
    let done = enqueue(&server, json!({"kind": "echo", "payload": {"n": 7}})).await;
    let dead = simulated(&server, json!({"outcome": "failed", "duration_ms": 0, "fail_times": 1})).await;
    until(&server, &done, "completed").await;
    until(&server, &dead, "failed").await;
    let waiting = enqueue(&server, json!({"kind": "unserved"})).await;

    let created = server.post("/jobs", json!({"type": "echo", "dependencies": [done]})).await.expect(201).json();
    let finished = until(&server, &text(&created, "id"), "completed").await;
    assert_eq!(finished["result"]["inputs"][&done]["result"], json!({"n": 7}), "also from a job that ended before");
    assert_eq!(transitions(&server, &text(&created, "id")).await[..2], ["none>blocked", "blocked>queued"]);

    let blocked = enqueue(&server, json!({"kind": "noop", "dependencies": [dead]})).await;
    assert_eq!(job(&server, &blocked).await["state"], "blocked");
    let off = enqueue(&server, json!({"kind": "noop", "dependencies": [{"job_id": dead, "policy": "cancel"}]})).await;
    assert_eq!(text(&job(&server, &off).await, "canceled_by"), dead);
    let anyway =
        enqueue(&server, json!({"kind": "noop", "dependencies": [dead], "dependencyPolicy": "allow_failed"})).await;
    until(&server, &anyway, "completed").await;

    let both = enqueue(&server, json!({"kind": "noop", "dependencies": [done, waiting]})).await;
    assert_eq!(
        (&job(&server, &both).await["state"], &job(&server, &both).await["waits_for"]),
        (&json!("blocked"), &json!(1))
    );
    act(&server, &dead, "retry", json!({})).await.expect(200);
    until(&server, &blocked, "completed").await;
    until(&server, &off, "completed").await;
    act(&server, &waiting, "cancel", json!({})).await.expect(200);
    assert_eq!(job(&server, &both).await["state"], "canceled");
    let late = enqueue(&server, json!({"kind": "noop", "dependencies": [waiting]})).await;
    assert_eq!(job(&server, &late).await["state"], "canceled", "a canceled dependency can never complete");
    database.check_invariants().await;
}

#[tokio::test]
async fn invalid_dependency_is_rejected() {
    let database = Database::new().await;
    let server = server_without_workers(&database);
    let nobody = "01900000-0000-7000-8000-000000000000";
    let refused =
        server.post("/jobs", json!([{"kind": "noop"}, {"kind": "noop", "dependencies": [nobody]}])).await.expect(422);
    assert_eq!(refused.code(), "no_such_dependency");
    assert!(refused.text.contains(nobody), "{}", refused.text);
    for (body, field) in [
        (json!(["x"]), "dependencies.0"),
        (json!([nobody, nobody]), "dependencies.1"),
        (json!([{"job_id": nobody, "policy": "x"}]), "dependencies.0.policy"),
        (json!("x"), "dependencies"),
    ] {
        let refused = server.post("/jobs", json!({"kind": "noop", "dependencies": body})).await.expect(422).json();
        assert!(text(&refused["errors"][0], "field").starts_with(field), "{refused}");
    }
    assert_eq!(database.number("SELECT count(*) FROM jobs").await, 0);
}

#[tokio::test]
async fn idempotency_key_covers_dependencies() {
    let database = Database::new().await;
    let server = server_without_workers(&database);
    let first = enqueue(&server, json!({"kind": "noop"})).await;
    let body = json!({"kind": "noop", "dependencies": [first], "idempotency_key": "k"});
    let id = enqueue(&server, body.clone()).await;
    assert_eq!(enqueue(&server, body).await, id);
    let other = server.post("/jobs", json!({"kind": "noop", "idempotency_key": "k"})).await.expect(422);
    assert_eq!(other.code(), "idempotency_key_reused");
    assert_eq!(database.number("SELECT count(*) FROM job_dependencies").await, 1);
}

#[tokio::test]
async fn sql_transaction_creates_a_graph() {
    let database = Database::new().await;
    let server = fast_server(&database, &[]);
    let script = "BEGIN; SELECT provost.enqueue('noop', tags => '{a}') AS a \\gset\n\
                  SELECT provost.enqueue('echo', tags => '{b}', depends_on => ARRAY[(SELECT id FROM provost.jobs WHERE tags = '{a}')])";
    let script = script.replace(" AS a \\gset\n", ";");
    let (succeeded, output) = database.psql(&format!("{script}; COMMIT"));
    assert!(succeeded, "{output}");
    let id = output.lines().last().unwrap().to_owned();
    until(&server, &id, "completed").await;
    for (call, sqlstate) in [
        ("depends_on => ARRAY['01900000-0000-7000-8000-000000000000'::uuid]", "PV005"),
        ("depends_on => ARRAY[NULL]::uuid[]", "22023"),
        ("dependency_policy => 'x'", "22023"),
    ] {
        let (succeeded, output) = database.psql(&format!("SELECT provost.enqueue('noop', {call})"));
        assert!(!succeeded && output.contains(sqlstate), "{call}: {output}");
    }
    database.check_invariants().await;
}

#[tokio::test]
async fn slow_sql_transaction_blocks_no_heartbeat() {
    let database = Database::new().await;
    let server = fast_server(&database, &[("PROVOST_LEASE_TTL", "6s")]);
    let slow = json!({"kind": "sleep", "payload": {"ms": 8000}});
    let (parent, other) = (enqueue(&server, slow.clone()).await, enqueue(&server, slow).await);
    until(&server, &parent, "active").await;
    until(&server, &other, "active").await;
    let application = database.connection().await;
    application
        .batch_execute(&format!("BEGIN; SELECT provost.enqueue('noop', depends_on => ARRAY['{parent}'::uuid])"))
        .await
        .unwrap();
    // Without renewals the lease would expire before the work ends.
    until(&server, &other, "completed").await;
    assert_eq!(job(&server, &other).await["attempt"], 1, "its lease was renewed");
    assert_eq!(job(&server, &parent).await["state"], "active", "its settlement waits for the transaction");
    application.batch_execute("COMMIT").await.unwrap();
    until(&server, &parent, "completed").await;
    assert_eq!(job(&server, &parent).await["attempt"], 1);
    let child = database.text("SELECT id FROM jobs WHERE has_dependencies").await;
    until(&server, &child, "completed").await;
    database.check_invariants().await;
}

#[tokio::test]
async fn inputs_use_names_only_within_a_workflow() {
    let database = Database::new().await;
    let server = fast_server(&database, &[]);
    let mut steps = Vec::new();
    for n in [1, 2] {
        let id = super::start(&server, json!([{"name": "fetch", "kind": "echo", "payload": {"n": n}}])).await;
        steps.push(super::job_of(&server, &id, "fetch").await);
    }
    let both = enqueue(&server, json!({"kind": "echo", "dependencies": steps})).await;
    let inputs = until(&server, &both, "completed").await["result"]["inputs"].clone();
    assert_eq!((&inputs[&steps[0]]["result"]["n"], &inputs[&steps[1]]["result"]["n"]), (&json!(1), &json!(2)));
}

#[tokio::test]
async fn graph_is_shown_from_any_of_its_jobs() {
    let database = Database::new().await;
    let server = server_without_workers(&database);
    let body = |after: Vec<&String>| json!({"kind": "noop", "dependencies": after});
    let a = enqueue(&server, body(vec![])).await;
    let b = enqueue(&server, body(vec![&a])).await;
    let c = enqueue(&server, body(vec![&a])).await;
    let d = enqueue(&server, body(vec![&b, &c])).await;
    let alone = enqueue(&server, body(vec![])).await;
    let shown = async |id: &str| {
        let graph = server.get(&format!("/api/v1/jobs/{id}/graph")).await.expect(200).json();
        assert_eq!((&graph["root_job_id"], &graph["truncated"]), (&json!(id), &json!(false)));
        let ids: Vec<String> = graph["nodes"].as_array().unwrap().iter().map(|it| text(it, "job_id")).collect();
        (ids, graph["edges"].as_array().unwrap().len())
    };
    for from in [&a, &b, &c, &d] {
        assert_eq!(shown(from).await, ([&a, &b, &c, &d].map(String::clone).to_vec(), 4));
    }
    assert_eq!(shown(&alone).await, (vec![alone.clone()], 0));
    let _: Value = unserved_step("x", &[]);
    server.get("/jobs/01900000-0000-7000-8000-000000000000/graph").await.expect(404);
}
