//! Periodic maintenance. Each task is a guarded statement, so any number of processes may run it.

use std::time::Duration;

use futures_util::future::BoxFuture;
use slog::Logger;

use super::retry::jittered;
use super::supervisor::{ServiceFuture, service};
use super::{EngineResources, logger, pruner, reaper};
use crate::store::StoreError;

/// The longest pause while this process changes nothing, and so the longest delay for changes by other processes.
const IDLE: Duration = Duration::from_secs(60);
/// How often claim positions are swept while jobs change: in this time, claims leave many dead index entries behind.
const SWEEP_INTERVAL: Duration = Duration::from_millis(250);
/// How often counters are folded while jobs change.
const FOLD_INTERVAL: Duration = Duration::from_secs(10);

/// A periodic task. `run` returns the pause before the next run.
pub struct Task {
    pub name: &'static str,
    run: for<'a> fn(&'a EngineResources, &'a Logger) -> BoxFuture<'a, Result<Duration, StoreError>>,
}

pub const TASKS: [Task; 4] = [
    Task { name: "reaper", run: |resources, log| Box::pin(reaper::reap(resources, log)) },
    Task { name: "sweeper", run: |resources, _| Box::pin(sweep(resources)) },
    Task { name: "folder", run: |resources, _| Box::pin(fold(resources)) },
    Task { name: "pruner", run: |resources, log| Box::pin(pruner::prune(resources, log)) },
];

impl Task {
    pub fn service(self, resources: &EngineResources) -> impl Fn() -> ServiceFuture + Send + Sync + 'static {
        let state = (resources.clone(), logger(&resources.context, self.name));
        service(state, move |(resources, log)| async move {
            loop {
                let pause = (self.run)(&resources, &log).await?;
                resources.context.process_status.acted("scheduler");
                tokio::time::sleep(jittered(pause).min(pause)).await;
            }
        })
    }
}

async fn fold(resources: &EngineResources) -> Result<Duration, StoreError> {
    resources.store.fold_counts().await?;
    Ok(pause_while_idle(resources, FOLD_INTERVAL).await)
}

/// Moves the start of each lane past claimed jobs. A busy lane takes three sweeps, see `lanes/sweep`.
async fn sweep(resources: &EngineResources) -> Result<Duration, StoreError> {
    if resources.store.sweep_lanes().await? {
        return Ok(SWEEP_INTERVAL);
    }
    Ok(pause_while_idle(resources, SWEEP_INTERVAL).await)
}

/// Waits for a change, at most [`IDLE`]; then returns `interval` as the pause.
async fn pause_while_idle(resources: &EngineResources, interval: Duration) -> Duration {
    let mut wakeups = resources.context.wakeup.subscribe_to_all();
    wakeups.clear();
    _ = tokio::time::timeout(IDLE, wakeups.woken()).await;
    interval
}
