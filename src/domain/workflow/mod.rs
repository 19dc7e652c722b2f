//! Workflows: jobs that wait for jobs.

pub mod graph;
pub mod layout;
pub mod plan;

use uuid::Uuid;

use super::words;

pub use graph::Graph;
pub use layout::Layout;
pub use plan::{Fault, Link, NewWorkflow, Pattern, Plan, PlannedStep};

words! {
    /// Where a workflow is, as its steps have it.
    WorkflowState {
        /// A step is on its way.
        Running = "running",
        /// Every step is completed.
        Completed = "completed",
        /// A step failed, and no other can go on.
        Failed = "failed",
        /// A step was canceled, none failed, and no other can go on.
        Canceled = "canceled",
    }
}

words! {
    /// What becomes of a job when one that it depends on does not complete.
    Policy {
        /// It waits until that one is tried again and completes. What was canceled cannot be, so then it is canceled too.
        Block = "block",
        /// It runs, however that one ended.
        AllowFailed = "allow_failed",
        /// It is canceled.
        Cancel = "cancel",
    }
}

impl Policy {
    /// Whether a job with such an edge can never run any more, now that what it depends on has ended so (`completed`, `failed` or
    /// `canceled`): the same as `dooms` in SQL.
    pub fn dooms(self, outcome: &str) -> bool {
        match self {
            Self::AllowFailed => false,
            Self::Block => outcome == "canceled",
            Self::Cancel => outcome == "canceled" || outcome == "failed",
        }
    }

    /// Whether such an edge lets its job go: the same as `is_met` in SQL.
    pub fn is_met(self, outcome: &str) -> bool {
        outcome == "completed" || self == Self::AllowFailed
    }
}

/// What a job waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dependency {
    pub on: Uuid,
    pub policy: Policy,
}

/// The place of a job in a workflow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    pub workflow: Uuid,
    pub name: String,
}
