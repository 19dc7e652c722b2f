//! The interface for machines: one verb, one JSON object on the last line. The database is used as it is given.

use serde::Serialize;
use serde_json::json;

use super::load::drain::{Until, until_empty};
use super::load::{enqueue, idle, latency, steady};
use super::marks::Marks;
use super::options::Options;
use super::rig::{Ground, Rig, Work};
use super::session::Session;
use super::{Result, Trouble, clock};
use crate::store::migrate;

/// Runs one verb and prints what came of it.
pub async fn run(ground: &Ground, options: &Options) -> Result<()> {
    let answer = match options.verb.as_deref() {
        Some("prepare") => prepare(ground).await,
        Some("enqueue") => enqueue(ground, options).await,
        Some("enqueue-bulk") => enqueue_bulk(ground, options).await,
        Some("drain") => drain(ground, options).await,
        Some("latency") => latency(ground, options).await,
        Some("steady") => steady(ground, options).await,
        Some("idle") => idle(ground, options).await,
        _ => Err(Trouble::new("there is no such verb")),
    }?;
    println!("{answer}");
    Ok(())
}

fn told(answer: impl Serialize) -> Result<String> {
    Ok(serde_json::to_string(&answer)?)
}

async fn prepare(ground: &Ground) -> Result<String> {
    let done = migrate(&ground.connector).await?;
    told(json!({"schema": done.version, "applied": done.applied, "version": env!("CARGO_PKG_VERSION")}))
}

async fn enqueue(ground: &Ground, options: &Options) -> Result<String> {
    let rig = Rig::start(ground, options.profile, Work::Off, Marks::new(0, 0)).await?;
    let (conns, lasting) = (options.count("conns", 1), options.seconds("seconds", 5.0));
    let done = enqueue::one_by_one(&rig, conns, lasting, options.count("start", 0)).await?;
    rig.stop().await?;
    told(done)
}

async fn enqueue_bulk(ground: &Ground, options: &Options) -> Result<String> {
    let rig = Rig::start(ground, options.profile, Work::Off, Marks::new(0, 0)).await?;
    let (n, batch) = (options.count("n", 20_000), options.count("batch", 1000).clamp(1, 1000));
    let (conns, start) = (options.count("conns", 1), options.count("start", 0));
    let done = enqueue::in_bulk(&rig, n, batch, conns, start, |_| None).await?;
    rig.stop().await?;
    told(done)
}

async fn drain(ground: &Ground, options: &Options) -> Result<String> {
    let (n, start) = (options.count("n", 20_000), options.count("start", 0));
    let until = Until { sql: remaining_sql(), at_most: options.seconds("max-seconds", 300.0) };
    let session = Session::open(&ground.connector).await?;
    let marks = Marks::new(start, n);
    let (began, cpu) = (clock::now(), clock::cpu_of_self());
    let rig = Rig::start(ground, options.profile, Work::On, marks).await?;
    let done = until_empty(&rig, &session, n, &until, began, cpu).await?;
    rig.stop().await?;
    told(done)
}

/// What the harness counts with, when it has a way of its own.
fn remaining_sql() -> Option<String> {
    std::env::var("BENCH_REMAINING_SQL").ok().filter(|it| !it.trim().is_empty())
}

async fn latency(ground: &Ground, options: &Options) -> Result<String> {
    let plan = latency::Plan {
        n: options.count("n", 200),
        gap: options.seconds("gap-ms", 20.0) / 1000,
        warmup: options.count("warmup", 20),
        at_most: options.seconds("max-seconds", 120.0),
    };
    let rig = Rig::start(ground, options.profile, Work::On, Marks::new(0, plan.n + plan.warmup)).await?;
    let done = latency::one_at_a_time(&rig, plan).await?;
    rig.stop().await?;
    told(done)
}

async fn steady(ground: &Ground, options: &Options) -> Result<String> {
    let plan = steady::Plan {
        rate: options.number("rate", 500.0).max(0.001),
        lasting: options.seconds("seconds", 10.0),
        conns: options.count("conns", 16),
        start: options.count("start", 0),
        grace: options.seconds("grace-seconds", 10.0),
    };
    let rig = Rig::start(ground, options.profile, Work::On, Marks::new(plan.start, plan.offered())).await?;
    let done = steady::at_a_rate(&rig, plan).await?;
    rig.stop().await?;
    told(done)
}

async fn idle(ground: &Ground, options: &Options) -> Result<String> {
    let session = Session::open(&ground.connector).await?;
    let rig = Rig::start(ground, options.profile, Work::On, Marks::new(0, 0)).await?;
    let (settle, lasting) = (options.seconds("settle-seconds", 5.0), options.seconds("seconds", 60.0));
    let done = idle::watch(&rig, &session, settle, lasting).await?;
    rig.stop().await?;
    told(done)
}
