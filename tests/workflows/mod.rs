//! Workflows over HTTP.

mod dependencies;
mod graph;
mod large;
mod policies;
mod retention;
mod retry;
mod start;
mod validation;

use serde_json::{Value, json};

use crate::harness::{Server, eventually};
use crate::jobs::text;

/// Starts a workflow of these steps; returns its id.
pub async fn start(server: &Server, steps: Value) -> String {
    start_whole(server, json!({"name": "a test", "steps": steps})).await
}

/// Starts a workflow from this request body; returns its id.
pub async fn start_whole(server: &Server, body: Value) -> String {
    text(&server.post("/workflows", body).await.expect(201).json(), "id")
}

/// A step that ends immediately with the outcome in its payload.
pub fn step(name: &str, after: &[&str], payload: Value) -> Value {
    let mut whole = json!({"duration_ms": 0});
    whole.as_object_mut().unwrap().extend(payload.as_object().unwrap().clone());
    json!({"name": name, "kind": "simulated", "payload": whole, "depends_on": after, "max_attempts": 1})
}

/// A step that no worker runs.
pub fn unserved_step(name: &str, after: &[&str]) -> Value {
    json!({"name": name, "kind": "unserved", "depends_on": after})
}

/// A step that fails until the test opens the queue `gate`.
pub fn failing(name: &str, after: &[&str]) -> Value {
    step(name, after, json!({"outcome": "failed", "fail_times": 1, "reason": "no route"}))
}

pub async fn workflow(server: &Server, id: &str) -> Value {
    server.get(&format!("/workflows/{id}")).await.expect(200).json()
}

/// Waits for a state of a workflow.
pub async fn until(server: &Server, id: &str, state: &str) -> Value {
    let is_there = || async {
        let workflow = workflow(server, id).await;
        (workflow["state"] == state).then_some(workflow)
    };
    eventually(&format!("workflow {id} is {state}"), is_there).await
}

pub async fn graph(server: &Server, id: &str) -> Value {
    server.get(&format!("/workflows/{id}/graph")).await.expect(200).json()
}

/// A node of the graph.
pub async fn node(server: &Server, id: &str, step: &str) -> Value {
    let graph = graph(server, id).await;
    graph["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .find(|it| it["step"] == step)
        .cloned()
        .unwrap_or_else(|| panic!("{graph}"))
}

/// The job id of a step.
pub async fn job_of(server: &Server, id: &str, step: &str) -> String {
    text(&node(server, id, step).await, "job_id")
}

/// The states of all steps in graph order, like `a=completed b=blocked`.
pub async fn states(server: &Server, id: &str) -> String {
    let graph = graph(server, id).await;
    let shown =
        graph["nodes"].as_array().unwrap().iter().map(|it| format!("{}={}", text(it, "step"), text(it, "state")));
    shown.collect::<Vec<_>>().join(" ")
}

/// Waits for the states of all steps.
pub async fn until_states(server: &Server, id: &str, wanted: &str) {
    let are_there = || async { (states(server, id).await == wanted).then_some(()) };
    eventually(&format!("the steps of {id} are {wanted}"), are_there).await;
}
