//! Claims jobs: leases due jobs to a worker.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use uuid::Uuid;

use crate::domain::{Backoff, JobState};
use crate::store::row::{FromRow, row};
use crate::store::sql::JOBS_CLAIM;
use crate::store::{Store, StoreError};

row! {
    /// The right to work on a job and to settle it, while the execution is the latest of the job. Not `Clone`: within a
    /// process a lease cannot settle twice; across processes the execution id is the fencing token.
    #[derive(Debug)]
    pub struct Lease {
        pub job_id: Uuid as "id",
        pub execution_id: Uuid,
    }

    /// A claimed job.
    #[derive(Debug)]
    pub struct ClaimedJob {
        pub lease: Lease = Lease::from_row,
        pub kind: String,
        pub queue: String,
        pub tenant: String,
        /// JSON text.
        pub payload: String,
        /// JSON text: the outcomes and results of its dependencies. None without dependencies.
        pub inputs: Option<String>,
        pub project_id: Option<Uuid>,
        pub attempt: i32,
        pub failures: i32,
        pub max_attempts: i32,
        /// How long the attempt may take.
        pub timeout: Option<Duration>,
        pub backoff: Option<Backoff>,
        pub previous_state: JobState,
        /// Whether the claim changed its project from creating to provisioning.
        pub project_changed: bool,
    }
}

/// The outcome of a claim.
#[derive(Debug, Default)]
pub struct ClaimOutcome {
    pub jobs: Vec<ClaimedJob>,
    /// Other claims held the same rows or limits. Claiming again at once may return more jobs.
    pub contended: bool,
    /// Time until the next scheduled job is due.
    pub next_due: Option<Duration>,
}

/// Who claims, and on which conditions.
#[derive(Clone, Debug)]
pub struct ClaimRequest {
    pub worker_id: String,
    /// `*` means every queue.
    pub queues: Vec<String>,
    pub kinds: Vec<String>,
    pub lease_ttl: Duration,
    /// None means every tenant.
    pub tenants: Option<Vec<String>>,
    pub window: CandidateWindow,
}

/// How many candidates beyond its slots a claim considers. The window grows while other claims hold some of the
/// candidates, so that many workers on one lane do not wait for each other, and shrinks afterwards.
#[derive(Clone, Debug)]
pub struct CandidateWindow(Arc<AtomicUsize>);

impl Default for CandidateWindow {
    fn default() -> Self {
        Self(Arc::new(AtomicUsize::new(Self::MIN)))
    }
}

impl CandidateWindow {
    const MIN: usize = 32;
    const MAX: usize = 1024;

    fn get(&self) -> i32 {
        self.0.load(Ordering::Relaxed) as i32
    }

    fn adapt(&self, crowded: bool) {
        let now = self.0.load(Ordering::Relaxed);
        self.0.store(if crowded { now * 4 } else { now - now / 8 }.clamp(Self::MIN, Self::MAX), Ordering::Relaxed);
    }
}

impl Store {
    /// `jobs/claim`: at most `slots` due jobs, each with a new execution id.
    pub async fn claim_jobs(&self, request: &ClaimRequest, slots: usize) -> Result<ClaimOutcome, StoreError> {
        self.claim_jobs_as(request, &execution_ids(slots)).await
    }

    /// The same with the given execution ids, which must never have been used.
    pub async fn claim_jobs_as(&self, request: &ClaimRequest, executions: &[Uuid]) -> Result<ClaimOutcome, StoreError> {
        let notify = self.wakeup.may_notify();
        let ClaimRequest { worker_id, queues, kinds, lease_ttl, tenants, window } = request;
        let ttl = lease_ttl.as_secs_f64();
        let (seed, reach) = (rand::random::<i64>(), window.get());
        let rows = self
            .rows(&JOBS_CLAIM, &[queues, kinds, worker_id, &executions, &ttl, &notify, &seed, &reach, tenants])
            .await?;
        let (mut outcome, mut crowded) = (ClaimOutcome::default(), false);
        for row in &rows {
            crowded = row.get("candidates_taken")?;
            outcome.contended = crowded || row.get("contended")?;
            outcome.next_due = row.get("next_due")?;
            // Without jobs, the statement returns one row whose job columns are null.
            if row.get::<Option<Uuid>>("id")?.is_some() {
                outcome.jobs.push(ClaimedJob::from_row(row)?);
            }
        }
        window.adapt(crowded);
        // A claim creates no work. Only the transition of a project concerns other processes.
        if outcome.jobs.iter().any(|it| it.project_changed) {
            self.wakeup.committed(notify);
        } else if !outcome.jobs.is_empty() {
            self.wakeup.changed();
        }
        Ok(outcome)
    }
}

/// New ids for `n` executions.
pub fn execution_ids(n: usize) -> Vec<Uuid> {
    (0..n).map(|_| Uuid::now_v7()).collect()
}
