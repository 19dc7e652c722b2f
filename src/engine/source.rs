//! Where a worker gets work and leaves results. The database is one such place; a server reached over HTTP is another.

use std::future::Future;
use std::time::Duration;

use uuid::Uuid;

use super::Parts;
use crate::domain::{JobKind, NewJob, Settlement};
use crate::store::jobs::{Beat, Claimer, Claims, Lease, Reach, Settled};
use crate::store::workers::Worker;
use crate::store::{Store, StoreError};

/// One of the two traits of the architecture: the worker loop is the same for every source.
pub trait Source: Send + Sync + 'static {
    /// At most `slots` jobs. Must be awaited to its end: a claim that is dropped half-way may have been committed.
    fn claim(&self, slots: usize) -> impl Future<Output = Result<Claims, StoreError>> + Send;
    /// Extends leases (job, execution); answers with the executions that are still held.
    fn heartbeat(&self, held: &[(Uuid, Uuid)]) -> impl Future<Output = Result<Vec<Beat>, StoreError>> + Send;
    /// Records how an execution ended, and enqueues what follows from it. Safe to send again.
    fn settle(
        &self,
        lease: &Lease,
        kind: Option<JobKind>,
        settlement: &Settlement,
        next: &[NewJob],
    ) -> impl Future<Output = Result<Settled, StoreError>> + Send;
}

/// Work straight from the database.
pub struct Database {
    store: Store,
    claimer: Claimer,
}

impl Database {
    pub fn new(parts: &Parts, me: &Worker) -> Self {
        let claimer = Claimer {
            worker_id: me.id.clone(),
            queues: me.queues.clone(),
            kinds: me.kinds.clone(),
            lease_ttl: parts.config.lease_ttl,
            project_deadline: parts.config.project_deadline,
            reach: Reach::default(),
        };
        Self { store: parts.store.clone(), claimer }
    }

    fn ttl(&self) -> Duration {
        self.claimer.lease_ttl
    }
}

impl Source for Database {
    async fn claim(&self, slots: usize) -> Result<Claims, StoreError> {
        self.store.claim_jobs(&self.claimer, slots).await
    }

    async fn heartbeat(&self, held: &[(Uuid, Uuid)]) -> Result<Vec<Beat>, StoreError> {
        self.store.heartbeat_jobs(held, self.ttl()).await
    }

    async fn settle(
        &self,
        lease: &Lease,
        kind: Option<JobKind>,
        settlement: &Settlement,
        next: &[NewJob],
    ) -> Result<Settled, StoreError> {
        self.store.settle_job(lease, kind, settlement, next, &self.claimer.worker_id).await
    }
}
