//! Drain: workers start on a full queue and run until no job remains.

use std::time::Duration;

use serde::Serialize;

use crate::clock;
use crate::error::Result;
use crate::session::Session;
use crate::sql::REMAINING;
use crate::starts::Starts;
use crate::system::System;

#[derive(Debug, Serialize)]
pub struct Drained {
    /// Distinct jobs that ran.
    pub n: u64,
    /// Jobs that ran more than once.
    pub dup: u64,
    /// Runs of unexpected numbers.
    pub strays: u64,
    /// Jobs that were unfinished at the end.
    pub remaining: i64,
    /// From the start of the workers until no job remained.
    pub seconds: f64,
    /// Until the first and until the last start of a handler.
    pub first_s: Option<f64>,
    pub handlers_s: Option<f64>,
    /// Whether all jobs ran and none remained, within the limit.
    pub complete: bool,
    pub cpu_s: f64,
}

/// How the drain finds out that no job remains.
#[derive(Clone, Debug, Default)]
pub struct Until {
    /// A query that returns the number; without it, the drain counts by itself.
    pub sql: Option<String>,
    pub time_limit: Duration,
}

/// How often to check while handlers are still to run, and after that: first interval and longest interval.
const RUNNING_INTERVAL: Duration = Duration::from_millis(500);
const MIN_INTERVAL: Duration = Duration::from_millis(2);
const MAX_INTERVAL: Duration = Duration::from_millis(20);

/// Runs until the `n` jobs that `starts` expects have run and none remains. `began` is when the workers started, `cpu` the CPU
/// used until then.
pub async fn until_empty(
    system: &System,
    session: &Session,
    n: u64,
    until: &Until,
    began: u64,
    cpu: f64,
) -> Result<Drained> {
    let deadline = began + until.time_limit.as_nanos() as u64;
    let mut pause = MIN_INTERVAL;
    let remaining = loop {
        all_ran(&system.starts, n, deadline).await;
        system.check()?;
        let remaining = match &until.sql {
            Some(sql) => session.scalar(sql).await?,
            None => session.number(&REMAINING, &[]).await?,
        };
        if remaining <= 0 || clock::now() >= deadline {
            break remaining;
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(MAX_INTERVAL);
    };
    let (seconds, cpu_s) = (clock::seconds_since(began), system.cpu() - cpu);
    let between = system.starts.first_and_last();
    let since = |at: u64| clock::ms_between(began, at) / 1e3;
    let ran = system.starts.distinct();
    Ok(Drained {
        n: ran,
        dup: system.starts.duplicates(),
        strays: system.starts.strays(),
        remaining,
        seconds,
        first_s: between.map(|(first, _)| since(first)),
        handlers_s: between.map(|(_, last)| since(last)),
        complete: ran == n && remaining == 0,
        cpu_s,
    })
}

/// Waits until all jobs ran, up to a limit: lost jobs never run, and only the database knows about them.
async fn all_ran(starts: &Starts, n: u64, deadline: u64) {
    let until = deadline.min(clock::now() + RUNNING_INTERVAL.as_nanos() as u64);
    while starts.distinct() < n && clock::now() < until {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}
