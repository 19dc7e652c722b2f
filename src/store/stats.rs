//! Statistics about jobs and workers, read from counters and executions.

use std::time::Duration;

use time::OffsetDateTime;

use super::row::row;
use super::sql::{STATS_DEPTH, STATS_FLOW, STATS_RETENTION, STATS_WORK, STATS_WORKERS};
use super::{Store, StoreError};
use crate::domain::JobState;

row! {
    /// The jobs of one queue and kind in one state.
    #[derive(Debug)]
    pub struct QueueDepth {
        pub queue: String,
        pub kind: String,
        pub state: JobState,
        pub n: i64,
    }

    /// What happened to jobs of one queue and kind, in one bucket of durations.
    #[derive(Debug)]
    pub struct WorkBucket {
        pub queue: String,
        pub kind: String,
        /// `enqueued`, `started`, or the outcome of an attempt.
        pub event: String,
        pub bucket: i16,
        pub n: i64,
        pub total_ms: i64,
    }

    /// What happened to jobs in one time slice, all kinds together.
    #[derive(Debug)]
    pub struct Throughput {
        pub slice: OffsetDateTime,
        pub event: String,
        pub n: i64,
    }

    /// The attempts of one worker for one queue.
    #[derive(Debug)]
    pub struct WorkerActivity {
        pub queue: String,
        pub worker_id: String,
        pub executions: i64,
        pub completed: i64,
        pub failed: i64,
        pub timeouts: i64,
        pub last_at: OffsetDateTime,
    }

    /// How many rows of one class retention removed.
    #[derive(Debug)]
    pub struct RetentionStats {
        pub class: String,
        pub removed: i64,
        pub pruned_at: Option<OffsetDateTime>,
    }
}

impl Store {
    /// `stats/depth`.
    pub async fn queue_depths(&self, queue: Option<&str>, kind: Option<&str>) -> Result<Vec<QueueDepth>, StoreError> {
        self.fetch_all(&STATS_DEPTH, &[&queue, &kind]).await
    }

    /// `stats/work`.
    pub async fn work_stats(
        &self,
        window: Duration,
        queue: Option<&str>,
        kind: Option<&str>,
    ) -> Result<Vec<WorkBucket>, StoreError> {
        self.fetch_all(&STATS_WORK, &[&window.as_secs_f64(), &queue, &kind]).await
    }

    /// `stats/flow`.
    pub async fn throughput(
        &self,
        window: Duration,
        slice: Duration,
        queue: Option<&str>,
    ) -> Result<Vec<Throughput>, StoreError> {
        self.fetch_all(&STATS_FLOW, &[&window.as_secs_f64(), &slice.as_secs_f64(), &queue]).await
    }

    /// `stats/workers`.
    pub async fn worker_stats(
        &self,
        window: Duration,
        queue: Option<&str>,
        worker: Option<&str>,
        limit: i64,
    ) -> Result<Vec<WorkerActivity>, StoreError> {
        self.fetch_all(&STATS_WORKERS, &[&window.as_secs_f64(), &queue, &worker, &limit]).await
    }

    /// `stats/retention`.
    pub async fn retention_stats(&self) -> Result<Vec<RetentionStats>, StoreError> {
        self.fetch_all(&STATS_RETENTION, &[]).await
    }
}
