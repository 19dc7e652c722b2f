//! What a schedule says: when, what, and what to do when it does not go as planned.

use std::time::Duration;

use time::OffsetDateTime;
use uuid::Uuid;

use super::{Backlog, Cause, Overlap, ScheduleState, Timing, jitter};
use crate::domain::{Due, Labels, NewJob, Parameters, ProjectName, moment};

/// What stands in a payload or a project's name for the due time that it belongs to.
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
    pub job_id: Uuid,
    /// The project that is created or moved.
    pub project_id: Option<Uuid>,
    /// What a new project is called.
    pub name: Option<String>,
    /// The job, where it is one that the engine is given.
    pub job: Option<NewJob>,
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

    /// How many due times one statement may start, so that it stays short with large payloads, too.
    pub fn batch(&self) -> usize {
        match &self.target {
            // A due time is two and a half times as long as what stands for it.
            Target::Job(like) => (BATCH_BYTES / (like.payload.len() * 5 / 2).max(1)).clamp(1, BATCH),
            Target::Project(_) => BATCH,
        }
    }

    /// What starts at a due time. Only what is due by itself is spread by the jitter: who asks for it wants it now.
    pub fn start(&self, schedule: Uuid, due_at: OffsetDateTime, cause: Cause) -> Start {
        let start = Start { due_at, job_id: Uuid::now_v7(), project_id: None, name: None, job: None };
        match &self.target {
            Target::Job(like) => {
                let most = if cause == Cause::Due { self.jitter } else { Duration::ZERO };
                Start { job: Some(job(like, jitter(schedule, due_at, most), &start)), ..start }
            }
            Target::Project(ProjectAction::Create { name, .. }) => {
                let name = name.as_str().replace(DUE_AT, &moment::text(due_at));
                Start { project_id: Some(Uuid::now_v7()), name: Some(name), ..start }
            }
            Target::Project(ProjectAction::Retry(id) | ProjectAction::Delete(id)) => {
                Start { project_id: Some(*id), ..start }
            }
        }
    }
}

fn job(like: &NewJob, later: Duration, start: &Start) -> NewJob {
    NewJob {
        id: start.job_id,
        // A moment writes itself without quotes, so the payload stays JSON.
        payload: like.payload.replace(DUE_AT, &moment::text(start.due_at)),
        due: if later.is_zero() { Due::Now } else { Due::At(start.due_at + later) },
        ..like.clone()
    }
}

impl Target {
    /// The one word for it.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Job(_) => "job",
            Self::Project(_) => "project",
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
