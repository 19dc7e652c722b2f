//! The job engine from outside: HTTP to real processes, SQL from `psql`, and signals to cause faults.

mod create;
mod dead_letters;
mod edges;
mod fair;
mod follow_ups;
mod idempotency;
mod limits;
mod list;
mod progress;
mod queues;
mod record;
mod retention;
mod retry;
mod schemas;
mod sql;
mod stats;
mod steer;
mod stream;
mod workers;

use serde_json::{Value, json};

use crate::harness::{Answer, Database, Server, eventually};

/// One process with all roles, a short lease and the settings of the test.
pub fn fast_server(database: &Database, more: &[(&str, &str)]) -> Server {
    let settings = [&[("PROVOST_LEASE_TTL", "1s"), ("PROVOST_POLL_INTERVAL", "200ms")], more].concat();
    Server::with(&database.url, &settings)
}

/// A server with API and scheduler, but without workers.
pub fn server_without_workers(database: &Database) -> Server {
    fast_server(database, &[("PROVOST_ROLES", "api,scheduler")])
}

/// Enqueues a job and returns its id.
pub async fn enqueue(server: &Server, request: Value) -> String {
    let job = server.post("/jobs", request).await.expect(201).json();
    job["id"].as_str().unwrap().to_owned()
}

/// Enqueues a simulated job and returns its id. The payload determines its outcome.
pub async fn simulated(server: &Server, payload: Value) -> String {
    enqueue(server, json!({"kind": "simulated", "payload": payload})).await
}

pub async fn job(server: &Server, id: &str) -> Value {
    server.get(&format!("/jobs/{id}")).await.expect(200).json()
}

/// Waits until a job is in this state and returns it.
pub async fn until(server: &Server, id: &str, state: &str) -> Value {
    let is_there = || async {
        let job = job(server, id).await;
        (job["state"] == state).then_some(job)
    };
    eventually(&format!("job {id} is {state}"), is_there).await
}

/// Applies an action to a job.
pub async fn act(server: &Server, id: &str, verb: &str, body: Value) -> Answer {
    server.post(&format!("/jobs/{id}/{verb}"), body).await
}

/// Waits until a job is explained with this reason and returns the explanation.
pub async fn explained_as(server: &Server, id: &str, reason: &str) -> Value {
    let is_so = || async {
        let explained = server.get(&format!("/jobs/{id}/explain")).await.expect(200).json();
        (explained["reason"] == reason).then_some(explained)
    };
    eventually(&format!("job {id} is explained as {reason}"), is_so).await
}

/// The transitions of a job, oldest first, like `queued>active`.
pub async fn transitions(server: &Server, id: &str) -> Vec<String> {
    let events = server.get(&format!("/jobs/{id}/events")).await.expect(200).json();
    let transition = |event: &Value| format!("{}>{}", text(event, "previous_state"), text(event, "new_state"));
    events.as_array().unwrap().iter().rev().map(transition).collect()
}

/// The outcomes of a job's attempts, oldest first.
pub async fn outcomes(server: &Server, id: &str) -> Vec<String> {
    let executions = server.get(&format!("/jobs/{id}/executions")).await.expect(200).json();
    executions.as_array().unwrap().iter().rev().map(|it| text(it, "outcome")).collect()
}

/// A text field; empty if it is absent.
pub fn text(value: &Value, field: &str) -> String {
    value[field].as_str().unwrap_or_default().to_owned()
}

/// A time field, in seconds.
pub fn moment(value: &Value, field: &str) -> f64 {
    use time::{OffsetDateTime, format_description::well_known::Rfc3339};
    let at = OffsetDateTime::parse(&text(value, field), &Rfc3339).unwrap_or_else(|_| panic!("no {field} in {value}"));
    at.unix_timestamp_nanos() as f64 / 1e9
}

/// The id of the only worker.
pub async fn only_worker(server: &Server) -> String {
    let look = || async {
        let workers = server.get("/workers").await.expect(200).json();
        workers.as_array().unwrap().first().map(|it| text(it, "id"))
    };
    eventually("a worker is registered", look).await
}
