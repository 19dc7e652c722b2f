//! Invalid bodies: every one is rejected with the invalid field, and none causes a server error.

use std::time::Instant;

use reqwest::Method;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{UNKNOWN_ID, api_server, assert_problem, assert_refused, post_raw, send_raw};
use crate::harness::{Answer, Database, Server, TIMEOUT, send};

/// Every way of reading a body, and whether the body may be omitted.
fn readers() -> [(Method, String, bool); 4] {
    [
        (Method::POST, "/projects".to_owned(), false),
        (Method::PATCH, format!("/projects/{UNKNOWN_ID}"), false),
        (Method::DELETE, format!("/projects/{UNKNOWN_ID}"), true),
        (Method::POST, format!("/projects/{UNKNOWN_ID}/retry"), true),
    ]
}

async fn each_reader_answers(server: &Server, body: impl AsRef<[u8]>, check: impl Fn(&Answer, &str)) {
    for (method, path, _) in readers() {
        let answer = send_raw(server, method.clone(), &path, body.as_ref().to_vec()).await;
        check(&answer, &format!("{method} {path} {}", String::from_utf8_lossy(body.as_ref())));
    }
}

#[tokio::test]
async fn invalid_json_is_rejected_everywhere() {
    let database = Database::new().await;
    let server = api_server(&database);
    let texts = ["{", "}", "{]", "name=a", "{'name': 'a'}", "[1", "nul", " ", "\u{feff}", "\u{feff}\u{feff}{}"];
    for text in texts {
        each_reader_answers(&server, text, |answer, what| {
            assert_eq!((answer.status, answer.code().as_str()), (400, "invalid_json"), "{what}: {}", answer.text);
        })
        .await;
    }
    for text in ["{\"name\": \"a\"", "{\"name\": \"a\"} x", "{\"name\": \"a\",}", "{\"name\": \"a\n\"}"] {
        assert_problem(&post_raw(&server, "/projects", text).await, 400, "invalid_json");
    }
    assert_problem(&post_raw(&server, "/projects", r#"{"name": "\ud800"}"#).await, 400, "invalid_json");
    assert_problem(&post_raw(&server, "/projects", r#"{"name": 1e400}"#).await, 400, "invalid_json");
}

#[tokio::test]
async fn invalid_utf_8_is_rejected_everywhere() {
    let database = Database::new().await;
    let server = api_server(&database);
    for body in [&b"\xff\xfe{}"[..], b"{\"name\": \"\xff\"}", b"{\"reason\": \"\xc3\x28\"}", b"\x1f\x8b\x08\x00"] {
        each_reader_answers(&server, body, |answer, what| {
            assert_eq!((answer.status, answer.code().as_str()), (400, "invalid_json"), "{what}: {}", answer.text);
        })
        .await;
    }
}

#[tokio::test]
async fn empty_body_is_rejected_if_required() {
    let database = Database::new().await;
    let server = api_server(&database);
    for (method, path, optional) in readers() {
        let answer = send_raw(&server, method, &path, "").await;
        let expected = if optional { (404, "not_found") } else { (400, "invalid_json") };
        assert_eq!((answer.status, answer.code().as_str()), expected, "{path}: {}", answer.text);
    }
}

#[tokio::test]
async fn content_type_must_be_json_or_absent() {
    let database = Database::new().await;
    let server = api_server(&database);
    for kind in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "json", ""] {
        for (method, path, _) in readers() {
            let request = server.request(method, &path).header("content-type", kind).body("{\"name\": \"a\"}");
            let answer = send(request).await;
            assert_eq!((answer.status, answer.code().as_str()), (415, "unsupported_media_type"), "{path} {kind}");
        }
    }
    for kind in ["application/json", "APPLICATION/JSON; charset=utf-8", "application/vnd.api+json"] {
        let request = server.request(Method::POST, "/projects").header("content-type", kind).body("{\"name\": \"a\"}");
        send(request).await.expect(201);
    }
    send(server.request(Method::POST, "/projects").body("{\"name\": \"a\"}")).await.expect(201);
}

#[tokio::test]
async fn byte_order_mark_before_json_is_skipped() {
    let database = Database::new().await;
    let server = api_server(&database);
    let id = server.create("a").await;
    let marked = |text: &str| format!("\u{feff}{text}");
    post_raw(&server, "/projects", marked(r#"{"name": "b"}"#)).await.expect(201);
    post_raw(&server, "/jobs", marked(r#"[{"kind": "unserved"}]"#)).await.expect(201);
    send_raw(&server, Method::PATCH, &format!("/projects/{id}"), marked(r#"{"name": "c"}"#)).await.expect(200);
    assert_eq!(server.get(&format!("/projects/{id}")).await.json()["name"], "c");
    send_raw(&server, Method::DELETE, &format!("/projects/{id}"), marked("{}")).await.expect(202);
}

#[tokio::test]
async fn coded_body_is_refused_and_identity_accepted() {
    let database = Database::new().await;
    let server = api_server(&database);
    let post = async |path: &str, coding: &str| {
        let request = server.request(Method::POST, path).header("content-type", "application/json");
        send(request.header("content-encoding", coding).body(r#"{"name": "a"}"#)).await
    };
    for coding in ["gzip", "GZIP", "br", "identity, gzip", "nonsense", "é"] {
        for path in ["/projects", "/jobs", &format!("/projects/{UNKNOWN_ID}/retry")] {
            let answer = post(path, coding).await;
            assert_problem(&answer, 415, "unsupported_encoding");
            assert_eq!(answer.header("accept-encoding"), "identity", "{path} {coding}");
            assert!(answer.text.contains("without Content-Encoding"), "{}", answer.text);
        }
    }
    for coding in ["identity", "Identity", ""] {
        post("/projects", coding).await.expect(201);
    }
    assert_eq!(database.number("SELECT count(*) FROM projects").await, 3);
}

#[tokio::test]
async fn wrong_type_is_reported_with_field_path() {
    let database = Database::new().await;
    let server = api_server(&database);
    let cases = [
        (r#"{"name": 7}"#, "name"),
        (r#"{"name": null}"#, "name"),
        (r#"{"name": ["a"]}"#, "name"),
        (r#"{"name": "a", "template": 7}"#, "template"),
        (r#"{"name": "a", "labels": []}"#, "labels"),
        (r#"{"name": "a", "labels": "env=prod"}"#, "labels"),
        (r#"{"name": "a", "labels": {"env": 1}}"#, "labels.env"),
        (r#"{"name": "a", "labels": {"env": null}}"#, "labels.env"),
        (r#"{"name": "a", "labels": {"env": {"a": "b"}}}"#, "labels.env"),
    ];
    for (text, field) in cases {
        assert_refused(&post_raw(&server, "/projects", text).await, 422, "invalid_field", field);
    }
    let path = format!("/projects/{UNKNOWN_ID}");
    let patched = send_raw(&server, Method::PATCH, &path, r#"{"labels": {"env": false}}"#).await;
    assert_refused(&patched, 422, "invalid_field", "labels.env");
    let deleted = send_raw(&server, Method::DELETE, &path, r#"{"reason": 7}"#).await;
    assert_refused(&deleted, 422, "invalid_field", "reason");
}

#[tokio::test]
async fn body_that_is_no_object_is_rejected_everywhere() {
    let database = Database::new().await;
    let server = api_server(&database);
    // The longer arrays have as many elements as the request has fields; serde would read them as an object.
    let texts = ["null", "7", "\"a\"", "true", "[]", "[\"a\"]", "[null]", "[\"a\", null]", "[\"a\", null, null, null]"];
    for text in texts {
        each_reader_answers(&server, text, |answer, what| {
            assert_eq!((answer.status, answer.code().as_str()), (422, "invalid_field"), "{what}: {}", answer.text);
            assert_eq!(answer.json()["errors"][0]["field"], "body", "{what}");
        })
        .await;
    }
    assert_eq!(database.number("SELECT count(*) FROM projects").await, 0);
}

#[tokio::test]
async fn unknown_missing_and_repeated_fields_are_named() {
    let database = Database::new().await;
    let server = api_server(&database);
    let cases = [
        ("{}", "name"),
        (r#"{"labels": {}}"#, "name"),
        (r#"{"name": "a", "color": "red"}"#, "color"),
        (r#"{"name": "a", "id": "x"}"#, "id"),
        (r#"{"name": "a", "status": "ready"}"#, "status"),
        (r#"{"name": "a", "Name": "a"}"#, "Name"),
        (r#"{"name": "a", "name": "a"}"#, "name"),
        (r#"{"name": "a", "parameters": {}, "parameters": {}}"#, "parameters"),
    ];
    for (text, field) in cases {
        assert_refused(&post_raw(&server, "/projects", text).await, 422, "invalid_field", field);
    }
    for (method, path, _) in &readers()[1..] {
        let answer = send_raw(&server, method.clone(), path, r#"{"color": "red"}"#).await;
        assert_refused(&answer, 422, "invalid_field", "color");
    }
    let repeated = send_raw(&server, Method::DELETE, &readers()[2].1, r#"{"reason": "a", "reason": "b"}"#).await;
    assert_refused(&repeated, 422, "invalid_field", "reason");
    assert_eq!(database.number("SELECT count(*) FROM projects").await, 0);
}

#[tokio::test]
async fn deeply_nested_json_is_rejected() {
    let database = Database::new().await;
    let server = api_server(&database);
    let deep = "[".repeat(100_000);
    let texts =
        [deep.clone(), format!("{{\"name\":{deep}"), format!("{{\"color\":{deep}"), "{\"name\":".repeat(20_000)];
    for text in texts {
        each_reader_answers(&server, &text, |answer, _| assert!([400, 422].contains(&answer.status))).await;
    }
    server.get("/healthz").await.expect(200);
}

#[tokio::test]
async fn too_large_body_is_rejected_with_or_without_length() {
    let database = Database::new().await;
    let server = api_server(&database);
    let text = format!("{{\"name\": \"{}\"}}", "x".repeat(256 * 1024));
    for (method, path, _) in readers() {
        let answer = send_raw(&server, method, &path, text.clone()).await;
        assert_problem(&answer, 413, "body_too_large");
    }
    let mut chunked = raw(&server, "transfer-encoding: chunked\r\n").await;
    let chunk = format!("10000\r\n{}\r\n", "x".repeat(0x10000));
    for _ in 0..5 {
        // The server may respond and close the connection before the whole body was sent.
        _ = chunked.write_all(chunk.as_bytes()).await;
    }
    let text = read_some(&mut chunked).await;
    assert!(text.starts_with("HTTP/1.1 413 ") && text.contains("body_too_large"), "{text}");
}

#[tokio::test]
async fn slow_body_times_out_after_ten_seconds() {
    let database = Database::new().await;
    let server = api_server(&database);
    let mut slow = raw(&server, "content-length: 100\r\n").await;
    slow.write_all(b"{\"name\": ").await.unwrap();
    let started = Instant::now();
    let text = read_some(&mut slow).await;
    assert!(text.starts_with("HTTP/1.1 408 ") && text.contains("body_too_slow"), "{text}");
    assert!((8..60).contains(&started.elapsed().as_secs()), "{:?}", started.elapsed());
    server.get("/healthz").await.expect(200);
}

#[tokio::test]
async fn aborted_body_creates_nothing() {
    let database = Database::new().await;
    let server = api_server(&database);
    let mut broken = raw(&server, "content-length: 14\r\n").await;
    broken.write_all(b"{\"name\": \"a").await.unwrap();
    broken.shutdown().await.unwrap();
    let text = read_some(&mut broken).await;
    assert!(text.is_empty() || text.starts_with("HTTP/1.1 400 "), "{text}");
    assert_eq!(database.number("SELECT count(*) FROM projects").await, 0);
}

#[tokio::test]
async fn malformed_id_is_400_and_unknown_id_is_404() {
    let database = Database::new().await;
    let server = api_server(&database);
    let routes = [(Method::GET, ""), (Method::PATCH, ""), (Method::DELETE, ""), (Method::POST, "/retry")];
    for (method, tail) in routes.into_iter().chain([(Method::GET, "/events"), (Method::GET, "/explain")]) {
        let ask = async |id: &str| {
            let path = format!("/projects/{id}{tail}");
            send_raw(&server, method.clone(), &path, body_of(&method, tail)).await
        };
        for id in ["1", "zz", "%00", "0190c2f4-7c1e-7d3a-9f52-0242ac12000", "%F0%9F%9A%80", "..%2f..%2fetc", "null"] {
            assert_refused(&ask(id).await, 400, "invalid_parameter", "id");
        }
        for id in [UNKNOWN_ID, &UNKNOWN_ID.to_uppercase(), &UNKNOWN_ID.replace('-', "")] {
            assert_problem(&ask(id).await, 404, "not_found");
        }
    }
    assert_problem(&server.get(&format!("/projects/{UNKNOWN_ID}?wait=ready")).await, 404, "not_found");
}

fn body_of(method: &Method, tail: &str) -> &'static str {
    if *method == Method::PATCH && tail.is_empty() { r#"{"name": "a"}"# } else { "" }
}

/// Sends the header of a POST request over a raw connection.
async fn raw(server: &Server, header: &str) -> TcpStream {
    let address = server.url.trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = format!("POST /projects HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\n{header}\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    stream
}

/// Reads until the problem is complete, the connection ends or the timeout passes.
async fn read_some(stream: &mut TcpStream) -> String {
    let (mut bytes, mut buffer) = (Vec::new(), [0; 4096]);
    while !bytes.ends_with(b"}") {
        match tokio::time::timeout(TIMEOUT, stream.read(&mut buffer)).await {
            Ok(Ok(n)) if n > 0 => bytes.extend_from_slice(&buffer[..n]),
            _ => break,
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
