//! Explains the current status of a project.

use std::time::Duration;

use time::OffsetDateTime;
use uuid::Uuid;

use super::Project;
use crate::domain::JobState;
use crate::store::row::{FromRow, Row, row};
use crate::store::sql::PROJECTS_EXPLAIN;
use crate::store::{Store, StoreError};

row! {
    /// A project and the unfinished job that it waits for.
    #[derive(Debug)]
    pub struct ProjectExplanation {
        pub project: Project = Project::from_row,
        /// The time of the database.
        pub at: OffsetDateTime,
        /// Whether some process has the role scheduler.
        pub has_scheduler: bool,
        pub job: Option<WaitingJob> = waiting_job,
    }

    /// The unfinished job of a project.
    #[derive(Debug)]
    pub struct WaitingJob {
        pub id: Uuid as "job_id",
        pub kind: String,
        pub queue: String as "job_queue",
        pub state: JobState,
        pub run_at: OffsetDateTime,
        pub attempt: i32,
        pub failures: i32,
        pub max_attempts: i32,
        pub execution_id: Option<Uuid>,
        pub worker_id: Option<String>,
        pub lease_until: Option<OffsetDateTime>,
        pub claimed_at: Option<OffsetDateTime>,
        pub error: Option<String>,
        /// Due jobs that are claimed before this one.
        pub ahead: i64,
        /// Online workers that serve its queue and kind.
        pub workers: i64,
        /// Free slots of these workers, as of their last heartbeat.
        pub free_slots: i64,
    }
}

impl Store {
    /// `projects/explain`. Workers whose last heartbeat is older than `max_heartbeat_age` are not counted.
    pub async fn explain_project(
        &self,
        id: Uuid,
        max_heartbeat_age: Duration,
    ) -> Result<Option<ProjectExplanation>, StoreError> {
        self.fetch_optional(&PROJECTS_EXPLAIN, &[&id, &max_heartbeat_age.as_secs_f64()]).await
    }
}

fn waiting_job(row: &Row) -> Result<Option<WaitingJob>, StoreError> {
    let id: Option<Uuid> = row.get("job_id")?;
    id.map(|_| WaitingJob::from_row(row)).transpose()
}
