//! Drain after another session has held a snapshot during a load, so that vacuum could not remove dead rows. Compared with
//! the same load without that session.

use std::time::Duration;

use futures_util::FutureExt as _;

use super::drain::{Workers, drain, fill};
use crate::ceiling::Ceiling;
use crate::clock;
use crate::compare::{Alternative, interleaved};
use crate::databases::Bench;
use crate::error::Result;
use crate::load::enqueue::in_bulk;
use crate::options::Params;
use crate::report::Row;
use crate::sample::Sample;
use crate::session::Session;
use crate::sql::{REMAINING, scripts};
use crate::starts::Starts;
use crate::system::{Profile, Setup, System, Work};

/// Jobs per portion of the load; each portion runs before the next is enqueued.
const PORTION: u64 = 2000;

pub async fn run(bench: &Bench, params: Params<'_>) -> Result<Vec<Row>> {
    let (n, lasting) = (params.count("n", 20_000, 10_000), params.seconds("pin-seconds", 60.0, 4.0));
    let of = |label: String, pinned: bool| {
        Alternative::new(label, Some(Ceiling::Drain { n }), move |_| once(bench, n, lasting, pinned).boxed_local())
    };
    let alternatives = [
        of(format!("after {} s of load", lasting.as_secs_f64()), false),
        of(format!("snapshot held for {} s of load", lasting.as_secs_f64()), true),
    ];
    interleaved(bench, params.rounds(3), &alternatives).await
}

async fn once(bench: &Bench, n: u64, lasting: Duration, pinned: bool) -> Result<Sample> {
    let (database, setup) = bench.fresh().await?;
    let holder = Session::open(&setup.connector).await?;
    if pinned {
        holder.client.batch_execute(scripts::NO_TIMEOUT).await?;
        holder.client.batch_execute(scripts::HOLD_SNAPSHOT).await?;
    }
    let worked = load(&setup, lasting).await?;
    fill(&setup, n, 0, |_| None).await?;
    let sample = drain(bench, &setup, n, 0, Workers::Profile(Profile::Embedded)).await;
    drop(holder);
    bench.drop_database(database).await?;
    Ok(sample?.with("jobs_before", worked as f64))
}

/// Enqueues and runs jobs in portions until the time is over. Returns their number.
async fn load(setup: &Setup, lasting: Duration) -> Result<u64> {
    let session = Session::open(&setup.connector).await?;
    let system = System::start(setup, Profile::Embedded, Work::On, Starts::new(0, 0)).await?;
    let end = clock::now() + lasting.as_nanos() as u64;
    let mut done = 0;
    while clock::now() < end {
        in_bulk(&system, PORTION, 500, 2, done, |_| None).await?;
        done += PORTION;
        while system.starts.strays() < done {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
    while session.number(&REMAINING, &[]).await? > 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    system.stop().await?;
    Ok(done)
}
