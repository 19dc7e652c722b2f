//! Drain of a thousand queues, against as many jobs in one queue.

use futures_util::FutureExt as _;

use super::drain::{Workers, once};
use crate::Result;
use crate::ceiling::Ceiling;
use crate::compare::{Alternative, interleaved};
use crate::databases::Bench;
use crate::options::Params;
use crate::producer::QueueOf;
use crate::report::Row;
use crate::system::Profile;

pub async fn run(bench: &Bench, params: Params<'_>) -> Result<Vec<Row>> {
    let n = params.count("n", 20_000, 5000);
    let of = |label: &str, queue: QueueOf| {
        Alternative::new(label, Some(Ceiling::Drain { n }), move |_| {
            once(bench, n, Workers::Profile(Profile::Embedded), queue).boxed_local()
        })
    };
    let spread: QueueOf = |number| Some(format!("bench-{}", number % 1000));
    interleaved(bench, params.rounds(3), &[of("1 queue", |_| None), of("1000 queues", spread)]).await
}
