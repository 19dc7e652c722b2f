//! Recovers overdue jobs: expired leases, timeouts, unanswered cancellations, passed deadlines.

use std::time::Duration;

use uuid::Uuid;

use crate::domain::JobState;
use crate::store::row::{Row, row};
use crate::store::sql::{JOBS_EXPIRE, JOBS_OVERDUE, JOBS_REAP, JOBS_RELEASE, LANES_SWEEP};
use crate::store::{Store, StoreError};

/// How long an attempt may keep running after it should have stopped.
#[derive(Clone, Copy, Debug)]
pub struct GracePeriods {
    pub cancel: Duration,
    pub timeout: Duration,
}

row! {
    /// Which kinds of overdue work exist.
    #[derive(Clone, Copy, Debug)]
    pub struct Overdue {
        pub executions: bool,
        pub projects: bool,
        pub jobs: bool,
        /// Projects that have expired or will within a day, or whose grace time is over.
        pub deletions: bool,
        /// Outcomes that long chains of dependencies have not passed on yet.
        pub pending_outcomes: bool as "releases",
        /// Time until work becomes overdue, as far as is known now.
        pub next: Option<Duration> = until_next,
    }

    /// A job that was taken back from a worker.
    #[derive(Debug)]
    pub struct ReapedJob {
        pub job_id: Uuid as "id",
        pub project_id: Option<Uuid>,
        pub execution_id: Uuid,
        pub worker_id: String,
        pub state: JobState,
        /// `lease_expired`, `timed_out` or `canceled`.
        pub outcome: String,
        pub error: String,
        /// The status of the project before its operation ended with the job, and after.
        pub previous_project_status: Option<String>,
        pub project_status: Option<String>,
    }
}

impl Store {
    /// `jobs/overdue`: whether [`Store::reap_jobs`] and its siblings have work.
    pub async fn overdue(&self, graces: GracePeriods) -> Result<Overdue, StoreError> {
        self.fetch_one(&JOBS_OVERDUE, &[&graces.cancel.as_secs_f64(), &graces.timeout.as_secs_f64()]).await
    }

    /// `jobs/release`: passes at most `limit` outcomes on to dependents. Returns how many.
    pub async fn propagate_outcomes(&self, limit: i64) -> Result<i64, StoreError> {
        let n = self.fetch_value(&JOBS_RELEASE, &[&limit]).await?;
        if n > 0 {
            self.wakeup.committed(false);
        }
        Ok(n)
    }

    /// `lanes/sweep`: one step of advancing the lanes. Returns whether another step is needed soon.
    pub async fn sweep_lanes(&self) -> Result<bool, StoreError> {
        Ok(self.one(&LANES_SWEEP, &[]).await?.get::<i64>("in_progress")? > 0)
    }

    /// `jobs/reap`: takes back jobs whose lease, timeout or cancellation grace is over.
    pub async fn reap_jobs(&self, limit: i64, graces: GracePeriods, actor: &str) -> Result<Vec<ReapedJob>, StoreError> {
        let (cancel, timeout) = (graces.cancel.as_secs_f64(), graces.timeout.as_secs_f64());
        let notify = self.wakeup.may_notify();
        let rows = self.fetch_all(&JOBS_REAP, &[&limit, &actor, &notify, &cancel, &timeout]).await?;
        Ok(self.committed(notify, rows))
    }

    /// `jobs/expire`: fails jobs past their own deadline. Returns their ids and previous states.
    pub async fn expire_jobs(&self, limit: i64, actor: &str) -> Result<Vec<(Uuid, JobState)>, StoreError> {
        let notify = self.wakeup.may_notify();
        let rows = self.fetch_all(&JOBS_EXPIRE, &[&limit, &actor, &notify]).await?;
        Ok(self.committed(notify, rows))
    }
}

/// Work that is overdue already is due now.
fn until_next(row: &Row) -> Result<Option<Duration>, StoreError> {
    let seconds: Option<f64> = row.get("next_in")?;
    Ok(seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds.max(0.0)).ok()))
}
