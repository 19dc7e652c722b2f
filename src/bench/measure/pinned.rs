//! Draining while another session has held a snapshot for as long as a load went on: what was dead since then cannot be
//! cleaned away, and must not be walked over again and again. Against the same load without that session.

use std::time::Duration;

use futures_util::FutureExt as _;

use super::Ask;
use super::drain::{Way, drain, fill};
use crate::bench::ceiling::Ceiling;
use crate::bench::compare::{Alternative, Sample, interleaved};
use crate::bench::load::enqueue::in_bulk;
use crate::bench::marks::Marks;
use crate::bench::place::Bench;
use crate::bench::report::Row;
use crate::bench::rig::{Ground, Profile, Rig, Work};
use crate::bench::session::Session;
use crate::bench::sql::{REMAINING, scripts};
use crate::bench::{Result, clock};

/// The load goes in portions of so many jobs, each run before the next one comes.
const PORTION: u64 = 2000;

pub async fn run(bench: &Bench, ask: Ask<'_>) -> Result<Vec<Row>> {
    let (n, lasting) = (ask.count("n", 20_000, 10_000), ask.seconds("pin-seconds", 60.0, 4.0));
    let of = |label: String, pinned: bool| {
        Alternative::new(label, Some(Ceiling::Drain { n }), move |_| once(bench, n, lasting, pinned).boxed_local())
    };
    let alternatives = [
        of(format!("after {} s of load", lasting.as_secs_f64()), false),
        of(format!("snapshot held for {} s of load", lasting.as_secs_f64()), true),
    ];
    interleaved(bench, ask.rounds(3), &alternatives).await
}

async fn once(bench: &Bench, n: u64, lasting: Duration, pinned: bool) -> Result<Sample> {
    let (place, ground) = bench.fresh().await?;
    let holder = Session::open(&ground.connector).await?;
    if pinned {
        holder.client.batch_execute(scripts::PATIENT).await?;
        holder.client.batch_execute(scripts::HOLD_SNAPSHOT).await?;
    }
    let worked = load(&ground, lasting).await?;
    fill(&ground, n, 0, |_| None).await?;
    let sample = drain(bench, &ground, n, 0, Way::Profile(Profile::Embedded)).await;
    drop(holder);
    bench.leave(place).await?;
    Ok(sample?.with("jobs_before", worked as f64))
}

/// Jobs in portions, enqueued and run, until the time is over; how many.
async fn load(ground: &Ground, lasting: Duration) -> Result<u64> {
    let session = Session::open(&ground.connector).await?;
    let rig = Rig::start(ground, Profile::Embedded, Work::On, Marks::new(0, 0)).await?;
    let end = clock::now() + lasting.as_nanos() as u64;
    let mut done = 0;
    while clock::now() < end {
        in_bulk(&rig, PORTION, 500, 2, done, |_| None).await?;
        done += PORTION;
        while rig.marks.strays() < done {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
    while session.number(&REMAINING, &[]).await? > 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    rig.stop().await?;
    Ok(done)
}
