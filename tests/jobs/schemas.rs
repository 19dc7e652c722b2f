//! `/schemas`.

use reqwest::Method;
use serde_json::{Value, json};

use super::{enqueue, fast_server, job, text};
use crate::api::{api_server, assert_problem, assert_refused, post_raw, refusal};
use crate::harness::{Answer, Database, Server, send};

async fn put(server: &Server, kind: &str, body: Value) -> Answer {
    send(server.request(Method::PUT, &format!("/schemas/{kind}")).json(&body)).await
}

fn needs(field: &str) -> Value {
    json!({"type": "object", "properties": {field: {"type": "integer", "minimum": 1}}, "required": [field]})
}

#[tokio::test]
async fn built_in_kinds_are_validated() {
    let database = Database::new().await;
    let server = api_server(&database);
    for (kind, payload, message) in [
        ("email.send", json!({}), "recipient"),
        ("report.generate", json!({"report": 1}), "reportId"),
        ("file.ingest", json!({"fileId": "f"}), "source"),
        ("image.thumbnail", json!({"fileId": "f"}), "size"),
        ("metadata.aggregate", json!({}), "fileId"),
        ("user.notify", json!({"userId": "u"}), "channel"),
        ("simulated", json!([]), "object"),
        ("sleep", json!({}), "propert"),
    ] {
        let answer = server.post("/jobs", json!({"kind": kind, "payload": payload})).await;
        assert_eq!((answer.status, answer.code().as_str()), (422, "invalid_field"), "{kind}");
        assert!(answer.text.contains(message), "{kind}: {}", answer.text);
    }
    for kind in ["cleanup.run", "webhook.dispatch", "noop"] {
        enqueue(&server, json!({"kind": kind})).await;
    }
    let job =
        server.post("/jobs", json!({"kind": "email.send", "payload": {"recipient": "a@b.c"}})).await.expect(201).json();
    assert_eq!(job["schema_version"], 1);
    let other = json!({"kind": "email.send", "payload": {"recipient": "a"}, "schema_version": 2});
    assert_refused(&server.post("/jobs", other).await, 422, "invalid_field", "schema_version");
    let listed = server.get("/schemas?kind=email.send").await.expect(200).json();
    assert_eq!((listed.as_array().map(Vec::len), text(&listed[0], "actor")), (Some(1), "built in".to_owned()));
}

#[tokio::test]
async fn every_payload_error_has_a_path() {
    let database = Database::new().await;
    let server = api_server(&database);
    let schema = json!({"type": "object", "additionalProperties": false, "properties": {"items": {"type": "array", "items": {
        "type": "object", "properties": {"name": {"type": "string"}, "n": {"type": "integer", "minimum": 0}}, "required": ["name"]}}}});
    put(&server, "order", json!({"schema": schema})).await.expect(201);
    let request = |payload: Value| json!({"kind": "order", "payload": payload});
    let wrong = json!({"items": [{"name": "a"}, {"name": 7, "n": -1}]});
    let answer = server.post("/jobs", request(wrong.clone())).await;
    let mut fields = refusal(&answer).2;
    fields.sort();
    assert_eq!(fields, ["payload/items/1/n", "payload/items/1/name"]);
    let answer = server.post("/jobs", json!([request(json!({})), request(wrong)])).await;
    assert!(refusal(&answer).2.contains(&"1.payload/items/1/n".to_owned()), "{}", answer.text);
    assert_refused(&server.post("/jobs", request(json!({"colour": 1}))).await, 422, "invalid_field", "payload");
    let hundred: Vec<Value> = (0..100).map(|_| json!({})).collect();
    let answer = server.post("/jobs", request(json!({"items": hundred}))).await;
    assert_eq!(refusal(&answer).2.len(), 20, "the number of errors is limited");
    assert_eq!(database.number("SELECT count(*) FROM jobs").await, 0);
}

#[tokio::test]
async fn schema_versions_are_immutable() {
    let database = Database::new().await;
    let server = api_server(&database);
    let first = put(&server, "order", json!({"schema": needs("a")})).await.expect(201).json();
    assert_eq!((&first["version"], &first["schema"]), (&json!(1), &needs("a")));
    assert_eq!(put(&server, "order", json!({"schema": needs("b")})).await.expect(201).json()["version"], 2);
    put(&server, "order", json!({"version": 2, "schema": needs("b")})).await.expect(200);
    assert_problem(&put(&server, "order", json!({"version": 2, "schema": needs("c")})).await, 409, "invalid_state");
    let request =
        |version: Option<i64>, field: &str| json!({"kind": "order", "payload": {field: 1}, "schema_version": version});
    for (version, field, noted) in [(None, "b", 2), (Some(1), "a", 1), (Some(2), "b", 2)] {
        let job = server.post("/jobs", request(version, field)).await.expect(201).json();
        assert_eq!(job["schema_version"], noted);
    }
    for (version, field, at) in [(None, "a", "payload"), (Some(1), "b", "payload"), (Some(3), "b", "schema_version")] {
        assert_refused(&server.post("/jobs", request(version, field)).await, 422, "invalid_field", at);
    }
    server.delete("/schemas/order/2").await.expect(204);
    assert_problem(&server.delete("/schemas/order/2").await, 404, "not_found");
    server.post("/jobs", request(None, "a")).await.expect(201);
    server.delete("/schemas/order/1").await.expect(204);
    server.post("/jobs", json!({"kind": "order", "payload": "anything"})).await.expect(201);
    let events = server.get("/events?entity=schema&id=order+v2").await.json();
    let moved: Vec<_> = events.as_array().unwrap().iter().map(|it| text(it, "new_state")).collect();
    assert_eq!(moved, ["gone", "enabled"]);
    database.check_invariants().await;
}

#[tokio::test]
async fn invalid_schema_is_rejected() {
    let database = Database::new().await;
    let server = api_server(&database);
    for schema in [
        json!({"type": "planet"}),
        json!(7),
        json!({"$ref": "http://127.0.0.1:1/schema.json"}),
        json!({"$ref": "file:///etc/passwd"}),
        json!({"pattern": "("}),
        json!({"description": "x".repeat(64 * 1024)}),
    ] {
        let answer = put(&server, "order", json!({"schema": schema})).await;
        assert_refused(&answer, 422, "invalid_field", "schema");
    }
    assert_refused(&put(&server, "order", json!({"version": 0, "schema": {}})).await, 422, "invalid_field", "version");
    assert_refused(&put(&server, "a b", json!({"schema": {}})).await, 400, "invalid_parameter", "kind");
    assert_refused(&server.delete("/schemas/order/x").await, 400, "invalid_parameter", "version");
    assert_eq!(database.number("SELECT count(*) FROM schemas").await, 0);
}

#[tokio::test]
async fn schema_applies_on_all_servers_within_a_second() {
    let database = Database::new().await;
    let (one, two) = (api_server(&database), api_server(&database));
    let request = json!({"kind": "noop", "payload": {}});
    two.post("/jobs", request.clone()).await.expect(201);
    put(&one, "noop", json!({"schema": needs("n")})).await.expect(201);
    assert_refused(&one.post("/jobs", request.clone()).await, 422, "invalid_field", "payload");
    crate::harness::eventually("the other server applies the schema", || async {
        (two.post("/jobs", request.clone()).await.status == 422).then_some(())
    })
    .await;
}

#[tokio::test]
async fn validated_payload_is_kept_byte_for_byte() {
    let database = Database::new().await;
    let server = fast_server(&database, &[]);
    put(&server, "order", json!({"schema": needs("n")})).await.expect(201);
    let body = r#"{"kind":"order","payload":{ "n" : 12345678901234567890123 }}"#;
    let created = post_raw(&server, "/jobs", body).await.expect(201);
    assert!(created.text.contains(r#""payload":{ "n" : 12345678901234567890123 }"#), "{}", created.text);
    assert_eq!(job(&server, &text(&created.json(), "id")).await["schema_version"], 1);
}

/// Each of these schemas made the server grow, or search, without end; or made its stack overflow.
#[tokio::test]
async fn schema_that_could_exhaust_the_server_is_refused() {
    let database = Database::new().await;
    let server = api_server(&database);
    let twice = |at: usize| vec![json!({"$ref": format!("#/$defs/d{}", at + 1)}); 2];
    let doubling: serde_json::Map<String, Value> =
        (0..26).map(|at| (format!("d{at}"), json!({"anyOf": twice(at)}))).collect();
    let doubling = json!({"$ref": "#/$defs/d0", "$defs": doubling.into_iter().chain([("d26".to_owned(), json!(true))]).collect::<serde_json::Map<_, _>>()});
    let key = "k".repeat(1000);
    let leaves: serde_json::Map<String, Value> =
        (0..1500).map(|at| (at.to_string(), json!({"type": "null"}))).collect();
    let long = (0..20).fold(json!({"properties": leaves}), |inner, _| json!({"properties": {&key: inner}}));
    for schema in [
        json!({"anyOf": [{"$ref": "#"}, {"$ref": "#"}]}),
        json!({"$ref": "#/$defs/a", "$defs": {"a": {"oneOf": [{"$ref": "#/$defs/b"}]}, "b": {"oneOf": [{"$ref": "#/$defs/a"}, true]}}}),
        doubling,
        long,
        json!({"pattern": "^(a|a)*(?<!b)$"}),
        json!({"pattern": "(([a-z]{99}){99}){99}"}),
    ] {
        let answer = put(&server, "heavy", json!({"schema": schema})).await;
        assert_refused(&answer, 422, "invalid_field", "schema");
    }
    assert_eq!(database.number("SELECT count(*) FROM schemas").await, 0);
}

#[tokio::test]
async fn payload_too_costly_to_check_is_refused() {
    let database = Database::new().await;
    let server = api_server(&database);
    let pair = |at: usize| json!([at]);
    let choices: Vec<Value> = (0..5000).map(pair).collect();
    put(&server, "choices", json!({"schema": {"items": {"enum": choices}}})).await.expect(201);
    let items = json!({"type": "array", "items": {"$ref": "#"}});
    put(&server, "tree", json!({"schema": {"anyOf": [items, items]}})).await.expect(201);
    let costly: Vec<Value> = (0..5000).map(|_| pair(4999)).collect();
    let answer = server.post("/jobs", json!({"kind": "choices", "payload": costly})).await;
    assert_refused(&answer, 422, "invalid_field", "payload");
    assert!(answer.text.contains("takes too long to check"), "{}", answer.text);
    // Naming the mistakes of this payload took all memory: each of the two alternatives has those of the level below.
    let deep = (0..60).fold(json!(1), |inner, _| json!([inner]));
    let answer = server.post("/jobs", json!({"kind": "tree", "payload": deep})).await;
    assert_refused(&answer, 422, "invalid_field", "payload");
    assert!(answer.text.contains("the mistakes take too long to name"), "{}", answer.text);
    enqueue(&server, json!({"kind": "choices", "payload": [pair(4999), pair(0)]})).await;
    enqueue(&server, json!({"kind": "tree", "payload": [[[]], []]})).await;
}

#[tokio::test]
async fn unusable_stored_schema_does_not_stop_its_kind() {
    let database = Database::new().await;
    let server = api_server(&database);
    put(&server, "order", json!({"schema": needs("a")})).await.expect(201);
    database
        .run(r##"INSERT INTO schemas (kind, version, schema, actor) VALUES ('order', 2, '{"anyOf": [{"$ref": "#"}, {"$ref": "#"}]}', 'earlier')"##)
        .await;
    let request =
        |version: Option<i64>, field: &str| json!({"kind": "order", "payload": {field: 1}, "schema_version": version});
    let server = api_server(&database);
    assert_refused(&server.post("/jobs", request(None, "b")).await, 422, "invalid_field", "payload");
    let job = server.post("/jobs", request(None, "a")).await.expect(201).json();
    assert_eq!(job["schema_version"], 1, "the latest version that can be used");
    let answer = server.post("/jobs", request(Some(2), "a")).await;
    assert_refused(&answer, 422, "invalid_field", "schema_version");
    assert!(answer.text.contains("cannot be used"), "{}", answer.text);
}
