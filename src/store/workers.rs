//! Workers: who says that it is there. Nothing that recovers work looks here.

use std::time::Duration;

use super::sql::{WORKERS_FORGET, WORKERS_HEARTBEAT, WORKERS_LEAVE, WORKERS_SUMMARY};
use super::{Store, StoreError};

/// One process that runs jobs, from start to end.
#[derive(Clone, Debug)]
pub struct Worker {
    /// New for every start, so that a restarted process is never taken for its predecessor.
    pub id: String,
    pub host: String,
    pub pid: i32,
    pub version: String,
    pub queues: Vec<String>,
    pub kinds: Vec<String>,
    pub slots: i32,
}

/// All workers together.
#[derive(Clone, Copy, Debug)]
pub struct Workers {
    pub online: i64,
    pub slots: i64,
    pub busy: i64,
}

impl Store {
    /// `workers/heartbeat`.
    pub async fn heartbeat_worker(&self, worker: &Worker, draining: bool, busy: usize) -> Result<(), StoreError> {
        let state = if draining { "draining" } else { "online" };
        let busy = i32::try_from(busy).unwrap_or(i32::MAX);
        let Worker { id, host, pid, version, queues, kinds, slots } = worker;
        self.rows(&WORKERS_HEARTBEAT, &[id, host, pid, version, &state, queues, kinds, slots, &busy]).await.map(drop)
    }

    /// `workers/leave`.
    pub async fn leave_worker(&self, id: &str) -> Result<(), StoreError> {
        self.rows(&WORKERS_LEAVE, &[&id]).await.map(drop)
    }

    /// `workers/forget`.
    pub async fn forget_workers(&self) -> Result<(), StoreError> {
        self.rows(&WORKERS_FORGET, &[]).await.map(drop)
    }

    /// `workers/summary`. A worker whose heartbeat is older than `silence` does not count.
    pub async fn summarize_workers(&self, silence: Duration) -> Result<Workers, StoreError> {
        let row = self.one(&WORKERS_SUMMARY, &[&silence.as_secs_f64()]).await?;
        Ok(Workers { online: row.get("online")?, slots: row.get("slots")?, busy: row.get("busy")? })
    }
}
