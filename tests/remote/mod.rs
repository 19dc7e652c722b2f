//! Remote workers: the protocol, the contract of both sources of work, a foreign agent, and worker processes.

mod agent;
mod contract;
mod examples;
mod logs;
mod process;
mod protocol;
mod provisioner;
mod tokens;

use serde_json::{Value, json};

use crate::harness::{Answer, Database, Server, send};

/// A server without workers of its own.
pub fn server_without_workers(database: &Database, more: &[(&str, &str)]) -> Server {
    let settings = [&[("PROVOST_ROLES", "api,scheduler"), ("PROVOST_LEASE_TTL", "2s")], more].concat();
    Server::with(&database.url, &settings)
}

pub async fn put(server: &Server, path: &str, body: Value) -> Answer {
    send(server.request(reqwest::Method::PUT, path).json(&body)).await
}

/// Claims a job of kind `noop` with a request id.
pub async fn dequeue(server: &Server, request: &str) -> Vec<Value> {
    let ask = json!({"worker_id": "w", "request_id": request, "kinds": ["noop"], "limit": 1});
    let answer = server.post("/internal/executions/dequeue", ask).await.expect(200).json();
    answer["executions"].as_array().unwrap().clone()
}

/// Enqueues and claims a job of kind `noop`; returns the job id and the execution id.
pub async fn held(server: &Server, request: &str) -> (String, String) {
    server.post("/jobs", json!({"kind": "noop"})).await.expect(201);
    let given = dequeue(server, request).await.remove(0);
    (text(&given, "job_id"), text(&given, "execution_id"))
}

pub fn text(value: &Value, field: &str) -> String {
    value[field].as_str().unwrap_or_default().to_owned()
}
