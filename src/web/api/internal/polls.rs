//! Open dequeue requests. A worker has one open request at a time: a new request ends the previous one, which must then claim nothing,
//! because its response may never be read.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::MutexGuard;

/// The open requests of this process, by worker.
#[derive(Default)]
pub struct Polls(Mutex<HashMap<String, Weak<WorkerPolls>>>);

#[derive(Default)]
struct WorkerPolls {
    latest: AtomicU64,
    claim: tokio::sync::Mutex<()>,
}

/// One open request.
pub struct Poll {
    worker: Arc<WorkerPolls>,
    number: u64,
}

impl Polls {
    /// Opens a request of this worker and ends its previous ones.
    pub fn open(&self, worker: &str) -> Poll {
        let mut polls = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        polls.retain(|_, worker| worker.strong_count() > 0);
        let entry = polls.get(worker).and_then(Weak::upgrade).unwrap_or_default();
        polls.insert(worker.to_owned(), Arc::downgrade(&entry));
        let number = entry.latest.fetch_add(1, Ordering::SeqCst) + 1;
        Poll { worker: entry, number }
    }
}

impl Poll {
    /// A request that no other request ends.
    pub fn independent() -> Self {
        Self { worker: Arc::default(), number: 0 }
    }

    /// Waits until no other request of the worker is claiming. Unlike [`Poll::lock`], this succeeds even if the request has ended: if a
    /// request was sent several times, one of them has to claim.
    pub async fn first_lock(&self) -> MutexGuard<'_, ()> {
        self.worker.claim.lock().await
    }

    /// Waits until no other request of the worker is claiming. Returns `None` if a later request has ended this one.
    pub async fn lock(&self) -> Option<MutexGuard<'_, ()>> {
        let guard = self.worker.claim.lock().await;
        (self.worker.latest.load(Ordering::SeqCst) == self.number).then_some(guard)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn new_poll_ends_earlier_poll_of_same_worker() {
        let polls = Polls::default();
        let (first, other) = (polls.open("a"), polls.open("b"));
        assert!(first.lock().await.is_some());
        let second = polls.open("a");
        assert!(first.lock().await.is_none());
        assert!(second.lock().await.is_some() && other.lock().await.is_some());
        drop((first, second, other));
        polls.open("c");
        assert_eq!(polls.0.lock().unwrap().len(), 1, "closed polls are removed");
    }
}
