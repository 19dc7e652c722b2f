//! Many jobs that end at the same time, in several processes, and what waits for all of them: each is let go, and once.

use std::time::{Duration, Instant};

use futures_util::{StreamExt, stream};
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::harness::{Database, Server};

const DIAMONDS: usize = 200;
const FANS: usize = 60;
const PATIENCE: Duration = Duration::from_secs(60);

/// A, then B and C, then D.
fn diamond() -> Value {
    json!({"name": "diamond", "steps": [
        {"name": "a", "kind": "noop"},
        {"name": "b", "kind": "noop", "depends_on": ["a"]},
        {"name": "c", "kind": "noop", "depends_on": ["a"]},
        {"name": "d", "kind": "noop", "depends_on": ["b", "c"]},
    ]})
}

/// Eight parents that start together, and six children, each of which waits for all of them.
fn fan() -> Value {
    let parents: Vec<String> = (0..8).map(|n| format!("parent {n}")).collect();
    let first = parents.iter().map(|name| json!({"name": name, "kind": "noop"}));
    let second = (0..6).map(|n| json!({"name": format!("child {n}"), "kind": "noop", "depends_on": parents}));
    json!({"name": "fan", "steps": first.chain(second).collect::<Vec<_>>()})
}

/// Many of both in three processes, on a database that these processes make; what is not as it must be at the end.
pub async fn race(settings: &[(&str, &str)]) -> Result<(), String> {
    let database = Database::bare().await;
    let settings = [&[("PROVOST_POLL_INTERVAL", "100ms"), ("PROVOST_WORKER_CONCURRENCY", "8")], settings].concat();
    let servers: Vec<Server> = (0..3).map(|_| Server::with(&database.url, &settings)).collect();
    let wishes = (0..DIAMONDS + FANS).map(|n| if n % 4 == 0 && n / 4 < FANS { fan() } else { diamond() });
    let posts = wishes.enumerate().map(|(n, wish)| servers[n % servers.len()].post("/workflows", wish));
    stream::iter(posts).buffer_unordered(12).for_each(async |answer| _ = answer.expect(201)).await;

    let deadline = Instant::now() + PATIENCE;
    let moving = "SELECT count(*) FROM jobs WHERE state IN ('scheduled', 'queued', 'active', 'retrying')";
    while database.number(moving).await > 0 {
        if Instant::now() > deadline {
            return Err("it does not come to rest".into());
        }
        sleep(Duration::from_millis(50)).await;
    }
    let stranded = database.number("SELECT count(*) FROM jobs WHERE state = 'blocked'").await;
    let not_once = "SELECT count(*) FROM jobs j WHERE j.has_dependencies AND 1 <> (
        SELECT count(*) FROM events e WHERE e.entity_id = j.id AND e.previous_state = 'blocked' AND e.new_state = 'queued')";
    let not_once = database.number(not_once).await;
    if stranded + not_once > 0 {
        return Err(format!("{stranded} jobs are stranded, {not_once} were not let go exactly once"));
    }
    let completed =
        database.number("SELECT count(*) FROM workflows WHERE state = 'completed' AND completed = steps").await;
    if completed != (DIAMONDS + FANS) as i64 {
        return Err(format!("{completed} workflows are completed"));
    }
    let broken = database.broken().await;
    if broken.is_empty() { Ok(()) } else { Err(format!("{broken:?}")) }
}

#[tokio::test]
async fn whatever_waits_for_several_is_let_go_once_however_they_end_together() {
    race(&[]).await.unwrap();
}
