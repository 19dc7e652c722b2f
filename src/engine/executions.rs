//! The executions whose leases this process holds.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use uuid::Uuid;

use crate::handlers::ProgressReporter;
use crate::signal::Stop;
use crate::store::jobs::{Lease, LeasedExecution};

/// The held executions. The worker adds and removes them; heartbeats read them and mark them lost or canceled.
#[derive(Default)]
pub struct Executions(Mutex<HashMap<Uuid, Entry>>);

struct Entry {
    job_id: Uuid,
    since: Instant,
    signals: Signals,
    trusted_until: Option<Instant>,
}

/// What an execution and its heartbeat share.
#[derive(Clone, Default)]
pub struct Signals {
    /// Canceled when the lease is lost.
    pub lost: Stop,
    /// Canceled when the job is canceled.
    pub canceled: Stop,
    cancel_reason: Arc<OnceLock<String>>,
    /// What the handler reports; heartbeats send it.
    pub progress: ProgressReporter,
}

impl Signals {
    /// The reason that came with the cancellation; empty when there is none.
    pub fn cancel_reason(&self) -> &str {
        self.cancel_reason.get().map_or("", String::as_str)
    }
}

/// Keeps an execution in [`Executions`] until dropped, so that a panic or an abort cannot leave it behind.
pub struct ExecutionGuard {
    executions: Arc<Executions>,
    execution_id: Uuid,
    pub signals: Signals,
}

impl ExecutionGuard {
    /// Waits until the lease can no longer be trusted: it has gone unconfirmed for so long that another worker may hold it.
    pub async fn trust_expired(&self) {
        loop {
            match self.executions.trusted_until(self.execution_id) {
                Some(until) if until <= Instant::now() => return,
                Some(until) => tokio::time::sleep_until(until.into()).await,
                None => std::future::pending().await,
            }
        }
    }
}

impl Drop for ExecutionGuard {
    fn drop(&mut self) {
        self.executions.entries().remove(&self.execution_id);
    }
}

impl Executions {
    pub fn add(self: &Arc<Self>, lease: &Lease, trusted_until: Option<Instant>) -> ExecutionGuard {
        let signals = Signals::default();
        let entry = Entry { job_id: lease.job_id, since: Instant::now(), signals: signals.clone(), trusted_until };
        self.entries().insert(lease.execution_id, entry);
        ExecutionGuard { executions: self.clone(), execution_id: lease.execution_id, signals }
    }

    /// The executions that have been held for at least `age`.
    pub fn older_than(&self, age: Duration) -> Vec<LeasedExecution> {
        let entries = self.entries();
        let old = entries.iter().filter(|(_, entry)| entry.since.elapsed() >= age);
        let leased = |(execution_id, entry): (&Uuid, &Entry)| LeasedExecution {
            job_id: entry.job_id,
            execution_id: *execution_id,
            progress: entry.signals.progress.latest(),
        };
        old.map(leased).collect()
    }

    pub fn len(&self) -> usize {
        self.entries().len()
    }

    /// Marks an execution as lost. Returns whether it is still held. One that settled during the heartbeat is not lost.
    pub fn mark_lost(&self, execution_id: Uuid) -> bool {
        self.entries().get(&execution_id).inspect(|entry| entry.signals.lost.cancel()).is_some()
    }

    /// Marks an execution as canceled. Returns whether it was not canceled before. Only the first reason counts.
    pub fn cancel(&self, execution_id: Uuid, reason: &str) -> bool {
        let entries = self.entries();
        let Some(Entry { signals, .. }) = entries.get(&execution_id).filter(|it| !it.signals.canceled.is_cancelled())
        else {
            return false;
        };
        // The reason must be set before the signal that makes others read it.
        _ = signals.cancel_reason.set(reason.to_owned());
        signals.canceled.cancel();
        true
    }

    /// A heartbeat confirmed the lease.
    pub fn extend_trust(&self, execution_id: Uuid, until: Option<Instant>) {
        if let Some(entry) = self.entries().get_mut(&execution_id) {
            entry.trusted_until = until;
        }
    }

    fn trusted_until(&self, execution_id: Uuid) -> Option<Instant> {
        self.entries().get(&execution_id)?.trusted_until
    }

    fn entries(&self) -> MutexGuard<'_, HashMap<Uuid, Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
