//! Where a worker gets work and leaves results. The database is one such place; a server reached over HTTP is another.

use std::future::Future;
use std::time::{Duration, Instant};

use crate::config::Config;
use crate::domain::settle::settle;
use crate::domain::{Budget, JobKind, Outcome, WorkerState};
use crate::handlers::log::Line;
use crate::store::jobs::{
    CandidateWindow, ClaimOutcome, ClaimRequest, ClaimedJob, Lease, LeasedExecution, RenewedLease, Settled,
};
use crate::store::logs::NewLogLine;
use crate::store::workers::Worker;
use crate::store::{Store, StoreError};
use crate::wire::FieldProblem;
use crate::wire::client::ClientError;
use crate::wire::create_job::follow_ups;

/// One of the two traits of the architecture: the worker loop is the same for every source.
pub trait Source: Send + Sync + 'static {
    /// At most `slots` jobs. Must be awaited to its end: a claim that is dropped half-way may have been committed.
    fn claim(&self, slots: usize) -> impl Future<Output = Result<Found, SourceError>> + Send;
    /// Extends the leases of what is held, takes along how far it is, and says that this worker is there.
    fn heartbeat(
        &self,
        held: &[LeasedExecution],
        busy: usize,
        stopping: bool,
    ) -> impl Future<Output = Result<Beats, SourceError>> + Send;
    /// Says how an execution ended. Where the job goes from there is decided at the other end. Safe to send again.
    fn settle(
        &self,
        claimed: &ClaimedJob,
        outcome: &Outcome,
    ) -> impl Future<Output = Result<Settled, SourceError>> + Send;
    /// Keeps what the work wrote, if the lease is still ours.
    fn log(&self, claimed: &ClaimedJob, lines: &[Line]) -> impl Future<Output = Result<(), SourceError>> + Send;
    /// Says that this worker is going. Nobody depends on it.
    fn leave(&self) -> impl Future<Output = ()> + Send;
}

/// What a claim brought.
#[derive(Debug, Default)]
pub struct Found {
    pub claims: ClaimOutcome,
    /// Until when their leases are trusted without a heartbeat; nothing where the database is asked itself.
    pub trusted_until: Option<Instant>,
}

/// What a heartbeat hears.
#[derive(Debug)]
pub struct Beats {
    /// The executions that are still held; what is missing is lost.
    pub held: Vec<RenewedLease>,
    /// What this worker shall be.
    pub told: WorkerState,
    /// When the next heartbeat should come.
    pub rhythm: Duration,
    /// Until when these leases are trusted without another heartbeat; see [`Found`].
    pub trusted_until: Option<Instant>,
}

/// Why a source did not do it.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Client(#[from] ClientError),
    /// What the work answered cannot be accepted: a job that should follow is none, or the result is no JSON.
    #[error("{} {}", .0.field, .0.message)]
    Unacceptable(FieldProblem),
}

impl SourceError {
    /// Whether trying again later may go better.
    pub fn is_temporary(&self) -> bool {
        match self {
            Self::Store(error) => error.is_temporary(),
            // A server that does not let us in, or is not the one it was, may be put right. Only what it says of the words
            // themselves is final.
            Self::Client(ClientError::Refused(problem)) => !matches!(problem.status, 400 | 409 | 413 | 415 | 422),
            Self::Client(_) => true,
            Self::Unacceptable(_) => false,
        }
    }
}

/// Work straight from the database.
pub struct Database {
    store: Store,
    me: Worker,
    claimer: ClaimRequest,
    /// For jobs that follow and do not say how often they may fail.
    max_attempts: u32,
}

impl Database {
    pub fn new(config: &Config, store: &Store, me: &Worker) -> Self {
        let claimer = ClaimRequest {
            worker_id: me.id.clone(),
            queues: me.queues.clone(),
            kinds: me.kinds.clone(),
            lease_ttl: config.lease_ttl,
            project_deadline: config.project_deadline,
            tenants: None,
            window: CandidateWindow::default(),
        };
        Self { store: store.clone(), me: me.clone(), claimer, max_attempts: config.max_attempts }
    }
}

impl Source for Database {
    async fn claim(&self, slots: usize) -> Result<Found, SourceError> {
        let claims = self.store.claim_jobs(&self.claimer, slots).await?;
        Ok(Found { claims, trusted_until: None })
    }

    async fn heartbeat(&self, held: &[LeasedExecution], busy: usize, stopping: bool) -> Result<Beats, SourceError> {
        let ttl = self.claimer.lease_ttl;
        let held = self.store.heartbeat_jobs(held, ttl).await?;
        let told = self.store.heartbeat_worker(&self.me, stopping, busy).await?;
        Ok(Beats { held, told, rhythm: ttl / 3, trusted_until: None })
    }

    async fn settle(&self, claimed: &ClaimedJob, outcome: &Outcome) -> Result<Settled, SourceError> {
        let budget = Budget::new(claimed.failures, claimed.max_attempts, claimed.backoff);
        let settlement = settle(outcome.clone(), budget, rand::random());
        // If one of them cannot be enqueued as it is, nothing is: half a chain would be broken without a word.
        let next = follow_ups(&settlement.next, self.max_attempts).map_err(SourceError::Unacceptable)?;
        let kind = JobKind::parse(&claimed.kind);
        Ok(self.store.settle_job(&claimed.lease, kind, settlement, &next, &self.me.id).await?)
    }

    async fn log(&self, claimed: &ClaimedJob, lines: &[Line]) -> Result<(), SourceError> {
        let lines: Vec<NewLogLine> = lines.iter().map(|it| NewLogLine::new(it.stream, &it.text)).collect();
        let Lease { job_id, execution_id } = claimed.lease;
        Ok(self.store.append_logs(execution_id, Some(job_id), &lines).await.map(drop)?)
    }

    async fn leave(&self) {
        // The row grows old by itself.
        _ = self.store.leave_worker(&self.me.id).await;
    }
}
