use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::handlers::tests::job;

/// A server that sends these responses, one per connection, and reports the requests.
fn serve(responses: Vec<String>) -> (u16, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (port, (sender, requests)) = (listener.local_addr().unwrap().port(), channel());
    std::thread::spawn(move || {
        for response in responses {
            let (mut stream, _) = listener.accept().unwrap();
            let (mut request, mut buffer) = (String::new(), [0; 4096]);
            while !is_complete(&request) {
                let n = stream.read(&mut buffer).unwrap();
                request.push_str(&String::from_utf8_lossy(&buffer[..n]));
            }
            sender.send(request).unwrap();
            // The client may already have closed the connection.
            _ = stream.write_all(response.as_bytes());
        }
    });
    (port, requests)
}

fn is_complete(request: &str) -> bool {
    let Some((head, body)) = request.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
    body.len() >= length.unwrap_or(0)
}

fn response(status: &str, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n{headers}\r\n{body}", body.len())
}

async fn call(allow: &str, payload: Value) -> Outcome {
    HttpCall::new(allow.parse().unwrap()).run(&job("http.call", &payload.to_string())).await
}

/// Calls a server that sends this response.
async fn call_server(response: String, mut more: Value) -> Outcome {
    let (port, _requests) = serve(vec![response]);
    let here = format!("http://127.0.0.1:{port}");
    more["url"] = format!("{here}/secret").into();
    call(&here, more).await
}

#[tokio::test]
async fn call_identifies_itself_and_returns_the_response() {
    let headers = "content-type: text/plain\r\nset-cookie: a=b\r\n";
    let (port, requests) = serve(vec![response("201 Created", headers, "h\0i")]);
    let here = format!("http://127.0.0.1:{port}");
    let payload = json!({"url": format!("{here}/a?b=1"), "headers": {"X-Mine": "1"}, "body": {"n": 1}});
    let Outcome::Done { result: Some(result), .. } = call(&here, payload).await else { panic!() };
    let expected = json!({"status": 201, "headers": {"content-type": "text/plain", "content-length": "3"}, "body": "h\u{fffd}i", "truncated": false});
    assert_eq!(serde_json::from_str::<Value>(&result).unwrap(), expected);
    let request = requests.recv().unwrap();
    assert!(request.starts_with("POST /a?b=1 HTTP/1.1\r\n") && request.ends_with("\r\n\r\n{\"n\":1}"), "{request}");
    for line in [
        format!("idempotency-key: {}", job("", "").id),
        format!("x-provost-execution: {}", job("", "").execution_id),
        format!("host: 127.0.0.1:{port}"),
        concat!("user-agent: provost/", env!("CARGO_PKG_VERSION")).to_owned(),
        "content-type: application/json".to_owned(),
        "x-mine: 1".to_owned(),
    ] {
        assert!(request.lines().any(|it| it == line), "{line}\n{request}");
    }
}

#[tokio::test]
async fn status_decides_the_outcome() {
    let failed = |reason: &str, seconds: Option<u64>| Outcome::Failed {
        reason: reason.into(),
        retry_after: seconds.map(Duration::from_secs),
        next: Vec::new(),
    };
    let cases = [
        ("404 Not Found", "", json!({}), Outcome::fatal("127.0.0.1 responded 404 Not Found: why")),
        ("408 Request Timeout", "", json!({}), failed("127.0.0.1 responded 408 Request Timeout: why", None)),
        (
            "429 Too Many Requests",
            "retry-after: 7\r\n",
            json!({}),
            failed("127.0.0.1 responded 429 Too Many Requests: why", Some(7)),
        ),
        (
            "503 Service Unavailable",
            "retry-after: 9\r\n",
            json!({}),
            failed("127.0.0.1 responded 503 Service Unavailable: why", Some(9)),
        ),
        ("200 OK", "", json!({"expect": [202]}), Outcome::fatal("127.0.0.1 responded 200 OK: why")),
    ];
    for (status, headers, more, outcome) in cases {
        assert_eq!(call_server(response(status, headers, "why\n"), more).await, outcome, "{status}");
    }
    let welcome = call_server(response("404 Not Found", "", ""), json!({"expect": [200, 404]})).await;
    assert!(matches!(welcome, Outcome::Done { .. }), "{welcome:?}");
}

#[tokio::test]
async fn redirect_is_not_followed() {
    let (elsewhere, requests) = serve(vec![response("200 OK", "", "secret")]);
    let location = format!("location: http://127.0.0.1:{elsewhere}/\r\n");
    let outcome = call_server(response("302 Found", &location, ""), json!({})).await;
    assert_eq!(outcome, Outcome::fatal("127.0.0.1 responded 302 Found (redirects are not followed)"));
    assert!(requests.try_recv().is_err(), "the target is not called");
}

#[tokio::test]
async fn long_response_is_truncated() {
    for (length, truncated) in [(1024 * 1024, false), (3 * 1024 * 1024, true)] {
        let Outcome::Done { result: Some(result), .. } =
            call_server(response("200 OK", "", &"x".repeat(length)), json!({})).await
        else {
            panic!()
        };
        let result: Value = serde_json::from_str(&result).unwrap();
        assert_eq!(result["body"].as_str().unwrap().len(), 1024 * 1024);
        assert_eq!(result["truncated"], truncated);
    }
}

#[tokio::test]
async fn silent_or_broken_target_is_retried() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = format!("http://{}", listener.local_addr().unwrap());
    let outcome = call(&silent, json!({"url": silent, "timeout_s": 0.05})).await;
    assert_eq!(outcome, Outcome::failed("127.0.0.1 did not respond within 50ms"));
    drop(listener);
    let outcome = call(&silent, json!({"url": format!("{silent}/secret")})).await;
    assert!(
        matches!(&outcome, Outcome::Failed { reason, .. } if reason.starts_with("127.0.0.1: ") && !reason.contains("secret")),
        "{outcome:?}"
    );
    let outcome = call_server("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf".into(), json!({})).await;
    assert!(matches!(outcome, Outcome::Failed { .. }), "{outcome:?}");
}

#[tokio::test]
async fn target_that_is_not_allowed_is_rejected() {
    let off = call("", json!({"url": "https://api.example.com/"})).await;
    assert_eq!(off, Outcome::fatal("HTTP calls are disabled: PROVOST_HTTP_ALLOW is empty"));
    for (url, target) in [
        ("https://other.example/", "https://other.example:443"),
        ("http://api.example.com/", "http://api.example.com:80"),
        ("https://0x7f.1/", "https://127.0.0.1:443"),
        ("https://2130706433/", "https://127.0.0.1:443"),
        ("https://0177.0.0.1/", "https://127.0.0.1:443"),
        ("https://１２７.0.0.1./", "https://127.0.0.1:443"),
        ("https://[::ffff:127.0.0.1]/", "https://[::ffff:127.0.0.1]:443"),
        ("https://169.254.169.254/", "https://169.254.169.254:443"),
    ] {
        let outcome = call("api.example.com", json!({"url": url})).await;
        assert_eq!(outcome, Outcome::fatal(format!("{target} is not in PROVOST_HTTP_ALLOW")), "{url}");
    }
    let tricked = call("api.example.com", json!({"url": "http://api.example.com@127.0.0.1"})).await;
    assert_eq!(tricked, Outcome::fatal("url must not contain a user or a password"));
}

#[tokio::test]
async fn private_address_must_be_allowed_explicitly() {
    let (port, requests) = serve(vec![response("200 OK", "", "")]);
    let (name, url) = (format!("http://localhost:{port}"), format!("http://LocalHost.:{port}/"));
    let Outcome::Fatal { reason, .. } = call(&name, json!({"url": url})).await else { panic!() };
    assert!(reason.starts_with("localhost must not be called: ") && reason.ends_with(" is loopback"), "{reason}");
    assert!(requests.try_recv().is_err(), "the target is not called");
    let both = format!("{name},http://127.0.0.1:{port},http://[::1]:{port}");
    let outcome = call(&both, json!({"url": url})).await;
    assert!(matches!(outcome, Outcome::Done { .. }), "{outcome:?}");
    assert!(requests.recv().unwrap().contains(&format!("host: localhost:{port}\r\n")));
}

#[tokio::test]
async fn only_checked_addresses_are_connected_to() {
    // The name does not exist; the call succeeds because the name is not resolved again.
    let (port, _requests) = serve(vec![response("200 OK", "", "")]);
    let call = HttpCall::new(AllowList::default());
    let client = call.client(false, vec![SocketAddr::from(([127, 0, 0, 1], port))]).unwrap();
    let response = client.get(format!("http://rebinding.invalid:{port}/")).send().await.unwrap();
    assert_eq!(response.status(), 200);
}
