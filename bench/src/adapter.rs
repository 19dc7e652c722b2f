//! The machine-readable interface: one verb, one JSON object on the last line. Works on the database as it is.

use serde::Serialize;
use serde_json::json;

use super::clock;
use super::load::drain::{Until, until_empty};
use super::load::{enqueue, idle, latency, steady};
use super::options::Options;
use super::session::Session;
use super::starts::Starts;
use super::system::{Setup, System, Work};
use crate::error::{BenchError, Result};
use provost::store::migrate;

/// Runs one verb and prints the result.
pub async fn run(setup: &Setup, options: &Options) -> Result<()> {
    let answer = match options.verb.as_deref() {
        Some("prepare") => prepare(setup).await,
        Some("enqueue") => enqueue(setup, options).await,
        Some("enqueue-bulk") => enqueue_bulk(setup, options).await,
        Some("drain") => drain(setup, options).await,
        Some("latency") => latency(setup, options).await,
        Some("steady") => steady(setup, options).await,
        Some("idle") => idle(setup, options).await,
        _ => Err(BenchError::new("unknown verb")),
    }?;
    println!("{answer}");
    Ok(())
}

fn json(answer: impl Serialize) -> Result<String> {
    Ok(serde_json::to_string(&answer)?)
}

async fn prepare(setup: &Setup) -> Result<String> {
    let done = migrate(&setup.connector).await?;
    json(json!({"schema": done.version, "applied": done.applied, "version": env!("CARGO_PKG_VERSION")}))
}

async fn enqueue(setup: &Setup, options: &Options) -> Result<String> {
    let system = System::start(setup, options.profile, Work::Off, Starts::new(0, 0)).await?;
    let (conns, lasting) = (options.count("conns", 1), options.seconds("seconds", 5.0));
    let done = enqueue::one_by_one(&system, conns, lasting, options.count("start", 0)).await?;
    system.stop().await?;
    json(done)
}

async fn enqueue_bulk(setup: &Setup, options: &Options) -> Result<String> {
    let system = System::start(setup, options.profile, Work::Off, Starts::new(0, 0)).await?;
    let (n, batch) = (options.count("n", 20_000), options.count("batch", 1000).clamp(1, 1000));
    let (conns, start) = (options.count("conns", 1), options.count("start", 0));
    let done = enqueue::in_bulk(&system, n, batch, conns, start, |_| None).await?;
    system.stop().await?;
    json(done)
}

async fn drain(setup: &Setup, options: &Options) -> Result<String> {
    let (n, start) = (options.count("n", 20_000), options.count("start", 0));
    let until = Until { sql: remaining_sql(), time_limit: options.seconds("max-seconds", 300.0) };
    let session = Session::open(&setup.connector).await?;
    let starts = Starts::new(start, n);
    let (began, cpu) = (clock::now(), clock::cpu_of_self());
    let system = System::start(setup, options.profile, Work::On, starts).await?;
    let done = until_empty(&system, &session, n, &until, began, cpu).await?;
    system.stop().await?;
    json(done)
}

/// The query with which the caller counts remaining jobs, if it has one.
fn remaining_sql() -> Option<String> {
    std::env::var("BENCH_REMAINING_SQL").ok().filter(|it| !it.trim().is_empty())
}

async fn latency(setup: &Setup, options: &Options) -> Result<String> {
    let plan = latency::Plan {
        n: options.count("n", 200),
        gap: options.seconds("gap-ms", 20.0) / 1000,
        warmup: options.count("warmup", 20),
        time_limit: options.seconds("max-seconds", 120.0),
    };
    let system = System::start(setup, options.profile, Work::On, Starts::new(0, plan.n + plan.warmup)).await?;
    let done = latency::one_at_a_time(&system, plan).await?;
    system.stop().await?;
    json(done)
}

async fn steady(setup: &Setup, options: &Options) -> Result<String> {
    let plan = steady::Plan {
        rate: options.number("rate", 500.0).max(0.001),
        lasting: options.seconds("seconds", 10.0),
        conns: options.count("conns", 16),
        start: options.count("start", 0),
        grace: options.seconds("grace-seconds", 10.0),
    };
    let system = System::start(setup, options.profile, Work::On, Starts::new(plan.start, plan.offered())).await?;
    let done = steady::at_a_rate(&system, plan).await?;
    system.stop().await?;
    json(done)
}

async fn idle(setup: &Setup, options: &Options) -> Result<String> {
    let session = Session::open(&setup.connector).await?;
    let system = System::start(setup, options.profile, Work::On, Starts::new(0, 0)).await?;
    let (settle, lasting) = (options.seconds("settle-seconds", 5.0), options.seconds("seconds", 60.0));
    let done = idle::watch(&system, &session, settle, lasting).await?;
    system.stop().await?;
    json(done)
}
