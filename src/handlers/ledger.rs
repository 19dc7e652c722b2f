//! Test-only: work that leaves a trace outside of the database, so that the chaos program can compare what was done with
//! what was recorded. Only in a build with the feature `chaos`, and only when `PROVOST_CHAOS_LEDGER` names a file.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::time::Duration;

use nix::time::{ClockId, clock_gettime};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Handler, Handlers, Job, Working, payload};
use crate::domain::{FollowUp, Outcome};

/// The kind that it serves.
pub const KIND: &str = "ledger";

/// Writes a line when work starts and one when it ends: what, job, execution, attempt, nanoseconds of the machine's
/// monotonic clock, which is the same for every process and does not jump, and the name of the process.
pub struct Ledger {
    file: File,
    name: String,
}

/// How long to work, and how it ends.
#[derive(Debug, Default, Deserialize)]
struct Wish {
    #[serde(default)]
    work_ms: u64,
    /// It fails so often, then it is done.
    #[serde(default)]
    fail_times: i32,
    /// It fails for good.
    #[serde(default)]
    refuse: bool,
    /// It fails for good so often; whoever replays it then gets it done.
    #[serde(default)]
    refuse_times: i32,
    #[serde(default)]
    next: Vec<Box<RawValue>>,
}

/// Adds the handler, if there is a file to write to.
pub fn add(handlers: Handlers) -> Handlers {
    let Some(path) = std::env::var_os("PROVOST_CHAOS_LEDGER").filter(|it| !it.is_empty()) else { return handlers };
    match OpenOptions::new().create(true).append(true).open(&path) {
        Ok(file) => {
            handlers.with(KIND, Ledger { file, name: std::env::var("PROVOST_CHAOS_NAME").unwrap_or("-".into()) })
        }
        // Without its handler nothing of this kind is done, which the chaos program does notice.
        Err(_) => handlers,
    }
}

impl Ledger {
    /// One write for the whole line, so that lines of several processes do not mix.
    fn note(&self, what: &str, job: &Job) -> Result<(), Outcome> {
        let now = clock_gettime(ClockId::CLOCK_MONOTONIC).map(Duration::from).unwrap_or_default().as_nanos();
        let line = format!("{what} {} {} {} {now} {}\n", job.id, job.execution_id, job.attempt, self.name);
        let mut file = &self.file;
        file.write_all(line.as_bytes())
            .map_err(|error| Outcome::failed(format!("the ledger cannot be written: {error}")))
    }

    async fn work(&self, job: &Job) -> Result<Outcome, Outcome> {
        let wish: Wish = payload::read(&job.payload)?;
        self.note("start", job)?;
        tokio::time::sleep(Duration::from_millis(wish.work_ms)).await;
        if wish.refuse || job.attempt <= wish.refuse_times {
            self.note("refused", job)?;
            return Ok(Outcome::refused("refused by design"));
        }
        if job.attempt <= wish.fail_times {
            self.note("failed", job)?;
            return Ok(Outcome::failed("failed by design"));
        }
        self.note("done", job)?;
        let next = wish.next.into_iter().map(|it| FollowUp(it.get().to_owned())).collect();
        Ok(Outcome::Done { result: Some(format!("\"{}\"", job.execution_id)), next })
    }
}

impl Handler for Ledger {
    fn run<'a>(&'a self, job: &'a Job) -> Working<'a> {
        Box::pin(async move { self.work(job).await.unwrap_or_else(|outcome| outcome) })
    }
}
