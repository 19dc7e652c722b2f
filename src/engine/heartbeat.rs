//! The heartbeat: three times per lease, one call renews the leases of all executions of this process and returns which
//! are lost, which are canceled, and the state that operators set for the worker.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use slog::{info, warn};

use super::local_worker::LocalWorker;
use super::retry::jittered;
use super::source::Source;
use super::supervisor::{ServiceError, ServiceFuture, service};
use super::{EngineContext, logger};
use crate::store::jobs::LeasedExecution;

/// The heartbeat service. It outlives claiming, because running work keeps its leases until it has finished. It has a
/// thread and connections of its own, so that a handler that computes for minutes cannot make the others lose their leases.
pub fn heartbeat<S: Source>(
    context: &EngineContext,
    worker: &Arc<LocalWorker>,
    source: &Arc<S>,
) -> impl Fn() -> ServiceFuture + Send + Sync + 'static {
    service((context.clone(), worker.clone(), source.clone()), |(context, worker, source)| async move {
        let mut cancels = context.wakeup.subscribe_to_cancels();
        // The first heartbeat covers every execution: only its reply tells how long leases last.
        let mut youngest = Duration::ZERO;
        loop {
            cancels.clear();
            let interval = beat(&context, &worker, source.as_ref(), youngest).await?;
            youngest = tokio::select! {
                // Somebody requested a cancel: look at every lease, also at young ones.
                () = cancels.woken() => Duration::ZERO,
                () = tokio::time::sleep(jittered(interval).min(interval)) => interval / 2,
            };
        }
    })
}

/// Sends one heartbeat for the leases of at least this age; returns the interval until the next.
async fn beat<S: Source>(
    context: &EngineContext,
    worker: &LocalWorker,
    source: &S,
    youngest: Duration,
) -> Result<Duration, ServiceError> {
    let log = logger(context, "heartbeat");
    // A young lease needs no renewal, and short work settles before its first heartbeat: renewing it too would only make
    // the two statements compete.
    let leased = worker.executions.older_than(youngest);
    let busy = worker.executions.len().min(context.config.worker_concurrency);
    let reply = source.heartbeat(&leased, busy, context.process_status.is_draining()).await?;
    let renewed: HashMap<_, _> = reply.renewed.into_iter().map(|it| (it.execution_id, it.canceled)).collect();
    for LeasedExecution { job_id, execution_id, .. } in &leased {
        match renewed.get(execution_id) {
            None if worker.executions.mark_lost(*execution_id) => {
                warn!(log, "lease lost"; "job_id" => %job_id, "execution_id" => %execution_id, "worker_id" => &worker.identity.id);
            }
            Some(Some(reason)) if worker.executions.cancel(*execution_id, reason) => {
                info!(log, "job canceled"; "job_id" => %job_id, "execution_id" => %execution_id, "reason" => reason);
            }
            None | Some(_) => {}
        }
        if renewed.contains_key(execution_id) {
            worker.executions.extend_trust(*execution_id, reply.trusted_until);
        }
    }
    if worker.set_state(reply.worker_state) {
        info!(log, "worker {}", reply.worker_state; "worker_id" => &worker.identity.id);
    }
    Ok(reply.interval)
}
