//! The executions that this process holds right now.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use uuid::Uuid;

use crate::signal::Stop;
use crate::store::jobs::Lease;

/// What heartbeats keep alive. The worker adds and removes, the heartbeat reads and says what was lost.
#[derive(Default)]
pub struct Held(Mutex<HashMap<Uuid, Entry>>);

struct Entry {
    job_id: Uuid,
    lost: Stop,
}

/// Keeps an execution in [`Held`] for as long as it lives, so that a panic or an abort cannot leave it there.
pub struct Hold {
    held: Arc<Held>,
    execution_id: Uuid,
    /// Cancelled when the lease is not ours any more.
    pub lost: Stop,
}

impl Held {
    pub fn hold(self: &Arc<Self>, lease: &Lease) -> Hold {
        let lost = Stop::new();
        self.entries().insert(lease.execution_id, Entry { job_id: lease.job_id, lost: lost.clone() });
        Hold { held: self.clone(), execution_id: lease.execution_id, lost }
    }

    /// Jobs with their executions.
    pub fn all(&self) -> Vec<(Uuid, Uuid)> {
        self.entries().iter().map(|(execution, entry)| (entry.job_id, *execution)).collect()
    }

    /// Tells the one who works under this execution that it is over.
    pub fn lose(&self, execution_id: Uuid) {
        if let Some(entry) = self.entries().get(&execution_id) {
            entry.lost.cancel();
        }
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
