//! Says three times per lease that we are still at work, for all executions of this process in one statement, and hears
//! what was lost, what was called off, and what this worker shall be.

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use slog::{info, warn};

use super::crew::Crew;
use super::source::{Database, Source};
use super::supervisor::Fault;
use super::{Parts, jittered, logger};

/// The heartbeat service. It goes on while running work finishes, so its end is not the stop of claiming. It has a thread
/// and a connection of its own: a handler that computes for minutes without a pause must not cost the others their leases.
pub fn service(
    parts: &Parts,
    crew: &Arc<Crew>,
) -> impl Fn() -> BoxFuture<'static, Result<(), Fault>> + Send + Sync + 'static {
    let (parts, crew) = (Parts { store: parts.vital.clone(), ..parts.clone() }, crew.clone());
    move || {
        let (parts, crew) = (parts.clone(), crew.clone());
        Box::pin(async move {
            let source = Database::new(&parts, &crew.me);
            let period = parts.config.lease_ttl / 3;
            loop {
                beat(&parts, &crew, &source).await?;
                tokio::time::sleep(jittered(period).min(period)).await;
            }
        })
    }
}

async fn beat(parts: &Parts, crew: &Crew, source: &Database) -> Result<(), Fault> {
    let log = logger(parts, "heartbeat");
    // A lease that is this young needs nothing, and work that takes no time is settled before its first heartbeat: the
    // statements of the two would only be in each other's way.
    let mine = crew.held.held_for(parts.config.lease_ttl / 6);
    if !mine.is_empty() {
        let kept: HashMap<_, _> =
            source.heartbeat(&mine).await?.into_iter().map(|beat| (beat.execution_id, beat.canceled)).collect();
        for (job, execution) in &mine {
            match kept.get(execution) {
                None if crew.held.lose(*execution) => {
                    warn!(log, "lease lost"; "job_id" => %job, "execution_id" => %execution, "worker_id" => &crew.me.id);
                }
                Some(Some(reason)) if crew.held.call_off(*execution, reason) => {
                    info!(log, "job called off"; "job_id" => %job, "execution_id" => %execution, "reason" => reason);
                }
                None | Some(_) => {}
            }
        }
    }
    let busy = crew.held.len().min(parts.config.worker_concurrency);
    let told = parts.store.heartbeat_worker(&crew.me, parts.board.is_draining(), busy).await?;
    if crew.tell(told) {
        info!(log, "worker {}", told; "worker_id" => &crew.me.id);
    }
    Ok(())
}
