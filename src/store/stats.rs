//! Numbers about work, from counters and executions.

use std::time::Duration;

use time::OffsetDateTime;

use super::sql::{STATS_DEPTH, STATS_FLOW, STATS_RETENTION, STATS_WORK, STATS_WORKERS};
use super::{Reader, Store, StoreError};
use crate::domain::JobState;

/// How many jobs of a queue and kind are in one state.
#[derive(Debug)]
pub struct Depth {
    pub queue: String,
    pub kind: String,
    pub state: JobState,
    pub n: i64,
}

/// How many jobs of a queue and kind went through one thing, in one duration bucket.
#[derive(Debug)]
pub struct Work {
    pub queue: String,
    pub kind: String,
    /// `enqueued`, `started`, or an outcome of an execution.
    pub what: String,
    pub bucket: i16,
    pub n: i64,
    pub total_ms: i64,
}

/// The same in a slice of time, all kinds together.
#[derive(Debug)]
pub struct Flow {
    pub slice: OffsetDateTime,
    pub what: String,
    pub n: i64,
}

/// What one worker did for one queue.
#[derive(Debug)]
pub struct Worked {
    pub queue: String,
    pub worker_id: String,
    pub executions: i64,
    pub completed: i64,
    pub failed: i64,
    pub timeouts: i64,
    pub last_at: OffsetDateTime,
}

/// How much was forgotten of one class.
#[derive(Debug)]
pub struct Removed {
    pub class: String,
    pub removed: i64,
    pub pruned_at: Option<OffsetDateTime>,
}

impl Store {
    /// `stats/depth`.
    pub async fn depth(&self, queue: Option<&str>, kind: Option<&str>) -> Result<Vec<Depth>, StoreError> {
        let rows = self.rows(&STATS_DEPTH, &[&queue, &kind]).await?;
        let read = |row: Reader| {
            Ok(Depth {
                queue: row.get("queue")?,
                kind: row.get("kind")?,
                state: row.word("state", "job state", JobState::parse)?,
                n: row.get("n")?,
            })
        };
        Reader::all(rows, &STATS_DEPTH).map(read).collect()
    }

    /// `stats/work`.
    pub async fn work_done(
        &self,
        window: Duration,
        queue: Option<&str>,
        kind: Option<&str>,
    ) -> Result<Vec<Work>, StoreError> {
        let rows = self.rows(&STATS_WORK, &[&window.as_secs_f64(), &queue, &kind]).await?;
        let read = |row: Reader| {
            Ok(Work {
                queue: row.get("queue")?,
                kind: row.get("kind")?,
                what: row.get("event")?,
                bucket: row.get("bucket")?,
                n: row.get("n")?,
                total_ms: row.get("total_ms")?,
            })
        };
        Reader::all(rows, &STATS_WORK).map(read).collect()
    }

    /// `stats/flow`.
    pub async fn flow(&self, window: Duration, slice: Duration, queue: Option<&str>) -> Result<Vec<Flow>, StoreError> {
        let rows = self.rows(&STATS_FLOW, &[&window.as_secs_f64(), &slice.as_secs_f64(), &queue]).await?;
        let read = |row: Reader| Ok(Flow { slice: row.get("slice")?, what: row.get("event")?, n: row.get("n")? });
        Reader::all(rows, &STATS_FLOW).map(read).collect()
    }

    /// `stats/workers`.
    pub async fn work_of_workers(
        &self,
        window: Duration,
        queue: Option<&str>,
        worker: Option<&str>,
        limit: i64,
    ) -> Result<Vec<Worked>, StoreError> {
        let rows = self.rows(&STATS_WORKERS, &[&window.as_secs_f64(), &queue, &worker, &limit]).await?;
        let read = |row: Reader| {
            Ok(Worked {
                queue: row.get("queue")?,
                worker_id: row.get("worker_id")?,
                executions: row.get("executions")?,
                completed: row.get("completed")?,
                failed: row.get("failed")?,
                timeouts: row.get("timeouts")?,
                last_at: row.get("last_at")?,
            })
        };
        Reader::all(rows, &STATS_WORKERS).map(read).collect()
    }

    /// `stats/retention`.
    pub async fn removed(&self) -> Result<Vec<Removed>, StoreError> {
        let rows = self.rows(&STATS_RETENTION, &[]).await?;
        let read = |row: Reader| {
            Ok(Removed { class: row.get("class")?, removed: row.get("removed")?, pruned_at: row.get("pruned_at")? })
        };
        Reader::all(rows, &STATS_RETENTION).map(read).collect()
    }
}
