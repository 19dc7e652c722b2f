//! How an attempt ends, and what that means for its job.

use std::time::Duration;

use super::job::JobState;
use super::retry::Backoff;

/// The longest snooze or retry delay.
const MAX_DELAY: Duration = Duration::from_secs(366 * 24 * 3600);

/// What a handler returns, plus the ways in which the engine ends an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Completed. `result` is JSON text; the jobs in `next` are enqueued with the settlement.
    Done { result: Option<String>, next: Vec<FollowUp> },
    /// Failed; a retry may succeed. `retry_after` replaces the backoff. `next` is enqueued only when the budget is
    /// spent.
    Failed { reason: String, retry_after: Option<Duration>, next: Vec<FollowUp> },
    /// Failed; a retry would not help.
    Fatal { reason: String, next: Vec<FollowUp> },
    /// The attempt reached its timeout, which is `after` if known. A retry may succeed.
    TimedOut { after: Option<Duration> },
    /// Run again after this delay. Does not count as a failure.
    Snooze { after: Duration },
    /// The worker stopped before the work ended. Does not count as a failure.
    Released,
    /// The job was canceled. Does not count as a failure.
    Canceled { reason: String },
}

impl Outcome {
    /// Completed without a result.
    pub fn done() -> Self {
        Self::Done { result: None, next: Vec::new() }
    }

    /// Failed; a retry may succeed.
    pub fn failed(reason: impl Into<String>) -> Self {
        Self::Failed { reason: reason.into(), retry_after: None, next: Vec::new() }
    }

    /// Failed; a retry would not help.
    pub fn fatal(reason: impl Into<String>) -> Self {
        Self::Fatal { reason: reason.into(), next: Vec::new() }
    }

    /// The value of `executions.outcome`.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Done { .. } => "completed",
            Self::Failed { .. } | Self::Fatal { .. } => "failed",
            Self::TimedOut { .. } => "timed_out",
            Self::Snooze { .. } => "snoozed",
            Self::Released => "released",
            Self::Canceled { .. } => "canceled",
        }
    }

    pub fn error(&self) -> Option<String> {
        match self {
            Self::Failed { reason, .. } | Self::Fatal { reason, .. } | Self::Canceled { reason } => {
                Some(printable(reason))
            }
            Self::TimedOut { after } => Some(timeout_reason(*after)),
            Self::Done { .. } | Self::Snooze { .. } | Self::Released => None,
        }
    }

    /// The jobs to enqueue with the settlement.
    pub fn next(&self) -> &[FollowUp] {
        match self {
            Self::Done { next, .. } | Self::Failed { next, .. } | Self::Fatal { next, .. } => next,
            _ => &[],
        }
    }
}

/// A job that a settlement enqueues: JSON text in the shape of `POST /jobs`, validated when it is enqueued.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FollowUp(pub String);

/// How a job continues after an attempt: the input of `settle.sql`.
#[derive(Clone, Debug, PartialEq)]
pub struct Settlement {
    /// The job's new state.
    pub state: JobState,

    /// The value of `executions.outcome`.
    pub outcome: &'static str,
    pub error: Option<String>,
    pub result: Option<String>,
    /// The jobs to enqueue: JSON texts.
    pub next: Vec<String>,
    /// The delay until the job can be claimed again. Zero keeps its place in the queue.
    pub delay: Duration,
    /// Whether this counts as a failure against `max_attempts`.
    pub counts_as_failure: bool,
}

impl Settlement {
    fn new(state: JobState, outcome: &'static str) -> Self {
        let (error, result, next) = (None, None, Vec::new());
        Self { state, outcome, error, result, next, delay: Duration::ZERO, counts_as_failure: false }
    }

    fn followed_by(self, next: Vec<FollowUp>) -> Self {
        Self { next: next.into_iter().map(|it| it.0).collect(), ..self }
    }
}

/// The retry budget of a job.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    pub failures: u32,
    pub max_attempts: u32,
    pub backoff: Backoff,
}

impl Budget {
    /// From the columns of a job, which are never negative.
    pub fn new(failures: i32, max_attempts: i32, backoff: Option<Backoff>) -> Self {
        let backoff = backoff.unwrap_or_default();
        Self { failures: failures.unsigned_abs(), max_attempts: max_attempts.unsigned_abs(), backoff }
    }
}

/// Applies the retry policy. `random` is uniform in 0..1.
pub fn settle(outcome: Outcome, budget: Budget, random: f64) -> Settlement {
    let failures = budget.failures + 1;
    let again = failures < budget.max_attempts;
    let backoff = || budget.backoff.delay(failures, random);
    match outcome {
        Outcome::Done { result, next } => {
            Settlement { result, ..Settlement::new(JobState::Completed, "completed") }.followed_by(next)
        }
        Outcome::Snooze { after } => {
            Settlement { delay: after.min(MAX_DELAY), ..Settlement::new(JobState::Scheduled, "snoozed") }
        }
        Outcome::Released => Settlement::new(JobState::Queued, "released"),
        Outcome::Canceled { reason } => {
            Settlement { error: Some(printable(&reason)), ..Settlement::new(JobState::Canceled, "canceled") }
        }
        Outcome::Fatal { reason, next } => failed("failed", &reason).followed_by(next),
        Outcome::Failed { reason, retry_after, .. } if again => {
            retrying("failed", &reason, retry_after.unwrap_or_else(backoff).min(MAX_DELAY))
        }
        Outcome::Failed { reason, next, .. } => failed("failed", &reason).followed_by(next),
        Outcome::TimedOut { after } if again => retrying("timed_out", &timeout_reason(after), backoff()),
        Outcome::TimedOut { after } => failed("timed_out", &timeout_reason(after)),
    }
}

fn failed(outcome: &'static str, reason: &str) -> Settlement {
    Settlement { error: Some(printable(reason)), counts_as_failure: true, ..Settlement::new(JobState::Failed, outcome) }
}

fn retrying(outcome: &'static str, reason: &str, delay: Duration) -> Settlement {
    Settlement { state: JobState::Retrying, delay, ..failed(outcome, reason) }
}

fn timeout_reason(after: Option<Duration>) -> String {
    after.map_or("timed out".into(), |after| format!("timed out after {after:?}"))
}

/// The maximum length of a recorded reason.
const MAX_REASON: usize = 1000;

/// Reasons come from outside and appear on pages and in logs: makes them short, printable and never empty.
fn printable(reason: &str) -> String {
    let clean: String = reason.trim().chars().map(|c| if c.is_control() { ' ' } else { c }).take(MAX_REASON).collect();
    if clean.is_empty() { "failed without a reason".to_owned() } else { clean }
}

#[cfg(test)]
mod tests;
