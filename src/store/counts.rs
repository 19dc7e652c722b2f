//! Counters: read sums, fold them, forget the old. Nothing here scans what it counts.

use std::collections::BTreeMap;
use std::time::Duration;

use time::OffsetDateTime;

use super::sql::{
    COUNTS_FAILURES, COUNTS_FOLD_JOBS, COUNTS_FOLD_PROJECTS, COUNTS_FOLD_PROVISIONS, COUNTS_FOLD_WORK, COUNTS_FORGET,
    COUNTS_PROJECTS, COUNTS_PROVISIONS,
};
use super::{Reader, Store, StoreError};
use crate::domain::ProjectStatus;

/// How many provisionings ended in one way and one duration bucket, in one slice of time.
#[derive(Debug)]
pub struct Provisions {
    pub slice: OffsetDateTime,
    pub ready: bool,
    pub bucket: i16,
    pub n: i64,
    pub total_ms: i64,
}

/// One reason for failing.
#[derive(Debug)]
pub struct Failure {
    pub reason: String,
    pub n: i64,
    pub last_at: OffsetDateTime,
}

impl Store {
    /// `counts/projects`: every status, also those that no project has.
    pub async fn count_projects(&self) -> Result<BTreeMap<ProjectStatus, i64>, StoreError> {
        let mut counts: BTreeMap<_, _> = ProjectStatus::ALL.iter().map(|status| (*status, 0)).collect();
        for row in Reader::all(self.rows(&COUNTS_PROJECTS, &[]).await?, &COUNTS_PROJECTS) {
            counts.insert(row.word("status", "project status", ProjectStatus::parse)?, row.get("n")?);
        }
        Ok(counts)
    }

    /// `counts/provisions`.
    pub async fn count_provisions(&self, window: Duration, slice: Duration) -> Result<Vec<Provisions>, StoreError> {
        let rows = self.rows(&COUNTS_PROVISIONS, &[&window.as_secs_f64(), &slice.as_secs_f64()]).await?;
        let read = |row: Reader| {
            Ok(Provisions {
                slice: row.get("slice")?,
                ready: row.get::<&str>("outcome")? == ProjectStatus::Ready.as_str(),
                bucket: row.get("bucket")?,
                n: row.get("n")?,
                total_ms: row.get("total_ms")?,
            })
        };
        Reader::all(rows, &COUNTS_PROVISIONS).map(read).collect()
    }

    /// `counts/failures`: the most frequent reasons first.
    pub async fn count_failures(&self, window: Duration, limit: i64) -> Result<Vec<Failure>, StoreError> {
        let rows = self.rows(&COUNTS_FAILURES, &[&window.as_secs_f64(), &limit]).await?;
        let read =
            |row: Reader| Ok(Failure { reason: row.get("reason")?, n: row.get("n")?, last_at: row.get("last_at")? });
        Reader::all(rows, &COUNTS_FAILURES).map(read).collect()
    }

    /// `counts/fold_projects` and the others.
    pub async fn fold_counts(&self) -> Result<(), StoreError> {
        for fold in [&COUNTS_FOLD_PROJECTS, &COUNTS_FOLD_PROVISIONS, &COUNTS_FOLD_JOBS, &COUNTS_FOLD_WORK] {
            self.rows(fold, &[]).await?;
        }
        Ok(())
    }

    /// `counts/forget`: how many results and idempotency keys were too old; at most `most` of each.
    pub async fn forget_counts(&self, most: i64) -> Result<(i64, i64), StoreError> {
        let row = self.one(&COUNTS_FORGET, &[&most]).await?;
        Ok((row.get("results")?, row.get("keys")?))
    }
}
