//! Enqueueing a thousand jobs a call, by two producers.

use futures_util::FutureExt as _;

use super::Ask;
use crate::bench::Result;
use crate::bench::ceiling::Ceiling;
use crate::bench::compare::{Alternative, Sample, interleaved};
use crate::bench::load::enqueue::in_bulk;
use crate::bench::marks::Marks;
use crate::bench::place::Bench;
use crate::bench::report::Row;
use crate::bench::rig::{Profile, Rig, Work};

pub async fn run(bench: &Bench, ask: Ask<'_>) -> Result<Vec<Row>> {
    let (n, conns) = (ask.count("n", 50_000, 20_000), ask.count("conns", 2, 2));
    let of = |profile: Profile| {
        let ceiling = Ceiling::EnqueueBulk { n, clients: conns };
        Alternative::new(profile.as_str(), Some(ceiling), move |_| once(bench, profile, n, conns).boxed_local())
    };
    interleaved(bench, ask.rounds(3), &[of(Profile::Embedded), of(Profile::Http)]).await
}

async fn once(bench: &Bench, profile: Profile, n: u64, conns: u64) -> Result<Sample> {
    let (place, ground) = bench.fresh().await?;
    let rig = Rig::start(&ground, profile, Work::Off, Marks::new(0, 0)).await?;
    let gauge = bench.gauge().await;
    let before = gauge.read().await;
    let done = in_bulk(&rig, n, 1000, conns, 0, |_| None).await?;
    let spent = gauge.since(before).await;
    rig.stop().await?;
    bench.leave(place).await?;
    Ok(Sample::of(done.n as f64, done.seconds, spent, Some(done.cpu_s)))
}
