//! Drain with many finished jobs, against drain with none, in two databases that stay for all rounds.

use futures_util::FutureExt as _;

use super::drain::{Workers, drain, fill};
use crate::Result;
use crate::ceiling::Ceiling;
use crate::compare::{Alternative, interleaved};
use crate::databases::Bench;
use crate::options::Params;
use crate::report::Row;
use crate::sample::Sample;
use crate::session::Session;
use crate::sql::{HISTORY, scripts};
use crate::system::{Profile, Setup};

/// Finished jobs per statement.
const AT_ONCE: usize = 200_000;

pub async fn run(bench: &Bench, params: Params<'_>) -> Result<Vec<Row>> {
    let (n, history) = (params.count("n", 20_000, 10_000), params.count("history", 10_000_000, 200_000));
    bench.needs_two()?;
    let (fresh, without) = bench.fresh().await?;
    let (worn, with) = bench.fresh().await?;
    fill_history(&with, history).await?;
    let of = |label: String, setup: Setup| {
        Alternative::new(label, Some(Ceiling::Drain { n }), move |round| {
            let setup = setup.clone();
            async move { once(bench, &setup, n, round * n).await }.boxed_local()
        })
    };
    let alternatives = [of("none".to_owned(), without), of(format!("{history} finished"), with)];
    let rows = interleaved(bench, params.rounds(3), &alternatives).await;
    bench.drop_database(fresh).await?;
    bench.drop_database(worn).await?;
    rows
}

async fn once(bench: &Bench, setup: &Setup, n: u64, start: u64) -> Result<Sample> {
    fill(setup, n, start, |_| None).await?;
    drain(bench, setup, n, start, Workers::Profile(Profile::Embedded)).await
}

async fn fill_history(setup: &Setup, history: u64) -> Result<()> {
    let session = Session::open(&setup.connector).await?;
    session.write(&HISTORY, history, AT_ONCE, "finished jobs").await?;
    // Otherwise autovacuum would run during the first drain; in real life those rows were vacuumed long ago.
    session.client.batch_execute(scripts::VACUUM).await?;
    Ok(())
}
