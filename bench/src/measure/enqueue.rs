//! Enqueueing one job per call, with one to sixty-four producers.

use futures_util::FutureExt as _;

use crate::Result;
use crate::ceiling::Ceiling;
use crate::compare::{Alternative, interleaved};
use crate::databases::Bench;
use crate::load::enqueue::one_by_one;
use crate::options::Params;
use crate::report::Row;
use crate::sample::Sample;
use crate::starts::Starts;
use crate::system::{Profile, Setup, System, Work};

pub async fn run(bench: &Bench, params: Params<'_>) -> Result<Vec<Row>> {
    let lasting = params.seconds("seconds", 3.0, 1.0);
    let conns: &[u64] = if params.short { &[1, 16, 64] } else { &[1, 4, 16, 64] };
    let given = [params.count("conns", 0, 0)];
    let conns = if given[0] > 0 { &given[..] } else { conns };
    let profiles = [Profile::Embedded, Profile::Http];
    let pairs = profiles.iter().flat_map(|profile| conns.iter().map(|conns| (*profile, *conns)));
    let alternatives: Vec<Alternative> = pairs
        .map(|(profile, conns)| {
            let ceiling = Ceiling::EnqueueOne { clients: conns, lasting };
            Alternative::new(format!("{} {conns}", profile.as_str()), Some(ceiling), move |_| {
                once(bench, profile, conns, lasting).boxed_local()
            })
        })
        .collect();
    interleaved(bench, params.rounds(3), &alternatives).await
}

async fn once(bench: &Bench, profile: Profile, conns: u64, lasting: std::time::Duration) -> Result<Sample> {
    let run = async |system: &System, _: &Setup| one_by_one(system, conns, lasting, 0).await;
    let (done, spent) = bench.on_fresh(profile, Work::Off, Starts::new(0, 0), run).await?;
    Ok(Sample::of(done.n as f64, done.seconds, spent, Some(done.cpu_s)).with("errs", done.errs as f64))
}
