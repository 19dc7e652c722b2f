//! Workers: who says that it is there. Nothing that recovers work looks here.

use std::time::Duration;

use time::OffsetDateTime;

use super::projects::Audit;
use super::sql::{WORKERS_FORGET, WORKERS_HEARTBEAT, WORKERS_LEAVE, WORKERS_LIST, WORKERS_SET_STATE, WORKERS_SUMMARY};
use super::{Reader, Store, StoreError};
use crate::domain::WorkerState;

/// One process that runs jobs, from start to end.
#[derive(Clone, Debug)]
pub struct Worker {
    /// New for every start, so that a restarted process is never taken for its predecessor.
    pub id: String,
    pub host: String,
    pub pid: i32,
    /// What tells this start of the process from the one before.
    pub incarnation: String,
    pub version: String,
    /// `*` is every queue.
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

/// A row of `workers`.
#[derive(Clone, Debug)]
pub struct Registered {
    pub worker: Worker,
    /// Derived: a worker that has been silent for too long is lost.
    pub state: WorkerState,
    pub reason: Option<String>,
    pub actor: Option<String>,
    /// When somebody last moved it; nothing while nobody did.
    pub changed_at: Option<OffsetDateTime>,
    pub busy: i32,
    pub started_at: OffsetDateTime,
    pub seen_at: OffsetDateTime,
    pub silent: Duration,
}

impl Store {
    /// `workers/heartbeat`: what the worker was told to be.
    pub async fn heartbeat_worker(
        &self,
        worker: &Worker,
        stopping: bool,
        busy: usize,
    ) -> Result<WorkerState, StoreError> {
        let busy = i32::try_from(busy).unwrap_or(i32::MAX);
        let Worker { id, host, pid, version, queues, kinds, slots, incarnation } = worker;
        let params: [&(dyn tokio_postgres::types::ToSql + Sync); 10] =
            [id, host, pid, version, &stopping, queues, kinds, slots, &busy, incarnation];
        self.one(&WORKERS_HEARTBEAT, &params).await?.word("state", "worker state", WorkerState::parse)
    }

    /// `workers/leave`.
    pub async fn leave_worker(&self, id: &str) -> Result<(), StoreError> {
        self.rows(&WORKERS_LEAVE, &[&id]).await.map(drop)
    }

    /// `workers/list`: one worker, or those of a queue, or all. Whose heartbeat is older than `silence` is lost.
    pub async fn list_workers(
        &self,
        id: Option<&str>,
        queue: Option<&str>,
        silence: Duration,
    ) -> Result<Vec<Registered>, StoreError> {
        let rows = self.rows(&WORKERS_LIST, &[&id, &queue, &silence.as_secs_f64()]).await?;
        Reader::all(rows, &WORKERS_LIST).map(|row| registered(&row)).collect()
    }

    /// `workers/set_state`: where it was; nothing when there is no such worker.
    pub async fn move_worker(
        &self,
        id: &str,
        state: WorkerState,
        audit: &Audit,
    ) -> Result<Option<WorkerState>, StoreError> {
        let tell = self.wakeup.may_notify();
        let Audit { actor, reason, request_id } = audit;
        let row = self.row(&WORKERS_SET_STATE, &[&id, &state.as_str(), actor, reason, request_id, &tell]).await?;
        let Some(row) = row else { return Ok(None) };
        self.wakeup.committed(tell);
        Reader { row, statement: WORKERS_SET_STATE.name }
            .word("previous_state", "worker state", WorkerState::parse)
            .map(Some)
    }

    /// `workers/forget`: how many, of those that have been silent for so long.
    pub async fn forget_workers(&self, id: Option<&str>, silent: Duration, audit: &Audit) -> Result<i64, StoreError> {
        let Audit { actor, reason, request_id } = audit;
        self.one(&WORKERS_FORGET, &[&id, &silent.as_secs_f64(), actor, reason, request_id]).await?.get("n")
    }

    /// `workers/summary`. A worker whose heartbeat is older than `silence` does not count.
    pub async fn summarize_workers(&self, silence: Duration) -> Result<Workers, StoreError> {
        let row = self.one(&WORKERS_SUMMARY, &[&silence.as_secs_f64()]).await?;
        Ok(Workers { online: row.get("online")?, slots: row.get("slots")?, busy: row.get("busy")? })
    }
}

fn registered(row: &Reader) -> Result<Registered, StoreError> {
    let silent: f64 = row.get("silent")?;
    Ok(Registered {
        worker: Worker {
            id: row.get("id")?,
            host: row.get("host")?,
            pid: row.get("pid")?,
            incarnation: row.get("incarnation")?,
            version: row.get("version")?,
            queues: row.get("queues")?,
            kinds: row.get("kinds")?,
            slots: row.get("slots")?,
        },
        state: row.word("state", "worker state", WorkerState::parse)?,
        reason: row.get("reason")?,
        actor: row.get("actor")?,
        changed_at: row.get("changed_at")?,
        busy: row.get("busy")?,
        started_at: row.get("started_at")?,
        seen_at: row.get("seen_at")?,
        silent: Duration::try_from_secs_f64(silent).unwrap_or_default(),
    })
}
