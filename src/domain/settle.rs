//! How an execution ends, and what that means for its job.

use std::time::Duration;

use super::job::{JobKind, JobState};
use super::project::ProjectStatus;
use super::retry::Backoff;

/// Whoever asks for later is asked again within a year.
const LONGEST_DELAY: Duration = Duration::from_secs(366 * 24 * 3600);

/// The few things that work can answer with (the closed set of Oban's workers, and what ends work from outside).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is done. `result` is JSON text for whoever asked, `next` the work that begins now.
    Done { result: Option<String>, next: Vec<FollowUp> },
    /// It went wrong, and another try may go better, sooner or later than usual when `retry_after` says so. `next` begins
    /// only when there is no other try.
    Failed { reason: String, retry_after: Option<Duration>, next: Vec<FollowUp> },
    /// It went wrong, and another try would go no better.
    Refused { reason: String, next: Vec<FollowUp> },
    /// It took longer than it may, which was so long if anybody knows. Another try may go better.
    TimedOut { after: Option<Duration> },
    /// Not yet: ask again after this long. Spends no failure.
    Later { after: Duration },
    /// The worker is going away before it was done. Spends no failure.
    Released,
    /// Somebody called it off. Spends no failure.
    Canceled { reason: String },
}

impl Outcome {
    /// Done, and there is nothing to say.
    pub fn done() -> Self {
        Self::Done { result: None, next: Vec::new() }
    }

    /// Went wrong; another try may go better.
    pub fn failed(reason: impl Into<String>) -> Self {
        Self::Failed { reason: reason.into(), retry_after: None, next: Vec::new() }
    }

    /// Went wrong; another try would go no better.
    pub fn refused(reason: impl Into<String>) -> Self {
        Self::Refused { reason: reason.into(), next: Vec::new() }
    }

    /// How the execution is recorded (the words of `executions.outcome`).
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Done { .. } => "completed",
            Self::Failed { .. } | Self::Refused { .. } => "failed",
            Self::TimedOut { .. } => "timed_out",
            Self::Later { .. } => "snoozed",
            Self::Released => "released",
            Self::Canceled { .. } => "canceled",
        }
    }

    /// Why it did not go well, as it is recorded.
    pub fn error(&self) -> Option<String> {
        match self {
            Self::Failed { reason, .. } | Self::Refused { reason, .. } | Self::Canceled { reason } => {
                Some(readable(reason))
            }
            Self::TimedOut { after } => Some(too_long(*after)),
            Self::Done { .. } | Self::Later { .. } | Self::Released => None,
        }
    }

    /// What should follow, if it comes to that.
    pub fn next(&self) -> &[FollowUp] {
        match self {
            Self::Done { next, .. } | Self::Failed { next, .. } | Self::Refused { next, .. } => next,
            _ => &[],
        }
    }
}

/// A job that a settlement enqueues: JSON text in the shape of `POST /jobs`. Whoever enqueues it checks it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FollowUp(pub String);

/// Where a job goes after an execution: everything that `settle.sql` has to be told.
#[derive(Clone, Debug, PartialEq)]
pub struct Settlement {
    /// The job's new state.
    pub state: JobState,
    /// How the execution is recorded (the words of `executions.outcome`).
    pub outcome: &'static str,
    /// Why, when something went wrong.
    pub error: Option<String>,
    /// What the work produced: JSON text.
    pub result: Option<String>,
    /// The jobs that begin with this settlement: JSON texts.
    pub next: Vec<String>,
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
        let (error, result, next) = (None, None, Vec::new());
        Self { state, outcome, error, result, next, delay: Duration::ZERO, spends_failure: false }
    }

    fn followed_by(self, next: Vec<FollowUp>) -> Self {
        Self { next: next.into_iter().map(|it| it.0).collect(), ..self }
    }
}

/// How much of its budget a job has spent, and how it waits.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    /// How many failures were spent before.
    pub failures: u32,
    pub max_attempts: u32,
    pub backoff: Backoff,
}

impl Budget {
    /// From the counts that a job's row has, none of which is ever negative.
    pub fn new(failures: i32, max_attempts: i32, backoff: Option<Backoff>) -> Self {
        let backoff = backoff.unwrap_or_default();
        Self { failures: failures.unsigned_abs(), max_attempts: max_attempts.unsigned_abs(), backoff }
    }
}

/// The retry policy, whole. `dice` is uniform in 0..1.
pub fn settle(outcome: Outcome, budget: Budget, dice: f64) -> Settlement {
    let failures = budget.failures + 1;
    let again = failures < budget.max_attempts;
    let pause = || budget.backoff.wait(failures, dice);
    match outcome {
        Outcome::Done { result, next } => {
            Settlement { result, ..Settlement::new(JobState::Completed, "completed") }.followed_by(next)
        }
        Outcome::Later { after } => {
            Settlement { delay: after.min(LONGEST_DELAY), ..Settlement::new(JobState::Scheduled, "snoozed") }
        }
        Outcome::Released => Settlement::new(JobState::Queued, "released"),
        Outcome::Canceled { reason } => {
            Settlement { error: Some(readable(&reason)), ..Settlement::new(JobState::Canceled, "canceled") }
        }
        Outcome::Refused { reason, next } => for_good("failed", &reason).followed_by(next),
        Outcome::Failed { reason, retry_after, .. } if again => {
            for_now("failed", &reason, retry_after.unwrap_or_else(pause).min(LONGEST_DELAY))
        }
        Outcome::Failed { reason, next, .. } => for_good("failed", &reason).followed_by(next),
        Outcome::TimedOut { after } if again => for_now("timed_out", &too_long(after), pause()),
        Outcome::TimedOut { after } => for_good("timed_out", &too_long(after)),
    }
}

fn for_good(outcome: &'static str, reason: &str) -> Settlement {
    Settlement { error: Some(readable(reason)), spends_failure: true, ..Settlement::new(JobState::Failed, outcome) }
}

fn for_now(outcome: &'static str, reason: &str, delay: Duration) -> Settlement {
    Settlement { state: JobState::Retrying, delay, ..for_good(outcome, reason) }
}

fn too_long(after: Option<Duration>) -> String {
    after.map_or("timed out".into(), |after| format!("timed out after {after:?}"))
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

    fn budget(failures: u32, max_attempts: u32) -> Budget {
        Budget { failures, max_attempts, backoff: Backoff::default() }
    }

    const NINE: Duration = Duration::from_secs(9);

    fn failed() -> Outcome {
        Outcome::failed("no quota")
    }

    #[test]
    fn the_whole_policy() {
        let cases = [
            (Outcome::done(), 0, JobState::Completed, "completed", false),
            (failed(), 0, JobState::Retrying, "failed", true),
            (failed(), 1, JobState::Retrying, "failed", true),
            (failed(), 2, JobState::Failed, "failed", true),
            (Outcome::refused("no quota"), 0, JobState::Failed, "failed", true),
            (Outcome::TimedOut { after: Some(NINE) }, 1, JobState::Retrying, "timed_out", true),
            (Outcome::TimedOut { after: Some(NINE) }, 2, JobState::Failed, "timed_out", true),
            (Outcome::Later { after: NINE }, 2, JobState::Scheduled, "snoozed", false),
            (Outcome::Released, 2, JobState::Queued, "released", false),
            (Outcome::Canceled { reason: "not needed".into() }, 2, JobState::Canceled, "canceled", false),
        ];
        for (outcome, failures, state, word, spends) in cases {
            let settled = settle(outcome.clone(), budget(failures, 3), 0.5);
            let found = (settled.state, settled.outcome, settled.spends_failure);
            assert_eq!(found, (state, word, spends), "{outcome:?} after {failures}");
            assert_eq!((outcome.word(), outcome.error()), (settled.outcome, settled.error));
        }
    }

    #[test]
    fn a_reason_is_made_readable() {
        assert_eq!(readable("  a\0b\u{1b}[31m\nc "), "a b [31m c");
        assert_eq!(readable(" \n"), "failed without saying why");
        assert_eq!(readable(&"x".repeat(5000)).len(), MAX_REASON);
    }

    #[test]
    fn what_ends_badly_says_why() {
        let why = |outcome| settle(outcome, budget(0, 3), 0.5).error.unwrap_or_default();
        assert_eq!(why(failed()), "no quota");
        assert_eq!(why(Outcome::TimedOut { after: Some(Duration::from_secs(30)) }), "timed out after 30s");
        assert_eq!(why(Outcome::TimedOut { after: Some(Duration::from_millis(1500)) }), "timed out after 1.5s");
        assert_eq!(why(Outcome::TimedOut { after: None }), "timed out");
        assert_eq!(why(Outcome::Canceled { reason: "not needed".into() }), "not needed");
        assert_eq!(why(Outcome::done()), "");
    }

    #[test]
    fn only_failures_wait_and_a_released_job_keeps_its_place() {
        assert_eq!(settle(Outcome::Released, budget(0, 3), 1.0).delay, Duration::ZERO);
        assert!(settle(failed(), budget(0, 3), 1.0).delay > Duration::ZERO);
        assert!(settle(Outcome::TimedOut { after: Some(NINE) }, budget(0, 3), 1.0).delay > Duration::ZERO);
        assert_eq!(settle(Outcome::Later { after: NINE }, budget(0, 3), 0.0).delay, NINE);
    }

    #[test]
    fn the_work_may_say_when_to_try_again_but_not_whether() {
        let asked = || Outcome::Failed { reason: "busy".into(), retry_after: Some(NINE), next: Vec::new() };
        assert_eq!(settle(asked(), budget(0, 3), 0.0).delay, NINE);
        let last = settle(asked(), budget(2, 3), 0.0);
        assert_eq!((last.state, last.delay), (JobState::Failed, Duration::ZERO));
    }

    #[test]
    fn what_follows_begins_once_when_nothing_can_change_any_more() {
        let next = || vec![FollowUp(r#"{"kind":"noop"}"#.into())];
        let failed = || Outcome::Failed { reason: "no".into(), retry_after: None, next: next() };
        let cases = [
            (Outcome::Done { result: None, next: next() }, 0, 1),
            (failed(), 0, 0),
            (failed(), 2, 1),
            (Outcome::Refused { reason: "no".into(), next: next() }, 0, 1),
        ];
        for (outcome, failures, follow) in cases {
            let settled = settle(outcome.clone(), budget(failures, 3), 0.5);
            assert_eq!(settled.next.len(), follow, "{outcome:?} after {failures}");
        }
    }

    #[test]
    fn a_result_is_kept_byte_for_byte() {
        let result = Some(r#"{"n": 12345678901234567890123}"#.to_owned());
        let settled = settle(Outcome::Done { result: result.clone(), next: Vec::new() }, budget(0, 3), 0.5);
        assert_eq!(settled.result, result);
    }
}
