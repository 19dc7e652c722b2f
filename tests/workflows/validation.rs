//! Invalid workflows are rejected as a whole with the name of the field.

use serde_json::{Value, json};

use crate::harness::Database;
use crate::jobs::server_without_workers;

#[tokio::test]
async fn invalid_workflow_is_rejected_as_a_whole() {
    let database = Database::new().await;
    let server = server_without_workers(&database);
    let step = |name: &str, after: Value| json!({"name": name, "kind": "noop", "depends_on": after});
    let cases = [
        (json!([]), "steps", "1 to 20000"),
        (
            json!([step("a", json!(["b"])), step("b", json!(["a"]))]),
            "steps.0.depends_on",
            "a depends on b depends on a",
        ),
        (json!([step("a", json!(["a"]))]), "steps.0.depends_on.0", "the step itself"),
        (json!([step("a", json!(["z"]))]), "steps.0.depends_on.0", "unknown step: z"),
        (json!([step("a", json!([])), step("b", json!(["a", "a"]))]), "steps.1.depends_on.1", "duplicate"),
        (json!([step("a", json!([])), step("a", json!([]))]), "steps.1.name", "the name of step 0"),
        (json!([step("", json!([]))]), "steps.0.name", "visible"),
        (json!([step("a", json!([{"step": "a", "policy": "maybe"}]))]), "steps.0.depends_on.0.policy", "allow_failed"),
        (json!([step("a", json!([7]))]), "steps.0.depends_on[0]", "type"),
        (json!([{"name": "a"}]), "steps.0.kind", "required"),
        (json!([{"kind": "noop"}]), "steps.0.name", "required"),
        (json!([{"name": "a", "kind": "noop", "priority": 12}]), "steps.0.priority", "0 to 9"),
        (json!([{"name": "a", "kind": "noop", "prio": 1}]), "steps.0.prio", "not a field"),
        (json!([{"name": "a", "kind": "noop", "tenant": "x"}]), "steps.0.tenant", "of the workflow"),
        (json!([{"name": "a", "kind": "noop", "idempotency_key": "x"}]), "steps.0.idempotency_key", "of the workflow"),
        (json!([{"name": "a", "kind": "noop", "dependencies": []}]), "steps.0.dependencies", "depends_on"),
        (json!([{"name": "a", "kind": "noop", "dependency_policy": "x"}]), "steps.0.dependency_policy", "block"),
        (json!([{"name": "a", "kind": "project.provision"}]), "steps.0.kind", "projects"),
        (json!([{"name": "a", "kind": "email.send", "payload": {}}]), "steps.0.payload", "recipient"),
        (json!(["a"]), "steps.0", "type"),
        (json!([step("a", json!([])), step("b", json!([{"step": "a", "polcy": "x"}]))]), "steps.1.polcy", "policy"),
        (json!([step("\u{200b}", json!([]))]), "steps.0.name", "visible"),
        (json!([step("a", json!(["z".repeat(5000)]))]), "steps.0.depends_on.0", "…"),
    ];
    for (steps, field, word) in cases {
        let refused = server.post("/workflows", json!({"name": "x", "steps": steps})).await.expect(422);
        let errors = refused.json()["errors"].clone();
        let (named, why) = (errors[0]["field"].as_str().unwrap(), errors[0]["message"].as_str().unwrap());
        assert!(named.starts_with(field) && why.contains(word), "{steps}: {errors}");
    }
    for body in [
        json!({"steps": []}),
        json!({"name": "", "steps": []}),
        json!({"name": "x", "steps": {}}),
        json!({"name": "x", "steps": [], "color": 1}),
    ] {
        server.post("/workflows", body).await.expect(422);
    }
    let twice = r#"{"name": "x", "steps": [{"name": "a", "kind": "noop", "kind": "echo"}]}"#;
    let request =
        server.request(reqwest::Method::POST, "/workflows").header("content-type", "application/json").body(twice);
    let refused = crate::harness::send(request).await.expect(422).json();
    assert_eq!(
        (&refused["errors"][0]["field"], &refused["errors"][0]["message"]),
        (&json!("steps.0.kind"), &json!("must not occur twice"))
    );
    server.post("/queues", json!({"name": "full"})).await.expect(201);
    server.post("/queues/full/drain", json!({})).await.expect(200);
    let draining = json!([step("a", json!([])), {"name": "b", "kind": "noop", "queue": "full", "depends_on": ["a"]}]);
    let refused = server.post("/workflows", json!({"name": "x", "steps": draining})).await.expect(409);
    assert_eq!(refused.code(), "queue_draining");
    for table in ["jobs", "workflows", "job_dependencies", "events WHERE entity = 'workflow'"] {
        assert_eq!(database.number(&format!("SELECT count(*) FROM {table}")).await, 0, "{table}");
    }
}
