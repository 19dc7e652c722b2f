//! The measurements, a file each. Each returns a row per alternative.

mod bulk;
pub mod drain;
mod due;
mod enqueue;
mod history;
mod idle;
mod latency;
mod memory;
mod pages;
mod pinned;
mod processes;
mod projects;
mod queues;
mod raw;
mod sizes;
mod steady;
mod workflows;

use futures_util::FutureExt as _;
use futures_util::future::LocalBoxFuture;

use super::databases::Bench;
use super::options::Params;
use super::report::Row;
use crate::error::Result;

/// One measurement.
pub struct Measure {
    pub name: &'static str,
    pub what: &'static str,
    pub run: for<'a> fn(&'a Bench, Params<'a>) -> LocalBoxFuture<'a, Result<Vec<Row>>>,
}

macro_rules! measures {
    ($($name:literal, $run:path, $what:literal;)+) => {
        /// All measurements, in the order of a short round.
        pub const ALL: &[Measure] =
            &[$(Measure { name: $name, what: $what, run: |bench, params| $run(bench, params).boxed_local() }),+];
    };
}

measures! {
    "drain", drain::run, "queued jobs, run to the last one";
    "enqueue", enqueue::run, "one job per call; each caller waits for the acknowledgement";
    "bulk", bulk::run, "a thousand jobs per call";
    "latency", latency::run, "an idle system, one job at a time: from the acknowledgement to the start of the handler (ms)";
    "steady", steady::run, "a fixed rate, enqueued and run: from the scheduled arrival (ms)";
    "history", history::run, "drain with many finished jobs";
    "pinned", pinned::run, "drain while another session holds an old snapshot";
    "queues", queues::run, "drain of a thousand queues";
    "processes", processes::run, "drain by sixteen worker processes";
    "projects", projects::run, "projects created over HTTP, one per request";
    "pages", pages::run, "pages, lists and metrics while jobs are enqueued and run (ms)";
    "sizes", sizes::run, "pages, lists and metrics with a thousand projects and with a million (ms)";
    "due", due::run, "scheduled jobs: how late they start (ms)";
    "workflows", workflows::run, "workflows, against the same jobs without dependencies";
    "idle", idle::run, "an idle system: statements per minute, CPU, memory";
    "memory", memory::run, "memory per connection and per queued job";
}
