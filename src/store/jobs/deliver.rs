//! Executions as workers elsewhere speak of them: by their ids, and by the requests that they were delivered for.

use std::time::Duration;

use uuid::Uuid;

use super::work::{ClaimedJob, claimed};
use super::{backoff, duration};
use crate::domain::{Backoff, JobState};
use crate::store::sql::{DELIVERIES_REPLAY, DELIVERIES_RESERVE, EXECUTIONS_ACTIVE, EXECUTIONS_ENDED};
use crate::store::{Reader, Store, StoreError};

/// An execution that is its job's current one.
#[derive(Debug)]
pub struct Active {
    pub job_id: Uuid,
    pub kind: String,
    pub tenant: String,
    pub failures: i32,
    pub max_attempts: i32,
    pub backoff: Option<Backoff>,
    pub timeout: Option<Duration>,
    pub worker_id: String,
    pub cancel_reason: Option<String>,
    /// Whether its worker was told to drain.
    pub drain: bool,
}

/// An execution that is over.
#[derive(Debug)]
pub struct EndedExecution {
    pub worker_id: String,
    /// A word of `executions.outcome`.
    pub outcome: String,
    /// Where its job is now, if it is still known.
    pub state: Option<JobState>,
}

impl Store {
    /// `deliveries/reserve`: whether this request is new.
    pub async fn reserve_delivery(&self, worker: &str, request: &str, executions: &[Uuid]) -> Result<bool, StoreError> {
        Ok(self.row(&DELIVERIES_RESERVE, &[&worker, &request, &executions]).await?.is_some())
    }

    /// `deliveries/replay`.
    pub async fn replay_delivery(&self, worker: &str, request: &str) -> Result<Vec<ClaimedJob>, StoreError> {
        let rows = self.rows(&DELIVERIES_REPLAY, &[&worker, &request]).await?;
        Reader::all(rows, &DELIVERIES_REPLAY).map(|row| claimed(&row)).collect()
    }

    /// `executions/active`.
    pub async fn active_execution(&self, id: Uuid, job: Option<Uuid>) -> Result<Option<Active>, StoreError> {
        let Some(row) = self.row(&EXECUTIONS_ACTIVE, &[&id, &job]).await? else { return Ok(None) };
        let row = Reader { row, statement: EXECUTIONS_ACTIVE.name };
        Ok(Some(Active {
            job_id: row.get("job_id")?,
            kind: row.get("kind")?,
            tenant: row.get("tenant")?,
            failures: row.get("failures")?,
            max_attempts: row.get("max_attempts")?,
            backoff: backoff(&row)?,
            timeout: duration(row.get("timeout")?),
            worker_id: row.get("worker_id")?,
            cancel_reason: row.get("cancel_reason")?,
            drain: row.get("drain")?,
        }))
    }

    /// `executions/ended`: how it ended, and where its job is now, if that is still there.
    pub async fn ended_execution(&self, id: Uuid, job: Option<Uuid>) -> Result<Option<EndedExecution>, StoreError> {
        let Some(row) = self.row(&EXECUTIONS_ENDED, &[&id, &job]).await? else { return Ok(None) };
        let row = Reader { row, statement: EXECUTIONS_ENDED.name };
        let state: Option<String> = row.get("state")?;
        let state = state.as_deref().and_then(JobState::parse);
        Ok(Some(EndedExecution { worker_id: row.get("worker_id")?, outcome: row.get("outcome")?, state }))
    }
}
