//! Queues: they exist from their first use, and can be paused, drained and resumed.

use std::time::Duration;

use time::OffsetDateTime;

use super::projects::Audit;
use super::sql::{QUEUES_CREATE, QUEUES_KINDS, QUEUES_LIST, QUEUES_SET_STATE};
use super::{Reader, Store, StoreError};
use crate::domain::QueueState;

/// A queue, with what waits in it and what goes through it.
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
    /// In the last five whole minutes.
    pub incoming: i64,
    pub outgoing: i64,
    /// Online workers that serve it.
    pub workers: i64,
    pub concurrency: Option<i32>,
    /// So many, in so many seconds, so many at once after a rest.
    pub rate: Option<(i32, f64, i32)>,
}

/// What waits in a queue, of one kind.
#[derive(Clone, Debug)]
pub struct KindWaiting {
    pub kind: String,
    pub waiting: i64,
    /// Online workers that serve the queue and this kind.
    pub workers: i64,
}

impl Store {
    /// `queues/list`, by name. A worker whose heartbeat is older than `silence` does not count.
    pub async fn list_queues(&self, name: Option<&str>, silence: Duration) -> Result<Vec<Queue>, StoreError> {
        let rows = self.rows(&QUEUES_LIST, &[&name, &silence.as_secs_f64()]).await?;
        Reader::all(rows, &QUEUES_LIST).map(|row| queue(&row)).collect()
    }

    /// `queues/create`: whether it is new.
    pub async fn create_queue(&self, name: &str, audit: &Audit) -> Result<bool, StoreError> {
        let Audit { actor, reason, request_id } = audit;
        self.one(&QUEUES_CREATE, &[&name, actor, reason, request_id]).await?.get("is_new")
    }

    /// `queues/set_state`: where it was; nothing when there is no such queue.
    pub async fn move_queue(
        &self,
        name: &str,
        state: QueueState,
        audit: &Audit,
    ) -> Result<Option<QueueState>, StoreError> {
        let tell = self.wakeup.may_notify();
        let Audit { actor, reason, request_id } = audit;
        let row = self.row(&QUEUES_SET_STATE, &[&name, &state.as_str(), actor, reason, request_id, &tell]).await?;
        let Some(row) = row else { return Ok(None) };
        self.wakeup.committed(tell);
        Reader { row, statement: QUEUES_SET_STATE.name }
            .word("previous_state", "queue state", QueueState::parse)
            .map(Some)
    }

    /// `queues/kinds`: the most frequent first.
    pub async fn kinds_in_queue(&self, name: &str, silence: Duration) -> Result<Vec<KindWaiting>, StoreError> {
        let rows = self.rows(&QUEUES_KINDS, &[&name, &silence.as_secs_f64()]).await?;
        let read = |row: Reader| {
            Ok(KindWaiting { kind: row.get("kind")?, waiting: row.get("waiting")?, workers: row.get("workers")? })
        };
        Reader::all(rows, &QUEUES_KINDS).map(read).collect()
    }
}

fn queue(row: &Reader) -> Result<Queue, StoreError> {
    let rate: Option<i32> = row.get("rate")?;
    let (span, burst): (Option<f64>, Option<i32>) = (row.get("rate_window_s")?, row.get("rate_burst")?);
    Ok(Queue {
        name: row.get("name")?,
        state: row.word("state", "queue state", QueueState::parse)?,
        reason: row.get("reason")?,
        actor: row.get("actor")?,
        changed_at: row.get("changed_at")?,
        created_at: row.get("created_at")?,
        waiting: row.get("waiting")?,
        scheduled: row.get("scheduled")?,
        retrying: row.get("retrying")?,
        blocked: row.get("blocked")?,
        active: row.get("active")?,
        failed: row.get("failed")?,
        oldest_due_at: row.get("oldest_due_at")?,
        incoming: row.get("incoming")?,
        outgoing: row.get("outgoing")?,
        workers: row.get("workers")?,
        concurrency: row.get("concurrency")?,
        rate: rate.zip(span).zip(burst).map(|((most, span), burst)| (most, span, burst)),
    })
}
