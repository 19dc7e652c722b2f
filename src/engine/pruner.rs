//! The pruner: deletes data whose retention has ended, in batches short enough not to disturb other statements.

use std::future::Future;
use std::time::Duration;

use slog::{Logger, info};

use super::EngineResources;
use crate::config::Retain;
use crate::domain::{JobState, WorkflowState};
use crate::store::Audit;
use crate::store::{Store, StoreError};

const INTERVAL: Duration = Duration::from_secs(120);
/// How many small rows one statement deletes.
const SMALL_BATCH: i64 = 20_000;
/// How many jobs, executions or events one statement deletes: about a tenth of a second of work.
const BATCH: i64 = 5_000;
/// How many batches of one class run in a row, before the batches of other classes.
const ROUNDS: usize = 40;
/// How long after its last heartbeat a lost worker is forgotten.
const LOST_WORKER_AGE: Duration = Duration::from_secs(24 * 60 * 60);

pub async fn prune(resources: &EngineResources, log: &Logger) -> Result<Duration, StoreError> {
    let (store, retain) = (&resources.store, &resources.context.config.retain);
    let removed =
        prune_expired(store).await? + prune_finished(store, retain).await? + prune_history(store, retain).await?;
    resources.context.telemetry.pruned.inc_by(removed.unsigned_abs());
    if removed > 0 {
        info!(log, "expired rows deleted"; "rows" => removed);
    }
    Ok(INTERVAL)
}

/// Deletes what expires without a setting: counts, idempotency keys, deliveries and lost workers.
async fn prune_expired(store: &Store) -> Result<i64, StoreError> {
    let (results, keys) = store.prune_counts(SMALL_BATCH).await?;
    let (job_keys, statistics) = store.prune_keys(SMALL_BATCH).await?;
    let deliveries = in_batches(SMALL_BATCH, || store.prune_deliveries(SMALL_BATCH)).await?;
    let audit = Audit { actor: "pruner".into(), request_id: None, reason: Some("no heartbeat for a day".into()) };
    let workers = store.forget_workers(None, LOST_WORKER_AGE, &audit).await?;
    Ok(results + keys + job_keys + statistics + deliveries + workers)
}

async fn prune_finished(store: &Store, retain: &Retain) -> Result<i64, StoreError> {
    let classes = [
        (JobState::Completed, WorkflowState::Completed, retain.completed),
        (JobState::Failed, WorkflowState::Failed, retain.failed),
        (JobState::Canceled, WorkflowState::Canceled, retain.canceled),
    ];
    let mut removed = 0;
    for (job, workflow, age) in classes {
        let Some(age) = age else { continue };
        removed += in_batches(BATCH, || store.prune_jobs(job, age, BATCH)).await?;
        removed += in_batches(1, || store.prune_workflows(workflow, age, BATCH)).await?;
    }
    if let Some(age) = retain.failed {
        removed += in_batches(BATCH, || store.prune_jobs(JobState::Superseded, age, BATCH)).await?;
    }
    Ok(removed)
}

async fn prune_history(store: &Store, retain: &Retain) -> Result<i64, StoreError> {
    let mut removed = 0;
    if let Some(age) = retain.executions {
        removed += in_batches(BATCH, || store.prune_executions(age, BATCH)).await?;
        removed += in_batches(BATCH, || store.prune_logs(age, BATCH)).await?;
    }
    if let Some(age) = retain.events {
        removed += in_batches(BATCH, || store.prune_ticks(age, BATCH)).await?;
        for _ in 0..ROUNDS {
            let (deleted, scanned) = store.prune_events(age, BATCH).await?;
            removed += deleted;
            if scanned < BATCH {
                break;
            }
        }
    }
    Ok(removed)
}

/// Repeats a statement until a batch is not full, at most [`ROUNDS`] times. Returns the number of deleted rows.
async fn in_batches<F>(full: i64, mut batch: impl FnMut() -> F) -> Result<i64, StoreError>
where
    F: Future<Output = Result<i64, StoreError>>,
{
    let mut removed = 0;
    for _ in 0..ROUNDS {
        let deleted = batch().await?;
        removed += deleted;
        if deleted < full {
            break;
        }
    }
    Ok(removed)
}
