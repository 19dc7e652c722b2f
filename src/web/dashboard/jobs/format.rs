//! The text of jobs on pages. The methods format stored rows for templates and for the pages of other entities.

use time::OffsetDateTime;

use crate::domain::new_job::MAX_PRIORITY;
use crate::domain::retry::Strategy;
use crate::domain::{Backoff, Ident, JobState, Progress};
use crate::store::jobs::{Execution, Filter, Job};
use crate::store::logs::LogLine;
use crate::web::ui::{Badge, Choice, Hidden, Link, duration, elapsed, first_line, has_more, links, outcome_badge};

/// The address of the list.
pub const PAGE: &str = "/dashboard/jobs";
/// How recorded reasons of a cancellation begin.
pub const CANCELED: &str = "canceled";
/// How many bytes of a log line a page shows.
const LINE: usize = 400;

/// Progress as the worker reported it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProgressText {
    pub percent: Option<u8>,
    pub text: String,
}

impl ProgressText {
    pub fn of(progress: Option<&Progress>) -> Option<Self> {
        progress.map(|it| Self { percent: it.fraction.map(|share| (share * 100.0) as u8), text: it.text.clone() })
    }
}

impl Job {
    pub fn queue_link(&self) -> Link {
        links::queue(&self.queue)
    }

    pub fn worker_link(&self) -> Option<Link> {
        self.worker_id.as_deref().map(links::worker)
    }

    pub fn attempt_text(&self) -> String {
        attempt(self.attempt, self.max_attempts)
    }

    pub fn failures_text(&self) -> String {
        format!("{} of {}", self.failures, self.max_attempts)
    }

    pub fn priority_text(&self) -> String {
        priority(self.priority)
    }

    pub fn tenant_text(&self) -> Option<&str> {
        tenant(&self.tenant)
    }

    pub fn replays_text(&self) -> Option<String> {
        match self.replays {
            ..=0 => None,
            1 => Some("once".to_owned()),
            2 => Some("twice".to_owned()),
            n => Some(format!("{n} times")),
        }
    }

    pub fn backoff_text(&self) -> String {
        backoff(self.backoff.unwrap_or_default())
    }

    pub fn timeout_text(&self) -> Option<String> {
        self.timeout.map(|it| format!("{} per attempt", duration(it.as_secs_f64())))
    }

    pub fn project_page(&self) -> Option<String> {
        self.project_id.map(links::project_page)
    }

    pub fn progress_text(&self) -> Option<ProgressText> {
        ProgressText::of(self.progress.as_ref())
    }

    /// From creation to the end.
    pub fn total(&self) -> Option<String> {
        self.finished_at.map(|at| elapsed(self.created_at, at))
    }

    pub fn ended_at(&self) -> OffsetDateTime {
        self.finished_at.unwrap_or(self.updated_at)
    }

    /// When the current attempt was claimed. The execution id is a UUIDv7 created by the claim.
    pub fn claimed_at(&self) -> Option<OffsetDateTime> {
        let (seconds, nanos) = self.execution_id?.get_timestamp()?.to_unix();
        let at = OffsetDateTime::from_unix_timestamp(i64::try_from(seconds).ok()?).ok()?;
        Some(at + time::Duration::nanoseconds(nanos.into()))
    }

    /// The lease of an active job: the worker, and when it ends.
    pub fn lease(&self) -> Option<(&str, OffsetDateTime)> {
        self.worker_id.as_deref().zip(self.lease_until).filter(|_| self.state == JobState::Active)
    }

    pub fn error_line(&self) -> &str {
        self.error.as_deref().map_or("", first_line)
    }

    /// The whole error, if it is longer than its first line.
    pub fn error_more(&self) -> Option<&str> {
        self.error.as_deref().filter(|text| has_more(text))
    }

    /// Why the job was canceled.
    pub fn cancel_reason(&self) -> Option<String> {
        self.error.as_deref().and_then(|text| without_prefix(text, CANCELED))
    }
}

impl Execution {
    pub fn badge(&self) -> Badge {
        outcome_badge(self.outcome.as_deref().or_else(|| self.ended_at.map(|_| "")))
    }

    pub fn worker_link(&self) -> Link {
        links::worker(&self.worker_id)
    }

    pub fn took(&self) -> Option<String> {
        self.ended_at.map(|at| elapsed(self.claimed_at, at))
    }

    pub fn error_line(&self) -> Option<&str> {
        self.error.as_deref().map(first_line)
    }

    /// The whole error, if it is longer than its first line.
    pub fn error_more(&self) -> Option<&str> {
        self.error.as_deref().filter(|text| has_more(text))
    }
}

impl LogLine {
    /// The line, cut where it is too long for a page.
    pub fn shown(&self) -> String {
        let end = self.line.floor_char_boundary(LINE);
        format!("{}{}", &self.line[..end], if end < self.line.len() { "…" } else { "" })
    }
}

impl Filter {
    /// The filter without the state, as URL parameters; unset ones are empty.
    pub fn parameters(&self) -> [(&'static str, &str); 6] {
        fn text(value: &Option<String>) -> &str {
            value.as_deref().unwrap_or_default()
        }
        [
            ("kind", text(&self.kind)),
            ("queue", text(&self.queue)),
            ("tenant", text(&self.tenant)),
            ("tag", text(&self.tag)),
            ("search", text(&self.id)),
            ("error", text(&self.error)),
        ]
    }

    /// The parameters that are set, to name them in a sentence.
    pub fn words(&self) -> Vec<(&'static str, &str)> {
        let name = |(field, value)| (if field == "search" { "ID" } else { field }, value);
        self.parameters().into_iter().filter(|(_, value)| !value.is_empty()).map(name).collect()
    }

    pub fn is_active(&self) -> bool {
        self.state.is_some() || !self.words().is_empty()
    }

    /// The same as hidden form fields.
    pub fn hidden(&self) -> Vec<Hidden> {
        let state = self.state.map_or("", JobState::as_str);
        let pairs = std::iter::once(("state", state)).chain(self.parameters());
        pairs.filter(|(_, value)| !value.is_empty()).map(|(field, value)| Hidden::new(field, value)).collect()
    }
}

/// "2 of 5". After a release or a replay a job may have more attempts than its retry budget has failures.
pub fn attempt(attempt: i32, max_attempts: i32) -> String {
    match attempt {
        0 => "–".to_owned(),
        n if n <= max_attempts => format!("{n} of {max_attempts}"),
        n => n.to_string(),
    }
}

pub fn priority(priority: i16) -> String {
    match priority {
        0 => "0 (last)".to_owned(),
        MAX_PRIORITY => format!("{MAX_PRIORITY} (first)"),
        other => other.to_string(),
    }
}

/// The options of a priority select; `unchanged` is the label of the option without a priority, if there is one.
pub fn priorities(selected: &str, unchanged: Option<&str>) -> Vec<Choice> {
    let default = crate::domain::new_job::DEFAULT_PRIORITY;
    let label = |n| if n == default { format!("{n} (default)") } else { priority(n) };
    let numbers = (0..=MAX_PRIORITY).rev().map(|n| Choice::new(&n.to_string(), label(n), selected));
    unchanged.map(|label| Choice::new("", label, selected)).into_iter().chain(numbers).collect()
}

/// The tenant, unless it is the default one.
pub fn tenant(name: &str) -> Option<&str> {
    Some(name).filter(|name| *name != Ident::default().as_str())
}

fn backoff(policy: Backoff) -> String {
    let (base, max) = (duration(policy.base.as_secs_f64()), duration(policy.max.as_secs_f64()));
    let text = match policy.strategy {
        Strategy::Exponential => format!("exponential, {base} to {max}"),
        Strategy::Linear => format!("linear, in steps of {base} up to {max}"),
        Strategy::Fixed => format!("fixed, {}", duration(policy.base.min(policy.max).as_secs_f64())),
    };
    if policy.jitter { format!("{text}, full jitter") } else { text }
}

/// The rest of a recorded reason after its prefix.
pub fn without_prefix(text: &str, prefix: &str) -> Option<String> {
    let rest = text.strip_prefix(prefix)?.trim_start_matches([':', ' ']);
    Some(rest.to_owned()).filter(|text| !text.is_empty())
}

/// The command that starts a worker for this queue on the same database.
pub fn worker_command(queue: &str) -> String {
    format!("provost --roles worker --worker-queues {queue} --database-url \"$DATABASE_URL\"")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn backoff_names_strategy_and_bounds() {
        assert_eq!(backoff(Backoff::default()), "exponential, 2 s to 15 m, full jitter");
        let base = Duration::from_secs(5);
        let fixed = Backoff { strategy: Strategy::Fixed, base, jitter: false, ..Backoff::default() };
        assert_eq!(backoff(fixed), "fixed, 5 s");
    }

    #[test]
    fn one_priority_is_selected() {
        let all = priorities("9", Some("unchanged"));
        assert_eq!(all.len(), 11);
        assert_eq!(all.iter().filter(|it| it.selected).map(|it| it.label.as_str()).collect::<Vec<_>>(), ["9 (first)"]);
        assert!(priorities("", None).iter().all(|it| !it.selected));
    }
}
