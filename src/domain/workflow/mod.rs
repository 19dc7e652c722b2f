//! Workflows: jobs that depend on other jobs.

pub mod definition;
pub mod graph;
pub mod layout;

use uuid::Uuid;

use super::string_enum;

pub use definition::{
    DefinitionError, NewWorkflow, StepDefinition, StepDependency, ValidatedWorkflow, WorkflowDefinition,
};
pub use graph::Graph;
pub use layout::Layout;

string_enum! {
    /// The state of a workflow, derived from its steps.
    WorkflowState {
        /// A step is scheduled, queued, active or retrying.
        Running = "running",
        Completed = "completed",
        /// A step failed, and no other step can run.
        Failed = "failed",
        /// A step was canceled, none failed, and no other step can run.
        Canceled = "canceled",
    }
}

string_enum! {
    /// What happens to a job when a dependency does not complete.
    Policy {
        /// The job stays blocked until the dependency is retried and completes. A canceled dependency cannot be
        /// retried, so the job is canceled too.
        Block = "block",
        /// The job runs, whatever the outcome.
        AllowFailed = "allow_failed",
        /// The job is canceled.
        Cancel = "cancel",
    }
}

impl Policy {
    /// Whether the outcome of a dependency (`completed`, `failed` or `canceled`) cancels the job. Same as
    /// `cancels_dependent` in SQL.
    pub fn cancels_dependent(self, outcome: &str) -> bool {
        match self {
            Self::AllowFailed => false,
            Self::Block => outcome == "canceled",
            Self::Cancel => outcome == "canceled" || outcome == "failed",
        }
    }

    /// Whether the outcome satisfies the dependency. Same as `satisfies` in SQL.
    pub fn is_met(self, outcome: &str) -> bool {
        outcome == "completed" || self == Self::AllowFailed
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dependency {
    pub on: Uuid,
    pub policy: Policy,
}

/// The step that a job is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    pub workflow: Uuid,
    pub name: String,
}
