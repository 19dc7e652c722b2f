//! Schedules over HTTP, against real processes.

mod backfill;
mod edit;
mod fire;
mod isolation;
mod misfire;
mod validation;
mod workflows;

use serde_json::{Value, json};

use crate::harness::{Database, Server, eventually};
pub use crate::jobs::{fast_server, job, moment, server_without_workers, text, until};

/// The API only: nothing fires.
pub fn api_server(database: &Database) -> Server {
    fast_server(database, &[("PROVOST_ROLES", "api")])
}

/// Creates a schedule of `noop` with these further fields.
pub async fn schedule(server: &Server, name: &str, more: Value) -> Value {
    let mut body = json!({"name": name, "target": {"job": {"kind": "noop"}}});
    for (field, value) in more.as_object().unwrap() {
        body[field] = value.clone();
    }
    server.post("/schedules", body).await.expect(201).json()
}

/// The ticks of a schedule, newest first.
pub async fn ticks(server: &Server, name: &str) -> Vec<Value> {
    let found = server.get(&format!("/schedules/{name}/ticks?limit=200")).await.expect(200).json();
    found.as_array().unwrap().clone()
}

/// Waits for `n` ticks with this outcome; returns them oldest first.
pub async fn wait_for_ticks(server: &Server, name: &str, outcome: &str, n: usize) -> Vec<Value> {
    eventually(&format!("{name} has {n} ticks that {outcome}"), || async {
        let answer = server.get(&format!("/schedules/{name}/ticks?limit=200")).await;
        // The database may just be unavailable.
        if answer.status == 503 {
            return None;
        }
        let mut found = answer.expect(200).json().as_array().unwrap().clone();
        found.retain(|it| it["outcome"] == outcome);
        found.reverse();
        (found.len() >= n).then_some(found)
    })
    .await
}

/// Moves the next due time into the past, as if no server had run.
pub async fn move_due_time_back(database: &Database, name: &str, interval: &str) {
    database
        .run(&format!("UPDATE schedules SET next_at = date_trunc('minute', clock_timestamp()) - interval '{interval}', revision = revision + 1 WHERE name = '{name}'"))
        .await;
}

/// Asserts that the due times of an every-second schedule have no gaps and no duplicates.
pub fn assert_every_second(ticks: &[Value]) {
    let mut due: Vec<i64> = ticks.iter().map(|it| moment(it, "due_at") as i64).collect();
    due.sort_unstable();
    for pair in due.windows(2) {
        assert_eq!(pair[1] - pair[0], 1, "{due:?}");
    }
}
