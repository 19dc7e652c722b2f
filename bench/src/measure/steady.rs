//! A steady load at a fixed rate, enqueued and run.

use std::time::Duration;

use crate::databases::Bench;
use crate::error::Result;
use crate::load::steady::{Plan, at_a_rate};
use crate::options::Params;
use crate::report::Row;
use crate::report::progress;
use crate::starts::Starts;
use crate::system::{Profile, Setup, System, Work};

pub async fn run(bench: &Bench, params: Params<'_>) -> Result<Vec<Row>> {
    let plan = Plan {
        rate: params.options.number("rate", 500.0).max(0.001),
        lasting: params.seconds("seconds", 10.0, 3.0),
        conns: params.count("conns", 16, 16),
        start: 0,
        grace: Duration::from_secs(10),
    };
    let (rounds, mut rows) = (params.rounds(3), Vec::new());
    for round in 1..=rounds {
        for profile in [Profile::Embedded, Profile::Http] {
            progress(&format!("round {round} of {rounds}: {}", profile.as_str()));
            rows.push(once(bench, profile, plan, format!("{} round {round}", profile.as_str())).await?);
        }
    }
    Ok(rows)
}

async fn once(bench: &Bench, profile: Profile, plan: Plan, label: String) -> Result<Row> {
    let run = async |system: &System, _: &Setup| at_a_rate(system, plan).await;
    let (done, spent) = bench.on_fresh(profile, Work::On, Starts::new(plan.start, plan.offered()), run).await?;
    let each = |cost: f64| cost / (done.n as f64).max(1.0);
    Ok(Row::new(label)
        .cell("offered_per_s", Some(plan.rate))
        .cell("achieved", Some(done.achieved))
        .cell("errs", Some(done.errs as f64))
        .spread("lat", &done.lat_ms)
        .cell("ack_p50", done.ack_ms.p50)
        .cell("ack_p99", done.ack_ms.p99)
        .cell("server_us", spent.cpu.map(|it| each(it * 1e6)))
        .cell("wal_b", spent.wal.map(each))
        .cell("client_us", Some(each(done.cpu_s * 1e6))))
}
