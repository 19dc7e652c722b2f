//! The row of a job.

use std::time::Duration;

use time::OffsetDateTime;
use uuid::Uuid;

use super::enqueue::Enqueued;
use super::execution::progress;
use crate::domain::{Backoff, JobState, NewJob, Progress, Step};
use crate::store::row::{Row, row};
use crate::store::sql::JOBS_GET;
use crate::store::{Store, StoreError};

row! {
    /// A row of `jobs`.
    #[derive(Clone, Debug)]
    pub struct Job {
        pub id: Uuid,
        pub state: JobState,
        pub kind: String,
        pub queue: String,
        pub tenant: String,
        pub tags: Vec<String>,
        pub priority: i16,
        pub run_at: OffsetDateTime,
        /// JSON text, byte for byte as it was submitted.
        pub payload: String,
        /// JSON text.
        pub result: Option<String>,
        pub error: Option<String>,
        pub attempt: i32,
        pub failures: i32,
        pub max_attempts: i32,
        pub timeout: Option<Duration>,
        pub deadline_at: Option<OffsetDateTime>,
        pub backoff: Option<Backoff>,
        pub project_id: Option<Uuid>,
        pub origin_id: Option<Uuid>,
        pub replays: i32,
        pub schema_version: Option<i32>,
        pub idempotency_key: Option<String>,
        /// Its place in a workflow.
        pub step: Option<Step> = step,
        /// Dependencies that still block the job.
        pub pending_dependencies: i32,
        pub has_dependencies: bool,
        /// The dependency whose outcome canceled the job.
        pub canceled_by: Option<Uuid>,
        pub execution_id: Option<Uuid>,
        pub worker_id: Option<String>,
        pub lease_until: Option<OffsetDateTime>,
        /// The latest reported progress of an active job.
        pub progress: Option<Progress> = active_progress,
        pub cancel_requested_at: Option<OffsetDateTime>,
        pub created_at: OffsetDateTime,
        pub updated_at: OffsetDateTime,
        pub finished_at: Option<OffsetDateTime>,
    }
}

impl Job {
    /// The row that enqueuing a job without dependencies inserted, so that it need not be read.
    pub fn from_new(new: &NewJob, enqueued: &Enqueued) -> Self {
        let is_scheduled = enqueued.due_at > enqueued.created_at;
        Self {
            id: enqueued.id,
            state: if is_scheduled { JobState::Scheduled } else { JobState::Queued },
            kind: new.kind.to_string(),
            queue: new.queue.to_string(),
            tenant: new.tenant.to_string(),
            tags: new.tags.clone(),
            priority: new.priority,
            run_at: enqueued.due_at,
            payload: new.payload.clone(),
            result: None,
            error: None,
            attempt: 0,
            failures: 0,
            max_attempts: i32::try_from(new.max_attempts).unwrap_or(i32::MAX),
            timeout: new.timeout,
            deadline_at: new.deadline_at,
            backoff: new.backoff,
            project_id: None,
            origin_id: None,
            replays: 0,
            schema_version: new.schema_version,
            idempotency_key: new.key.as_ref().map(|it| it.key.clone()),
            step: new.step.clone(),
            pending_dependencies: 0,
            has_dependencies: false,
            canceled_by: None,
            execution_id: None,
            worker_id: None,
            lease_until: None,
            progress: None,
            cancel_requested_at: None,
            created_at: enqueued.created_at,
            updated_at: enqueued.created_at,
            finished_at: None,
        }
    }
}

impl Store {
    /// `jobs/get`: those that exist, in the order of `ids`.
    pub async fn get_jobs(&self, ids: &[Uuid]) -> Result<Vec<Job>, StoreError> {
        self.fetch_all(&JOBS_GET, &[&ids]).await
    }

    /// One of [`Store::get_jobs`].
    pub async fn get_job(&self, id: Uuid) -> Result<Option<Job>, StoreError> {
        Ok(self.get_jobs(&[id]).await?.pop())
    }
}

fn step(row: &Row) -> Result<Option<Step>, StoreError> {
    let (workflow, name): (Option<Uuid>, Option<String>) = (row.get("workflow_id")?, row.get("step")?);
    Ok(workflow.zip(name).map(|(workflow, name)| Step { workflow, name }))
}

fn active_progress(row: &Row) -> Result<Option<Progress>, StoreError> {
    // The columns keep the progress of the last attempt until the next claim.
    Ok(progress(row)?.filter(|_| row.get::<JobState>("state").is_ok_and(|state| state == JobState::Active)))
}
