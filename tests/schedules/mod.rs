//! Schedules as their users meet them: HTTP against real processes, and what becomes of due times whatever happens to those.

mod backfill;
mod edit;
mod fire;
mod misfire;
mod refuse;
mod trouble;
mod workflows;

use serde_json::{Value, json};

use crate::harness::{Database, Server, eventually};
pub use crate::jobs::{brisk, idle, job, moment, text, until};

/// API alone: nothing fires.
pub fn still(database: &Database) -> Server {
    brisk(database, &[("PROVOST_ROLES", "api")])
}

/// A new schedule of `noop`, with what a test wants besides.
pub async fn schedule(server: &Server, name: &str, more: Value) -> Value {
    let mut wish = json!({"name": name, "target": {"job": {"kind": "noop"}}});
    for (field, value) in more.as_object().unwrap() {
        wish[field] = value.clone();
    }
    server.post("/schedules", wish).await.expect(201).json()
}

/// Its ticks, newest first.
pub async fn ticks(server: &Server, name: &str) -> Vec<Value> {
    let found = server.get(&format!("/schedules/{name}/ticks?limit=200")).await.expect(200).json();
    found.as_array().unwrap().clone()
}

/// Waits until it has so many ticks of this outcome; they, oldest first.
pub async fn ticked(server: &Server, name: &str, outcome: &str, n: usize) -> Vec<Value> {
    eventually(&format!("{name} has {n} ticks that {outcome}"), || async {
        let answer = server.get(&format!("/schedules/{name}/ticks?limit=200")).await;
        // A database that was just taken away answers in a moment.
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

/// As if nobody had been there since so long ago.
pub async fn set_back(database: &Database, name: &str, interval: &str) {
    database
        .run(&format!("UPDATE schedules SET next_at = date_trunc('minute', clock_timestamp()) - interval '{interval}', revision = revision + 1 WHERE name = '{name}'"))
        .await;
}

/// Due times of a schedule of every second are without gaps and without doubles.
pub fn assert_every_second(ticks: &[Value]) {
    let mut due: Vec<i64> = ticks.iter().map(|it| moment(it, "due_at") as i64).collect();
    due.sort_unstable();
    for pair in due.windows(2) {
        assert_eq!(pair[1] - pair[0], 1, "{due:?}");
    }
}
