//! THE loop: a free slot, a claim, work without any connection held, a settlement under the execution's id.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use slog::{Logger, debug, error, info, o, warn};
use tokio::task::JoinSet;

use super::held::{Held, Hold};
use super::source::{Database, Source};
use super::supervisor::Fault;
use super::{Parts, jittered, logger};
use crate::domain::{JobKind, Outcome, ProjectStatus, Settlement, settle::settle};
use crate::handlers::Job;
use crate::log::chain;
use crate::meter::{KindLabels, OutcomeLabels};
use crate::signal::Stop;
use crate::store::jobs::{Claimed, Settled};
use crate::store::workers::Worker;

/// How long results are still offered to a database that is down while the process stops.
const LAST_OFFERS: Duration = Duration::from_secs(3);

/// While the database is away, we ask again after a pause that doubles from the first to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// The worker service.
pub fn service(
    parts: &Parts,
    me: &Arc<Worker>,
    held: &Arc<Held>,
    stop: &Stop,
) -> impl Fn() -> BoxFuture<'static, Result<(), Fault>> + Send + Sync + 'static {
    let (parts, me, held, stop) = (parts.clone(), me.clone(), held.clone(), stop.clone());
    move || {
        let desk = Arc::new(Desk {
            source: Database::new(&parts, &me),
            log: logger(&parts, "worker").new(o!("worker_id" => me.id.clone())),
            parts: parts.clone(),
            held: held.clone(),
            hand_back: Stop::new(),
            abandon: Stop::new(),
        });
        run(desk, stop.clone()).boxed()
    }
}

/// What every attempt of this worker shares.
struct Desk<S> {
    source: S,
    parts: Parts,
    held: Arc<Held>,
    log: Logger,
    /// Cancelled when the grace is over: what still runs is handed back.
    hand_back: Stop,
    /// Cancelled when even that takes too long.
    abandon: Stop,
}

async fn run<S: Source>(desk: Arc<Desk<S>>, stop: Stop) -> Result<(), Fault> {
    let (slots, poll) = (desk.parts.config.worker_concurrency, desk.parts.config.poll_interval);
    let mut ear = desk.parts.bell.ear();
    let (mut running, mut pause) = (JoinSet::new(), FIRST_PAUSE);
    while !stop.is_cancelled() {
        ear.clear();
        while running.try_join_next().is_some() {}
        let free = slots - running.len();
        if free > 0 {
            // Never raced against `stop`: a claim that is dropped half-way may still be committed, and then leased to
            // nobody until it lapses.
            match desk.source.claim(free).await {
                Ok(claims) => {
                    pause = FIRST_PAUSE;
                    claims.into_iter().for_each(|claimed| _ = running.spawn(attempt(desk.clone(), claimed)));
                }
                Err(trouble) => {
                    warn!(desk.log, "nothing claimed"; "error" => chain(&trouble), "pause_ms" => pause.as_millis() as u64);
                    tokio::select! {
                        () = stop.cancelled() => break,
                        () = tokio::time::sleep(jittered(pause)) => pause = (pause * 2).min(LONGEST_PAUSE),
                    }
                    continue;
                }
            }
        }
        tokio::select! {
            () = stop.cancelled() => break,
            () = ear.rung(), if running.len() < slots => {}
            () = tokio::time::sleep(jittered(poll).min(poll)), if running.len() < slots => {}
            Some(_) = running.join_next(), if !running.is_empty() => {}
        }
    }
    drain(&desk, running).await;
    Ok(())
}

/// Lets running work finish within the grace, then has the rest handed back at once.
async fn drain<S>(desk: &Desk<S>, mut running: JoinSet<()>) {
    let grace = desk.parts.config.shutdown_grace;
    if !running.is_empty() {
        info!(desk.log, "stopping: running work may finish"; "running" => running.len(), "grace_ms" => grace.as_millis() as u64);
    }
    if tokio::time::timeout(grace, finish(&mut running)).await.is_ok() {
        return;
    }
    desk.hand_back.cancel();
    if tokio::time::timeout(LAST_OFFERS, finish(&mut running)).await.is_err() {
        desk.abandon.cancel();
        finish(&mut running).await;
    }
}

async fn finish(running: &mut JoinSet<()>) {
    while running.join_next().await.is_some() {}
}

/// One execution, from the claim to its settlement.
async fn attempt<S: Source>(desk: Arc<Desk<S>>, claimed: Claimed) {
    let hold = desk.held.hold(&claimed.lease);
    let kind = JobKind::parse(&claimed.kind);
    let log = desk.log.new(o!(
        "job_id" => claimed.lease.job_id.to_string(), "execution_id" => claimed.lease.execution_id.to_string(),
        "project_id" => claimed.project_id.map(|id| id.to_string()), "kind" => claimed.kind.clone(),
    ));
    tell_claim(&desk, &log, &claimed);
    let started = Instant::now();
    let Some(outcome) = perform(&desk, &claimed, &hold).await else { return };
    desk.parts
        .meter
        .work_seconds
        .get_or_create(&KindLabels { kind: claimed.kind.clone() })
        .observe(started.elapsed().as_secs_f64());
    let (failures, max) = (claimed.failures.unsigned_abs(), claimed.max_attempts.unsigned_abs());
    let settlement = settle(outcome, failures, max, rand::random());
    deliver(&desk, &log, kind, &claimed, &settlement, &hold).await;
}

/// Runs the work; nothing when the lease was lost meanwhile, so that there is nothing to settle.
async fn perform<S>(desk: &Desk<S>, claimed: &Claimed, hold: &Hold) -> Option<Outcome> {
    let work = AssertUnwindSafe(act(desk, claimed)).catch_unwind();
    tokio::select! {
        biased;
        () = hold.lost.cancelled() => None,
        outcome = work => Some(outcome.unwrap_or_else(|payload| {
            Outcome::failed(format!("the provisioner panicked: {}", message_of(payload.as_ref())))
        })),
        () = desk.hand_back.cancelled() => Some(Outcome::Released),
    }
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
        tenant: "default".to_owned(),
        attempt: claimed.attempt,
        max_attempts: claimed.max_attempts,
        payload: claimed.payload.clone(),
        project_id: claimed.project_id,
    }
}

/// Offers the settlement until the database takes it, refuses it, or time is up. A lost answer does no harm: the same
/// settlement again is recognised.
async fn deliver<S: Source>(
    desk: &Desk<S>,
    log: &Logger,
    kind: Option<JobKind>,
    claimed: &Claimed,
    settlement: &Settlement,
    hold: &Hold,
) {
    let mut pause = FIRST_PAUSE;
    loop {
        match desk.source.settle(&claimed.lease, kind, settlement).await {
            Ok(Settled::Yes { project }) => return tell_settled(desk, log, claimed, settlement, project),
            Ok(Settled::Already) => return debug!(log, "settled before"),
            Ok(Settled::LeaseLost) => {
                desk.parts.meter.stale_settlements.inc();
                return warn!(log, "settlement refused: the lease was lost"; "outcome" => settlement.outcome);
            }
            Err(trouble) if trouble.is_temporary() => {
                warn!(log, "settlement not delivered yet"; "error" => chain(&trouble));
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
    project: Option<(ProjectStatus, ProjectStatus)>,
) {
    let labels = OutcomeLabels { kind: claimed.kind.clone(), outcome: settlement.outcome.to_owned() };
    desk.parts.meter.settlements.get_or_create(&labels).inc();
    info!(log, "job {}", settlement.state;
        "previous_state" => "active", "new_state" => settlement.state.as_str(), "error" => settlement.error.as_deref());
    if let Some((from, to)) = project {
        info!(log, "project {}", to; "previous_state" => from.as_str(), "new_state" => to.as_str());
    }
}

/// What a panic said.
pub fn message_of(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_else(|| "without a message".to_owned())
}
