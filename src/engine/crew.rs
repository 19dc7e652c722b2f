//! This process as a worker: who it is, what it holds, and what operators want it to be.

use std::sync::Arc;

use tokio::sync::watch;

use super::held::Held;
use crate::domain::WorkerState;
use crate::store::workers::Worker;

/// What the worker loop and the heartbeat share.
pub struct Crew {
    pub me: Worker,
    pub held: Arc<Held>,
    told: watch::Sender<WorkerState>,
}

impl Crew {
    pub fn new(me: Worker) -> Self {
        Self { me, held: Arc::default(), told: watch::Sender::new(WorkerState::Online) }
    }

    /// The heartbeat heard what this worker shall be. Whether that is news.
    pub fn tell(&self, state: WorkerState) -> bool {
        self.told.send_if_modified(|now| std::mem::replace(now, state) != state)
    }

    /// What this worker shall be, now and from now on.
    pub fn orders(&self) -> watch::Receiver<WorkerState> {
        self.told.subscribe()
    }
}
