//! The executions that this process holds right now.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use uuid::Uuid;

use crate::handlers::Report;
use crate::signal::Stop;
use crate::store::jobs::{Lease, LeasedExecution};

/// What heartbeats keep alive. The worker adds and removes, the heartbeat reads and says what was lost or called off.
#[derive(Default)]
pub struct Held(Mutex<HashMap<Uuid, Entry>>);

struct Entry {
    job_id: Uuid,
    since: Instant,
    lost: Stop,
    canceled: Stop,
    reason: Arc<OnceLock<String>>,
    progress: Report,
    trusted_until: Option<Instant>,
}

/// Keeps an execution in [`Held`] for as long as it lives, so that a panic or an abort cannot leave it there.
pub struct Hold {
    held: Arc<Held>,
    execution_id: Uuid,
    /// Cancelled when the lease is not ours any more.
    pub lost: Stop,
    /// Cancelled when somebody asked to cancel the job.
    pub canceled: Stop,
    /// Where the work says how far it is; heartbeats take it along.
    pub progress: Report,
    reason: Arc<OnceLock<String>>,
}

impl Hold {
    /// Why it was called off, in the words of whoever did; perhaps none.
    pub fn reason(&self) -> &str {
        self.reason.get().map_or("", String::as_str)
    }

    /// Waits until the lease cannot be trusted any more: nobody confirmed it for so long that it may be somebody else's.
    pub async fn distrusted(&self) {
        loop {
            match self.held.trusted_until(self.execution_id) {
                Some(moment) if moment <= Instant::now() => return,
                Some(moment) => tokio::time::sleep_until(moment.into()).await,
                None => std::future::pending().await,
            }
        }
    }
}

impl Held {
    pub fn hold(self: &Arc<Self>, lease: &Lease, trusted_until: Option<Instant>) -> Hold {
        let (lost, canceled, reason) = (Stop::new(), Stop::new(), Arc::<OnceLock<String>>::default());
        let progress = Report::default();
        let hold = Hold {
            held: self.clone(),
            execution_id: lease.execution_id,
            lost: lost.clone(),
            canceled: canceled.clone(),
            progress: progress.clone(),
            reason: reason.clone(),
        };
        let (job_id, since) = (lease.job_id, Instant::now());
        let entry = Entry { job_id, since, lost, canceled, reason, progress, trusted_until };
        self.entries().insert(lease.execution_id, entry);
        hold
    }

    /// The executions that have been held for so long.
    pub fn held_for(&self, age: Duration) -> Vec<LeasedExecution> {
        let entries = self.entries();
        let old = entries.iter().filter(|(_, entry)| entry.since.elapsed() >= age);
        let holding = |(execution_id, entry): (&Uuid, &Entry)| LeasedExecution {
            job_id: entry.job_id,
            execution_id: *execution_id,
            progress: entry.progress.latest(),
        };
        old.map(holding).collect()
    }

    /// How many are held.
    pub fn len(&self) -> usize {
        self.entries().len()
    }

    /// Tells the one who works under this execution that it is over. Whether somebody still does: what was settled while the
    /// heartbeat was on its way is not lost.
    pub fn lose(&self, execution_id: Uuid) -> bool {
        self.entries().get(&execution_id).inspect(|entry| entry.lost.cancel()).is_some()
    }

    /// Tells the one who works under this execution that nobody wants it any more. Whether that is news.
    pub fn call_off(&self, execution_id: Uuid, reason: &str) -> bool {
        let entries = self.entries();
        let Some(entry) = entries.get(&execution_id).filter(|entry| !entry.canceled.is_cancelled()) else {
            return false;
        };
        // Only the first reason counts, and it is there before anybody can ask for it.
        _ = entry.reason.set(reason.to_owned());
        entry.canceled.cancel();
        true
    }

    /// A heartbeat heard that the lease is ours until then.
    pub fn trust(&self, execution_id: Uuid, until: Option<Instant>) {
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

impl Drop for Hold {
    fn drop(&mut self) {
        self.held.entries().remove(&self.execution_id);
    }
}
