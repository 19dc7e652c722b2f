//! `POST /projects`.

use serde_json::json;

use super::{UNKNOWN_ID, api_server, assert_refused, post_raw};
use crate::harness::{Database, Server};

#[tokio::test]
async fn project_is_returned_before_provisioning() {
    let database = Database::new().await;
    let server = api_server(&database);
    let answer = server.post("/projects", json!({"name": "  first ", "labels": {"env": "prod"}})).await.expect(201);
    let project = answer.json();
    assert_eq!(project["name"], "first");
    assert_eq!(project["status"], "creating");
    assert_eq!(project["template"], "simulated");
    assert_eq!(project["parameters"], json!({}));
    assert_eq!(project["labels"], json!({"env": "prod"}));
    assert_eq!(project["version"], 1);
    assert!(project["error_reason"].is_null() && project["deadline_at"].is_string());
    assert_eq!(project["created_at"], project["updated_at"]);
    assert_eq!(answer.header("location"), format!("/projects/{}", project["id"].as_str().unwrap()));
    assert_eq!((answer.header("etag"), answer.header("retry-after")), ("\"1\"", "1"));
    assert_eq!(server.get(answer.header("location")).await.expect(200).json(), project);
    database.check_invariants().await;
}

#[tokio::test]
async fn location_keeps_the_mount_of_the_request() {
    let database = Database::new().await;
    let server = api_server(&database);
    for path in ["/api/v1/projects", "/api/v1/projects/"] {
        let answer = server.post(path, json!({"name": "a"})).await.expect(201);
        let id = answer.json()["id"].as_str().unwrap().to_owned();
        assert_eq!(answer.header("location"), format!("/api/v1/projects/{id}"));
    }
}

#[tokio::test]
async fn times_are_rfc_3339_in_utc_with_milliseconds() {
    let database = Database::new().await;
    let project = api_server(&database).post("/projects", json!({"name": "a"})).await.json();
    for key in ["created_at", "updated_at", "deadline_at"] {
        let text = project[key].as_str().unwrap();
        let shape: String = text.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
        assert_eq!(shape, "0000-00-00T00:00:00.000Z", "{key} is {text}");
    }
}

#[tokio::test]
async fn names_in_any_script_are_kept() {
    let database = Database::new().await;
    let server = api_server(&database);
    let names = ["قاعدة البيانات", "🚀👩‍👩‍👧", "<script>alert(1)</script>", "' OR 1=1 --", "データ", "a\"b\\c", "{{7*7}}"];
    for name in names {
        let created = server.post("/projects", json!({"name": name})).await.expect(201).json();
        let read = server.get(&format!("/projects/{}", created["id"].as_str().unwrap())).await.json();
        assert_eq!((created["name"].as_str(), read["name"].as_str()), (Some(name), Some(name)));
    }
    assert_eq!(database.number("SELECT count(*) FROM projects").await, names.len() as i64);
}

#[tokio::test]
async fn name_length_is_1_to_255_characters() {
    let database = Database::new().await;
    let server = api_server(&database);
    for one in ["x", "é", "م", "🚀"] {
        server.post("/projects", json!({"name": one.repeat(255)})).await.expect(201);
        let long = server.post("/projects", json!({"name": one.repeat(256)})).await;
        assert_refused(&long, 422, "invalid_field", "name");
    }
    for name in ["", "   ", "\t\n"] {
        let empty = server.post("/projects", json!({"name": name})).await;
        assert_refused(&empty, 422, "invalid_field", "name");
    }
}

#[tokio::test]
async fn unprintable_characters_are_rejected() {
    let database = Database::new().await;
    let server = api_server(&database);
    for bad in ["\0", "\u{1}", "\n", "\t", "\u{1b}[31m", "\u{7f}", "\u{85}", "\u{2028}", "\u{2029}"] {
        let name = server.post("/projects", json!({"name": format!("a{bad}b")})).await;
        assert_refused(&name, 422, "invalid_field", "name");
        let label = server.post("/projects", json!({"name": "a", "labels": {"env": format!("a{bad}b")}})).await;
        if bad.chars().next().unwrap().is_control() {
            assert_refused(&label, 422, "invalid_field", "labels");
        }
    }
}

#[tokio::test]
async fn invalid_labels_are_rejected() {
    let database = Database::new().await;
    let server = api_server(&database);
    let many = |n: usize| (0..n).map(|n| (format!("k{n}"), "v".into())).collect::<serde_json::Map<_, _>>();
    let fine = [json!({}), json!({"a.b/c_d-E9": "الفريق 🚀"}), json!({"k": "é".repeat(255)}), many(32).into()];
    for labels in fine {
        let project = server.post("/projects", json!({"name": "a", "labels": labels})).await.expect(201).json();
        assert_eq!(project["labels"], labels);
    }
    let wrong = [json!({"": "v"}), json!({"a b": "v"}), json!({"ключ": "v"}), json!({"k": "é".repeat(256)})];
    let wrong = wrong.into_iter().chain([many(33).into(), json!({"k".repeat(64): "v"}), json!({"a\0": "v"})]);
    for labels in wrong {
        let answer = server.post("/projects", json!({"name": "a", "labels": labels})).await;
        assert_refused(&answer, 422, "invalid_field", "labels");
    }
}

#[tokio::test]
async fn unknown_template_is_rejected_with_known_ones() {
    let database = Database::new().await;
    let server = api_server(&database);
    for template in ["kubernetes", "", "Simulated", "a\0b"] {
        let answer = server.post("/projects", json!({"name": "a", "template": template})).await;
        assert_refused(&answer, 422, "invalid_field", "template");
        assert!(answer.text.contains("use one of postgres, simulated"), "{}", answer.text);
    }
    server.post("/projects", json!({"name": "a", "template": "simulated"})).await.expect(201);
}

/// JSON that a parser would change: a large integer, a long fraction, spaces, repeated keys, the order of keys.
const PRECISE: &str = r#"{ "n": 123456789012345678901234567890,  "pi":3.14159265358979323846264338327950288,"z":1,"z":2 ,"a":[ 1.0,1e3 ] , "u":"\u00e9é\/", "simulate":{"outcome":"failed","duration_ms":0,"reason":"no quota"}}"#;

#[tokio::test]
async fn parameters_are_kept_byte_for_byte() {
    let database = Database::new().await;
    let server = Server::on(&database);
    let body = format!(r#"{{"name": "precise", "parameters": {PRECISE}}}"#);
    let created = post_raw(&server, "/projects", body).await.expect(201);
    assert!(created.text.contains(PRECISE), "{}", created.text);
    let id = created.json()["id"].as_str().unwrap().to_owned();
    server.until(&id, "failed").await;
    server.post(&format!("/projects/{id}/retry"), json!({})).await.expect(200);
    server.until(&id, "failed").await;
    server.delete(&format!("/projects/{id}")).await.expect(202);
    server.until(&id, "deleted").await;
    let read = server.get(&format!("/projects/{id}")).await;
    assert!(read.text.contains(PRECISE), "{}", read.text);
    let payloads = database.rows("SELECT payload::text AS payload FROM jobs ORDER BY id", &[]).await;
    assert_eq!(payloads.len(), 3);
    for row in payloads {
        let payload: String = row.get("payload");
        assert!(payload.contains(PRECISE), "{payload}");
    }
    database.check_invariants().await;
}

#[tokio::test]
async fn parameters_have_bounded_size_and_depth() {
    let database = Database::new().await;
    let server = api_server(&database);
    let nested = |depth: usize| format!("{{\"a\":{}{}}}", "[".repeat(depth - 1), "]".repeat(depth - 1));
    let sized = |bytes: usize| format!("{{\"a\":\"{}\"}}", "x".repeat(bytes - 8));
    let body = |parameters: &str| format!("{{\"name\":\"a\",\"parameters\":{parameters}}}");
    for parameters in [nested(64), sized(64 * 1024), "{}".into(), "null".into()] {
        post_raw(&server, "/projects", body(&parameters)).await.expect(201);
    }
    let wrong = [nested(65), nested(50_000), sized(64 * 1024 + 1), "[]".into(), "7".into(), "\"{}\"".into()];
    let unstorable =
        [r#"{"a":"\u0000"}"#, r#"{"a\u0000b":1}"#, r#"{"a":"\ud800"}"#, r#"{"a":1e400}"#, r#"{"a":-1e400}"#];
    for parameters in wrong.into_iter().chain(unstorable.map(str::to_owned)) {
        let answer = post_raw(&server, "/projects", body(&parameters)).await;
        assert_refused(&answer, 422, "invalid_field", "parameters");
    }
}

#[tokio::test]
async fn invalid_parameters_fail_project_with_reason() {
    let database = Database::new().await;
    let server = Server::on(&database);
    let id = server.create_as("odd", json!({"outcome": "sideways"})).await;
    let project = server.until(&id, "failed").await;
    assert!(project["error_reason"].as_str().unwrap().contains("sideways"), "{project}");
    assert_eq!(server.get(&format!("/projects/{UNKNOWN_ID}")).await.status, 404);
}
