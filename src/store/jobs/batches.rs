//! The group commits of jobs.

use std::sync::Arc;

use super::enqueue::{EnqueueRequest, Enqueued};
use super::settle::{SettleRequest, Settled};
use crate::store::group_commit::GroupCommit;

/// The most jobs enqueued, and the most executions settled, by one statement.
const MAX_BATCH: usize = 500;

/// Requests to enqueue or settle that arrive at the same time share a statement.
#[derive(Clone)]
pub struct Batches {
    pub(super) enqueue: Arc<GroupCommit<EnqueueRequest, Enqueued>>,
    pub(super) settle: Arc<GroupCommit<SettleRequest, Settled>>,
}

impl Default for Batches {
    fn default() -> Self {
        // A second enqueue statement runs while the first waits for the disk. Concurrent settlements would contend for rows.
        Self { enqueue: Arc::new(GroupCommit::new(2, MAX_BATCH)), settle: Arc::new(GroupCommit::new(1, MAX_BATCH)) }
    }
}
