//! How an execution ends, and what that means for its job.

use std::time::Duration;

use super::job::{JobKind, JobState};
use super::project::ProjectStatus;
use super::retry;

/// The few things that work can answer with (the closed set of Oban's workers).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is done.
    Done,
    /// It went wrong, and another try may go better.
    Failed { reason: String },
    /// It went wrong, and another try would go no better.
    Refused { reason: String },
    /// Not yet: ask again after this long. Spends no failure.
    Later { after: Duration },
    /// The worker is going away before it was done. Spends no failure.
    Released,
}

/// Where a job goes after an execution: everything that `settle.sql` has to be told.
#[derive(Clone, Debug, PartialEq)]
pub struct Settlement {
    /// The job's new state.
    pub state: JobState,
    /// How the execution is recorded (the words of `executions.outcome`).
    pub outcome: &'static str,
    /// Why, when something went wrong.
    pub error: Option<String>,
    /// How long until the job may be claimed again; zero keeps its place in the queue.
    pub delay: Duration,
    /// Whether this spends one of `max_attempts`.
    pub spends_failure: bool,
}

impl Settlement {
    /// Where the project goes, when this settles a job of `kind`.
    pub fn project_status(&self, kind: JobKind) -> Option<ProjectStatus> {
        kind.status_after(self.state)
    }

    fn new(state: JobState, outcome: &'static str) -> Self {
        Self { state, outcome, error: None, delay: Duration::ZERO, spends_failure: false }
    }
}

/// The retry policy, whole. `failures` is how many were spent before; `dice` is uniform in 0..1.
pub fn settle(outcome: Outcome, failures: u32, max_attempts: u32, dice: f64) -> Settlement {
    match outcome {
        Outcome::Done => Settlement::new(JobState::Completed, "completed"),
        Outcome::Later { after } => Settlement { delay: after, ..Settlement::new(JobState::Scheduled, "snoozed") },
        Outcome::Released => Settlement::new(JobState::Queued, "released"),
        Outcome::Refused { reason } => failed(JobState::Failed, reason),
        Outcome::Failed { reason } if failures + 1 >= max_attempts => failed(JobState::Failed, reason),
        Outcome::Failed { reason } => {
            Settlement { delay: retry::backoff(failures + 1, dice), ..failed(JobState::Retrying, reason) }
        }
    }
}

fn failed(state: JobState, reason: String) -> Settlement {
    Settlement { error: Some(readable(&reason)), spends_failure: true, ..Settlement::new(state, "failed") }
}

/// The most characters of a reason that are kept.
const MAX_REASON: usize = 1000;

/// A reason comes from outside and ends on pages, in logs and in a text column: short, visible, never empty.
fn readable(reason: &str) -> String {
    let clean: String = reason.trim().chars().map(|c| if c.is_control() { ' ' } else { c }).take(MAX_REASON).collect();
    if clean.is_empty() { "failed without saying why".to_owned() } else { clean }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn why() -> String {
        "no quota".into()
    }

    #[test]
    fn the_whole_policy() {
        let cases = [
            (Outcome::Done, 0, JobState::Completed, false),
            (Outcome::Failed { reason: why() }, 0, JobState::Retrying, true),
            (Outcome::Failed { reason: why() }, 1, JobState::Retrying, true),
            (Outcome::Failed { reason: why() }, 2, JobState::Failed, true),
            (Outcome::Refused { reason: why() }, 0, JobState::Failed, true),
            (Outcome::Later { after: Duration::from_secs(9) }, 2, JobState::Scheduled, false),
            (Outcome::Released, 2, JobState::Queued, false),
        ];
        for (outcome, failures, state, spends) in cases {
            let settlement = settle(outcome.clone(), failures, 3, 0.5);
            assert_eq!((settlement.state, settlement.spends_failure), (state, spends), "{outcome:?} after {failures}");
        }
    }

    #[test]
    fn a_reason_is_made_readable() {
        assert_eq!(readable("  a\0b\u{1b}[31m\nc "), "a b [31m c");
        assert_eq!(readable(" \n"), "failed without saying why");
        assert_eq!(readable(&"x".repeat(5000)).len(), MAX_REASON);
    }

    #[test]
    fn only_failures_wait_and_a_released_job_keeps_its_place() {
        assert_eq!(settle(Outcome::Released, 0, 3, 1.0).delay, Duration::ZERO);
        assert!(settle(Outcome::Failed { reason: why() }, 0, 3, 1.0).delay > Duration::ZERO);
        assert_eq!(settle(Outcome::Later { after: Duration::from_secs(9) }, 0, 3, 0.0).delay, Duration::from_secs(9));
    }
}
