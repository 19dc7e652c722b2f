//! The definition of a schedule, and the runs that it starts.

use std::time::Duration;

use time::OffsetDateTime;
use uuid::Uuid;

use super::due_at::{fill_due_at, with_jitter};
use super::workflow_target::WorkflowTarget;
use super::{Cause, MisfirePolicy, Overlap, ScheduleState, Timing, jitter};
use crate::domain::{Labels, NewJob, NewWorkflow, Parameters, ProjectName};

/// The maximum number of runs that one statement starts, and their bytes of payload, so that the statement stays short.
const BATCH: usize = 100;
const BATCH_BYTES: usize = 4 * 1024 * 1024;

/// The user-defined part of a schedule.
#[derive(Clone, Debug)]
pub struct ScheduleDefinition {
    pub name: String,
    pub state: ScheduleState,
    pub timing: Timing,
    pub misfire_policy: MisfirePolicy,
    pub overlap: Overlap,
    /// The maximum jitter after a due time.
    pub jitter: Duration,
    pub target: Target,
}

#[derive(Clone, Debug)]
pub enum Target {
    /// A copy of this job, with a new id and due time.
    Job(Box<NewJob>),
    /// A change of a project.
    Project(ProjectAction),
    /// A new workflow from this definition.
    Workflow(Box<WorkflowTarget>),
}

#[derive(Clone, Debug)]
pub enum ProjectAction {
    Create {
        name: ProjectName,
        template: String,
        parameters: Parameters,
        labels: Labels,
    },
    Retry(Uuid),
    /// Deletes a project that is ready or failed.
    Delete(Uuid),
}

/// One run of a schedule, to be recorded and started.
#[derive(Clone, Debug)]
pub struct ScheduledRun {
    pub due_at: OffsetDateTime,
    /// The id of the new job or workflow.
    pub id: Uuid,

    pub action: RunAction,
}

#[derive(Clone, Debug)]
pub enum RunAction {
    Job(Box<NewJob>),
    CreateProject {
        project: Uuid,
        name: String,
    },
    /// Retries or deletes a project.
    ChangeProject {
        project: Uuid,
    },
    Workflow(Box<NewWorkflow>),
}

impl ScheduleDefinition {
    /// The next due time after an edit. It stays the same unless the timing changed or the schedule was paused; due
    /// times during a pause are skipped. A schedule that waited for none is recomputed, because an older
    /// version may have stored it.
    pub fn next_due(
        &self,
        before: Option<(&Self, Option<OffsetDateTime>)>,
        now: OffsetDateTime,
    ) -> Option<OffsetDateTime> {
        match before {
            Some((before, next @ Some(_)))
                if before.state == ScheduleState::Enabled && before.timing == self.timing =>
            {
                next
            }
            _ => self.timing.next_after(now),
        }
    }

    /// How many runs one statement may start, given the size of the payloads and workflows.
    pub fn batch(&self) -> usize {
        // A formatted due time is two and a half times as long as the placeholder.
        let by_bytes = |bytes: usize| BATCH_BYTES / (bytes * 5 / 2).max(1);
        match &self.target {
            Target::Job(template) => by_bytes(template.payload.len()).clamp(1, BATCH),
            Target::Project(_) => BATCH,
            Target::Workflow(template) => by_bytes(template.bytes()).min(template.batch()).clamp(1, BATCH),
        }
    }

    /// The run of a due time. Jitter applies to due times only: a requested run starts now.
    pub fn run_at(&self, schedule: Uuid, due_at: OffsetDateTime, cause: Cause) -> ScheduledRun {
        let max = if cause == Cause::Due { self.jitter } else { Duration::ZERO };
        let jitter = jitter(schedule, due_at, max);
        match &self.target {
            Target::Job(template) => {
                let (id, due) = (Uuid::now_v7(), with_jitter(template.due, due_at, jitter));
                let job = NewJob { id, payload: fill_due_at(&template.payload, due_at), due, ..(**template).clone() };
                ScheduledRun { due_at, id, action: RunAction::Job(Box::new(job)) }
            }
            Target::Project(action) => {
                let action = match action {
                    ProjectAction::Create { name, .. } => {
                        RunAction::CreateProject { project: Uuid::now_v7(), name: fill_due_at(name.as_str(), due_at) }
                    }
                    ProjectAction::Retry(id) | ProjectAction::Delete(id) => RunAction::ChangeProject { project: *id },
                };
                ScheduledRun { due_at, id: Uuid::now_v7(), action }
            }
            Target::Workflow(template) => {
                let workflow = template.workflow(due_at, jitter);
                ScheduledRun { due_at, id: workflow.id, action: RunAction::Workflow(Box::new(workflow)) }
            }
        }
    }
}

impl Target {
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Job(_) => "job",
            Self::Project(_) => "project",
            Self::Workflow(_) => "workflow",
        }
    }
}

impl ProjectAction {
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Create { .. } => "create",
            Self::Retry(_) => "retry",
            Self::Delete(_) => "delete",
        }
    }
}
