//! A fair comparison on a noisy machine: alternatives run in random order, each between two runs of its ceiling. The result is
//! the median of the ratios, with their range.

use futures_util::future::LocalBoxFuture;
use rand::seq::SliceRandom as _;

use super::ceiling::{Ceiling, pgbench};
use super::databases::Bench;
use super::report::Row;
use super::sample::Sample;
use super::stats::{median, range};
use crate::error::Result;
use crate::report::progress;

/// One alternative.
pub struct Alternative<'a> {
    pub label: String,
    pub ceiling: Option<Ceiling>,
    /// Runs once, with the number of the round.
    pub run: Box<dyn Fn(u64) -> LocalBoxFuture<'a, Result<Sample>> + 'a>,
}

impl<'a> Alternative<'a> {
    pub fn new(
        label: impl Into<String>,
        ceiling: Option<Ceiling>,
        run: impl Fn(u64) -> LocalBoxFuture<'a, Result<Sample>> + 'a,
    ) -> Self {
        Self { label: label.into(), ceiling, run: Box::new(run) }
    }
}

/// All runs of one alternative.
#[derive(Default)]
struct Series {
    samples: Vec<Sample>,
    ceilings: Vec<Sample>,
    ratios: Vec<f64>,
}

/// Runs every alternative once per round, each between two runs of its ceiling. Returns a row for each.
pub async fn interleaved(bench: &Bench, rounds: u64, alternatives: &[Alternative<'_>]) -> Result<Vec<Row>> {
    let pgbench = pgbench(bench);
    let mut series: Vec<Series> = alternatives.iter().map(|_| Series::default()).collect();
    for round in 0..rounds {
        let mut order: Vec<usize> = (0..alternatives.len()).collect();
        order.shuffle(&mut rand::rng());
        for index in order {
            let alternative = &alternatives[index];
            progress(&format!("round {} of {rounds}: {}", round + 1, alternative.label));
            let ceiling = alternative.ceiling.zip(pgbench.as_deref());
            let mut around = Vec::new();
            if let Some((ceiling, pgbench)) = ceiling {
                around.push(ceiling.run(bench, pgbench).await?);
            }
            let sample = (alternative.run)(round).await?;
            if let Some((ceiling, pgbench)) = ceiling {
                around.push(ceiling.run(bench, pgbench).await?);
            }
            series[index].take(sample, around);
        }
    }
    Ok(alternatives.iter().zip(&series).map(|(alternative, series)| series.row(&alternative.label)).collect())
}

impl Series {
    fn take(&mut self, sample: Sample, around: Vec<Sample>) {
        if !around.is_empty() {
            let mean = around.iter().map(|it| it.rate).sum::<f64>() / around.len() as f64;
            self.ratios.push(sample.rate / mean.max(1e-9));
        }
        self.ceilings.extend(around);
        self.samples.push(sample);
    }

    fn row(&self, label: &str) -> Row {
        let of = |samples: &[Sample], what: fn(&Sample) -> Option<f64>| {
            median(&samples.iter().filter_map(what).collect::<Vec<_>>())
        };
        let mut row = Row::new(label)
            .cell("per_s", of(&self.samples, |it| Some(it.rate)))
            .cell("x_ceiling", median(&self.ratios))
            .cell("x_least", range(&self.ratios).map(|it| it.0))
            .cell("x_most", range(&self.ratios).map(|it| it.1))
            .cell("server_us", of(&self.samples, |it| it.server_us))
            .cell("wal_b", of(&self.samples, |it| it.wal_bytes))
            .cell("client_us", of(&self.samples, |it| it.client_us))
            .cell("ceiling_per_s", of(&self.ceilings, |it| Some(it.rate)))
            .cell("ceiling_server_us", of(&self.ceilings, |it| it.server_us))
            .cell("ceiling_wal_b", of(&self.ceilings, |it| it.wal_bytes));
        let names = self.samples.first().map(|it| it.more.iter().map(|(name, _)| *name).collect::<Vec<_>>());
        for name in names.unwrap_or_default() {
            let values = self.samples.iter().flat_map(|it| it.more.iter().filter(|(it, _)| *it == name).map(|it| it.1));
            row = row.cell(name, median(&values.collect::<Vec<_>>()));
        }
        row
    }
}
