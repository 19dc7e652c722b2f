//! Queues. A queue exists from its first job; it can be paused, resumed and drained.

use std::time::Duration;

use time::OffsetDateTime;

use super::row::{Row, row};
use super::sql::{QUEUES_CREATE, QUEUES_KINDS, QUEUES_LIST, QUEUES_SET_STATE};
use super::{Audit, Store, StoreError};
use crate::domain::QueueState;

row! {
    /// A queue with its counts.
    #[derive(Clone, Debug)]
    pub struct Queue {
        pub name: String,
        pub state: QueueState,
        pub reason: Option<String>,
        pub actor: String,
        pub changed_at: OffsetDateTime,
        pub created_at: OffsetDateTime,
        pub waiting: i64,
        pub scheduled: i64,
        pub retrying: i64,
        pub blocked: i64,
        pub active: i64,
        pub failed: i64,
        pub oldest_due_at: Option<OffsetDateTime>,
        /// Jobs enqueued per minute, over the last five whole minutes.
        pub in_per_minute: f64,
        /// Jobs completed per minute, over the last five whole minutes.
        pub out_per_minute: f64,
        /// Online workers that serve the queue.
        pub workers: i64,
        pub concurrency: Option<i32>,
        /// Jobs per window, window in seconds, burst.
        pub rate: Option<(i32, f64, i32)> = rate,
    }

    /// The waiting jobs of one kind in a queue.
    #[derive(Clone, Debug)]
    pub struct KindWaiting {
        pub kind: String,
        pub waiting: i64,
        /// Online workers that serve the queue and the kind.
        pub workers: i64,
    }
}

impl Store {
    /// `queues/list`: by name. Workers whose last heartbeat is older than `max_heartbeat_age` are not counted.
    pub async fn list_queues(&self, name: Option<&str>, max_heartbeat_age: Duration) -> Result<Vec<Queue>, StoreError> {
        self.fetch_all(&QUEUES_LIST, &[&name, &max_heartbeat_age.as_secs_f64()]).await
    }

    /// `queues/create`: returns whether the queue is new.
    pub async fn create_queue(&self, name: &str, audit: &Audit) -> Result<bool, StoreError> {
        let Audit { actor, reason, request_id } = audit;
        self.fetch_value(&QUEUES_CREATE, &[&name, actor, reason, request_id]).await
    }

    /// `queues/set_state`: returns the previous state, or none if the queue does not exist.
    pub async fn set_queue_state(
        &self,
        name: &str,
        state: QueueState,
        audit: &Audit,
    ) -> Result<Option<QueueState>, StoreError> {
        let (state, Audit { actor, reason, request_id }) = (state.as_str(), audit);
        let notify = self.wakeup.may_notify();
        let previous =
            self.fetch_optional_value(&QUEUES_SET_STATE, &[&name, &state, actor, reason, request_id, &notify]).await?;
        Ok(self.committed(notify, previous))
    }

    /// `queues/kinds`: the kinds with the most waiting jobs first.
    pub async fn kinds_in_queue(
        &self,
        name: &str,
        max_heartbeat_age: Duration,
    ) -> Result<Vec<KindWaiting>, StoreError> {
        self.fetch_all(&QUEUES_KINDS, &[&name, &max_heartbeat_age.as_secs_f64()]).await
    }
}

fn rate(row: &Row) -> Result<Option<(i32, f64, i32)>, StoreError> {
    let max: Option<i32> = row.get("rate")?;
    let (window, burst): (Option<f64>, Option<i32>) = (row.get("rate_window_s")?, row.get("rate_burst")?);
    Ok(max.zip(window).zip(burst).map(|((max, window), burst)| (max, window, burst)))
}
