//! When something is due: cron and intervals, time zones, what to do about what was missed. The policy for the days on
//! which clocks change is in [`timing`]; everything is computed from what it is told, and nothing asks a clock.

mod backlog;
mod expression;
mod jitter;
mod plan;
mod timing;
mod workflow;
mod zone;

mod oracle;
mod vectors;

pub use backlog::{Backlog, MOST_CATCH_UP, Missed, Verdict};
pub use expression::{Expression, ExpressionError};
pub use jitter::jitter;
pub use plan::{DUE_AT, Plan, ProjectAction, Start, Target, Work};
pub use timing::{Occurrence, Shift, Timing, TimingError};
pub use workflow::WorkflowTarget;
pub use zone::{Local, TZDB, Zone};

use super::words;

words! {
    /// Whether a schedule runs by itself.
    ScheduleState {
        /// What is due starts.
        Enabled = "enabled",
        /// Nothing starts by itself; what falls into this time is not made up for.
        Paused = "paused",
    }
}

words! {
    /// What to do with due times that nobody could serve in time.
    Misfire {
        /// None of them is started.
        Skip = "skip",
        /// The latest of them is started, once, unless a newer one is in time.
        Latest = "latest",
        /// The newest of them are started, up to a number.
        All = "all",
    }
}

words! {
    /// What to do while something that the schedule started is not finished.
    Overlap {
        /// Start the next beside it.
        Allow = "allow",
        /// Leave the next out.
        Skip = "skip",
    }
}

words! {
    /// What caused a start.
    Cause {
        /// Its time came.
        Due = "due",
        /// Somebody asked for it.
        Manual = "manual",
        /// Somebody asked for a time that is over.
        Backfill = "backfill",
    }
}

words! {
    /// What became of a due time.
    TickOutcome {
        /// Something was started.
        Fired = "fired",
        /// Nothing was, and the reason is known.
        Skipped = "skipped",
    }
}
