//! Start latency of an idle system: in this process, through a server, across two processes, and raw.

use std::time::Duration;

use rand::seq::SliceRandom as _;

use super::raw;
use crate::databases::Bench;
use crate::error::Result;
use crate::load::latency::{Plan, one_at_a_time};
use crate::options::Params;
use crate::report::Row;
use crate::report::progress;
use crate::starts::Starts;
use crate::stats::{Spread, median, rounded};
use crate::system::{Profile, Setup, System, Work};

/// The alternatives.
const ALTERNATIVES: [&str; 4] = ["raw", "embedded", "http", "http, two processes"];

pub async fn run(bench: &Bench, params: Params<'_>) -> Result<Vec<Row>> {
    let plan = Plan {
        n: params.count("n", 200, 60),
        gap: params.seconds("gap-ms", 20.0, 10.0) / 1000,
        warmup: params.count("warmup", 20, 10),
        time_limit: Duration::from_secs(300),
    };
    let mut found: Vec<Vec<Spread>> = vec![Vec::new(); ALTERNATIVES.len()];
    let mut calls: Vec<Vec<f64>> = vec![Vec::new(); ALTERNATIVES.len()];
    let rounds = params.rounds(3);
    for round in 0..rounds {
        let mut order: Vec<(usize, &str)> = ALTERNATIVES.into_iter().enumerate().collect();
        order.shuffle(&mut rand::rng());
        for (index, alternative) in order {
            progress(&format!("round {} of {rounds}: {alternative}", round + 1));
            let (spread, from_call) = once(bench, alternative, plan).await?;
            found[index].push(spread);
            calls[index].extend(from_call);
        }
    }
    let middle = |index: usize, what: fn(&Spread) -> Option<f64>| {
        median(&found[index].iter().filter_map(what).collect::<Vec<_>>()).map(rounded)
    };
    let row = |(index, alternative): (usize, &&str)| {
        let p50 = middle(index, |it| it.p50);
        Row::new(*alternative)
            .cell("p50", p50)
            .cell("p95", middle(index, |it| it.p95))
            .cell("p99", middle(index, |it| it.p99))
            .cell("max", middle(index, |it| it.max))
            .cell("call_to_start_p50", median(&calls[index]))
            .cell("x_raw", p50.zip(middle(0, |it| it.p50)).map(|(mine, raw)| mine / raw))
    };
    Ok(ALTERNATIVES.iter().enumerate().map(row).collect())
}

/// The distribution of the start latency, and the median from the call to the start.
async fn once(bench: &Bench, alternative: &str, plan: Plan) -> Result<(Spread, Option<f64>)> {
    if alternative == "raw" {
        return Ok((Spread::of(raw::latencies(bench, plan).await?), None));
    }
    let (database, setup) = bench.fresh().await?;
    let system = system(&setup, alternative, Starts::new(0, plan.n + plan.warmup)).await?;
    let done = one_at_a_time(&system, plan).await;
    system.stop().await?;
    bench.drop_database(database).await?;
    let done = done?;
    Ok((done.start_ms, done.from_call_ms.p50))
}

async fn system(setup: &Setup, alternative: &str, starts: std::sync::Arc<Starts>) -> Result<System> {
    match alternative {
        "embedded" => System::start(setup, Profile::Embedded, Work::On, starts).await,
        "http" => System::start(setup, Profile::Http, Work::On, starts).await,
        _ => System::servers(setup, &["api,scheduler", "worker"], starts).await,
    }
}
