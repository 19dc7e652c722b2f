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

use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::LocalBoxFuture;

use super::Result;
use super::options::Options;
use super::place::Bench;
use super::report::Row;

/// One thing that can be measured.
pub struct Measure {
    pub name: &'static str,
    pub what: &'static str,
    pub run: for<'a> fn(&'a Bench, Ask<'a>) -> LocalBoxFuture<'a, Result<Vec<Row>>>,
}

/// What was asked for. A number that was not named has one value for whoever asks for this measurement, and a smaller one
/// for a short round of everything.
#[derive(Clone, Copy)]
pub struct Ask<'a> {
    pub options: &'a Options,
    pub short: bool,
}

impl Ask<'_> {
    pub fn count(&self, name: &'static str, usual: u64, short: u64) -> u64 {
        self.options.count(name, if self.short { short } else { usual })
    }

    pub fn seconds(&self, name: &'static str, usual: f64, short: f64) -> Duration {
        self.options.seconds(name, if self.short { short } else { usual })
    }

    pub fn rounds(&self, usual: u64) -> u64 {
        self.count("rounds", usual, 1).max(1)
    }
}

macro_rules! measures {
    ($($name:literal, $run:path, $what:literal;)+) => {
        /// All of them, in the order of a short round.
        pub const ALL: &[Measure] =
            &[$(Measure { name: $name, what: $what, run: |bench, ask| $run(bench, ask).boxed_local() }),+];
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
