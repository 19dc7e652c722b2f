//! Retention: deletes old rows in small batches. The statements do not lock rows that a claim reads.

use std::time::Duration;

use super::sql::{
    RETENTION_PRUNE_COMPLETED, RETENTION_PRUNE_DELIVERIES, RETENTION_PRUNE_EVENTS, RETENTION_PRUNE_EXECUTIONS,
    RETENTION_PRUNE_JOBS, RETENTION_PRUNE_KEYS, RETENTION_PRUNE_LOGS, RETENTION_PRUNE_TICKS, RETENTION_PRUNE_WORKFLOWS,
};
use super::{Store, StoreError};
use crate::domain::{JobState, WorkflowState};

/// Every function returns how many rows it deleted, at most `limit`.
impl Store {
    /// `retention/prune_completed` or `retention/prune_jobs`.
    pub async fn prune_jobs(&self, state: JobState, age: Duration, limit: i64) -> Result<i64, StoreError> {
        if state == JobState::Completed {
            return self.fetch_value(&RETENTION_PRUNE_COMPLETED, &[&age.as_secs_f64(), &limit]).await;
        }
        self.fetch_value(&RETENTION_PRUNE_JOBS, &[&state.as_str(), &age.as_secs_f64(), &limit]).await
    }

    /// `retention/prune_workflows`: with their steps, of which there are at most `steps`, or those of one workflow.
    pub async fn prune_workflows(&self, state: WorkflowState, age: Duration, steps: i64) -> Result<i64, StoreError> {
        self.fetch_value(&RETENTION_PRUNE_WORKFLOWS, &[&state.as_str(), &age.as_secs_f64(), &steps]).await
    }

    /// `retention/prune_executions`.
    pub async fn prune_executions(&self, age: Duration, limit: i64) -> Result<i64, StoreError> {
        self.fetch_value(&RETENTION_PRUNE_EXECUTIONS, &[&age.as_secs_f64(), &limit]).await
    }

    /// `retention/prune_events`: returns how many events were deleted, and how many were examined.
    pub async fn prune_events(&self, age: Duration, limit: i64) -> Result<(i64, i64), StoreError> {
        self.fetch_one(&RETENTION_PRUNE_EVENTS, &[&age.as_secs_f64(), &limit]).await
    }

    /// `retention/prune_ticks`.
    pub async fn prune_ticks(&self, age: Duration, limit: i64) -> Result<i64, StoreError> {
        self.fetch_value(&RETENTION_PRUNE_TICKS, &[&age.as_secs_f64(), &limit]).await
    }

    /// `retention/prune_logs`.
    pub async fn prune_logs(&self, age: Duration, limit: i64) -> Result<i64, StoreError> {
        self.fetch_value(&RETENTION_PRUNE_LOGS, &[&age.as_secs_f64(), &limit]).await
    }

    /// `retention/prune_deliveries`.
    pub async fn prune_deliveries(&self, limit: i64) -> Result<i64, StoreError> {
        self.fetch_value(&RETENTION_PRUNE_DELIVERIES, &[&limit]).await
    }

    /// `retention/prune_keys`: returns how many idempotency keys and how many statistics rows were deleted.
    pub async fn prune_keys(&self, limit: i64) -> Result<(i64, i64), StoreError> {
        self.fetch_one(&RETENTION_PRUNE_KEYS, &[&limit]).await
    }
}
