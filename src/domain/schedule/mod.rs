//! Schedules: cron expressions and intervals, time zones, and the policy for missed due times. [`timing`] documents the
//! rules for clock changes. Pure functions: the current time is always an argument.

mod definition;
mod due_at;
mod expression;
mod jitter;
mod misfire;
#[cfg(test)]
mod tests;
mod timing;
mod workflow_target;
mod zone;

pub use definition::{ProjectAction, RunAction, ScheduleDefinition, ScheduledRun, Target};
pub use due_at::DUE_AT;
pub use expression::{Expression, ExpressionError};
pub use jitter::jitter;
pub use misfire::{MAX_CATCH_UP, MisfireDecision, MisfirePolicy, MissedTicks};
pub use timing::{ClockChange, Occurrence, Timing, TimingError};
pub use workflow_target::WorkflowTarget;
pub use zone::{Local, TZDB, Zone};

use super::string_enum;

string_enum! {
    /// Whether due times start runs.
    ScheduleState {
        Enabled = "enabled",
        /// Due times start nothing and are skipped.
        Paused = "paused",
    }
}

string_enum! {
    /// What to do with missed due times.
    Misfire {
        Skip = "skip",
        /// Start only the latest, unless a newer due time is on time.
        Latest = "latest",
        /// Start the newest, up to a maximum.
        All = "all",
    }
}

string_enum! {
    /// What to do at a due time while a previous run is unfinished.
    Overlap {
        Allow = "allow",
        Skip = "skip",
    }
}

string_enum! {
    Cause {
        Due = "due",
        /// A request to run now.
        Manual = "manual",
        /// A backfill of a past due time.
        Backfill = "backfill",
    }
}

string_enum! {
    TickOutcome {
        Fired = "fired",
        /// Nothing was started, for a recorded reason.
        Skipped = "skipped",
    }
}
