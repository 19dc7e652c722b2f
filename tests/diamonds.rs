//! Many dependencies that end at the same time in several processes: each dependent is released exactly once.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use futures_util::{StreamExt, stream};
use provost::domain::Outcome;
use provost::store::Audit;
use provost::store::Store;
use provost::store::jobs::Edit;
use rand::RngExt;
use rand::SeedableRng;
use rand::rngs::StdRng;
use serde_json::{Value, json};
use tokio::time::sleep;
use uuid::Uuid;

use crate::harness::worker::{LONG_LEASE, claim_some, flow, settle_as, store};
use crate::harness::{Database, Server};

const DIAMONDS: usize = 200;
const FANS: usize = 60;
const TIMEOUT: Duration = Duration::from_secs(60);

/// A, then B and C, then D.
fn diamond() -> Value {
    json!({"name": "diamond", "steps": [
        {"name": "a", "kind": "noop"},
        {"name": "b", "kind": "noop", "depends_on": ["a"]},
        {"name": "c", "kind": "noop", "depends_on": ["a"]},
        {"name": "d", "kind": "noop", "depends_on": ["b", "c"]},
    ]})
}

/// Eight parents that start together, and six children that depend on all of them.
fn fan() -> Value {
    let parents: Vec<String> = (0..8).map(|n| format!("parent {n}")).collect();
    let first = parents.iter().map(|name| json!({"name": name, "kind": "noop"}));
    let second = (0..6).map(|n| json!({"name": format!("child {n}"), "kind": "noop", "depends_on": parents}));
    json!({"name": "fan", "steps": first.chain(second).collect::<Vec<_>>()})
}

/// Runs many of both in three processes, on a database that they migrate. Returns what is wrong at the end.
pub async fn race(settings: &[(&str, &str)]) -> Result<(), String> {
    let database = Database::bare().await;
    let settings = [&[("PROVOST_POLL_INTERVAL", "100ms"), ("PROVOST_WORKER_CONCURRENCY", "8")], settings].concat();
    let servers: Vec<Server> = (0..3).map(|_| Server::with(&database.url, &settings)).collect();
    let requests = (0..DIAMONDS + FANS).map(|n| if n % 4 == 0 && n / 4 < FANS { fan() } else { diamond() });
    let posts = requests.enumerate().map(|(n, request)| servers[n % servers.len()].post("/workflows", request));
    stream::iter(posts).buffer_unordered(12).for_each(async |answer| _ = answer.expect(201)).await;

    let deadline = Instant::now() + TIMEOUT;
    let moving = "SELECT count(*) FROM jobs WHERE state IN ('scheduled', 'queued', 'active', 'retrying')";
    while database.number(moving).await > 0 {
        if Instant::now() > deadline {
            return Err("jobs are still running".into());
        }
        sleep(Duration::from_millis(50)).await;
    }
    let stuck = database.number("SELECT count(*) FROM jobs WHERE state = 'blocked'").await;
    let not_once = "SELECT count(*) FROM jobs j WHERE j.has_dependencies AND 1 <> (
        SELECT count(*) FROM events e WHERE e.entity_id = j.id AND e.previous_state = 'blocked' AND e.new_state = 'queued')";
    let not_once = database.number(not_once).await;
    if stuck + not_once > 0 {
        return Err(format!("{stuck} jobs are stuck, {not_once} were not unblocked exactly once"));
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
async fn dependents_are_released_exactly_once() {
    race(&[]).await.unwrap();
}

const POLICIES: [&str; 3] = ["block", "allow_failed", "cancel"];

/// Twelve steps, each of which depends on some earlier ones.
async fn random_graph(database: &Database, rng: &mut StdRng) {
    let names: Vec<String> = (0..12).map(|n| format!("s{n}")).collect();
    let on: Vec<Vec<&str>> = (0..names.len())
        .map(|n| names[..n].iter().filter(|_| rng.random_bool(0.3)).map(String::as_str).collect())
        .collect();
    let steps: Vec<(&str, &[&str], &str)> = names
        .iter()
        .zip(&on)
        .map(|(name, on)| (name.as_str(), on.as_slice(), POLICIES[rng.random_range(0..3)]))
        .collect();
    flow(database, "random graph", "test", &steps).await;
}

/// One random action: a worker claims and settles, or a user changes jobs.
async fn act_randomly(database: &Database, store: &Store, rng: &mut StdRng) {
    let audit = Audit { actor: "test".into(), request_id: None, reason: None };
    let some = format!("SELECT id FROM jobs ORDER BY random() LIMIT {}", rng.random_range(1..5));
    let some: Vec<Uuid> = database.rows(&some, &[]).await.iter().map(|row| row.get(0)).collect();
    match rng.random_range(0..12) {
        0 => _ = store.cancel_jobs(&some, &audit).await.unwrap(),
        1 | 2 => _ = store.retry_jobs(&some, &Edit::default(), true, &audit).await.unwrap(),
        3 => _ = store.delete_dead_letters(&some, &audit).await.unwrap(),
        4 | 5 => {
            let enqueue = "SELECT enqueue('noop', depends_on => $1, dependency_policy => $2, max_attempts => 1)";
            let policy = POLICIES[rng.random_range(0..3)];
            // The dependencies may have been deleted by now.
            _ = database.connection().await.query(enqueue, &[&some, &policy]).await;
        }
        _ => {
            let claims = claim_some(store, "w", LONG_LEASE, rng.random_range(1..4)).await;
            let done: Vec<bool> = claims.jobs.iter().map(|_| rng.random_bool(0.7)).collect();
            join_all(claims.jobs.iter().zip(done).map(async |(claimed, done)| {
                settle_as(store, claimed, if done { Outcome::done() } else { Outcome::fatal("no") }, "w").await
            }))
            .await;
        }
    }
}

#[tokio::test]
async fn concurrent_changes_keep_graphs_consistent() {
    let database = Database::new().await;
    let mut rng = StdRng::seed_from_u64(7);
    for _ in 0..12 {
        random_graph(&database, &mut rng).await;
    }
    let actors = (0..6).map(|n| {
        let database = &database;
        async move {
            let (store, mut rng) = (store(database).await, StdRng::seed_from_u64(n));
            for _ in 0..60 {
                act_randomly(database, &store, &mut rng).await;
            }
        }
    });
    join_all(actors).await;
    database.check_invariants().await;
    let transitions =
        database.number("SELECT count(*) FROM events WHERE previous_state IN ('blocked', 'failed', 'canceled')").await;
    assert!(transitions > 50, "{transitions} transitions");
}

#[tokio::test]
async fn new_dependent_does_not_wait_for_released_ones() {
    let database = Database::new().await;
    let store = store(&database).await;
    let enqueue = |policy: &str| {
        format!(
            "SELECT enqueue('noop', depends_on => ARRAY(SELECT id FROM jobs WHERE state IN ('completed', 'failed')), dependency_policy => '{policy}')"
        )
    };
    for (outcome, policy) in [(Outcome::done(), "block"), (Outcome::fatal("no"), "allow_failed")] {
        database.run("SELECT enqueue('noop', max_attempts => 1)").await;
        settle_as(&store, &claim_some(&store, "w", LONG_LEASE, 1).await.jobs[0], outcome, "w").await;
        database.run(&enqueue(policy)).await;
        claim_some(&store, "w", LONG_LEASE, 1).await;
    }
    // The released dependents are locked; neither a new dependent nor a retry needs them.
    let mut other = database.connection().await;
    let held = other.transaction().await.unwrap();
    assert_eq!(held.execute("SELECT FROM jobs WHERE state = 'active' FOR UPDATE", &[]).await.unwrap(), 2);
    database.run("SET lock_timeout = '1s'").await;
    database.run(&enqueue("allow_failed")).await;
    let dead: Uuid = database.text("SELECT id FROM jobs WHERE state = 'failed'").await.parse().unwrap();
    let audit = Audit { actor: "test".into(), request_id: None, reason: None };
    let (dead, edit) = ([dead], Edit::default());
    let retry = store.retry_jobs(&dead, &edit, true, &audit);
    let retried = tokio::time::timeout(Duration::from_secs(1), retry).await.expect("the retry does not wait").unwrap();
    assert!(retried[0].changed);
    held.rollback().await.unwrap();
    database.check_invariants().await;
}
