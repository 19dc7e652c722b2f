//! Explains the current state of a job.

use std::time::Duration;

use time::OffsetDateTime;
use uuid::Uuid;

use crate::store::row::{FromRow, Row, row};
use crate::store::sql::JOBS_EXPLAIN;
use crate::store::{Store, StoreError};

row! {
    /// The facts that decide whether a job can be claimed.
    #[derive(Debug)]
    pub struct JobExplanation {
        pub at: OffsetDateTime,
        pub queue_state: Option<String>,
        pub queue_reason: Option<String>,
        pub queue_actor: Option<String>,
        /// Due jobs of its queue that are claimed before it, counted up to 10,001.
        pub ahead: i64,
        /// Online workers that serve its queue and kind.
        pub workers: i64,
        /// Free slots of these workers, as of their last heartbeat.
        pub free_slots: i64,
        /// Workers that serve its queue and kind, but are cordoned or draining.
        pub held_workers: i64,
        /// Whether some process has the role scheduler.
        pub has_scheduler: bool,
        pub limit: Option<ExhaustedLimit> = exhausted_limit,
    }

    /// A limit that holds the job back.
    #[derive(Debug)]
    pub struct ExhaustedLimit {
        pub name: String as "limit_name",
        pub mode: String as "limit_mode",
        pub max: i32 as "limit_amount",
        /// The window of a rate, in seconds.
        pub window: Option<f64> as "limit_window_s",
        /// Seconds until a rate allows the next job.
        pub free_in: Option<f64> as "limit_free_in",
    }
}

impl Store {
    /// `jobs/explain`. Workers whose last heartbeat is older than `max_heartbeat_age` are not counted.
    pub async fn explain_job(
        &self,
        id: Uuid,
        max_heartbeat_age: Duration,
    ) -> Result<Option<JobExplanation>, StoreError> {
        self.fetch_optional(&JOBS_EXPLAIN, &[&id, &max_heartbeat_age.as_secs_f64()]).await
    }
}

fn exhausted_limit(row: &Row) -> Result<Option<ExhaustedLimit>, StoreError> {
    let name: Option<String> = row.get("limit_name")?;
    name.map(|_| ExhaustedLimit::from_row(row)).transpose()
}
