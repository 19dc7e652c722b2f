//! Drain, in process and by a server. Other measurements share the code here.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;

use crate::ceiling::Ceiling;
use crate::clock;
use crate::compare::{Alternative, interleaved};
use crate::databases::Bench;
use crate::error::{BenchError, Result};
use crate::load::drain::{Until, until_empty};
use crate::load::enqueue::in_bulk;
use crate::options::Params;
use crate::producer::QueueOf;
use crate::report::Row;
use crate::sample::Sample;
use crate::session::Session;
use crate::sql::scripts;
use crate::starts::Starts;
use crate::system::{Profile, Setup, System, Work};

/// The time limit of a drain.
const TIME_LIMIT: Duration = Duration::from_secs(600);

pub async fn run(bench: &Bench, params: Params<'_>) -> Result<Vec<Row>> {
    let n = params.count("n", 20_000, 10_000);
    let of = |profile: Profile| {
        Alternative::new(profile.as_str(), Some(Ceiling::Drain { n }), move |_| {
            once(bench, n, Workers::Profile(profile), |_| None).boxed_local()
        })
    };
    interleaved(bench, params.rounds(3), &[of(Profile::Embedded), of(Profile::Http)]).await
}

/// Which workers drain.
#[derive(Clone, Copy, Debug)]
pub enum Workers {
    Profile(Profile),
    /// A number of worker processes with a number of slots each.
    Processes(usize, usize),
}

impl Workers {
    async fn start(self, setup: &Setup, starts: Arc<Starts>) -> Result<System> {
        match self {
            Self::Profile(profile) => System::start(setup, profile, Work::On, starts).await,
            Self::Processes(n, slots) => {
                let setup = Setup { slots, ..setup.clone() };
                System::servers(&setup, &vec!["worker"; n], starts).await
            }
        }
    }
}

/// Fills a fresh database and drains it.
pub async fn once(bench: &Bench, n: u64, workers: Workers, queue: QueueOf) -> Result<Sample> {
    let (database, setup) = bench.fresh().await?;
    fill(&setup, n, 0, queue).await?;
    let sample = drain(bench, &setup, n, 0, workers).await;
    bench.drop_database(database).await?;
    sample
}

/// Enqueues `n` jobs, numbered from `start`.
pub async fn fill(setup: &Setup, n: u64, start: u64, queue: QueueOf) -> Result<()> {
    let system = System::start(setup, Profile::Embedded, Work::Off, Starts::new(0, 0)).await?;
    in_bulk(&system, n, 1000, 2, start, queue).await?;
    system.stop().await?;
    let session = Session::open(&setup.connector).await?;
    session.client.batch_execute(scripts::NO_TIMEOUT).await?;
    Ok(session.client.batch_execute(scripts::ANALYZE).await?)
}

/// Drains the queue. The rate counts from the first start of a handler; the time until then is reported separately.
pub async fn drain(bench: &Bench, setup: &Setup, n: u64, start: u64, workers: Workers) -> Result<Sample> {
    let session = Session::open(&setup.connector).await?;
    let meter = bench.usage_meter().await;
    let before = meter.read().await;
    let (began, cpu) = (clock::now(), clock::cpu_of_self());
    let system = workers.start(setup, Starts::new(start, n)).await?;
    let until = Until { sql: None, time_limit: TIME_LIMIT };
    let done = until_empty(&system, &session, n, &until, began, cpu).await?;
    let spent = meter.since(before).await;
    system.stop().await?;
    if !done.complete {
        return Err(BenchError::new(format!("{} of {n} jobs ran and {} remained", done.n, done.remaining)));
    }
    let first = done.first_s.unwrap_or_default();
    Ok(Sample::of(n as f64, done.seconds - first, spent, Some(done.cpu_s))
        .with("first_s", first)
        .with("dup", done.dup as f64))
}
