//! Test-only handlers, in builds with the feature `chaos`.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::time::Duration;

use nix::time::{ClockId, clock_gettime};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Handler, HandlerFuture, Handlers, Job, fallible, payload};
use crate::domain::{FollowUp, Outcome};

/// Adds the handlers `spin`, and `ledger` if `PROVOST_CHAOS_LEDGER` names a file. Without the file, jobs of the kind
/// `ledger` do not run, which the chaos program notices.
pub fn add(handlers: Handlers) -> Handlers {
    let handlers = handlers.with("spin", Spin);
    let Some(path) = std::env::var_os("PROVOST_CHAOS_LEDGER").filter(|it| !it.is_empty()) else { return handlers };
    let Ok(file) = OpenOptions::new().create(true).append(true).open(&path) else { return handlers };
    let process = std::env::var("PROVOST_CHAOS_NAME").unwrap_or("-".into());
    handlers.with("ledger", Ledger { file, process })
}

/// Records its work outside the database, so that the chaos program can compare what ran with what was recorded. Appends a
/// line when work starts and when it ends: event, job, execution, attempt, nanoseconds of the monotonic clock, which all
/// processes of the machine share, and the name of the process.
struct Ledger {
    file: File,
    process: String,
}

#[derive(Debug, Default, Deserialize)]
struct LedgerPayload {
    #[serde(default)]
    work_ms: u64,
    /// Fails in the first attempts, up to this one.
    #[serde(default)]
    fail_times: i32,
    #[serde(default)]
    refuse: bool,
    /// Fails permanently in the first attempts, up to this one; a replay then succeeds.
    #[serde(default)]
    refuse_times: i32,
    #[serde(default)]
    next: Vec<Box<RawValue>>,
}

impl Ledger {
    /// One write per line, so that lines of several processes do not mix.
    fn record(&self, event: &str, job: &Job) -> Result<(), Outcome> {
        let now = clock_gettime(ClockId::CLOCK_MONOTONIC).map(Duration::from).unwrap_or_default().as_nanos();
        let line = format!("{event} {} {} {} {now} {}\n", job.id, job.execution_id, job.attempt, self.process);
        (&self.file)
            .write_all(line.as_bytes())
            .map_err(|error| Outcome::failed(format!("the ledger cannot be written: {error}")))
    }
}

impl Handler for Ledger {
    fn run<'a>(&'a self, job: &'a Job) -> HandlerFuture<'a> {
        fallible(async {
            let payload: LedgerPayload = payload::read(&job.payload)?;
            self.record("start", job)?;
            tokio::time::sleep(Duration::from_millis(payload.work_ms)).await;
            if payload.refuse || job.attempt <= payload.refuse_times {
                self.record("refused", job)?;
                return Ok(Outcome::fatal("refused by design"));
            }
            if job.attempt <= payload.fail_times {
                self.record("failed", job)?;
                return Ok(Outcome::failed("failed by design"));
            }
            self.record("done", job)?;
            let next = payload.next.into_iter().map(|it| FollowUp(it.get().to_owned())).collect();
            Ok(Outcome::Done { result: Some(format!("\"{}\"", job.execution_id)), next })
        })
    }
}

/// Blocks its thread for `{"ms": n}`, like a handler that computes without a pause. It cannot be stopped.
struct Spin;

#[derive(Deserialize)]
struct SpinPayload {
    ms: u64,
}

impl Handler for Spin {
    fn run<'a>(&'a self, job: &'a Job) -> HandlerFuture<'a> {
        fallible(async {
            let payload: SpinPayload = payload::read(&job.payload)?;
            std::thread::sleep(Duration::from_millis(payload.ms));
            Ok(Outcome::done())
        })
    }
}
