//! The measurements. Each is one file, and says in a row for each alternative what came of it.

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

use super::options::Params;
use super::place::Bench;
use super::report::Row;
use crate::error::Result;

/// One thing that can be measured.
pub struct Measure {
    pub name: &'static str,
    pub what: &'static str,
    pub run: for<'a> fn(&'a Bench, Params<'a>) -> LocalBoxFuture<'a, Result<Vec<Row>>>,
}

macro_rules! measures {
    ($($name:literal, $run:path, $what:literal;)+) => {
        /// All of them, in the order of a short round.
        pub const ALL: &[Measure] =
            &[$(Measure { name: $name, what: $what, run: |bench, params| $run(bench, params).boxed_local() }),+];
    };
}

measures! {
    "drain", drain::run, "jobs that wait, run to the last one";
    "enqueue", enqueue::run, "one job a call, each caller waits for its acknowledgement";
    "bulk", bulk::run, "a thousand jobs a call";
    "latency", latency::run, "an idle system, one job at a time: acknowledged until its handler starts (ms)";
    "steady", steady::run, "a fixed rate, enqueued and run: from the scheduled arrival (ms)";
    "history", history::run, "draining with many finished jobs present";
    "pinned", pinned::run, "draining while another session holds an old snapshot";
    "queues", queues::run, "draining jobs that are spread over a thousand queues";
    "processes", processes::run, "draining by sixteen worker processes";
    "projects", projects::run, "projects created over HTTP, one a request";
    "pages", pages::run, "pages, lists and metrics while jobs are enqueued and run (ms)";
    "sizes", sizes::run, "pages, lists and metrics with a thousand projects and with a million (ms)";
    "due", due::run, "jobs that wait for their time: how late they start (ms)";
    "workflows", workflows::run, "jobs that wait for jobs, against the same jobs that do not";
    "idle", idle::run, "nothing to do: statements a minute, CPU, memory";
    "memory", memory::run, "what a connection and a waiting job take";
}
