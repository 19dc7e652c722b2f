//! Draining with many finished jobs present, against draining with none, in two databases that stay for all rounds.

use futures_util::FutureExt as _;

use super::Ask;
use super::drain::{Way, drain, fill};
use crate::bench::Result;
use crate::bench::ceiling::Ceiling;
use crate::bench::compare::{Alternative, Sample, interleaved};
use crate::bench::place::Bench;
use crate::bench::report::Row;
use crate::bench::rig::{Ground, Profile};
use crate::bench::session::Session;
use crate::bench::sql::{HISTORY, scripts};

/// How many finished jobs are written in one statement.
const AT_ONCE: usize = 200_000;

pub async fn run(bench: &Bench, ask: Ask<'_>) -> Result<Vec<Row>> {
    let (n, history) = (ask.count("n", 20_000, 10_000), ask.count("history", 10_000_000, 200_000));
    bench.needs_two()?;
    let (fresh, without) = bench.fresh().await?;
    let (worn, with) = bench.fresh().await?;
    remember(&with, history).await?;
    let of = |label: String, ground: Ground| {
        Alternative::new(label, Some(Ceiling::Drain { n }), move |round| {
            let ground = ground.clone();
            async move { once(bench, &ground, n, round * n).await }.boxed_local()
        })
    };
    let alternatives = [of("none".to_owned(), without), of(format!("{history} finished"), with)];
    let rows = interleaved(bench, ask.rounds(3), &alternatives).await;
    bench.leave(fresh).await?;
    bench.leave(worn).await?;
    rows
}

async fn once(bench: &Bench, ground: &Ground, n: u64, start: u64) -> Result<Sample> {
    fill(ground, n, start, |_| None).await?;
    drain(bench, ground, n, start, Way::Profile(Profile::Embedded)).await
}

async fn remember(ground: &Ground, history: u64) -> Result<()> {
    let session = Session::open(&ground.connector).await?;
    session.write(&HISTORY, history, AT_ONCE, "finished jobs").await?;
    // Otherwise autovacuum would, during the first drain: jobs that finished one after the other were vacuumed long ago.
    session.client.batch_execute(scripts::VACUUM).await?;
    Ok(())
}
