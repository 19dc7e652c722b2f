//! `/events/stream`.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpSocket;

use super::{act, enqueue, fast_server, server_without_workers, text, until};
use crate::harness::{Database, Server, TIMEOUT};

/// A client of the stream.
struct Follower {
    response: reqwest::Response,
    buffer: String,
    /// The id to resume from.
    place: String,
}

impl Follower {
    async fn at(server: &Server, path: &str, place: Option<&str>) -> Self {
        let request = server.request(Method::GET, path).header("accept-encoding", "gzip");
        let request = place.into_iter().fold(request, |it, place| it.header("last-event-id", place));
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert!(response.headers()["content-type"].to_str().unwrap().starts_with("text/event-stream"));
        let mut follower = Self { response, buffer: String::new(), place: String::new() };
        assert!(follower.frame().await.starts_with(": connected"));
        follower
    }

    /// The next frame of any kind.
    async fn frame(&mut self) -> String {
        let deadline = Instant::now() + TIMEOUT;
        loop {
            if let Some((frame, rest)) = self.buffer.split_once("\n\n") {
                let (frame, rest) = (frame.to_owned(), rest.to_owned());
                self.buffer = rest;
                let id = frame.lines().find_map(|line| line.strip_prefix("id: "));
                self.place = id.map_or(std::mem::take(&mut self.place), str::to_owned);
                return frame;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            let chunk = tokio::time::timeout(left, self.response.chunk()).await.expect("nothing came");
            self.buffer.push_str(std::str::from_utf8(&chunk.unwrap().expect("the stream ended")).unwrap());
        }
    }

    /// The next event.
    async fn event(&mut self) -> Value {
        loop {
            let frame = self.frame().await;
            if let Some(data) = frame.lines().find_map(|line| line.strip_prefix("data: ")) {
                return serde_json::from_str(data).unwrap();
            }
        }
    }

    /// The next `n` transitions, like `queued>active`.
    async fn transitions(&mut self, n: usize) -> Vec<String> {
        let mut transitions = Vec::new();
        while transitions.len() < n {
            let event = self.event().await;
            transitions.push(format!("{}>{}", text(&event, "previous_state"), text(&event, "new_state")));
        }
        transitions
    }
}

#[tokio::test]
async fn every_server_streams_all_events() {
    let database = Database::new().await;
    let (server, other) = (fast_server(&database, &[]), server_without_workers(&database));
    let mut here = Follower::at(&server, "/events/stream?entity=job", None).await;
    let mut there = Follower::at(&other, "/api/v1/sse/events?entity=job", None).await;
    let id = enqueue(&server, json!({"kind": "noop"})).await;
    for follower in [&mut here, &mut there] {
        assert_eq!(follower.transitions(3).await, ["none>queued", "queued>active", "active>completed"]);
    }
    let mut one = Follower::at(&server, &format!("/events/stream?id={id}&after=0"), None).await;
    assert_eq!(one.transitions(3).await, ["none>queued", "queued>active", "active>completed"]);
    let received = server.get(&format!("/jobs/{id}/events")).await.json();
    let mut again = Follower::at(&server, &format!("/events/stream?id={id}&after=0"), None).await;
    let first = again.event().await;
    let second = again.event().await;
    assert_eq!((&first, &second), (&received[2], &received[1]), "the same JSON as the record");
    assert_eq!(second["attempt"], 1);
    let all = server.get(&format!("/events?id={id}")).await.json();
    assert_eq!((&all, &received[0]["attempt"]), (&received, &json!(1)));
}

#[tokio::test]
async fn reconnect_resumes_at_last_event() {
    let database = Database::new().await;
    let server = fast_server(&database, &[("PROVOST_ROLES", "api,scheduler")]);
    let mut follower = Follower::at(&server, "/events/stream?entity=job", None).await;
    let first = enqueue(&server, json!({"kind": "unserved"})).await;
    assert_eq!(text(&follower.event().await, "entity_id"), first);
    let place = follower.place.clone();
    drop(follower);
    let missed = enqueue(&server, json!({"kind": "unserved"})).await;
    act(&server, &missed, "cancel", json!({})).await.expect(200);
    drop(server);
    let server = server_without_workers(&database);
    let mut back = Follower::at(&server, "/events/stream?entity=job", Some(&place)).await;
    let mut received = Vec::new();
    while received.last() != Some(&"queued>canceled".to_owned()) {
        received.extend(back.transitions(1).await);
    }
    // Events that may have been incomplete are repeated; none is missing.
    assert_eq!(received[received.len() - 2..], ["none>queued", "queued>canceled"]);
    assert!(received.len() <= 3, "{received:?}");
}

#[tokio::test]
async fn late_commit_is_streamed_exactly_once() {
    let database = Database::new().await;
    let server = server_without_workers(&database);
    let slow = database.connection().await;
    slow.batch_execute("BEGIN; SELECT provost.enqueue('late')").await.unwrap();
    let mut follower = Follower::at(&server, "/events/stream?entity=job", None).await;
    let prompt = enqueue(&server, json!({"kind": "prompt"})).await;
    assert_eq!(text(&follower.event().await, "entity_id"), prompt);
    slow.batch_execute("COMMIT").await.unwrap();
    let late = follower.event().await;
    assert_ne!(text(&late, "entity_id"), prompt);
    let last = enqueue(&server, json!({"kind": "prompt"})).await;
    assert_eq!(text(&follower.event().await, "entity_id"), last);
}

#[tokio::test]
async fn stream_survives_database_outage() {
    let database = Database::new().await;
    let proxy = crate::harness::Proxy::before(&database.url);
    let server = Server::with(
        &proxy.url(&database.url),
        &[("PROVOST_ROLES", "api,scheduler"), ("PROVOST_POLL_INTERVAL", "200ms")],
    );
    let mut follower = Follower::at(&server, "/events/stream?entity=job", None).await;
    proxy.cut();
    let id = database.text("SELECT provost.enqueue('unserved')").await;
    proxy.repair();
    assert_eq!(text(&follower.event().await, "entity_id"), id);
}

#[tokio::test]
async fn slow_reader_is_disconnected() {
    let database = Database::new().await;
    let server = server_without_workers(&database);
    let address = server.url.trim_start_matches("http://").to_owned();
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(256 * 1024).unwrap();
    let mut lazy = socket.connect(address.parse().unwrap()).await.unwrap();
    let request = format!("GET /events/stream?after=0 HTTP/1.1\r\nHost: {address}\r\n\r\n");
    lazy.write_all(request.as_bytes()).await.unwrap();
    // More than the buffers between server and client hold.
    let many = "INSERT INTO events (entity, entity_name, previous_state, new_state, actor, reason)
                SELECT 'queue', 'q', 'active', 'active', 'a', repeat('x', 900) FROM generate_series(1, 12000)";
    let mut output = Vec::new();
    let is_told = |output: &[u8]| String::from_utf8_lossy(output).contains(": disconnected: data was not received");
    // The send timeout of a stream is 10 s. A busy server fills the buffers later, so each pause is longer than the one before.
    for pause in [11, 22, 44] {
        database.run(many).await;
        tokio::time::sleep(Duration::from_secs(pause)).await;
        while !is_told(&output[output.len().saturating_sub(16_384)..])
            && matches!(tokio::time::timeout(Duration::from_secs(5), lazy.read_buf(&mut output)).await, Ok(Ok(1..)))
        {
        }
        if is_told(&output) {
            return;
        }
    }
    panic!("{}", String::from_utf8_lossy(&output[output.len().saturating_sub(300)..]));
}

#[tokio::test]
async fn invalid_stream_parameter_is_named() {
    let database = Database::new().await;
    let server = server_without_workers(&database);
    for query in ["entity=cat", "after=-1", "after=x", "color=red"] {
        assert_eq!(
            server.get(&format!("/events/stream?{query}")).await.expect(400).code(),
            "invalid_parameter",
            "{query}"
        );
    }
    let request = server.request(Method::GET, "/events/stream").header("last-event-id", "yesterday");
    assert_eq!(crate::harness::send(request).await.expect(400).code(), "invalid_header");
    server.get("/events?entity=workflow").await.expect(200);
    let id = enqueue(&server, json!({"kind": "unserved"})).await;
    until(&server, &id, "queued").await;
}
