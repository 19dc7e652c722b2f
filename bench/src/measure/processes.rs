//! Drain by sixteen worker processes, against one process with as many slots.

use futures_util::FutureExt as _;

use super::drain::{Workers, once};
use crate::Result;
use crate::ceiling::Ceiling;
use crate::compare::{Alternative, interleaved};
use crate::databases::Bench;
use crate::options::Params;
use crate::report::Row;

const MANY: usize = 16;

pub async fn run(bench: &Bench, params: Params<'_>) -> Result<Vec<Row>> {
    let n = params.count("n", 20_000, 10_000);
    let of = |processes: usize| {
        let workers = Workers::Processes(processes, bench.server.slots.div_ceil(processes));
        let label = format!("{processes} process{}", if processes == 1 { "" } else { "es" });
        Alternative::new(label, Some(Ceiling::Drain { n }), move |_| once(bench, n, workers, |_| None).boxed_local())
    };
    interleaved(bench, params.rounds(3), &[of(1), of(MANY)]).await
}
