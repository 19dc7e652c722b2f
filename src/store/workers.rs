//! Workers and their heartbeats. Recovery of jobs depends on leases, never on these rows.

use std::time::Duration;

use time::OffsetDateTime;

use super::row::row;
use super::sql::{WORKERS_FORGET, WORKERS_HEARTBEAT, WORKERS_LEAVE, WORKERS_LIST, WORKERS_SET_STATE, WORKERS_SUMMARY};
use super::{Audit, Store, StoreError};
use crate::domain::WorkerState;

row! {
    /// One run of a process that works on jobs, as it registers itself.
    #[derive(Clone, Debug)]
    pub struct Worker {
        /// New with every start of the process.
        pub id: String,
        pub host: String,
        pub pid: i32,
        /// Distinguishes this start of the process from earlier ones.
        pub incarnation: String,
        pub version: String,
        /// `*` means every queue.
        pub queues: Vec<String>,
        pub kinds: Vec<String>,
        pub slots: i32,
    }

    /// A row of `workers`.
    #[derive(Clone, Debug)]
    pub struct RegisteredWorker {
        pub worker: Worker = Worker::from_row,
        /// `lost` once the last heartbeat is too old.
        pub state: WorkerState,
        pub reason: Option<String>,
        pub actor: Option<String>,
        /// When an operator last changed the state.
        pub changed_at: Option<OffsetDateTime>,
        pub busy: i32,
        pub started_at: OffsetDateTime,
        pub seen_at: OffsetDateTime,
        /// Time since the last heartbeat.
        pub silent: Duration,
    }

    /// Totals over the online workers.
    #[derive(Clone, Copy, Debug)]
    pub struct WorkerSummary {
        pub online: i64,
        pub slots: i64,
        pub busy: i64,
    }
}

impl Store {
    /// `workers/heartbeat`: registers the worker or renews its registration. Returns the state that operators set.
    pub async fn heartbeat_worker(
        &self,
        worker: &Worker,
        stopping: bool,
        busy: usize,
    ) -> Result<WorkerState, StoreError> {
        let busy = i32::try_from(busy).unwrap_or(i32::MAX);
        let Worker { id, host, pid, version, queues, kinds, slots, incarnation } = worker;
        self.fetch_value(
            &WORKERS_HEARTBEAT,
            &[id, host, pid, version, &stopping, queues, kinds, slots, &busy, incarnation],
        )
        .await
    }

    /// `workers/leave`.
    pub async fn leave_worker(&self, id: &str) -> Result<(), StoreError> {
        self.execute(&WORKERS_LEAVE, &[&id]).await
    }

    /// `workers/list`: one worker, those that serve a queue, or all. A worker is lost when its last heartbeat is older than
    /// `max_heartbeat_age`.
    pub async fn list_workers(
        &self,
        id: Option<&str>,
        queue: Option<&str>,
        max_heartbeat_age: Duration,
    ) -> Result<Vec<RegisteredWorker>, StoreError> {
        self.fetch_all(&WORKERS_LIST, &[&id, &queue, &max_heartbeat_age.as_secs_f64()]).await
    }

    /// `workers/set_state`: returns the previous state, or none if the worker does not exist.
    pub async fn set_worker_state(
        &self,
        id: &str,
        state: WorkerState,
        audit: &Audit,
    ) -> Result<Option<WorkerState>, StoreError> {
        let (state, Audit { actor, reason, request_id }) = (state.as_str(), audit);
        let notify = self.wakeup.may_notify();
        let previous =
            self.fetch_optional_value(&WORKERS_SET_STATE, &[&id, &state, actor, reason, request_id, &notify]).await?;
        Ok(self.committed(notify, previous))
    }

    /// `workers/forget`: deletes workers whose last heartbeat is older than `max_heartbeat_age`. Returns how many.
    pub async fn forget_workers(
        &self,
        id: Option<&str>,
        max_heartbeat_age: Duration,
        audit: &Audit,
    ) -> Result<i64, StoreError> {
        let Audit { actor, reason, request_id } = audit;
        self.fetch_value(&WORKERS_FORGET, &[&id, &max_heartbeat_age.as_secs_f64(), actor, reason, request_id]).await
    }

    /// `workers/summary`. Workers whose last heartbeat is older than `max_heartbeat_age` are not counted.
    pub async fn summarize_workers(&self, max_heartbeat_age: Duration) -> Result<WorkerSummary, StoreError> {
        self.fetch_one(&WORKERS_SUMMARY, &[&max_heartbeat_age.as_secs_f64()]).await
    }
}
