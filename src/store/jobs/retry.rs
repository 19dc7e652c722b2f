//! Retries jobs and replays dead letters.

use uuid::Uuid;

use crate::domain::JobState;
use crate::store::row::row;
use crate::store::sql::JOBS_RETRY;
use crate::store::{Audit, Store, StoreError};

/// What a replay changes about the job. Absent fields stay as they are.
#[derive(Clone, Debug, Default)]
pub struct Edit {
    /// JSON text.
    pub payload: Option<String>,
    pub kind: Option<String>,
    pub queue: Option<String>,
    pub priority: Option<i16>,
}

row! {
    /// The outcome of retrying a job.
    #[derive(Clone, Copy, Debug)]
    pub struct RetryOutcome {
        pub id: Uuid,
        pub previous_state: JobState,
        /// The job belongs to a project. Retry the project instead.
        pub of_project: bool,
        /// The job depends on a job that will never complete.
        pub has_failed_dependency: bool as "is_unsatisfiable",
        pub changed: bool,
    }
}

impl Store {
    /// `jobs/retry`: returns an outcome for each job that exists. With `only_dead`, jobs that are not dead letters stay as
    /// they are.
    pub async fn retry_jobs(
        &self,
        ids: &[Uuid],
        edit: &Edit,
        only_dead: bool,
        audit: &Audit,
    ) -> Result<Vec<RetryOutcome>, StoreError> {
        let Audit { actor, reason, request_id } = audit;
        let Edit { payload, kind, queue, priority } = edit;
        let notify = self.wakeup.may_notify();
        let rows = self
            .fetch_all(
                &JOBS_RETRY,
                &[&ids, actor, reason, request_id, &notify, payload, kind, queue, priority, &only_dead],
            )
            .await?;
        Ok(self.committed(notify, rows))
    }
}
