//! What has to be done now and then, by any process at any time: each chore is one guarded statement, so it does not
//! matter how many processes try.

use std::future::Future;
use std::time::Duration;

use futures_util::future::BoxFuture;
use slog::{Logger, info, warn};

use super::supervisor::Fault;
use super::{Parts, jittered, logger};
use crate::domain::{JobState, WorkflowState};
use crate::store::Audit;
use crate::store::StoreError;
use crate::store::jobs::GracePeriods;

/// How many rows a chore takes at once.
const BATCH: i64 = 200;
/// How many rows the pruner forgets at once.
const FORGET_BATCH: i64 = 20_000;
/// How many jobs, executions or events one statement of the pruner removes: a tenth of a second of work.
const PRUNE_BATCH: i64 = 5_000;
/// How many such statements in a row for one class.
const PRUNE_ROUNDS: usize = 40;

/// A name, and what to do once, which answers how long to rest until the next time. Logs only what happened.
pub struct Chore {
    pub name: &'static str,
    once: for<'a> fn(&'a Parts, &'a Logger) -> BoxFuture<'a, Result<Duration, StoreError>>,
}

/// Every chore there is.
pub fn all() -> [Chore; 4] {
    [
        Chore { name: "reaper", once: |parts, log| Box::pin(reap(parts, log)) },
        Chore { name: "sweeper", once: |parts, _| Box::pin(sweep(parts)) },
        Chore { name: "folder", once: |parts, _| Box::pin(fold(parts)) },
        Chore { name: "pruner", once: |parts, log| Box::pin(prune(parts, log)) },
    ]
}

/// How long a chore rests while this process has nothing to do; what others leave is taken care of that late.
const IDLE: Duration = Duration::from_secs(60);
/// How often the lines are swept while something moves: this much work leaves dead entries in front of a claim.
const SWEEP_EVERY: Duration = Duration::from_millis(250);
/// How often counters are folded while something moves.
const FOLD_EVERY: Duration = Duration::from_secs(10);
/// How often retention looks.
const PRUNE_EVERY: Duration = Duration::from_secs(120);
/// The longest rest of the reaper. Whatever it must know of is there at least a lease earlier.
const REAP_EVERY: Duration = Duration::from_secs(5);
/// Its shortest.
const REAP_SOON: Duration = Duration::from_millis(500);

impl Chore {
    /// The chore as a service: once now, then once per period until it is stopped from outside.
    pub fn service(self, parts: &Parts) -> impl Fn() -> BoxFuture<'static, Result<(), Fault>> + Send + Sync + 'static {
        let (parts, log) = (parts.clone(), logger(&parts.tools, self.name));
        let once = self.once;
        move || {
            let (parts, log) = (parts.clone(), log.clone());
            Box::pin(async move {
                loop {
                    let rest = once(&parts, &log).await?;
                    tokio::time::sleep(jittered(rest).min(rest)).await;
                }
            })
        }
    }
}

/// How long after its time a worker may still end an execution by itself. It stops the work after half of that, so that it is
/// not taken back while its end is being told.
pub const TIMEOUT_GRACE: Duration = Duration::from_secs(10);

/// How many jobs a statement tells the dependents of, and how many such statements come in a row.
const TELL_BATCH: i64 = 100;
const TELL_ROUNDS: usize = 20;

/// Moves what only the passing of time can move. One look tells whether there is anything; each kind of thing then has
/// its own statement. It also tells when there will be something next, as far as one can know now.
async fn reap(parts: &Parts, log: &Logger) -> Result<Duration, StoreError> {
    let graces = GracePeriods { cancel: parts.tools.config.cancel_grace, timeout: TIMEOUT_GRACE };
    let overdue = parts.store.overdue(graces).await?;
    if overdue.executions {
        take_back(parts, graces, log).await?;
    }
    if overdue.projects {
        expire_projects(parts, log).await?;
    }
    if overdue.jobs {
        for (job, was) in parts.store.expire_jobs(BATCH, "deadlines").await? {
            parts.tools.telemetry.expired_jobs.inc();
            warn!(log, "job given up at its deadline";
                "job_id" => %job, "previous_state" => was.as_str(), "new_state" => "failed");
        }
    }
    if overdue.pending_outcomes {
        // Each statement goes as far as one may; together they go to the end of the chain, unless it is very long.
        for _ in 0..TELL_ROUNDS {
            if parts.store.propagate_outcomes(TELL_BATCH).await? == 0 {
                break;
            }
        }
    }
    let shortest = [parts.tools.config.lease_ttl / 4, parts.tools.config.cancel_grace / 2, REAP_EVERY]
        .into_iter()
        .min()
        .unwrap_or(REAP_EVERY);
    Ok(overdue.next.unwrap_or(REAP_EVERY).clamp(REAP_SOON, shortest.max(REAP_SOON)))
}

/// Takes back jobs whose lease has ended, whose time is over, or that did not stop when they were canceled.
async fn take_back(parts: &Parts, graces: GracePeriods, log: &Logger) -> Result<(), StoreError> {
    for job in parts.store.reap_jobs(BATCH, graces, "reaper").await? {
        parts.tools.telemetry.reaped.inc();
        warn!(log, "job taken back: {}", job.error;
            "job_id" => %job.job_id, "execution_id" => %job.execution_id, "worker_id" => &job.worker_id,
            "project_id" => job.project_id.map(|id| id.to_string()), "outcome" => &job.outcome,
            "previous_state" => "active", "new_state" => job.state.as_str());
        if let (Some(was), Some(project)) = (&job.previous_project_status, job.project_id) {
            warn!(log, "project failed with its job";
                "project_id" => %project, "job_id" => %job.job_id, "execution_id" => %job.execution_id,
                "worker_id" => &job.worker_id, "previous_state" => was, "new_state" => "failed");
        }
    }
    Ok(())
}

/// Gives up projects whose deadline has passed.
async fn expire_projects(parts: &Parts, log: &Logger) -> Result<(), StoreError> {
    for project in parts.store.expire_projects(BATCH, "deadlines").await? {
        parts.tools.telemetry.expired.inc();
        warn!(log, "project given up: {}", project.error_reason;
            "project_id" => %project.id, "job_id" => project.job_id.map(|id| id.to_string()),
            "previous_state" => &project.previous_state, "new_state" => "failed");
    }
    Ok(())
}

/// Folds the counters; when nothing moved here, only once in a while, for the others.
async fn fold(parts: &Parts) -> Result<Duration, StoreError> {
    parts.store.fold_counts().await?;
    Ok(rest_while_still(parts, FOLD_EVERY).await)
}

/// Moves the lines up to where jobs are waiting now. A line that is under way takes three sweeps, see `lines/sweep`.
async fn sweep(parts: &Parts) -> Result<Duration, StoreError> {
    if parts.store.sweep_lanes().await? {
        return Ok(SWEEP_EVERY);
    }
    Ok(rest_while_still(parts, SWEEP_EVERY).await)
}

/// Waits until something stirs, but no longer than [`IDLE`]; then how long to rest before the next time.
async fn rest_while_still(parts: &Parts, period: Duration) -> Duration {
    let mut wakeups = parts.tools.wakeup.subscribe_to_all();
    wakeups.clear();
    _ = tokio::time::timeout(IDLE, wakeups.woken()).await;
    period
}

/// Forgets what nobody can ask for any more, and what its class has been kept for long enough. A class that has more than
/// a batch goes on at once, but at most so often, so that the others get their turn.
async fn prune(parts: &Parts, log: &Logger) -> Result<Duration, StoreError> {
    let (results, keys) = parts.store.prune_counts(FORGET_BATCH).await?;
    let mut removed = results + keys;
    let (job_keys, statistics) = parts.store.prune_keys(FORGET_BATCH).await?;
    removed += job_keys + statistics;
    removed += repeatedly(FORGET_BATCH, || parts.store.prune_deliveries(FORGET_BATCH)).await?;
    let pruner = Audit { actor: "pruner".into(), request_id: None, reason: Some("silent for a day".into()) };
    removed += parts.store.forget_workers(None, Duration::from_secs(24 * 60 * 60), &pruner).await?;
    let keep = &parts.tools.config.retain;
    let classes = [
        (JobState::Completed, WorkflowState::Completed, keep.completed),
        (JobState::Failed, WorkflowState::Failed, keep.failed),
        (JobState::Canceled, WorkflowState::Canceled, keep.canceled),
    ];
    for (job, workflow, age) in classes.into_iter().filter_map(|(job, workflow, age)| Some((job, workflow, age?))) {
        removed += repeatedly(PRUNE_BATCH, || parts.store.prune_jobs(job, age, PRUNE_BATCH)).await?;
        removed += repeatedly(1, || parts.store.prune_workflows(workflow, age, PRUNE_BATCH)).await?;
    }
    if let Some(age) = keep.executions {
        removed += repeatedly(PRUNE_BATCH, || parts.store.prune_executions(age, PRUNE_BATCH)).await?;
        removed += repeatedly(PRUNE_BATCH, || parts.store.prune_logs(age, PRUNE_BATCH)).await?;
    }
    if let Some(age) = keep.events {
        removed += repeatedly(PRUNE_BATCH, || parts.store.prune_ticks(age, PRUNE_BATCH)).await?;
        for _ in 0..PRUNE_ROUNDS {
            let (gone, walked) = parts.store.prune_events(age, PRUNE_BATCH).await?;
            removed += gone;
            if walked < PRUNE_BATCH {
                break;
            }
        }
    }
    parts.tools.telemetry.pruned.inc_by(removed.unsigned_abs());
    if removed > 0 {
        info!(log, "forgot what was kept for long enough"; "rows" => removed);
    }
    Ok(PRUNE_EVERY)
}

/// Until a batch has fewer than `full`, or it was enough for now. How many were removed.
async fn repeatedly<F>(full: i64, mut batch: impl FnMut() -> F) -> Result<i64, StoreError>
where
    F: Future<Output = Result<i64, StoreError>>,
{
    let mut removed = 0;
    for _ in 0..PRUNE_ROUNDS {
        let gone = batch().await?;
        removed += gone;
        if gone < full {
            break;
        }
    }
    Ok(removed)
}
