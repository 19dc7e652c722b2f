//! Enqueueing a thousand jobs per call, with two producers.

use futures_util::FutureExt as _;

use crate::Result;
use crate::ceiling::Ceiling;
use crate::compare::{Alternative, interleaved};
use crate::databases::Bench;
use crate::load::enqueue::in_bulk;
use crate::options::Params;
use crate::report::Row;
use crate::sample::Sample;
use crate::starts::Starts;
use crate::system::{Profile, Setup, System, Work};

pub async fn run(bench: &Bench, params: Params<'_>) -> Result<Vec<Row>> {
    let (n, conns) = (params.count("n", 50_000, 20_000), params.count("conns", 2, 2));
    let of = |profile: Profile| {
        let ceiling = Ceiling::EnqueueBulk { n, clients: conns };
        Alternative::new(profile.as_str(), Some(ceiling), move |_| once(bench, profile, n, conns).boxed_local())
    };
    interleaved(bench, params.rounds(3), &[of(Profile::Embedded), of(Profile::Http)]).await
}

async fn once(bench: &Bench, profile: Profile, n: u64, conns: u64) -> Result<Sample> {
    let run = async |system: &System, _: &Setup| in_bulk(system, n, 1000, conns, 0, |_| None).await;
    let (done, spent) = bench.on_fresh(profile, Work::Off, Starts::new(0, 0), run).await?;
    Ok(Sample::of(done.n as f64, done.seconds, spent, Some(done.cpu_s)))
}
