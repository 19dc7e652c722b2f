//! What goes on: followed from the stream, and by looking where there is none.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};

use super::{command, run};
use crate::harness::{Database, Server, TIMEOUT};

/// A command that goes on, and what it says line by line.
struct Going {
    child: Child,
    lines: Receiver<String>,
}

impl Going {
    fn on(server: &Server, args: &[&str]) -> Self {
        let mut child = command(&server.url, args).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let (told, lines) = channel();
        let out = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || out.lines().map_while(Result::ok).try_for_each(|line| told.send(line)));
        Self { child, lines }
    }

    fn line(&self) -> String {
        self.lines.recv_timeout(TIMEOUT).expect("nothing more was said")
    }

    fn event(&self) -> Value {
        serde_json::from_str(&self.line()).unwrap()
    }

    /// The next events, as far as this one.
    fn until(&self, entity_id: &str, new_state: &str) -> Vec<Value> {
        let mut heard = Vec::new();
        loop {
            heard.push(self.event());
            let last = heard.last().unwrap();
            if last["entity_id"] == entity_id && last["new_state"] == new_state {
                return heard;
            }
        }
    }

    fn ended(mut self) -> i32 {
        let deadline = Instant::now() + TIMEOUT;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code().unwrap_or(-1);
            }
            assert!(Instant::now() < deadline, "it goes on and on");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Going {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

/// A job that writes two lines, and takes so long.
async fn talks(server: &Server, duration_ms: u64) -> String {
    let payload = json!({"duration_ms": duration_ms, "outcome": "completed", "lines": ["one", "two \u{1b}[31m"]});
    let body = json!({"kind": "simulated", "payload": payload});
    server.post("/jobs", body).await.expect(201).json()["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn what_happens_is_told_as_it_happens_and_once_also_across_a_restart() {
    let database = Database::new().await;
    let mut server = Server::on(&database);
    let address = server.url.trim_start_matches("http://").to_owned();
    // Whoever looked only now and then would not be done within the patience of this test.
    let going = Going::on(&server, &["events", "--follow", "--entity", "job", "-o", "jsonl", "--interval", "1h"]);
    let first = talks(&server, 0).await;
    let mut heard = going.until(&first, "completed");
    assert_eq!(server.stop(), 0);
    let server = Server::with(&database.url, &[("PROVOST_LISTEN", &address)]);
    let second = talks(&server, 0).await;
    heard.extend(going.until(&second, "completed"));
    let mut ids: Vec<i64> = heard.iter().map(|it| it["id"].as_i64().unwrap()).collect();
    let all = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), all, "told twice: {heard:?}");
    for id in [first, second] {
        let moves = heard.iter().filter(|it| it["entity_id"] == id.as_str());
        let moves: Vec<&str> = moves.map(|it| it["new_state"].as_str().unwrap()).collect();
        assert_eq!(moves, ["queued", "active", "completed"]);
    }
}

#[tokio::test]
async fn without_a_stream_one_looks_now_and_then() {
    let database = Database::new().await;
    let server = Server::on(&database);
    let mut taken = Vec::new();
    // As many as may follow at once; whoever comes after them is refused.
    loop {
        let response = server.request(Method::GET, "/events/stream").send().await.unwrap();
        if response.status() != 200 {
            break;
        }
        taken.push(response);
    }
    let going = Going::on(&server, &["events", "--follow", "-o", "jsonl", "--interval", "100ms"]);
    let id = talks(&server, 0).await;
    going.until(&id, "completed");
}

#[tokio::test]
async fn a_watch_sees_a_move_when_it_happens() {
    let database = Database::new().await;
    let server = Server::on(&database);
    let id = talks(&server, 700).await;
    let going = Going::on(&server, &["job", "watch", &id, "--interval", "1h", "-o", "jsonl"]);
    let list = Going::on(&server, &["job", "list", "--watch", "--interval", "1h", "-o", "jsonl"]);
    let states = |going: &Going| loop {
        if going.event()["state"] == "completed" {
            break;
        }
    };
    states(&going);
    states(&list);
    assert_eq!(going.ended(), 0);
}

#[tokio::test]
async fn what_a_job_wrote_is_shown_and_followed_to_its_end() {
    let database = Database::new().await;
    let server = Server::on(&database);
    let id = talks(&server, 1500).await;
    let going = Going::on(&server, &["job", "logs", &id, "--follow"]);
    assert_eq!((going.line().as_str(), going.line().as_str()), ("one", "two \\u{1b}[31m"));
    let state = server.get(&format!("/jobs/{id}")).await.json()["state"].clone();
    assert_eq!(state, "active", "the lines came only when it was over");
    assert_eq!(going.ended(), 0);
    assert_eq!(run(&server, &["task", "logs", "--id", &id]).expect(0).out, "one\ntwo \\u{1b}[31m\n");
    let lines = run(&server, &["job", "logs", &id, "-o", "json"]).expect(0).json();
    assert_eq!((&lines[1]["content"], &lines[1]["stream"]), (&json!("two \u{1b}[31m"), &json!("stdout")));
    let wide = run(&server, &["job", "logs", &id, "-o", "wide"]).expect(0).out;
    assert!(wide.lines().next().unwrap().starts_with("WHEN"), "{wide}");
    let none = run(&server, &["job", "logs", &id, "--stream", "stderr"]).expect(0);
    assert!(none.out.is_empty() && none.err.contains("wrote nothing"), "{none:?}");
    run(&server, &["job", "logs", "0198c0de-0000-7000-8000-000000000000"]).expect(3);
}

#[tokio::test]
async fn a_job_is_waited_for_in_one_request() {
    let database = Database::new().await;
    let server = Server::on(&database);
    let id = talks(&server, 400).await;
    let job = server.get(&format!("/jobs/{id}?wait=finished&timeout=30s")).await.expect(200).json();
    assert_eq!(job["state"], "completed");
    let id = talks(&server, 60_000).await;
    let job = server.get(&format!("/jobs/{id}?wait=finished&timeout=200ms")).await.expect(200).json();
    assert_ne!(job["state"], "completed");
    assert_eq!(server.get(&format!("/jobs/{id}?wait=active")).await.expect(400).code(), "invalid_parameter");
}
