//! The workers in `examples/` run real jobs, if their language is installed.

use std::process::{Child, Command, Stdio};

use serde_json::json;

use super::{server_without_workers, text};
use crate::harness::{Database, eventually};
use crate::jobs::{enqueue, until};

struct Example(Child);

impl Drop for Example {
    fn drop(&mut self) {
        _ = self.0.kill();
        _ = self.0.wait();
    }
}

async fn works(language: &str, file: &str) {
    let version = Command::new(language).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if !version.is_ok_and(|it| it.success()) {
        eprintln!("skipped: {language} is not installed, so examples/{file} was not run");
        return;
    }
    let path = format!("{}/examples/{file}", env!("CARGO_MANIFEST_DIR"));
    assert!(std::fs::read_to_string(&path).unwrap().lines().count() < 100, "{file} has 100 lines or more");
    let database = Database::new().await;
    let token = "a-worker-token-0123456789";
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let listen = format!("127.0.0.1:{port}");
    let settings = [("PROVOST_WORKER_TOKEN", token), ("PROVOST_LISTEN", listen.as_str()), ("PROVOST_LEASE_TTL", "5s")];
    let server = server_without_workers(&database, &settings);
    let mut command = Command::new(language);
    command.arg(&path).env("PROVOST_SERVER", &server.url).env("PROVOST_WORKER_TOKEN", token);
    let mut worker = Example(command.stdout(Stdio::null()).spawn().unwrap());
    let words = |text: &str| json!({"kind": "words.count", "payload": {"text": text}});
    let first = enqueue(&server, words("three little words")).await;
    assert_eq!(until(&server, &first, "completed").await["result"], json!({"words": 3}));
    let logs = server.get(&format!("/jobs/{first}/logs")).await.expect(200).json();
    assert_eq!(text(&logs["logs"][0], "content"), "counting 18 characters");
    let wrong = enqueue(&server, json!({"kind": "words.count", "max_attempts": 1, "payload": {"text": 7}})).await;
    assert!(!text(&until(&server, &wrong, "failed").await, "error").is_empty());
    server.kill();
    let server = server_without_workers(&database, &settings);
    let second = enqueue(&server, words("a b")).await;
    assert_eq!(
        until(&server, &second, "completed").await["result"],
        json!({"words": 2}),
        "the worker survives a server restart"
    );
    assert!(Command::new("kill").arg(worker.0.id().to_string()).status().unwrap().success());
    let pid = format!("/proc/{}/stat", worker.0.id());
    eventually("the worker ends on SIGTERM", || async {
        std::fs::read_to_string(&pid).is_ok_and(|stat| stat.contains(") Z ")).then_some(())
    })
    .await;
    let status = worker.0.wait().unwrap();
    assert!(status.success(), "{status}");
    database.check_invariants().await;
}

#[tokio::test]
async fn python_example_runs_jobs() {
    works("python3", "worker.py").await;
}

#[tokio::test]
async fn node_example_runs_jobs() {
    works("node", "worker.mjs").await;
}
