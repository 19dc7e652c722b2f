//! Draining: in this process, and by a server beside it. What other measurements of draining share is here too.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;

use super::Ask;
use crate::bench::ceiling::Ceiling;
use crate::bench::compare::{Alternative, Sample, interleaved};
use crate::bench::load::drain::{Until, until_empty};
use crate::bench::load::enqueue::in_bulk;
use crate::bench::marks::Marks;
use crate::bench::place::Bench;
use crate::bench::producer::QueueOf;
use crate::bench::report::Row;
use crate::bench::rig::{Ground, Profile, Rig, Work};
use crate::bench::session::Session;
use crate::bench::sql::scripts;
use crate::bench::{Result, Trouble, clock};

/// When a drain is given up.
const PATIENCE: Duration = Duration::from_secs(600);

pub async fn run(bench: &Bench, ask: Ask<'_>) -> Result<Vec<Row>> {
    let n = ask.count("n", 20_000, 10_000);
    let of = |profile: Profile| {
        Alternative::new(profile.as_str(), Some(Ceiling::Drain { n }), move |_| {
            once(bench, n, Way::Profile(profile), |_| None).boxed_local()
        })
    };
    interleaved(bench, ask.rounds(3), &[of(Profile::Embedded), of(Profile::Http)]).await
}

/// Who drains.
#[derive(Clone, Copy, Debug)]
pub enum Way {
    Profile(Profile),
    /// So many worker processes, each with so many slots.
    Processes(usize, usize),
}

impl Way {
    async fn start(self, ground: &Ground, marks: Arc<Marks>) -> Result<Rig> {
        match self {
            Self::Profile(profile) => Rig::start(ground, profile, Work::On, marks).await,
            Self::Processes(n, slots) => {
                let ground = Ground { slots, ..ground.clone() };
                Rig::servers(&ground, &vec!["worker"; n], marks).await
            }
        }
    }
}

/// Fills a fresh database and drains it.
pub async fn once(bench: &Bench, n: u64, way: Way, queue: QueueOf) -> Result<Sample> {
    let (place, ground) = bench.fresh().await?;
    fill(&ground, n, 0, queue).await?;
    let sample = drain(bench, &ground, n, 0, way).await;
    bench.leave(place).await?;
    sample
}

/// `n` jobs that wait, numbered from `start` on.
pub async fn fill(ground: &Ground, n: u64, start: u64, queue: QueueOf) -> Result<()> {
    let rig = Rig::start(ground, Profile::Embedded, Work::Off, Marks::new(0, 0)).await?;
    in_bulk(&rig, n, 1000, 2, start, queue).await?;
    rig.stop().await?;
    let session = Session::open(&ground.connector).await?;
    session.client.batch_execute(scripts::PATIENT).await?;
    Ok(session.client.batch_execute(scripts::ANALYZE).await?)
}

/// Drains what waits. The rate counts from the first start of a handler: how long a process takes to start is told apart.
pub async fn drain(bench: &Bench, ground: &Ground, n: u64, start: u64, way: Way) -> Result<Sample> {
    let session = Session::open(&ground.connector).await?;
    let gauge = bench.gauge().await;
    let before = gauge.read().await;
    let (began, cpu) = (clock::now(), clock::cpu_of_self());
    let rig = way.start(ground, Marks::new(start, n)).await?;
    let until = Until { sql: None, at_most: PATIENCE };
    let done = until_empty(&rig, &session, n, &until, began, cpu).await?;
    let spent = gauge.since(before).await;
    rig.stop().await?;
    if !done.complete {
        return Err(Trouble::new(format!("{} of {n} jobs ran and {} remained", done.n, done.remaining)));
    }
    let first = done.first_s.unwrap_or_default();
    Ok(Sample::of(n as f64, done.seconds - first, spent, Some(done.cpu_s))
        .with("first_s", first)
        .with("dup", done.dup as f64))
}
