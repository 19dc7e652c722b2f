//! One execution, from its claim to its settlement.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use slog::{Logger, debug, error, info, o, warn};
use tokio::sync::OwnedSemaphorePermit;

use super::chore::TIMEOUT_GRACE;
use super::held::Hold;
use super::jittered;
use super::source::Source;
use super::worker::{Desk, FIRST_PAUSE, LONGEST_PAUSE};
use crate::domain::{JobState, Outcome, ProjectStatus};
use crate::handlers::{Job, Log};
use crate::log::chain;
use crate::mutant::{self, Mutant};
use crate::signal::Stop;
use crate::store::jobs::{ClaimedJob, Settled};
use crate::telemetry::{KindLabels, OutcomeLabels};

/// How long a few lines may take to be kept.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// One execution, from the claim to its settlement. The slot is free again when the work has ended.
pub async fn attempt<S: Source>(
    desk: Arc<Desk<S>>,
    claimed: ClaimedJob,
    trusted_until: Option<Instant>,
    slot: Option<OwnedSemaphorePermit>,
) {
    let hold = desk.held.hold(&claimed.lease, trusted_until);
    let log = desk.log.new(o!(
        "job_id" => claimed.lease.job_id.to_string(), "execution_id" => claimed.lease.execution_id.to_string(),
        "project_id" => claimed.project_id.map(|id| id.to_string()), "kind" => claimed.kind.clone(),
    ));
    tell_claim(&desk, &log, &claimed);
    let started = Instant::now();
    let lines = Log::default();
    let performed = async {
        let outcome = perform(&desk, &log, &claimed, &hold, &lines).await;
        lines.close();
        outcome
    };
    let (Some(outcome), ()) = tokio::join!(performed, keep(&desk, &log, &claimed, &lines)) else { return };
    drop(slot);
    desk.tools
        .telemetry
        .work_seconds
        .get_or_create(&KindLabels { kind: claimed.kind.clone() })
        .observe(started.elapsed().as_secs_f64());
    deliver(&desk, &log, &claimed, outcome, &hold).await;
}

/// Runs the work; nothing when the lease was lost meanwhile, so that there is nothing to settle.
async fn perform<S>(desk: &Desk<S>, log: &Logger, claimed: &ClaimedJob, hold: &Hold, lines: &Log) -> Option<Outcome> {
    let Some(handler) = desk.tools.handlers.get(&claimed.kind) else {
        return Some(Outcome::refused(format!("no handler registered for {}", claimed.kind)));
    };
    let job = job(claimed, hold, lines);
    let mut work = pin!(AssertUnwindSafe(async { handler.run(&job).await }).catch_unwind());
    let time_is_up = async {
        match claimed.timeout {
            Some(timeout) => tokio::time::sleep(timeout).await,
            None => std::future::pending().await,
        }
    };
    let verdict = tokio::select! {
        biased;
        () = hold.lost.cancelled() => return None,
        outcome = &mut work => return Some(outcome.unwrap_or_else(|payload| {
            Outcome::failed(format!("the handler panicked: {}", message_of(payload.as_ref())))
        })),
        () = hold.distrusted() => {
            warn!(log, "stopped: nobody confirmed the lease for too long");
            // If it is still ours after all, somebody else may have it at once.
            return Some(Outcome::Released);
        }
        () = hold.canceled.cancelled() => Outcome::Canceled { reason: called_off(hold.reason()) },
        () = time_is_up => Outcome::TimedOut { after: claimed.timeout },
        () = desk.hand_back.cancelled() => match mutant::is_on(Mutant::DrainFails) {
            false => Outcome::Released,
            true => Outcome::refused("the worker went away"),
        },
    };
    // After that the reaper takes it back, whoever still holds it.
    let grace = match verdict {
        Outcome::TimedOut { .. } => handler.grace().min(TIMEOUT_GRACE / 2),
        Outcome::Canceled { .. } => handler.grace().min(desk.tools.config.cancel_grace / 2),
        _ => handler.grace(),
    };
    if grace.is_zero() {
        return Some(verdict);
    }
    // Whatever it still answers, the verdict stands.
    job.stop.cancel();
    tokio::select! {
        biased;
        () = hold.lost.cancelled() => None,
        _ = tokio::time::timeout(grace, work) => Some(verdict),
        () = hold.distrusted() => Some(verdict),
    }
}

fn called_off(reason: &str) -> String {
    if reason.is_empty() { "canceled".to_owned() } else { format!("canceled: {reason}") }
}

/// Sends on what the work writes, until it has ended and the last line is kept. What cannot be kept any more then is lost: the
/// outcome is worth more than the words.
async fn keep<S: Source>(desk: &Desk<S>, log: &Logger, claimed: &ClaimedJob, lines: &Log) {
    while let Some(batch) = lines.batch().await {
        let mut pause = FIRST_PAUSE;
        loop {
            let sent = tokio::time::timeout(LAST_WORDS, desk.source.log(claimed, &batch)).await;
            match sent {
                Ok(Ok(())) => break,
                Ok(Err(trouble)) if !trouble.is_temporary() => {
                    warn!(log, "lines not kept"; "error" => chain(&trouble));
                    break;
                }
                _ if lines.is_closed() => return warn!(log, "the last lines are lost: nobody took them in time"),
                _ => tokio::time::sleep(jittered(pause)).await,
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
}

/// What a handler may know of a claim: everything but the lease.
fn job(claimed: &ClaimedJob, hold: &Hold, lines: &Log) -> Job {
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
        log: lines.clone(),
        progress: hold.progress.clone(),
        stop: Stop::new(),
    }
}

/// Offers the outcome until the source takes it, refuses it, or time is up. A lost answer does no harm: the same
/// outcome again is recognised. What will never be taken is said as the reason of a failure instead: were the
/// lease left to lapse, the record would blame a lost worker, and the work would be done again for nothing.
async fn deliver<S: Source>(desk: &Desk<S>, log: &Logger, claimed: &ClaimedJob, mut outcome: Outcome, hold: &Hold) {
    let mut pause = FIRST_PAUSE;
    let mut refused = false;
    loop {
        match desk.source.settle(claimed, &outcome).await {
            Ok(Settled::Yes { state, project }) => return tell_settled(desk, log, claimed, &outcome, state, project),
            Ok(Settled::Already) => return debug!(log, "settled before"),
            Ok(Settled::LeaseLost) => {
                desk.tools.telemetry.stale_settlements.inc();
                return warn!(log, "settlement refused: the lease was lost"; "outcome" => outcome.word());
            }
            Err(trouble) if trouble.is_temporary() => {
                warn!(log, "settlement not delivered yet"; "error" => chain(&trouble));
            }
            Err(trouble) if !refused => {
                warn!(log, "outcome not accepted"; "error" => chain(&trouble));
                let what = if outcome.next().is_empty() {
                    "its outcome cannot be kept"
                } else {
                    "what should follow cannot be enqueued"
                };
                (outcome, refused) = (Outcome::refused(format!("{what}: {trouble}")), true);
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

fn tell_claim<S>(desk: &Desk<S>, log: &Logger, claimed: &ClaimedJob) {
    desk.tools.telemetry.claims.get_or_create(&KindLabels { kind: claimed.kind.clone() }).inc();
    info!(log, "job claimed"; "previous_state" => claimed.previous_state.as_str(), "new_state" => "active", "attempt" => claimed.attempt);
    if claimed.project_changed {
        info!(log, "project provisioning"; "previous_state" => ProjectStatus::Creating.as_str(), "new_state" => ProjectStatus::Provisioning.as_str());
    }
}

fn tell_settled<S>(
    desk: &Desk<S>,
    log: &Logger,
    claimed: &ClaimedJob,
    outcome: &Outcome,
    state: JobState,
    project: Option<(ProjectStatus, ProjectStatus)>,
) {
    let labels = OutcomeLabels { kind: claimed.kind.clone(), outcome: outcome.word().to_owned() };
    desk.tools.telemetry.settlements.get_or_create(&labels).inc();
    info!(log, "job {}", state;
        "previous_state" => "active", "new_state" => state.as_str(), "error" => outcome.error());
    if let Some((from, to)) = project {
        info!(log, "project {}", to; "previous_state" => from.as_str(), "new_state" => to.as_str());
    }
}

/// What a panic said.
pub fn message_of(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_else(|| "without a message".to_owned())
}
