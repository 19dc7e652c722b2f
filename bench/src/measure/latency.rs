//! Start latency of an idle system: in this process, through a server, across two processes, and raw.

use std::time::Duration;

use rand::seq::SliceRandom as _;

use super::raw;
use crate::error::Result;
use crate::load::latency::{Plan, one_at_a_time};
use crate::marks::Marks;
use crate::options::Params;
use crate::place::Bench;
use crate::report::Row;
use crate::report::progress;
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
        for (place, way) in order {
            progress(&format!("round {} of {rounds}: {way}", round + 1));
            let (spread, from_call) = once(bench, way, plan).await?;
            found[place].push(spread);
            calls[place].extend(from_call);
        }
    }
    let middle = |place: usize, what: fn(&Spread) -> Option<f64>| {
        median(&found[place].iter().filter_map(what).collect::<Vec<_>>()).map(rounded)
    };
    let row = |(place, way): (usize, &&str)| {
        let p50 = middle(place, |it| it.p50);
        Row::new(*way)
            .cell("p50", p50)
            .cell("p95", middle(place, |it| it.p95))
            .cell("p99", middle(place, |it| it.p99))
            .cell("max", middle(place, |it| it.max))
            .cell("call_to_start_p50", median(&calls[place]))
            .cell("x_raw", p50.zip(middle(0, |it| it.p50)).map(|(mine, raw)| mine / raw))
    };
    Ok(ALTERNATIVES.iter().enumerate().map(row).collect())
}

/// The distribution of the start latency, and the median from the call to the start.
async fn once(bench: &Bench, way: &str, plan: Plan) -> Result<(Spread, Option<f64>)> {
    if way == "raw" {
        return Ok((Spread::of(raw::latencies(bench, plan).await?), None));
    }
    let (place, setup) = bench.fresh().await?;
    let system = system(&setup, way, Marks::new(0, plan.n + plan.warmup)).await?;
    let done = one_at_a_time(&system, plan).await;
    system.stop().await?;
    bench.leave(place).await?;
    let done = done?;
    Ok((done.start_ms, done.from_call_ms.p50))
}

async fn system(setup: &Setup, way: &str, marks: std::sync::Arc<Marks>) -> Result<System> {
    match way {
        "embedded" => System::start(setup, Profile::Embedded, Work::On, marks).await,
        "http" => System::start(setup, Profile::Http, Work::On, marks).await,
        _ => System::servers(setup, &["api,scheduler", "worker"], marks).await,
    }
}
