//! Draining by sixteen worker processes, against one with as many slots as all of them.

use futures_util::FutureExt as _;

use super::Ask;
use super::drain::{Way, once};
use crate::bench::Result;
use crate::bench::ceiling::Ceiling;
use crate::bench::compare::{Alternative, interleaved};
use crate::bench::place::Bench;
use crate::bench::report::Row;

const MANY: usize = 16;

pub async fn run(bench: &Bench, ask: Ask<'_>) -> Result<Vec<Row>> {
    let n = ask.count("n", 20_000, 10_000);
    let of = |processes: usize| {
        let way = Way::Processes(processes, bench.slots.div_ceil(processes));
        let label = format!("{processes} process{}", if processes == 1 { "" } else { "es" });
        Alternative::new(label, Some(Ceiling::Drain { n }), move |_| once(bench, n, way, |_| None).boxed_local())
    };
    interleaved(bench, ask.rounds(3), &[of(1), of(MANY)]).await
}
