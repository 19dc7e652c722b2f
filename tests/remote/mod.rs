//! Workers without a database: the protocol, both sources of work under one contract, an agent that knows little, and whole processes.

mod agent;
mod contract;
mod examples;
mod logs;
mod process;
mod protocol;
mod tokens;

use serde_json::{Value, json};

use crate::harness::{Answer, Database, Server, send};

/// A server that does not work itself.
pub fn idle(database: &Database, more: &[(&str, &str)]) -> Server {
    let settings = [&[("PROVOST_ROLES", "api,scheduler"), ("PROVOST_LEASE_TTL", "2s")], more].concat();
    Server::with(&database.url, &settings)
}

pub async fn put(server: &Server, path: &str, body: Value) -> Answer {
    send(server.request(reqwest::Method::PUT, path).json(&body)).await
}

/// Asks for one job of kind `noop` as a worker that names its requests.
pub async fn dequeue(server: &Server, request: &str) -> Vec<Value> {
    let ask = json!({"worker_id": "w", "request_id": request, "kinds": ["noop"], "limit": 1});
    let answer = server.post("/internal/executions/dequeue", ask).await.expect(200).json();
    answer["executions"].as_array().unwrap().clone()
}

/// Enqueues a job of kind `noop` and has it delivered; the job and the execution.
pub async fn held(server: &Server, request: &str) -> (String, String) {
    server.post("/jobs", json!({"kind": "noop"})).await.expect(201);
    let given = dequeue(server, request).await.remove(0);
    (text(&given, "job_id"), text(&given, "execution_id"))
}

pub fn text(value: &Value, field: &str) -> String {
    value[field].as_str().unwrap_or_default().to_owned()
}
