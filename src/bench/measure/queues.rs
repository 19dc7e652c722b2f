//! Draining jobs that are spread over a thousand queues, against as many in one.

use futures_util::FutureExt as _;

use super::Ask;
use super::drain::{Way, once};
use crate::bench::Result;
use crate::bench::ceiling::Ceiling;
use crate::bench::compare::{Alternative, interleaved};
use crate::bench::place::Bench;
use crate::bench::producer::QueueOf;
use crate::bench::report::Row;
use crate::bench::rig::Profile;

pub async fn run(bench: &Bench, ask: Ask<'_>) -> Result<Vec<Row>> {
    let n = ask.count("n", 20_000, 5000);
    let of = |label: &str, queue: QueueOf| {
        Alternative::new(label, Some(Ceiling::Drain { n }), move |_| {
            once(bench, n, Way::Profile(Profile::Embedded), queue).boxed_local()
        })
    };
    let spread: QueueOf = |number| Some(format!("bench-{}", number % 1000));
    interleaved(bench, ask.rounds(3), &[of("1 queue", |_| None), of("1000 queues", spread)]).await
}
