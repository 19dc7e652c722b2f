//! The chaos program: servers on one database, remote workers, clients and workers that each keep a ledger, and faults
//! in an order that a seed determines. Then everything is repaired, and the records are compared. See `docs/chaos.md`.
//!
//! `cargo test --release --features chaos --test chaos -- --jobs 100000 --seed 7`

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on should stop")]

mod check;
mod client;
mod effects;
#[path = "../fences/mod.rs"]
#[allow(unused_imports, reason = "the other tests use all of it")]
mod fences;
mod flows;
#[path = "../harness/mod.rs"]
#[allow(dead_code, unused_imports, reason = "the other tests use all of it")]
mod harness;
mod nemesis;
mod node;
mod options;
mod postgres;
mod process;
mod projects;
mod record;
mod remote;
mod report;
mod rotation;
mod ticks;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::time::{Duration, Instant};

use check::{Check, Records, check};
use client::Ledger;
use fences::{Selection, flood};
use flows::Flows;
use nemesis::Nemesis;
use nix::sys::signal::Signal;
use node::Node;
use options::{Invocation, Options};
use postgres::Postgres;
use process::Process;
use projects::{Lives, Tenants};
use record::Record;
use report::Report;
use serde_json::json;
use ticks::Ticks;

/// How long after the last fault unfinished work may take.
const IDLE_TIMEOUT: Duration = Duration::from_secs(180);

fn main() -> ExitCode {
    let options = match Options::read() {
        Invocation::Run(options) => options,
        Invocation::Fences(selection) => return fences(&selection),
        Invocation::Rotation(rotations) => return alone(rotation::run(rotations)),
        Invocation::Flood(flood) => return alone(async move { flood::run(&flood).await.wrong.is_empty() }),
        Invocation::Nothing => return ExitCode::SUCCESS,
    };
    _ = rustls::crypto::ring::default_provider().install_default();
    // Declared first, so that it is dropped last.
    let folder = Folder { path: options::folder(), keep: options.keep };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let passed = runtime.block_on(async {
        tokio::select! {
            passed = run(&options, &folder.path) => passed,
            _ = tokio::signal::ctrl_c() => false,
        }
    });
    runtime.shutdown_timeout(Duration::from_secs(5));
    if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Runs a program of its own. It succeeds if everything was as it had to be.
fn alone(program: impl Future<Output = bool>) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    if runtime.block_on(program) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Plays the fault matrix of provisioning.
fn fences(selection: &Selection) -> ExitCode {
    println!("{}", selection.command());
    alone(async {
        let report = fences::run(selection, true).await;
        report.print();
        println!("to repeat this run:\n  {}", selection.command());
        report.broken().next().is_none() && report.missed() == 0
    })
}

struct Folder {
    path: PathBuf,
    keep: bool,
}

impl Drop for Folder {
    fn drop(&mut self) {
        if self.keep {
            println!("kept: {}", self.path.display());
        } else {
            _ = std::fs::remove_dir_all(&self.path);
        }
    }
}

async fn run(options: &Options, folder: &Path) -> bool {
    println!("{}", options.command());
    if node::faketime().is_none() {
        println!("  libfaketime is not installed: no clock will jump");
    }
    let launched = Instant::now();
    let postgres = Arc::new(Postgres::start(folder));
    let tenants = Arc::new(Tenants::start(folder));
    let effects = effects::create(folder);
    let last = options.nodes - 1;
    let nodes: Vec<Node> =
        (0..options.nodes).map(|n| Node::new(n, options, folder, &postgres.url, &tenants.url, n == last)).collect();
    let remotes = Arc::new(remote::workers(options, folder, &nodes, &postgres, &tenants.url));
    let (nodes, http) = (Arc::new(nodes), reqwest::Client::new());
    for process in all(&nodes, &remotes) {
        process.start();
        let ready = process.until_ready(&http, Duration::from_secs(60)).await;
        assert!(ready, "{} does not start:\n{}", process.name, process.log());
    }
    set_limits(&http, &nodes[0]).await;
    let schedules = ticks::start(&http, &nodes[0]).await;
    let watching = postgres.clone();
    let watch = tokio::spawn(async move { watching.watch().await });

    let started = Instant::now();
    let give_up = started + options.faults_for * 2 + IDLE_TIMEOUT;
    let clients = tokio::spawn(client::send_all(client::plan(options), nodes.clone(), options.faults_for, give_up));
    let lives = Lives::start(options.projects, options.seed, &nodes, give_up);
    let repair_task = tokio::spawn(flows::repair(postgres.clone(), nodes.clone()));
    let mut nemesis = Nemesis::new(options, nodes.clone(), remotes.clone(), postgres.clone(), tenants.clone());
    nemesis.run(|| !clients.is_finished(), give_up).await;
    heal(&nodes, &remotes, &http).await;
    let ledger = clients.await.unwrap();
    let lives = lives.end().await;
    let quiet = Instant::now();
    let until = ticks::pause(&http, &postgres, &nodes, IDLE_TIMEOUT).await;
    let became_idle = until_idle(&postgres, options.lease).await;
    repair_task.abort();
    let (worked, idle_after) = (started.elapsed(), quiet.elapsed());

    let mut checks = vec![check("processes that exited unexpectedly", nemesis.unexpected.clone())];
    checks.push(check("required faults that did not happen", nemesis.missing().map(|it| format!("{it:?}"))));
    checks.push(doctor(&postgres.url));
    checks.extend(projects::checks(&tenants, &postgres.url, &nodes[0], &lives).await);
    // Remote workers stop before the servers that they report to.
    for process in remotes.iter().chain(nodes.iter().map(|node| &**node)) {
        let code = process.stop(Duration::from_secs(60)).await;
        if code != Some(0) {
            checks[0].broken += 1;
            checks[0].examples.push(format!("{} ended with {code:?}", process.name));
        }
    }
    watch.abort();
    let reader = postgres.connect().await.unwrap();
    let record = Record::read(&reader).await.unwrap();
    let ticks = Ticks::read(&reader, &schedules, until).await.unwrap();
    let (effects, incomplete) = effects::read(&effects);
    let outages = postgres.outages();
    let records = Records { ledger: &ledger, effects: &effects, record: &record, ticks: &ticks, outages: &outages };
    let flows = Flows::of(&records);
    checks.extend(records.checks());
    checks.extend(flows.checks());
    checks.extend(ticks.checks(&record));
    let reclaims = records.reclaims();
    if let Some(max) = options.max_reclaim {
        let late = reclaims.plain.iter().filter(|seconds| **seconds > max);
        checks.push(check("claimed again too long after the lease", late.map(|seconds| format!("{seconds:.2} s"))));
    }
    let idle = remotes.iter().filter(|worker| records.settled_by(&worker.name) == 0);
    checks.push(check("remote workers that settled nothing", idle.map(|worker| worker.name.clone())));
    checks.extend(logs(all(&nodes, &remotes), &postgres, &ledger));
    checks.push(check("incomplete lines in the workers' ledger", std::iter::repeat_n("line", incomplete)));

    let report = Report {
        options,
        faults: &nemesis.done,
        records: &records,
        flows: &flows,
        reclaims: &reclaims,
        times: [launched.elapsed(), worked, idle_after],
        became_idle,
        operations: lives.operations,
    };
    report.print(&checks)
}

/// One limit of each mode, so that faults also hit claims under limits.
async fn set_limits(http: &reqwest::Client, node: &Node) {
    for limit in [
        json!({"name": "narrow", "scope": "queue", "value": "narrow", "mode": "concurrency", "limit": 4}),
        json!({"name": "metered", "scope": "tenant", "value": "metered", "mode": "rate", "limit": 120, "burst": 30}),
    ] {
        let answer = http.post(format!("{}/limits", node.url)).json(&limit).send().await.unwrap();
        assert_eq!(answer.status(), 201, "{}", answer.text().await.unwrap());
    }
}

/// Servers first, because remote workers need them.
fn all<'a>(nodes: &'a [Node], remotes: &'a [Process]) -> impl Iterator<Item = &'a Process> {
    nodes.iter().map(|node| &**node).chain(remotes)
}

async fn heal(nodes: &[Node], remotes: &[Process], http: &reqwest::Client) {
    nodes.iter().for_each(|node| node.jump(0));
    for process in all(nodes, remotes) {
        process.signal(Signal::SIGCONT);
        process.proxy.repair();
        if !process.is_running() {
            process.start();
        }
    }
    for process in all(nodes, remotes) {
        process.until_ready(http, Duration::from_secs(90)).await;
    }
}

/// Waits until all work is finished. Returns whether that happened in time.
async fn until_idle(postgres: &Postgres, lease: Duration) -> bool {
    let deadline = Instant::now() + IDLE_TIMEOUT;
    while Instant::now() < deadline {
        if let Ok(client) = postgres.connect().await
            && let Ok(row) = client.query_one(flows::UNFINISHED, &[]).await
            && row.get::<_, i64>(0) == 0
        {
            // A stale worker may still try to settle.
            tokio::time::sleep(lease).await;
            return true;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    false
}

/// Runs `provost doctor --invariants` while the servers run.
fn doctor(url: &str) -> Check {
    let mut command = Command::new(env!("CARGO_BIN_EXE_provost"));
    let output = command.env("DATABASE_URL", url).args(["doctor", "--invariants"]).output().unwrap();
    let mut output_text = String::from_utf8_lossy(&output.stdout).into_owned();
    output_text.push_str(&String::from_utf8_lossy(&output.stderr));
    let wrong = output_text.lines().filter(|line| !line.ends_with("  ok") && !line.contains("for information"));
    let wrong: Vec<String> = if output.status.success() { Vec::new() } else { wrong.map(str::to_owned).collect() };
    check("violated invariants", wrong)
}

/// Secrets that no log and no response may contain.
fn logs<'a>(processes: impl Iterator<Item = &'a Process>, postgres: &Postgres, ledger: &Ledger) -> Vec<Check> {
    let logs: Vec<String> = processes.map(Process::log).collect();
    let lines = || logs.iter().flat_map(|log| log.lines());
    let ours = postgres.log();
    let with = |words: &'static [&'static str]| {
        let ours = &ours;
        ours.lines().filter(move |line| words.iter().any(|word| line.contains(word))).map(str::to_owned)
    };
    vec![
        check("unexpected responses", ledger.unexpected.iter()),
        check("panics", lines().filter(|line| line.contains("panic"))),
        check("failed statements", lines().filter(|line| line.contains("failed\"") && line.contains("statement "))),
        check("deadlocks", with(&["deadlock detected"])),
        check("violated constraints", with(&["violates", "no transition from"])),
    ]
}
