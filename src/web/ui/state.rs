//! How states look: an icon, a color and a word, because some users cannot distinguish colors.

use crate::domain::schedule::ScheduleState;
use crate::domain::{FindingKind, JobState, ProjectStatus, QueueState, StepState, WorkerState, WorkflowState};

/// The semantic colors. The classes `t-…` (badge), `f-…` (fill) and `st-…` (stroke) end in `name()`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    Neutral,
    Info,
    Work,
    Wait,
    Ok,
    Bad,
    Block,
}

impl Tone {
    pub fn name(self) -> &'static str {
        match self {
            Tone::Neutral => "neutral",
            Tone::Info => "info",
            Tone::Work => "work",
            Tone::Wait => "wait",
            Tone::Ok => "ok",
            Tone::Bad => "bad",
            Tone::Block => "block",
        }
    }

    /// The icon of a message in this tone.
    pub fn icon(self) -> &'static str {
        match self {
            Tone::Ok => "check",
            Tone::Bad => "cross",
            Tone::Wait => "warn",
            _ => "info",
        }
    }
}

/// A label with its color and its icon in the sprite.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Badge {
    pub tone: Tone,
    pub icon: &'static str,
    pub label: &'static str,
}

impl Badge {
    pub const UNKNOWN: Badge = Badge::new(Tone::Neutral, "info", "Unknown");
    pub const RETRY: Badge = Badge::new(Tone::Info, "retry", "Retry");
    /// The outcome of an attempt that has not ended.
    pub const RUNNING: Badge = Badge::new(Tone::Work, "ring", "Running");

    pub const ENABLED: Badge = Badge::new(Tone::Ok, "check", "Enabled");
    pub const DISABLED: Badge = Badge::new(Tone::Neutral, "ban", "Disabled");

    pub const fn new(tone: Tone, icon: &'static str, label: &'static str) -> Self {
        Badge { tone, icon, label }
    }
}

/// A state with a badge. Labels are the API states, capitalized.
pub trait StateBadge {
    fn badge(&self) -> Badge;
}

impl StateBadge for ProjectStatus {
    fn badge(&self) -> Badge {
        match self {
            Self::Creating => Badge::new(Tone::Info, "queue", "Creating"),
            Self::Provisioning => Badge::new(Tone::Work, "ring", "Provisioning"),
            Self::Ready => Badge::new(Tone::Ok, "check", "Ready"),
            Self::Failed => Badge::new(Tone::Bad, "cross", "Failed"),
            Self::Updating => Badge::new(Tone::Work, "ring", "Updating"),
            Self::Pausing => Badge::new(Tone::Work, "ring", "Pausing"),
            Self::Paused => Badge::new(Tone::Wait, "pause", "Paused"),
            Self::Resuming => Badge::new(Tone::Work, "ring", "Resuming"),
            Self::Deleting => Badge::new(Tone::Wait, "trash", "Deleting"),
            Self::PendingDeletion => Badge::new(Tone::Wait, "trash", "Pending deletion"),
            Self::Restoring => Badge::new(Tone::Work, "ring", "Restoring"),
            Self::Deleted => Badge::new(Tone::Neutral, "ban", "Deleted"),
        }
    }
}

impl StateBadge for FindingKind {
    fn badge(&self) -> Badge {
        match self {
            Self::Missing => Badge::new(Tone::Bad, "cross", "Missing"),
            Self::Changed => Badge::new(Tone::Wait, "warn", "Changed"),
            Self::Added => Badge::new(Tone::Wait, "plus", "Added"),
            Self::Orphaned => Badge::new(Tone::Info, "box", "Orphaned"),
            Self::Residue => Badge::new(Tone::Neutral, "trash", "Residue"),
        }
    }
}

impl StateBadge for StepState {
    fn badge(&self) -> Badge {
        match self {
            Self::Running => Badge::new(Tone::Work, "ring", "Running"),
            Self::Done => Badge::new(Tone::Ok, "check", "Done"),
            Self::Failed => Badge::new(Tone::Bad, "cross", "Failed"),
            Self::Undoing => Badge::new(Tone::Work, "ring", "Undoing"),
            Self::Undone => Badge::new(Tone::Neutral, "retry", "Undone"),
            Self::UndoFailed => Badge::new(Tone::Bad, "cross", "Undo failed"),
            Self::UndoSkipped => Badge::new(Tone::Wait, "warn", "Undo skipped"),
            Self::Skipped => Badge::new(Tone::Neutral, "ban", "Skipped"),
        }
    }
}

impl StateBadge for JobState {
    fn badge(&self) -> Badge {
        match self {
            Self::Scheduled => Badge::new(Tone::Neutral, "clock", "Scheduled"),
            Self::Queued => Badge::new(Tone::Info, "queue", "Queued"),
            Self::Blocked => Badge::new(Tone::Block, "lock", "Blocked"),
            Self::Active => Badge::new(Tone::Work, "ring", "Active"),
            Self::Completed => Badge::new(Tone::Ok, "check", "Completed"),
            Self::Retrying => Badge::new(Tone::Wait, "retry", "Retrying"),
            Self::Failed => Badge::new(Tone::Bad, "skull", "Failed"),
            Self::Canceled => Badge::new(Tone::Neutral, "ban", "Canceled"),
            Self::Superseded => Badge::new(Tone::Neutral, "retry", "Superseded"),
        }
    }
}

impl StateBadge for QueueState {
    fn badge(&self) -> Badge {
        match self {
            Self::Active => Badge::new(Tone::Ok, "check", "Active"),
            Self::Paused => Badge::new(Tone::Wait, "pause", "Paused"),
            Self::Draining => Badge::new(Tone::Wait, "funnel", "Draining"),
        }
    }
}

impl StateBadge for WorkerState {
    fn badge(&self) -> Badge {
        match self {
            Self::Online => Badge::new(Tone::Ok, "check", "Online"),
            Self::Cordoned => Badge::new(Tone::Wait, "warn", "Cordoned"),
            Self::Draining => Badge::new(Tone::Wait, "funnel", "Draining"),
            Self::Lost => Badge::new(Tone::Bad, "cross", "Lost"),
        }
    }
}

impl StateBadge for WorkflowState {
    fn badge(&self) -> Badge {
        match self {
            Self::Running => Badge::RUNNING,
            Self::Completed => Badge::new(Tone::Ok, "check", "Completed"),
            Self::Failed => Badge::new(Tone::Bad, "cross", "Failed"),
            Self::Canceled => Badge::new(Tone::Neutral, "ban", "Canceled"),
        }
    }
}

impl StateBadge for ScheduleState {
    fn badge(&self) -> Badge {
        match self {
            Self::Enabled => Badge::ENABLED,
            Self::Paused => Badge::new(Tone::Wait, "pause", "Paused"),
        }
    }
}

/// A stored state that this version does not know, as during a rolling upgrade, is `None` and looks unknown.
impl<T: StateBadge> StateBadge for Option<T> {
    fn badge(&self) -> Badge {
        self.as_ref().map_or(Badge::UNKNOWN, StateBadge::badge)
    }
}

/// The badge of a stored attempt outcome; an attempt without an outcome is running.
pub fn outcome_badge(outcome: Option<&str>) -> Badge {
    match outcome {
        None => Badge::RUNNING,
        Some("completed") => Badge::new(Tone::Ok, "check", "Completed"),
        Some("failed") => Badge::new(Tone::Bad, "cross", "Failed"),
        Some("timed_out") => Badge::new(Tone::Bad, "clock", "Timed out"),
        Some("snoozed") => Badge::new(Tone::Neutral, "clock", "Snoozed"),
        Some("released") => Badge::new(Tone::Neutral, "queue", "Released"),
        Some("lease_expired") => Badge::new(Tone::Wait, "warn", "Lease expired"),
        Some("canceled") => Badge::new(Tone::Neutral, "ban", "Canceled"),
        Some(_) => Badge::UNKNOWN,
    }
}

/// The button that makes a job run again or sooner.
pub fn retry_label(state: JobState) -> Option<&'static str> {
    match state {
        JobState::Failed => Some("Replay"),
        JobState::Retrying => Some("Retry now"),
        JobState::Scheduled => Some("Start now"),
        _ => None,
    }
}

/// The health of a component. The marks differ in shape as well as color: circle, triangle, square.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    Ok,
    Warn,
    Bad,
}

impl Level {
    pub fn class(self) -> &'static str {
        match self {
            Level::Ok => "dot",
            Level::Warn => "dot wait",
            Level::Bad => "dot bad",
        }
    }

    /// The text for screen readers.
    pub fn word(self) -> &'static str {
        match self {
            Level::Ok => "working",
            Level::Warn => "degraded",
            Level::Bad => "down",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_state_has_unknown_badge() {
        assert_eq!(JobState::parse("hibernating").badge(), Badge::UNKNOWN);
        assert_eq!(outcome_badge(Some("exploded")), Badge::UNKNOWN);
        assert_eq!(outcome_badge(None), Badge::RUNNING);
    }

    #[test]
    fn job_label_is_capitalized_state() {
        for state in JobState::ALL {
            assert_eq!(state.badge().label.to_lowercase(), state.as_str());
        }
    }
}
