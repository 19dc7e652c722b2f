//! What has to be done now and then, by any process at any time: each chore is one guarded statement, so it does not
//! matter how many processes try.

use std::time::Duration;

use futures_util::future::BoxFuture;
use slog::{Logger, info, warn};

use super::supervisor::Fault;
use super::{Parts, jittered, logger};
use crate::store::StoreError;

/// How many rows a chore takes at once.
const BATCH: i64 = 200;
/// How many rows the pruner forgets at once.
const FORGET_BATCH: i64 = 20_000;

/// A name, a period, and what to do once. Logs only what happened.
pub struct Chore {
    pub name: &'static str,
    period: Duration,
    once: for<'a> fn(&'a Parts, &'a Logger) -> BoxFuture<'a, Result<(), StoreError>>,
}

/// Every chore there is, with its period.
pub fn all() -> [Chore; 4] {
    let seconds = Duration::from_secs;
    [
        Chore { name: "reaper", period: seconds(1), once: |parts, log| Box::pin(reap(parts, log)) },
        Chore { name: "deadlines", period: seconds(1), once: |parts, log| Box::pin(expire(parts, log)) },
        Chore { name: "folder", period: seconds(10), once: |parts, _| Box::pin(fold(parts)) },
        Chore { name: "pruner", period: seconds(60), once: |parts, log| Box::pin(prune(parts, log)) },
    ]
}

impl Chore {
    /// The chore as a service: once now, then once per period until it is stopped from outside.
    pub fn service(self, parts: &Parts) -> impl Fn() -> BoxFuture<'static, Result<(), Fault>> + Send + Sync + 'static {
        let (parts, log) = (parts.clone(), logger(parts, self.name));
        let Self { period, once, .. } = self;
        move || {
            let (parts, log) = (parts.clone(), log.clone());
            Box::pin(async move {
                loop {
                    once(&parts, &log).await?;
                    tokio::time::sleep(jittered(period)).await;
                }
            })
        }
    }
}

/// Takes back jobs whose lease has ended.
async fn reap(parts: &Parts, log: &Logger) -> Result<(), StoreError> {
    for job in parts.store.reap_jobs(BATCH, "reaper").await? {
        parts.meter.reaped.inc();
        warn!(log, "job taken back: {}", job.error;
            "job_id" => %job.job_id, "execution_id" => %job.execution_id, "worker_id" => &job.worker_id,
            "project_id" => job.project_id.map(|id| id.to_string()),
            "previous_state" => "active", "new_state" => job.state.as_str());
        if let (Some(was), Some(project)) = (&job.project_was, job.project_id) {
            warn!(log, "project failed with its job";
                "project_id" => %project, "job_id" => %job.job_id, "execution_id" => %job.execution_id,
                "worker_id" => &job.worker_id, "previous_state" => was, "new_state" => "failed");
        }
    }
    Ok(())
}

/// Gives up projects whose deadline has passed.
async fn expire(parts: &Parts, log: &Logger) -> Result<(), StoreError> {
    for project in parts.store.expire_projects(BATCH, "deadlines").await? {
        parts.meter.expired.inc();
        warn!(log, "project given up: {}", project.error_reason;
            "project_id" => %project.id, "job_id" => project.job_id.map(|id| id.to_string()),
            "previous_state" => &project.previous_state, "new_state" => "failed");
    }
    Ok(())
}

/// Folds the counters.
async fn fold(parts: &Parts) -> Result<(), StoreError> {
    parts.store.fold_counts().await
}

/// Forgets what nobody can ask for any more.
async fn prune(parts: &Parts, log: &Logger) -> Result<(), StoreError> {
    let (results, keys) = parts.store.forget_counts(FORGET_BATCH).await?;
    parts.store.forget_workers().await?;
    if results + keys > 0 {
        info!(log, "forgot what was too old"; "provision_results" => results, "idempotency_keys" => keys);
    }
    Ok(())
}
