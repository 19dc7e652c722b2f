//! Where a worker gets jobs and settles them: the database, or a server over HTTP.

use std::future::Future;
use std::time::{Duration, Instant};

use crate::config::Config;
use crate::domain::settle::settle;
use crate::domain::{Budget, Outcome, WorkerState};
use crate::handlers::log::Line;
use crate::provision::RunAccess;
use crate::secrets::{Keyring, SecretError, SensitiveText};
use crate::store::jobs::{
    CandidateWindow, ClaimOutcome, ClaimRequest, ClaimedJob, Lease, LeasedExecution, RenewedLease, Settled,
};
use crate::store::logs::NewLogLine;
use crate::store::steps::{EarlierStep, Fenced, Holder, StepUpdate};
use crate::store::workers::Worker;
use crate::store::{Store, StoreError};
use crate::wire::FieldProblem;
use crate::wire::client::ClientError;
use crate::wire::create_job::follow_ups;

/// A source of jobs. The worker loop is the same for every source.
pub trait Source: Send + Sync + 'static {
    /// Claims at most `slots` jobs. Must run to completion: a dropped claim may still commit.
    fn claim(&self, slots: usize) -> impl Future<Output = Result<ClaimBatch, SourceError>> + Send;
    /// Renews leases, reports progress, and reports that this worker is alive.
    fn heartbeat(
        &self,
        leased: &[LeasedExecution],
        busy: usize,
        stopping: bool,
    ) -> impl Future<Output = Result<HeartbeatReply, SourceError>> + Send;
    /// Settles an attempt. The source decides how the job continues. Repeating the call is safe.
    fn settle(
        &self,
        claimed: &ClaimedJob,
        outcome: &Outcome,
    ) -> impl Future<Output = Result<Settled, SourceError>> + Send;
    /// Stores log lines, if the lease is still held.
    fn log(&self, claimed: &ClaimedJob, lines: &[Line]) -> impl Future<Output = Result<(), SourceError>> + Send;
    /// The steps recorded for the operation that the job performs.
    fn steps(&self, holder: Holder) -> impl Future<Output = Result<Fenced<Vec<EarlierStep>>, SourceError>> + Send;
    /// Records a step. Returns what the operation is to stop for: `cancel` or `delete`.
    fn record_step(
        &self,
        holder: Holder,
        update: &StepUpdate<'_>,
    ) -> impl Future<Output = Result<Fenced<Option<String>>, SourceError>> + Send;
    /// A secret of the project.
    fn secret(
        &self,
        holder: Holder,
        name: &str,
    ) -> impl Future<Output = Result<Fenced<Option<SensitiveText>>, SourceError>> + Send;
    /// Stores a secret of the project, unless it has one of this name.
    fn store_secret(
        &self,
        holder: Holder,
        name: &str,
        value: &SensitiveText,
    ) -> impl Future<Output = Result<Fenced<()>, SourceError>> + Send;
    /// Deletes a secret of the project.
    fn forget_secret(&self, holder: Holder, name: &str)
    -> impl Future<Output = Result<Fenced<()>, SourceError>> + Send;
    /// How the programs of an attempt reach the API; `None` if they cannot.
    fn run_access(&self, holder: Holder)
    -> impl Future<Output = Result<Fenced<Option<RunAccess>>, SourceError>> + Send;
    /// Reports that this worker stops. Best effort: the record of a silent worker expires.
    fn leave(&self) -> impl Future<Output = ()> + Send;
}

#[derive(Debug, Default)]
pub struct ClaimBatch {
    pub claims: ClaimOutcome,
    /// Until when the leases can be trusted without a heartbeat; `None` where every statement checks the lease itself.
    pub trusted_until: Option<Instant>,
}

#[derive(Debug)]
pub struct HeartbeatReply {
    /// The leases that were renewed; the others are lost.
    pub renewed: Vec<RenewedLease>,
    /// The state that operators set for this worker.
    pub worker_state: WorkerState,
    /// The interval until the next heartbeat.
    pub interval: Duration,
    /// See [`ClaimBatch::trusted_until`].
    pub trusted_until: Option<Instant>,
}

#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The outcome is invalid: a follow-up job cannot be enqueued, or the result is not JSON.
    #[error("{} {}", .0.field, .0.message)]
    Invalid(FieldProblem),
    #[error(transparent)]
    Secret(#[from] SecretError),
}

impl SourceError {
    /// Whether a secret exists that no key of the installation decrypts.
    pub fn is_unreadable_secret(&self) -> bool {
        match self {
            Self::Secret(error) => error.is_unreadable(),
            Self::Client(error) => error.code() == Some("secret_unreadable"),
            Self::Store(_) | Self::Invalid(_) => false,
        }
    }

    /// Whether a retry may succeed.
    pub fn is_temporary(&self) -> bool {
        match self {
            Self::Store(error) => error.is_temporary(),
            // Access and addresses can be corrected on the server; only a rejected request body is final.
            Self::Client(ClientError::Refused(problem)) => !matches!(problem.status, 400 | 409 | 413 | 415 | 422),
            Self::Client(_) => true,
            Self::Invalid(_) | Self::Secret(_) => false,
        }
    }
}

/// Jobs straight from the database.
pub struct DatabaseSource {
    store: Store,
    worker: Worker,
    request: ClaimRequest,
    /// The default for follow-up jobs.
    max_attempts: u32,
    keyring: Option<Keyring>,
    api_address: Option<String>,
}

impl DatabaseSource {
    pub fn new(config: &Config, keyring: Option<Keyring>, store: &Store, worker: &Worker) -> Self {
        let request = ClaimRequest {
            worker_id: worker.id.clone(),
            queues: worker.queues.clone(),
            kinds: worker.kinds.clone(),
            lease_ttl: config.lease_ttl,
            tenants: None,
            window: CandidateWindow::default(),
        };
        Self {
            store: store.clone(),
            worker: worker.clone(),
            request,
            max_attempts: config.max_attempts,
            keyring,
            api_address: None,
        }
    }

    /// Sets the address at which the programs of this worker reach the API.
    pub fn reachable_at(self, api_address: Option<String>) -> Self {
        Self { api_address, ..self }
    }
}

impl Source for DatabaseSource {
    async fn claim(&self, slots: usize) -> Result<ClaimBatch, SourceError> {
        let claims = self.store.claim_jobs(&self.request, slots).await?;
        Ok(ClaimBatch { claims, trusted_until: None })
    }

    async fn heartbeat(
        &self,
        leased: &[LeasedExecution],
        busy: usize,
        stopping: bool,
    ) -> Result<HeartbeatReply, SourceError> {
        let ttl = self.request.lease_ttl;
        let renewed = self.store.heartbeat_jobs(leased, ttl).await?;
        let worker_state = self.store.heartbeat_worker(&self.worker, stopping, busy).await?;
        Ok(HeartbeatReply { renewed, worker_state, interval: ttl / 3, trusted_until: None })
    }

    async fn settle(&self, claimed: &ClaimedJob, outcome: &Outcome) -> Result<Settled, SourceError> {
        let budget = Budget::new(claimed.failures, claimed.max_attempts, claimed.backoff);
        let settlement = settle(outcome.clone(), budget, rand::random());
        // One invalid follow-up rejects all: half a chain would be broken silently.
        let next = follow_ups(&settlement.next, self.max_attempts).map_err(SourceError::Invalid)?;
        Ok(self.store.settle_job(&claimed.lease, settlement, &next, &self.worker.id).await?)
    }

    async fn log(&self, claimed: &ClaimedJob, lines: &[Line]) -> Result<(), SourceError> {
        let lines: Vec<NewLogLine> = lines.iter().map(|it| NewLogLine::new(it.stream, &it.text)).collect();
        let Lease { job_id, execution_id } = claimed.lease;
        Ok(self.store.append_logs(execution_id, Some(job_id), &lines).await.map(drop)?)
    }

    async fn steps(&self, holder: Holder) -> Result<Fenced<Vec<EarlierStep>>, SourceError> {
        Ok(self.store.steps_of_attempt(holder).await?)
    }

    async fn record_step(
        &self,
        holder: Holder,
        update: &StepUpdate<'_>,
    ) -> Result<Fenced<Option<String>>, SourceError> {
        Ok(self.store.record_step(holder, update).await?)
    }

    async fn secret(&self, holder: Holder, name: &str) -> Result<Fenced<Option<SensitiveText>>, SourceError> {
        let Some(stored) = self.store.secret_of_attempt(holder, name).await? else { return Ok(Fenced::Held(None)) };
        let keyring = self.keyring.as_ref().ok_or(SecretError::NoKey)?;
        Ok(Fenced::Held(Some(keyring.open(stored.project_id, &stored.name, &stored.sealed)?)))
    }

    async fn store_secret(&self, holder: Holder, name: &str, value: &SensitiveText) -> Result<Fenced<()>, SourceError> {
        let keyring = self.keyring.as_ref().ok_or(SecretError::NoKey)?;
        Ok(self.store.put_secret(holder, name, &keyring.seal(holder.project_id, name, value)?).await?)
    }

    async fn forget_secret(&self, holder: Holder, name: &str) -> Result<Fenced<()>, SourceError> {
        Ok(self.store.remove_secret(holder, name).await?)
    }

    async fn run_access(&self, holder: Holder) -> Result<Fenced<Option<RunAccess>>, SourceError> {
        let (Some(keyring), Some(address)) = (&self.keyring, &self.api_address) else {
            return Ok(Fenced::Held(None));
        };
        let (user, token) = (holder.execution_id.to_string(), keyring.run_token(holder.execution_id));
        Ok(Fenced::Held(Some(RunAccess { address: address.clone(), user, token, may_write: true })))
    }

    async fn leave(&self) {
        _ = self.store.leave_worker(&self.worker.id).await;
    }
}
