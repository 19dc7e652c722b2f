//! Says three times per lease that we are still at work, for all executions of this process in one call, and hears
//! what was lost, what was called off, and what this worker shall be.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use slog::{info, warn};

use super::crew::Crew;
use super::source::Source;
use super::supervisor::Fault;
use super::{Tools, jittered, logger};
use crate::store::jobs::LeasedExecution;

/// The heartbeat service. It goes on while running work finishes, so its end is not the stop of claiming. It has a thread
/// and a connection of its own: a handler that computes for minutes without a pause must not cost the others their leases.
pub fn service<S: Source>(
    tools: &Tools,
    crew: &Arc<Crew>,
    source: &Arc<S>,
) -> impl Fn() -> BoxFuture<'static, Result<(), Fault>> + Send + Sync + 'static {
    let (tools, crew, source) = (tools.clone(), crew.clone(), source.clone());
    move || {
        let (tools, crew, source) = (tools.clone(), crew.clone(), source.clone());
        Box::pin(async move {
            // The first heartbeat leaves nothing out: how long leases last is heard with its answer.
            let mut rhythm = Duration::ZERO;
            loop {
                rhythm = beat(&tools, &crew, source.as_ref(), rhythm).await?;
                tokio::time::sleep(jittered(rhythm).min(rhythm)).await;
            }
        })
    }
}

/// One heartbeat; how long until the next.
async fn beat<S: Source>(tools: &Tools, crew: &Crew, source: &S, rhythm: Duration) -> Result<Duration, Fault> {
    let log = logger(tools, "heartbeat");
    // A lease that is this young needs nothing, and work that takes no time is settled before its first heartbeat: the
    // statements of the two would only be in each other's way.
    let mine = crew.held.held_for(rhythm / 2);
    let busy = crew.held.len().min(tools.config.worker_concurrency);
    let beats = source.heartbeat(&mine, busy, tools.process_status.is_draining()).await?;
    let kept: HashMap<_, _> = beats.held.into_iter().map(|beat| (beat.execution_id, beat.canceled)).collect();
    for LeasedExecution { job_id: job, execution_id: execution, .. } in &mine {
        match kept.get(execution) {
            None if crew.held.lose(*execution) => {
                warn!(log, "lease lost"; "job_id" => %job, "execution_id" => %execution, "worker_id" => &crew.me.id);
            }
            Some(Some(reason)) if crew.held.call_off(*execution, reason) => {
                info!(log, "job called off"; "job_id" => %job, "execution_id" => %execution, "reason" => reason);
            }
            None | Some(_) => {}
        }
        if kept.contains_key(execution) {
            crew.held.trust(*execution, beats.trusted_until);
        }
    }
    if crew.tell(beats.told) {
        info!(log, "worker {}", beats.told; "worker_id" => &crew.me.id);
    }
    Ok(beats.rhythm)
}
