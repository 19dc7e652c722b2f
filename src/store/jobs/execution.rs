//! Executions: the attempts of jobs.

use std::time::Duration;

use time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::{Backoff, JobState, Progress};
use crate::store::row::{FromRow, Row, row};
use crate::store::sql::{EXECUTIONS_ACTIVE, EXECUTIONS_ENDED, EXECUTIONS_OF_JOB, EXECUTIONS_OF_WORKER};
use crate::store::{Store, StoreError};

row! {
    /// A row of `executions`.
    #[derive(Clone, Debug)]
    pub struct Execution {
        pub id: Uuid,
        pub job_id: Uuid,
        pub attempt: i32,
        pub worker_id: String,
        pub kind: String,
        pub queue: String,
        pub claimed_at: OffsetDateTime,
        pub ended_at: Option<OffsetDateTime>,
        pub outcome: Option<String>,
        pub error: Option<String>,
        /// The latest reported progress of an attempt that has not ended.
        pub progress: Option<Progress> = progress,
    }

    /// The current execution of an active job.
    #[derive(Debug)]
    pub struct ActiveExecution {
        pub job_id: Uuid,
        pub kind: String,
        pub tenant: String,
        pub failures: i32,
        pub max_attempts: i32,
        pub backoff: Option<Backoff>,
        pub timeout: Option<Duration>,
        pub worker_id: String,
        pub cancel_reason: Option<String>,
        /// Whether its worker is draining.
        pub drain: bool,
    }

    /// An execution that has ended.
    #[derive(Debug)]
    pub struct EndedExecution {
        pub worker_id: String,
        /// A word of `executions.outcome`.
        pub outcome: String,
        /// The state of its job now, if the job still exists.
        pub state: Option<JobState>,
    }
}

impl Store {
    /// `executions/of_job`: latest first.
    pub async fn executions_of_job(&self, id: Uuid, limit: i64) -> Result<Vec<Execution>, StoreError> {
        self.fetch_all(&EXECUTIONS_OF_JOB, &[&id, &limit]).await
    }

    /// `executions/of_worker`: its current executions, with the end of each lease.
    pub async fn executions_of_worker(
        &self,
        worker: &str,
        limit: i64,
    ) -> Result<Vec<(Execution, OffsetDateTime)>, StoreError> {
        let rows = self.rows(&EXECUTIONS_OF_WORKER, &[&worker, &limit]).await?;
        rows.iter().map(|row| Ok((Execution::from_row(row)?, row.get("lease_until")?))).collect()
    }

    /// `executions/active`.
    pub async fn active_execution(&self, id: Uuid, job: Option<Uuid>) -> Result<Option<ActiveExecution>, StoreError> {
        self.fetch_optional(&EXECUTIONS_ACTIVE, &[&id, &job]).await
    }

    /// `executions/ended`.
    pub async fn ended_execution(&self, id: Uuid, job: Option<Uuid>) -> Result<Option<EndedExecution>, StoreError> {
        self.fetch_optional(&EXECUTIONS_ENDED, &[&id, &job]).await
    }
}

/// The progress columns of a job or an execution.
pub(super) fn progress(row: &Row) -> Result<Option<Progress>, StoreError> {
    let (fraction, text): (Option<f64>, Option<String>) = (row.get("progress_fraction")?, row.get("progress_text")?);
    Ok(text.map(|text| Progress { fraction, text }))
}
