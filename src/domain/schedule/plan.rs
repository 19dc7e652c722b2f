//! What a schedule says: when, what, and what to do when it does not go as planned.

use std::time::Duration;

use time::OffsetDateTime;
use uuid::Uuid;

use super::workflow::WorkflowTarget;
use super::{Backlog, Cause, Overlap, ScheduleState, Timing, jitter};
use crate::domain::{Due, Labels, NewJob, NewWorkflow, Parameters, ProjectName, moment};

/// What stands in a payload or a name for the due time that it belongs to.
pub const DUE_AT: &str = "{{due_at}}";
/// How many due times one statement starts at most, and how many bytes of payload: it must stay short.
const BATCH: usize = 100;
const BATCH_BYTES: usize = 4 * 1024 * 1024;

/// Everything about a schedule that somebody decides.
#[derive(Clone, Debug)]
pub struct Plan {
    pub name: String,
    pub state: ScheduleState,
    pub timing: Timing,
    pub backlog: Backlog,
    pub overlap: Overlap,
    /// By less than this a job may start later than its due time.
    pub jitter: Duration,
    pub target: Target,
}

/// What a schedule starts.
#[derive(Clone, Debug)]
pub enum Target {
    /// A job like this one, with an id and a due time of its own.
    Job(Box<NewJob>),
    /// Something that happens to a project.
    Project(ProjectAction),
    /// A workflow like this one, with ids and a due time of its own.
    Workflow(Box<WorkflowTarget>),
}

/// What can happen to a project.
#[derive(Clone, Debug)]
pub enum ProjectAction {
    Create {
        name: ProjectName,
        template: String,
        parameters: Parameters,
        labels: Labels,
    },
    /// Of a failed one.
    Retry(Uuid),
    /// Of one that is ready or failed.
    Delete(Uuid),
}

/// One start, ready to be recorded and done.
#[derive(Clone, Debug)]
pub struct Start {
    pub due_at: OffsetDateTime,
    /// The job or the workflow that it makes: no other start has it.
    pub id: Uuid,
    pub work: Work,
}

/// What is done at a start.
#[derive(Clone, Debug)]
pub enum Work {
    /// A job that the engine is given.
    Job(Box<NewJob>),
    /// A project of this name is made.
    Create { project: Uuid, name: String },
    /// This project is moved.
    Move { project: Uuid },
    /// A workflow, whole.
    Workflow(Box<NewWorkflow>),
}

impl Plan {
    /// The due time to wait for after an edit: a new one where the times are others or it was paused, else the one that
    /// it waited for. What fell into a pause is not made up for. One that waited for nothing may have been put by a version
    /// that could not tell, so it is computed again.
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

    /// How many due times one statement may start, so that it stays short with large payloads and long workflows, too.
    pub fn batch(&self) -> usize {
        // A due time is two and a half times as long as what stands for it.
        let by_bytes = |bytes: usize| BATCH_BYTES / (bytes * 5 / 2).max(1);
        match &self.target {
            Target::Job(like) => by_bytes(like.payload.len()).clamp(1, BATCH),
            Target::Project(_) => BATCH,
            Target::Workflow(like) => by_bytes(like.bytes()).min(like.batch()).clamp(1, BATCH),
        }
    }

    /// What starts at a due time. Only what is due by itself is spread by the jitter: who asks for it wants it now.
    pub fn start(&self, schedule: Uuid, due_at: OffsetDateTime, cause: Cause) -> Start {
        let most = if cause == Cause::Due { self.jitter } else { Duration::ZERO };
        let later = jitter(schedule, due_at, most);
        match &self.target {
            Target::Job(like) => {
                let (id, due) = (Uuid::now_v7(), spread(like.due, due_at, later));
                let job = NewJob { id, payload: written(&like.payload, due_at), due, ..(**like).clone() };
                Start { due_at, id, work: Work::Job(Box::new(job)) }
            }
            Target::Project(action) => {
                let work = match action {
                    ProjectAction::Create { name, .. } => {
                        Work::Create { project: Uuid::now_v7(), name: written(name.as_str(), due_at) }
                    }
                    ProjectAction::Retry(id) | ProjectAction::Delete(id) => Work::Move { project: *id },
                };
                Start { due_at, id: Uuid::now_v7(), work }
            }
            Target::Workflow(like) => {
                let workflow = like.workflow(due_at, later);
                Start { due_at, id: workflow.id, work: Work::Workflow(Box::new(workflow)) }
            }
        }
    }
}

/// A text with the due time where it was to be. A moment writes itself without quotes, so JSON stays JSON.
pub(super) fn written(text: &str, due_at: OffsetDateTime) -> String {
    text.replace(DUE_AT, &moment::text(due_at))
}

/// When something may begin that starts so much later than its due time.
pub(super) fn spread(due: Due, due_at: OffsetDateTime, later: Duration) -> Due {
    match due {
        due if later.is_zero() => due,
        Due::In(delay) => Due::At(due_at + later + delay),
        Due::Now | Due::At(_) => Due::At(due_at + later),
    }
}

impl Target {
    /// The one word for it.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Job(_) => "job",
            Self::Project(_) => "project",
            Self::Workflow(_) => "workflow",
        }
    }
}

impl ProjectAction {
    /// The one word for it.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Create { .. } => "create",
            Self::Retry(_) => "retry",
            Self::Delete(_) => "delete",
        }
    }
}
