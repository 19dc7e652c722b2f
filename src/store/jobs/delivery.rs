//! Deliveries: which executions a claim request of a remote worker received, so that a repeated request receives the same.

use uuid::Uuid;

use super::claim::ClaimedJob;
use crate::store::sql::{DELIVERIES_REPLAY, DELIVERIES_RESERVE};
use crate::store::{Store, StoreError};

impl Store {
    /// `deliveries/reserve`: returns whether the request is new.
    pub async fn reserve_delivery(&self, worker: &str, request: &str, executions: &[Uuid]) -> Result<bool, StoreError> {
        Ok(self.row(&DELIVERIES_RESERVE, &[&worker, &request, &executions]).await?.is_some())
    }

    /// `deliveries/replay`.
    pub async fn replay_delivery(&self, worker: &str, request: &str) -> Result<Vec<ClaimedJob>, StoreError> {
        self.fetch_all(&DELIVERIES_REPLAY, &[&worker, &request]).await
    }
}
