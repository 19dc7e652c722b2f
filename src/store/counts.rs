//! Counters of projects and provisionings. Triggers and statements maintain them; reading one scans no projects or jobs.

use std::collections::BTreeMap;
use std::time::Duration;

use time::OffsetDateTime;

use super::row::{Row, row};
use super::sql::{
    COUNTS_FAILURES, COUNTS_FOLD_JOBS, COUNTS_FOLD_PROJECTS, COUNTS_FOLD_PROVISIONS, COUNTS_FOLD_WORK, COUNTS_FORGET,
    COUNTS_PROJECTS, COUNTS_PROVISIONS,
};
use super::{Store, StoreError};
use crate::domain::ProjectStatus;

row! {
    /// The provisionings of one time slice that ended in one way, in one bucket of durations.
    #[derive(Debug)]
    pub struct ProvisionBucket {
        pub slice: OffsetDateTime,
        pub ready: bool = is_ready,
        pub bucket: i16,
        pub n: i64,
        pub total_ms: i64,
    }

    /// A reason for failed provisionings.
    #[derive(Debug)]
    pub struct Failure {
        pub reason: String,
        pub n: i64,
        pub last_at: OffsetDateTime,
    }
}

impl Store {
    /// `counts/projects`: every status, including those without projects.
    pub async fn count_projects(&self) -> Result<BTreeMap<ProjectStatus, i64>, StoreError> {
        let mut counts: BTreeMap<_, _> = ProjectStatus::ALL.iter().map(|status| (*status, 0)).collect();
        counts.extend(self.fetch_all::<(ProjectStatus, i64)>(&COUNTS_PROJECTS, &[]).await?);
        Ok(counts)
    }

    /// `counts/provisions`.
    pub async fn count_provisions(
        &self,
        window: Duration,
        slice: Duration,
    ) -> Result<Vec<ProvisionBucket>, StoreError> {
        self.fetch_all(&COUNTS_PROVISIONS, &[&window.as_secs_f64(), &slice.as_secs_f64()]).await
    }

    /// `counts/failures`: the most frequent reasons first.
    pub async fn count_failures(&self, window: Duration, limit: i64) -> Result<Vec<Failure>, StoreError> {
        self.fetch_all(&COUNTS_FAILURES, &[&window.as_secs_f64(), &limit]).await
    }

    /// `counts/fold_*`: adds up the rows that transactions append to the counters.
    pub async fn fold_counts(&self) -> Result<(), StoreError> {
        for fold in [&COUNTS_FOLD_PROJECTS, &COUNTS_FOLD_PROVISIONS, &COUNTS_FOLD_JOBS, &COUNTS_FOLD_WORK] {
            self.execute(fold, &[]).await?;
        }
        Ok(())
    }

    /// `counts/forget`: deletes expired results and idempotency keys, at most `limit` of each. Returns how many.
    pub async fn prune_counts(&self, limit: i64) -> Result<(i64, i64), StoreError> {
        self.fetch_one(&COUNTS_FORGET, &[&limit]).await
    }
}

fn is_ready(row: &Row) -> Result<bool, StoreError> {
    Ok(row.get::<String>("outcome")? == ProjectStatus::Ready.as_str())
}
