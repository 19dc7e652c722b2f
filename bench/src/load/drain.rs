//! Draining: workers start on a queue that is full, and run until nothing remains.

use std::time::Duration;

use serde::Serialize;

use crate::clock;
use crate::error::Result;
use crate::marks::Marks;
use crate::session::Session;
use crate::sql::REMAINING;
use crate::system::System;

/// What came of it.
#[derive(Debug, Serialize)]
pub struct Drained {
    /// How many different jobs ran.
    pub n: u64,
    /// How many of them ran more than once.
    pub dup: u64,
    /// How many runs had a number that was not among those expected.
    pub strays: u64,
    /// How many jobs were not finished in the end.
    pub remaining: i64,
    /// From the start of the workers until nothing remained.
    pub seconds: f64,
    /// Until the first handler started, and until the last one did.
    pub first_s: Option<f64>,
    pub handlers_s: Option<f64>,
    /// Whether all ran and nothing remained, in time.
    pub complete: bool,
    pub cpu_s: f64,
}

/// How it is known that nothing remains.
#[derive(Clone, Debug, Default)]
pub struct Until {
    /// SQL that answers with a number; our own count when there is none.
    pub sql: Option<String>,
    pub at_most: Duration,
}

/// How often we look while handlers are still to run, and how often after that: first, and at most.
const WHILE_WORKING: Duration = Duration::from_millis(500);
const FIRST_LOOK: Duration = Duration::from_millis(2);
const LAST_LOOK: Duration = Duration::from_millis(20);

/// Runs until the `n` jobs that `marks` expects have run and nothing remains. `began` is when the workers were started, and
/// `cpu` what had been used then.
pub async fn until_empty(
    system: &System,
    session: &Session,
    n: u64,
    until: &Until,
    began: u64,
    cpu: f64,
) -> Result<Drained> {
    let deadline = began + until.at_most.as_nanos() as u64;
    let mut pause = FIRST_LOOK;
    let remaining = loop {
        all_ran(&system.marks, n, deadline).await;
        system.check()?;
        let remaining = match &until.sql {
            Some(sql) => session.asked(sql).await?,
            None => session.number(&REMAINING, &[]).await?,
        };
        if remaining <= 0 || clock::now() >= deadline {
            break remaining;
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LAST_LOOK);
    };
    let (seconds, cpu_s) = (clock::seconds_since(began), system.cpu() - cpu);
    let between = system.marks.between();
    let since = |at: u64| clock::ms_between(began, at) / 1e3;
    let ran = system.marks.distinct();
    Ok(Drained {
        n: ran,
        dup: system.marks.twice(),
        strays: system.marks.strays(),
        remaining,
        seconds,
        first_s: between.map(|(first, _)| since(first)),
        handlers_s: between.map(|(_, last)| since(last)),
        complete: ran == n && remaining == 0,
        cpu_s,
    })
}

/// Waits until all ran; for a while only, because some may never come, and then only the database knows.
async fn all_ran(marks: &Marks, n: u64, deadline: u64) {
    let until = deadline.min(clock::now() + WHILE_WORKING.as_nanos() as u64);
    while marks.distinct() < n && clock::now() < until {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}
