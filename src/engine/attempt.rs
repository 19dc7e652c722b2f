//! One execution, from its claim to its settlement.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use futures_util::FutureExt;
use slog::{Logger, debug, error, info, o, warn};
use tokio::sync::OwnedSemaphorePermit;

use super::held::Hold;
use super::jittered;
use super::source::Source;
use super::worker::{Desk, FIRST_PAUSE, LONGEST_PAUSE};
use crate::domain::settle::settle;
use crate::domain::{Budget, JobKind, JobState, NewJob, Outcome, ProjectStatus, Settlement};
use crate::handlers::Job;
use crate::log::chain;
use crate::meter::{KindLabels, OutcomeLabels};
use crate::mutant::{self, Mutant};
use crate::store::jobs::{Claimed, Settled};
use crate::wire::CreateJob;

/// One execution, from the claim to its settlement. The slot is free again when the work has ended.
pub async fn attempt<S: Source>(desk: Arc<Desk<S>>, claimed: Claimed, slot: Option<OwnedSemaphorePermit>) {
    let hold = desk.held.hold(&claimed.lease);
    let log = desk.log.new(o!(
        "job_id" => claimed.lease.job_id.to_string(), "execution_id" => claimed.lease.execution_id.to_string(),
        "project_id" => claimed.project_id.map(|id| id.to_string()), "kind" => claimed.kind.clone(),
    ));
    tell_claim(&desk, &log, &claimed);
    let started = Instant::now();
    let Some(outcome) = perform(&desk, &claimed, &hold).await else { return };
    drop(slot);
    desk.parts
        .meter
        .work_seconds
        .get_or_create(&KindLabels { kind: claimed.kind.clone() })
        .observe(started.elapsed().as_secs_f64());
    let budget = Budget {
        failures: claimed.failures.unsigned_abs(),
        max_attempts: claimed.max_attempts.unsigned_abs(),
        backoff: claimed.backoff.unwrap_or_default(),
    };
    let settlement = settle(outcome, budget, rand::random());
    let (settlement, next) = with_followers(settlement, budget, desk.parts.config.max_attempts);
    deliver(&desk, &log, &claimed, (&settlement, &next), budget, &hold).await;
}

/// The jobs that follow. If one of them cannot be enqueued as it is, nothing follows and the work counts as refused: to
/// do half of what was asked would leave a chain broken without a word.
fn with_followers(settlement: Settlement, budget: Budget, max_attempts: u32) -> (Settlement, Vec<NewJob>) {
    let checked: Result<Vec<NewJob>, _> =
        settlement.next.iter().map(|text| CreateJob::parse(text, max_attempts)).collect();
    match checked {
        Ok(next) => (settlement, next),
        Err(problem) => {
            let reason = format!("what should follow cannot be enqueued: {} {}", problem.field, problem.message);
            (settle(Outcome::refused(reason), budget, 0.0), Vec::new())
        }
    }
}

/// Runs the work; nothing when the lease was lost meanwhile, so that there is nothing to settle.
async fn perform<S>(desk: &Desk<S>, claimed: &Claimed, hold: &Hold) -> Option<Outcome> {
    let work = AssertUnwindSafe(act(desk, claimed)).catch_unwind();
    let time_is_up = async {
        match claimed.timeout {
            Some(timeout) => tokio::time::sleep(timeout).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        biased;
        () = hold.lost.cancelled() => None,
        outcome = work => Some(outcome.unwrap_or_else(|payload| {
            Outcome::failed(format!("the handler panicked: {}", message_of(payload.as_ref())))
        })),
        () = hold.canceled.cancelled() => Some(Outcome::Canceled { reason: called_off(hold.reason()) }),
        () = time_is_up => Some(Outcome::TimedOut { after: claimed.timeout.unwrap_or_default() }),
        () = desk.hand_back.cancelled() => Some(match mutant::is_on(Mutant::DrainFails) {
            false => Outcome::Released,
            true => Outcome::refused("the worker went away"),
        }),
    }
}

fn called_off(reason: &str) -> String {
    if reason.is_empty() { "canceled".to_owned() } else { format!("canceled: {reason}") }
}

async fn act<S>(desk: &Desk<S>, claimed: &Claimed) -> Outcome {
    let Some(handler) = desk.parts.handlers.get(&claimed.kind) else {
        return Outcome::refused(format!("no handler registered for {}", claimed.kind));
    };
    handler.run(&job(claimed)).await
}

/// What a handler may know of a claim: everything but the lease.
fn job(claimed: &Claimed) -> Job {
    Job {
        id: claimed.lease.job_id,
        execution_id: claimed.lease.execution_id,
        kind: claimed.kind.clone(),
        queue: claimed.queue.clone(),
        tenant: claimed.tenant.clone(),
        attempt: claimed.attempt,
        max_attempts: claimed.max_attempts,
        payload: claimed.payload.clone(),
        inputs: claimed.inputs.clone(),
        project_id: claimed.project_id,
    }
}

/// Offers the settlement until the database takes it, refuses it, or time is up. A lost answer does no harm: the same
/// settlement again is recognised. What the database will never take is said as the reason of a failure instead: were the
/// lease left to lapse, the record would blame a lost worker, and the work would be done again for nothing.
async fn deliver<S: Source>(
    desk: &Desk<S>,
    log: &Logger,
    claimed: &Claimed,
    outcome: (&Settlement, &[NewJob]),
    budget: Budget,
    hold: &Hold,
) {
    let kind = JobKind::parse(&claimed.kind);
    let mut pause = FIRST_PAUSE;
    let mut instead = None;
    loop {
        let (settlement, next) = instead.as_ref().map_or(outcome, |it| (it, &[]));
        match desk.source.settle(&claimed.lease, kind, settlement, next).await {
            Ok(Settled::Yes { state, project }) => return tell_settled(desk, log, claimed, settlement, state, project),
            Ok(Settled::Already) => return debug!(log, "settled before"),
            Ok(Settled::LeaseLost) => {
                desk.parts.meter.stale_settlements.inc();
                return warn!(log, "settlement refused: the lease was lost"; "outcome" => settlement.outcome);
            }
            Err(trouble) if trouble.is_temporary() => {
                warn!(log, "settlement not delivered yet"; "error" => chain(&trouble));
            }
            Err(trouble) if instead.is_none() => {
                warn!(log, "outcome not accepted"; "error" => chain(&trouble));
                let what = if next.is_empty() {
                    "its outcome cannot be kept"
                } else {
                    "what should follow cannot be enqueued"
                };
                instead = Some(settle(Outcome::refused(format!("{what}: {trouble}")), budget, 0.0));
                continue;
            }
            // Saying it again would go no better. The lease ends, and the reaper counts it as a failure.
            Err(trouble) => return error!(log, "settlement impossible"; "error" => chain(&trouble)),
        }
        tokio::select! {
            () = hold.lost.cancelled() => return,
            () = desk.abandon.cancelled() => {
                return error!(log, "settlement abandoned: the job will be taken back when its lease ends");
            }
            () = tokio::time::sleep(jittered(pause)) => pause = (pause * 2).min(LONGEST_PAUSE),
        }
    }
}

fn tell_claim<S>(desk: &Desk<S>, log: &Logger, claimed: &Claimed) {
    desk.parts.meter.claims.get_or_create(&KindLabels { kind: claimed.kind.clone() }).inc();
    info!(log, "job claimed"; "previous_state" => claimed.previous_state.as_str(), "new_state" => "active", "attempt" => claimed.attempt);
    if claimed.project_moved {
        info!(log, "project provisioning"; "previous_state" => ProjectStatus::Creating.as_str(), "new_state" => ProjectStatus::Provisioning.as_str());
    }
}

fn tell_settled<S>(
    desk: &Desk<S>,
    log: &Logger,
    claimed: &Claimed,
    settlement: &Settlement,
    state: JobState,
    project: Option<(ProjectStatus, ProjectStatus)>,
) {
    let labels = OutcomeLabels { kind: claimed.kind.clone(), outcome: settlement.outcome.to_owned() };
    desk.parts.meter.settlements.get_or_create(&labels).inc();
    info!(log, "job {}", state;
        "previous_state" => "active", "new_state" => state.as_str(), "error" => settlement.error.as_deref());
    if let Some((from, to)) = project {
        info!(log, "project {}", to; "previous_state" => from.as_str(), "new_state" => to.as_str());
    }
}

/// What a panic said.
pub fn message_of(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_else(|| "without a message".to_owned())
}
