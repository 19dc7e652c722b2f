//! Many projects with hostile names are created and deleted at once, while other jobs run and backends of tenants are killed.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use provost::domain::{OperationKind, ProjectStatus};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::json;

use super::{Stage, database_of};
use crate::harness::Server;

/// How many projects are created, and how many deleted, at once.
const ROUND: usize = 200;
/// How long a round may take.
const TIMEOUT: Duration = Duration::from_secs(600);
/// How often another job is created.
const PACE: Duration = Duration::from_millis(50);
/// How often backends are killed.
const KILL_INTERVAL: Duration = Duration::from_secs(5);

const HOSTILE: [&str; 24] = [
    "'",
    "\"",
    "\\",
    "`",
    "$$",
    "$1",
    "%I",
    "%s%n",
    ";",
    "--",
    "/*",
    "*/",
    "\"; DROP DATABASE postgres; --",
    "'; DROP ROLE postgres; --",
    "../../",
    "p_owner",
    "template1",
    "\u{202e}",
    "名前",
    "🚀",
    "é",
    " ",
    "NULL",
    "\u{0}",
];

/// A name of hostile parts. Every tenth has 255 characters.
fn name(rng: &mut StdRng, n: usize) -> String {
    let mut name = format!("{n}");
    let length = if n.is_multiple_of(10) { 255 } else { rng.random_range(1..120) };
    while name.chars().count() < length {
        let part = match rng.random_range(0..4) {
            0 => char::from_u32(rng.random_range(0x21..0x2_0000)).unwrap_or('x').to_string(),
            _ => HOSTILE[rng.random_range(0..HOSTILE.len())].to_owned(),
        };
        name.push_str(&part);
    }
    name.chars().take(length).collect()
}

/// What is watched all the time.
#[derive(Default)]
struct Watch {
    stop: AtomicBool,
    /// Responses to `GET /health`, and those that were not well.
    looks: AtomicUsize,
    red: Mutex<Vec<String>>,
}

/// A flood of projects.
pub struct Flood {
    pub names: usize,
    /// How many operations of one kind may run at the same time.
    pub concurrency: usize,
    pub seed: u64,
    /// How long other jobs run alone before the flood, for a comparison.
    pub quiet: Duration,
}

/// What a flood led to.
pub struct Outcome {
    /// Everything that was lost, stuck or otherwise wrong.
    pub wrong: Vec<String>,
    /// How many backends were killed.
    pub kills: usize,
    /// How many names were refused.
    pub refused: usize,
}

/// Creates and deletes projects.
pub async fn run(flood: &Flood) -> Outcome {
    let &Flood { names, concurrency, seed, quiet } = flood;
    let stage = Arc::new(Stage::new(None).await);
    let worker = stage.worker();
    for kind in [OperationKind::Create, OperationKind::Delete] {
        let limit = json!({"name": kind.job_kind(), "scope": "kind", "value": kind.job_kind(), "mode": "concurrency", "limit": concurrency});
        stage.api.post("/limits", limit).await.expect(201);
    }
    let watch = Arc::new(Watch::default());
    let watchers = [
        tokio::spawn(health(Server::at(&worker.url), watch.clone())),
        tokio::spawn(health(Server::at(&stage.api.url), watch.clone())),
        tokio::spawn(jobs(stage.clone(), watch.clone())),
    ];
    tokio::time::sleep(quiet).await;
    let quiet = p99(&stage, "true").await;
    let flood_begins = stage.database.text("SELECT clock_timestamp()").await;

    let (mut rng, mut wrong) = (StdRng::seed_from_u64(seed), Vec::new());
    let (mut kills, mut refused) = (0, 0);
    let mut previous: Vec<String> = Vec::new();
    let rounds = names.div_ceil(ROUND);
    for round in 0..=rounds {
        let started = Instant::now();
        let wanted = if round < rounds { ROUND.min(names - round * ROUND) } else { 0 };
        let killed = Arc::new(AtomicUsize::new(0));
        let killer = tokio::spawn(kill_backends(stage.clone(), killed.clone()));
        let (created, unfit) = create(&stage, &mut rng, round * ROUND, wanted, &mut wrong).await;
        for id in &previous {
            stage.request(OperationKind::Delete, id, 9).await;
        }
        until_all(&stage, &created, ProjectStatus::Ready, &mut wrong).await;
        until_all(&stage, &previous, ProjectStatus::Deleted, &mut wrong).await;
        killer.abort();
        let killed = killed.load(Ordering::SeqCst);
        let took = started.elapsed().as_secs_f64();
        println!(
            "  round {round}: {} created, {} deleted, {killed} backends killed  {took:6.1} s",
            created.len(),
            previous.len()
        );
        check_identifiers(&stage, &created, &mut wrong).await;
        previous = created;
        kills += killed;
        refused += unfit;
    }
    let busy = p99(&stage, &format!("claimed_at > '{flood_begins}'")).await;
    watch.stop.store(true, Ordering::SeqCst);
    for watcher in watchers {
        watcher.await.unwrap();
    }
    let errors =
        stage.cluster_log().lines().filter(|it| it.contains("syntax error") || it.contains("SQLSTATE 42601")).count();
    wrong.extend((errors > 0).then(|| format!("{errors} syntax errors in the log of the cluster")));
    wrong.extend(stage.truth().of_cluster(&stage.admin().await).await);
    wrong.extend(stage.database.broken().await.iter().map(|it| format!("{it:?}")));
    wrong.extend(watch.red.lock().unwrap().iter().take(5).cloned());
    println!(
        "p99 from due to start of other jobs: {quiet:.3} s quiet, {busy:.3} s in the flood, ratio {:.2}",
        busy / quiet
    );
    println!("/health: {} responses, {} not ok", watch.looks.load(Ordering::SeqCst), watch.red.lock().unwrap().len());
    wrong.iter().for_each(|it| println!("BROKEN  {it}"));
    Outcome { wrong, kills, refused }
}

/// Returns the projects that were created, and how many names were refused.
async fn create(
    stage: &Stage,
    rng: &mut StdRng,
    first: usize,
    number: usize,
    wrong: &mut Vec<String>,
) -> (Vec<String>, usize) {
    let mut ids = Vec::new();
    let (mut n, mut refused) = (first, 0);
    while ids.len() < number {
        let name = name(rng, n);
        n += 1;
        let is_refused = name.chars().any(char::is_control) || name.contains(['\u{2028}', '\u{2029}']);
        let answer = stage.api.post("/projects", json!({"name": name, "template": "db"})).await;
        match answer.status {
            201 if !is_refused => ids.push(answer.json()["id"].as_str().unwrap().to_owned()),
            422 if is_refused => refused += 1,
            status => wrong.push(format!("{name:?} is answered with {status}: {}", answer.text)),
        }
    }
    (ids, refused)
}

async fn until_all(stage: &Stage, ids: &[String], status: ProjectStatus, wrong: &mut Vec<String>) {
    let deadline = Instant::now() + TIMEOUT;
    for id in ids {
        while stage.status(id).await != status.as_str() {
            if Instant::now() > deadline {
                wrong.push(format!("{id} is {} and not {status}", stage.status(id).await));
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

/// Every name in the cluster is derived from the id of a project alone. The maintenance database has the id of the installation.
async fn check_identifiers(stage: &Stage, ids: &[String], wrong: &mut Vec<String>) {
    let sql = "SELECT datname::text FROM pg_database WHERE datname NOT IN ('postgres', 'template0', 'template1')
               AND datname NOT LIKE 'provost\\_%'";
    let rows = stage.admin().await.query(sql, &[]).await.unwrap();
    let found: BTreeSet<String> = rows.iter().map(|row| row.get(0)).collect();
    let expected: BTreeSet<String> = ids.iter().map(|id| database_of(id)).collect();
    wrong.extend(found.symmetric_difference(&expected).map(|it| format!("{it} exists, or is missing")));
}

/// Kills a backend that works on a project, with `kill -9`, again and again. The cluster recovers from each.
async fn kill_backends(stage: Arc<Stage>, killed: Arc<AtomicUsize>) {
    loop {
        if kill_one(&stage).await {
            killed.fetch_add(1, Ordering::SeqCst);
            tokio::time::sleep(KILL_INTERVAL).await;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn kill_one(stage: &Stage) -> bool {
    let sql = "SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'provost:%' LIMIT 1";
    // The cluster may just be recovering.
    let Ok((client, connection)) = tokio_postgres::connect(stage.cluster_url(), tokio_postgres::NoTls).await else {
        return false;
    };
    let running = tokio::spawn(connection);
    let found = client.query_opt(sql, &[]).await;
    running.abort();
    matches!(found, Ok(Some(row)) if kill(Pid::from_raw(row.get(0)), Signal::SIGKILL).is_ok())
}

async fn health(server: Server, watch: Arc<Watch>) {
    while !watch.stop.load(Ordering::SeqCst) {
        let answer = server.get("/health").await;
        watch.looks.fetch_add(1, Ordering::SeqCst);
        if answer.status != 200 || answer.json()["status"] != "ok" {
            watch.red.lock().unwrap().push(format!("/health answers {}: {}", answer.status, answer.text));
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Other jobs, one at a time.
async fn jobs(stage: Arc<Stage>, watch: Arc<Watch>) {
    while !watch.stop.load(Ordering::SeqCst) {
        stage.api.post("/jobs", json!({"kind": "noop", "tenant": "other"})).await.expect(201);
        tokio::time::sleep(PACE).await;
    }
}

/// In seconds.
async fn p99(stage: &Stage, condition: &str) -> f64 {
    let sql = format!(
        "SELECT coalesce(percentile_cont(0.99) WITHIN GROUP (ORDER BY extract(epoch FROM claimed_at - due_at)), 0)
         FROM executions WHERE kind = 'noop' AND {condition}"
    );
    stage.database.text(&sql).await.parse().unwrap_or_default()
}
