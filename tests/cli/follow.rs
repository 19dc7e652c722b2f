//! Watching and following: with the event stream, and by polling without it.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};

use super::{command, run};
use crate::harness::{Database, Server, TIMEOUT};

/// A running command and its output, line by line.
struct Running {
    child: Child,
    lines: Receiver<String>,
}

impl Running {
    fn on(server: &Server, args: &[&str]) -> Self {
        let mut child = command(&server.url, args).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let (sender, lines) = channel();
        let out = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || out.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        Self { child, lines }
    }

    fn line(&self) -> String {
        self.lines.recv_timeout(TIMEOUT).expect("no further line")
    }

    fn event(&self) -> Value {
        serde_json::from_str(&self.line()).unwrap()
    }

    /// The next events, up to and including this one.
    fn until(&self, entity_id: &str, new_state: &str) -> Vec<Value> {
        let mut events = Vec::new();
        loop {
            events.push(self.event());
            let last = events.last().unwrap();
            if last["entity_id"] == entity_id && last["new_state"] == new_state {
                return events;
            }
        }
    }

    fn exit_code(mut self) -> i32 {
        let deadline = Instant::now() + TIMEOUT;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code().unwrap_or(-1);
            }
            assert!(Instant::now() < deadline, "the command did not end");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

/// Creates a job that writes two log lines.
async fn create_logging_job(server: &Server, duration_ms: u64) -> String {
    let payload = json!({"duration_ms": duration_ms, "outcome": "completed", "lines": ["one", "two \u{1b}[31m"]});
    let body = json!({"kind": "simulated", "payload": payload});
    server.post("/jobs", body).await.expect(201).json()["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn follow_prints_each_event_once_across_a_server_restart() {
    let database = Database::new().await;
    let mut server = Server::on(&database);
    let address = server.url.trim_start_matches("http://").to_owned();
    // With polling alone, this interval would exceed the timeout of the test.
    let running = Running::on(&server, &["events", "--follow", "--entity", "job", "-o", "jsonl", "--interval", "1h"]);
    let first = create_logging_job(&server, 0).await;
    let mut events = running.until(&first, "completed");
    assert_eq!(server.stop(), 0);
    let server = Server::with(&database.url, &[("PROVOST_LISTEN", &address)]);
    let second = create_logging_job(&server, 0).await;
    events.extend(running.until(&second, "completed"));
    let mut ids: Vec<i64> = events.iter().map(|it| it["id"].as_i64().unwrap()).collect();
    let all = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), all, "printed twice: {events:?}");
    for id in [first, second] {
        let states = events.iter().filter(|it| it["entity_id"] == id.as_str());
        let states: Vec<&str> = states.map(|it| it["new_state"].as_str().unwrap()).collect();
        assert_eq!(states, ["queued", "active", "completed"]);
    }
}

#[tokio::test]
async fn follow_polls_if_the_stream_is_refused() {
    let database = Database::new().await;
    let server = Server::on(&database);
    let mut taken = Vec::new();
    // Take all streams, so that the next one is refused.
    loop {
        let response = server.request(Method::GET, "/events/stream").send().await.unwrap();
        if response.status() != 200 {
            break;
        }
        taken.push(response);
    }
    let running = Running::on(&server, &["events", "--follow", "-o", "jsonl", "--interval", "100ms"]);
    let id = create_logging_job(&server, 0).await;
    running.until(&id, "completed");
}

#[tokio::test]
async fn watch_prints_changes_without_polling() {
    let database = Database::new().await;
    let server = Server::on(&database);
    let id = create_logging_job(&server, 700).await;
    let running = Running::on(&server, &["job", "watch", &id, "--interval", "1h", "-o", "jsonl"]);
    let list = Running::on(&server, &["job", "list", "--watch", "--interval", "1h", "-o", "jsonl"]);
    let until_completed = |running: &Running| loop {
        if running.event()["state"] == "completed" {
            break;
        }
    };
    until_completed(&running);
    until_completed(&list);
    assert_eq!(running.exit_code(), 0);
}

#[tokio::test]
async fn job_logs_are_followed_until_the_job_is_finished() {
    let database = Database::new().await;
    let gate = database.gate("jobs", "NEW.state = 'completed'").await;
    let server = Server::with(&database.url, &[("PROVOST_LEASE_TTL", "10m")]);
    let id = create_logging_job(&server, 0).await;
    let running = Running::on(&server, &["job", "logs", &id, "--follow"]);
    assert_eq!((running.line().as_str(), running.line().as_str()), ("one", "two \\u{1b}[31m"));
    let state = server.get(&format!("/jobs/{id}")).await.json()["state"].clone();
    assert_eq!(state, "active", "lines arrive while the job is running");
    gate.open().await;
    assert_eq!(running.exit_code(), 0);
    assert_eq!(run(&server, &["task", "logs", "--id", &id]).expect(0).out, "one\ntwo \\u{1b}[31m\n");
    let lines = run(&server, &["job", "logs", &id, "-o", "json"]).expect(0).json();
    assert_eq!((&lines[1]["content"], &lines[1]["stream"]), (&json!("two \u{1b}[31m"), &json!("stdout")));
    let wide = run(&server, &["job", "logs", &id, "-o", "wide"]).expect(0).out;
    assert!(wide.lines().next().unwrap().starts_with("WHEN"), "{wide}");
    let none = run(&server, &["job", "logs", &id, "--stream", "stderr"]).expect(0);
    assert!(none.out.is_empty() && none.err.contains("No log lines"), "{none:?}");
    run(&server, &["job", "logs", "0198c0de-0000-7000-8000-000000000000"]).expect(3);
}

#[tokio::test]
async fn one_request_waits_for_a_job() {
    let database = Database::new().await;
    let server = Server::on(&database);
    let id = create_logging_job(&server, 400).await;
    let job = server.get(&format!("/jobs/{id}?wait=finished&timeout=30s")).await.expect(200).json();
    assert_eq!(job["state"], "completed");
    let id = create_logging_job(&server, 60_000).await;
    let job = server.get(&format!("/jobs/{id}?wait=finished&timeout=200ms")).await.expect(200).json();
    assert_ne!(job["state"], "completed");
    assert_eq!(server.get(&format!("/jobs/{id}?wait=active")).await.expect(400).code(), "invalid_parameter");
}
