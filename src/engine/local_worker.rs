//! This process as a worker: its identity, the executions it holds, and the state that operators set for it.

use std::sync::Arc;

use tokio::sync::watch;

use super::executions::Executions;
use crate::domain::WorkerState;
use crate::store::workers::Worker;

/// What the worker loop and the heartbeat share.
pub struct LocalWorker {
    pub identity: Worker,
    pub executions: Arc<Executions>,
    state: watch::Sender<WorkerState>,
}

impl LocalWorker {
    pub fn new(identity: Worker) -> Self {
        Self { identity, executions: Arc::default(), state: watch::Sender::new(WorkerState::Online) }
    }

    /// Sets the state that a heartbeat returned. Returns whether the state changed.
    pub fn set_state(&self, state: WorkerState) -> bool {
        self.state.send_if_modified(|current| std::mem::replace(current, state) != state)
    }

    pub fn watch_state(&self) -> watch::Receiver<WorkerState> {
        self.state.subscribe()
    }
}
