//! Workflows, as whoever asks for them meets them.

mod forget;
mod graph;
mod large;
mod policies;
mod refuse;
mod retry;
mod single;
mod start;

use serde_json::{Value, json};

use crate::harness::{Server, eventually};
use crate::jobs::text;

/// A new workflow; its id.
pub async fn start(server: &Server, steps: Value) -> String {
    start_whole(server, json!({"name": "a test", "steps": steps})).await
}

/// A new workflow with all that is said of it; its id.
pub async fn start_whole(server: &Server, wish: Value) -> String {
    text(&server.post("/workflows", wish).await.expect(201).json(), "id")
}

/// A step that ends as it is told, at once.
pub fn step(name: &str, after: &[&str], payload: Value) -> Value {
    let mut whole = json!({"duration_ms": 0});
    whole.as_object_mut().unwrap().extend(payload.as_object().unwrap().clone());
    json!({"name": name, "kind": "simulated", "payload": whole, "depends_on": after, "max_attempts": 1})
}

/// A step that nobody works on.
pub fn idle(name: &str, after: &[&str]) -> Value {
    json!({"name": name, "kind": "unserved", "depends_on": after})
}

/// A step that fails, until somebody lets it go: while the queue `gate` is as it is, it is served only there.
pub fn failing(name: &str, after: &[&str]) -> Value {
    step(name, after, json!({"outcome": "failed", "fail_times": 1, "reason": "no route"}))
}

pub async fn workflow(server: &Server, id: &str) -> Value {
    server.get(&format!("/workflows/{id}")).await.expect(200).json()
}

/// Waits until a workflow is in this state; the workflow.
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

/// One of its steps, as the graph shows it.
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

/// The id of the job behind a step.
pub async fn job_of(server: &Server, id: &str, step: &str) -> String {
    text(&node(server, id, step).await, "job_id")
}

/// Where its steps are, like `a=completed b=blocked`, in the order of the graph.
pub async fn states(server: &Server, id: &str) -> String {
    let graph = graph(server, id).await;
    let told =
        graph["nodes"].as_array().unwrap().iter().map(|it| format!("{}={}", text(it, "step"), text(it, "state")));
    told.collect::<Vec<_>>().join(" ")
}

/// Waits until the steps of a workflow are where they should be.
pub async fn until_states(server: &Server, id: &str, wanted: &str) {
    let are_there = || async { (states(server, id).await == wanted).then_some(()) };
    eventually(&format!("the steps of {id} are {wanted}"), are_there).await;
}
