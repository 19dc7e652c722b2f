//! Forgetting, in small batches. Nothing here touches what a claim reads.

use std::time::Duration;

use super::sql::{
    RETENTION_PRUNE_COMPLETED, RETENTION_PRUNE_DELIVERIES, RETENTION_PRUNE_EVENTS, RETENTION_PRUNE_EXECUTIONS,
    RETENTION_PRUNE_JOBS, RETENTION_PRUNE_KEYS, RETENTION_PRUNE_LOGS, RETENTION_PRUNE_TICKS, RETENTION_PRUNE_WORKFLOWS,
};
use super::{Store, StoreError};
use crate::domain::{JobState, WorkflowState};

impl Store {
    /// `retention/prune_completed` or `retention/prune_jobs`: how many of at most `limit` were removed.
    pub async fn prune_jobs(&self, state: JobState, age: Duration, limit: i64) -> Result<i64, StoreError> {
        if state == JobState::Completed {
            return self.one(&RETENTION_PRUNE_COMPLETED, &[&age.as_secs_f64(), &limit]).await?.get("n");
        }
        self.one(&RETENTION_PRUNE_JOBS, &[&state.as_str(), &age.as_secs_f64(), &limit]).await?.get("n")
    }

    /// `retention/prune_workflows`: how many were removed, with their steps, of which there are at most `steps` (or one workflow's).
    pub async fn prune_workflows(&self, state: WorkflowState, age: Duration, steps: i64) -> Result<i64, StoreError> {
        self.one(&RETENTION_PRUNE_WORKFLOWS, &[&state.as_str(), &age.as_secs_f64(), &steps]).await?.get("n")
    }

    /// `retention/prune_executions`.
    pub async fn prune_executions(&self, age: Duration, limit: i64) -> Result<i64, StoreError> {
        self.one(&RETENTION_PRUNE_EXECUTIONS, &[&age.as_secs_f64(), &limit]).await?.get("n")
    }

    /// `retention/prune_events`: how many were removed, and how many were looked at.
    pub async fn prune_events(&self, age: Duration, limit: i64) -> Result<(i64, i64), StoreError> {
        let row = self.one(&RETENTION_PRUNE_EVENTS, &[&age.as_secs_f64(), &limit]).await?;
        Ok((row.get("n")?, row.get("examined")?))
    }

    /// `retention/prune_ticks`.
    pub async fn prune_ticks(&self, age: Duration, limit: i64) -> Result<i64, StoreError> {
        self.one(&RETENTION_PRUNE_TICKS, &[&age.as_secs_f64(), &limit]).await?.get("n")
    }

    /// `retention/prune_logs`: how many lines were removed.
    pub async fn prune_logs(&self, age: Duration, limit: i64) -> Result<i64, StoreError> {
        self.one(&RETENTION_PRUNE_LOGS, &[&age.as_secs_f64(), &limit]).await?.get("n")
    }

    /// `retention/prune_deliveries`.
    pub async fn prune_deliveries(&self, limit: i64) -> Result<i64, StoreError> {
        self.one(&RETENTION_PRUNE_DELIVERIES, &[&limit]).await?.get("n")
    }

    /// `retention/prune_keys`: idempotency keys, and old statistics.
    pub async fn prune_keys(&self, limit: i64) -> Result<(i64, i64), StoreError> {
        let row = self.one(&RETENTION_PRUNE_KEYS, &[&limit]).await?;
        Ok((row.get("keys")?, row.get("statistics")?))
    }
}
