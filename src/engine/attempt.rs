//! One attempt: from the claim to the settlement.

use std::panic::AssertUnwindSafe;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use slog::{Logger, debug, error, info, o, warn};
use tokio::sync::OwnedSemaphorePermit;

use super::executions::{ExecutionGuard, Executions};
use super::local_worker::LocalWorker;
use super::reaper::TIMEOUT_GRACE;
use super::recorder::SourceRecorder;
use super::retry::RetryDelays;
use super::source::Source;
use super::supervisor::panic_message;
use super::{EngineContext, logger};
use crate::domain::{JobState, Outcome, ProjectStatus};
use crate::handlers::{Handler, Job, JobRecorder, Log};
use crate::log::chain;
use crate::mutant;
use crate::signal::Stop;
use crate::store::jobs::{ClaimedJob, Lease, Settled};
use crate::store::steps::Holder;
use crate::telemetry::{KindLabels, OutcomeLabels};

/// How long one batch of log lines may take to be stored.
const LOG_TIMEOUT: Duration = Duration::from_secs(2);

/// What all attempts of one run of the worker share.
pub struct AttemptContext<S> {
    pub source: Arc<S>,
    pub context: EngineContext,
    pub executions: Arc<Executions>,
    pub log: Logger,
    /// Canceled when the shutdown grace is over: unfinished work is released.
    pub release: Stop,
    /// Canceled when releasing takes too long: outcomes are no longer delivered.
    pub abandon: Stop,
}

impl<S> AttemptContext<S> {
    pub fn new(context: &EngineContext, worker: &LocalWorker, source: &Arc<S>) -> Self {
        Self {
            source: source.clone(),
            log: logger(context, "worker").new(o!("worker_id" => worker.identity.id.clone())),
            context: context.clone(),
            executions: worker.executions.clone(),
            release: Stop::new(),
            abandon: Stop::new(),
        }
    }
}

/// One claimed job, and what is needed to run it.
struct Attempt<S> {
    shared: Arc<AttemptContext<S>>,
    claimed: ClaimedJob,
    guard: ExecutionGuard,
    log: Logger,
    lines: Log,
}

/// Runs a claimed job and settles it. The slot is freed when the work ends, before the settlement.
pub async fn run<S: Source>(
    shared: Arc<AttemptContext<S>>,
    claimed: ClaimedJob,
    trusted_until: Option<Instant>,
    slot: Option<OwnedSemaphorePermit>,
) {
    let guard = shared.executions.add(&claimed.lease, trusted_until);
    let log = shared.log.new(o!(
        "job_id" => claimed.lease.job_id.to_string(), "execution_id" => claimed.lease.execution_id.to_string(),
        "project_id" => claimed.project_id.map(|id| id.to_string()), "kind" => claimed.kind.clone(),
    ));
    let attempt = Attempt { shared, claimed, guard, log, lines: Log::default() };
    attempt.record_claim();
    let started = Instant::now();
    let work = async {
        let outcome = attempt.perform().await;
        attempt.lines.close();
        outcome
    };
    let (Some(outcome), ()) = tokio::join!(work, attempt.ship_logs()) else { return };
    drop(slot);
    let work_seconds = &attempt.shared.context.telemetry.work_seconds;
    work_seconds.get_or_create(&attempt.kind()).observe(started.elapsed().as_secs_f64());
    attempt.settle(outcome).await;
}

impl<S: Source> Attempt<S> {
    fn kind(&self) -> KindLabels {
        KindLabels { kind: self.claimed.kind.clone() }
    }

    /// Runs the handler. Returns `None` if the lease was lost, so that there is nothing to settle.
    async fn perform(&self) -> Option<Outcome> {
        let Some(handler) = self.shared.context.handlers.get(&self.claimed.kind) else {
            return Some(Outcome::fatal(format!("no handler registered for {}", self.claimed.kind)));
        };
        let job = self.job();
        let mut work = pin!(AssertUnwindSafe(async { handler.run(&job).await }).catch_unwind());
        let signals = &self.guard.signals;
        let verdict = tokio::select! {
            biased;
            () = signals.lost.cancelled() => return None,
            outcome = &mut work => return Some(match outcome {
                Ok(Outcome::Canceled { .. }) => Outcome::Canceled { reason: cancel_text(signals.cancel_reason()) },
                Ok(outcome) => outcome,
                Err(payload) => Outcome::failed(format!("the handler panicked: {}", panic_message(payload.as_ref()))),
            }),
            () = self.guard.trust_expired() => {
                warn!(self.log, "stopped: no heartbeat has confirmed the lease for too long");
                // If the lease is still held after all, this frees the job at once.
                return Some(Outcome::Released);
            }
            () = self.canceled(handler.as_ref(), &job) => Outcome::Canceled { reason: cancel_text(signals.cancel_reason()) },
            () = self.timeout() => Outcome::TimedOut { after: self.claimed.timeout },
            () = self.shared.release.cancelled() => Outcome::Released,
        };
        self.wind_down(handler.as_ref(), &job, work, verdict).await
    }

    /// Returns when the attempt is to end because the job was canceled. A handler that ends itself is only told.
    async fn canceled(&self, handler: &dyn Handler, job: &Job) {
        self.guard.signals.canceled.cancelled().await;
        if handler.ends_itself() {
            job.stop.cancel();
            std::future::pending().await
        }
    }

    async fn timeout(&self) {
        match self.claimed.timeout {
            Some(timeout) => tokio::time::sleep(timeout).await,
            None => std::future::pending().await,
        }
    }

    /// Gives the handler its grace to end. What the handler returns then is ignored.
    async fn wind_down<T>(
        &self,
        handler: &dyn Handler,
        job: &Job,
        work: Pin<&mut impl Future<Output = T>>,
        verdict: Outcome,
    ) -> Option<Outcome> {
        // Half of what the reaper allows, so that it does not revoke the lease first.
        let grace = match verdict {
            Outcome::TimedOut { .. } => handler.grace().min(TIMEOUT_GRACE / 2),
            Outcome::Canceled { .. } => handler.grace().min(self.shared.context.config.cancel_grace / 2),
            _ => handler.grace(),
        };
        if grace.is_zero() {
            return Some(verdict);
        }
        job.stop.cancel();
        tokio::select! {
            biased;
            () = self.guard.signals.lost.cancelled() => None,
            _ = tokio::time::timeout(grace, work) => Some(verdict),
            () = self.guard.trust_expired() => Some(verdict),
        }
    }

    /// Sends log lines until the work has ended and the last line is stored. Lines that cannot be stored by then are
    /// dropped, because the outcome is more important.
    async fn ship_logs(&self) {
        while let Some(batch) = self.lines.batch().await {
            let mut delays = RetryDelays::outage();
            loop {
                match tokio::time::timeout(LOG_TIMEOUT, self.shared.source.log(&self.claimed, &batch)).await {
                    Ok(Ok(())) => break,
                    Ok(Err(error)) if !error.is_temporary() => {
                        warn!(self.log, "log lines not stored"; "error" => chain(&error));
                        break;
                    }
                    _ if self.lines.is_closed() => {
                        return warn!(self.log, "last log lines dropped: storing them took too long");
                    }
                    _ => tokio::time::sleep(delays.next_delay()).await,
                }
            }
        }
    }

    /// The handler's view of the claim: everything but the lease.
    fn job(&self) -> Job {
        let claimed = &self.claimed;
        Job {
            id: claimed.lease.job_id,
            execution_id: claimed.lease.execution_id,
            kind: claimed.kind.clone(),
            queue: claimed.queue.clone(),
            tenant: claimed.tenant.clone(),
            attempt: claimed.attempt,
            max_attempts: claimed.max_attempts,
            failures: claimed.failures,
            payload: claimed.payload.clone(),
            inputs: claimed.inputs.clone(),
            project_id: claimed.project_id,
            log: self.lines.clone(),
            progress: self.guard.signals.progress.clone(),
            stop: Stop::new(),
            recorder: self.recorder(),
        }
    }

    fn recorder(&self) -> JobRecorder {
        let Lease { job_id, execution_id } = self.claimed.lease;
        let Some(project_id) = self.claimed.project_id else { return JobRecorder::default() };
        let holder = Holder { job_id, execution_id, project_id };
        JobRecorder::new(Arc::new(SourceRecorder::new(
            &self.shared.source,
            holder,
            &self.guard.signals.lost,
            &self.log,
        )))
    }

    /// Delivers the outcome until the source accepts or rejects it. Delivering twice is safe: the source recognizes the
    /// repeated outcome. An outcome that the source cannot store becomes a failure with that reason; if the lease expired
    /// instead, the job would be recorded as lost by its worker, and the work would be repeated without success.
    async fn settle(&self, outcome: Outcome) {
        let mut outcome = mutant::before_settle(outcome);
        let mut delays = RetryDelays::outage();
        let mut rejected = false;
        loop {
            match self.shared.source.settle(&self.claimed, &outcome).await {
                Ok(Settled::Recorded { state, project }) => return self.record_settlement(&outcome, state, project),
                Ok(Settled::AlreadyRecorded) => return debug!(self.log, "already settled"),
                Ok(Settled::LeaseLost) => {
                    self.shared.context.telemetry.stale_settlements.inc();
                    return warn!(self.log, "settlement rejected: the lease was lost"; "outcome" => outcome.word());
                }
                Err(error) if error.is_temporary() => {
                    warn!(self.log, "settlement not delivered yet"; "error" => chain(&error));
                }
                Err(error) if !rejected => {
                    warn!(self.log, "outcome not accepted"; "error" => chain(&error));
                    let what = match outcome.next() {
                        [] => "the outcome cannot be stored",
                        _ => "a follow-up job cannot be enqueued",
                    };
                    (outcome, rejected) = (Outcome::fatal(format!("{what}: {error}")), true);
                    continue;
                }
                // The lease expires, and the reaper records a failure.
                Err(error) => return error!(self.log, "settlement failed permanently"; "error" => chain(&error)),
            }
            tokio::select! {
                () = self.guard.signals.lost.cancelled() => return,
                () = self.shared.abandon.cancelled() => {
                    return error!(self.log, "settlement abandoned: the job will be reaped when its lease expires");
                }
                () = tokio::time::sleep(delays.next_delay()) => {}
            }
        }
    }

    fn record_claim(&self) {
        self.shared.context.telemetry.claims.get_or_create(&self.kind()).inc();
        info!(self.log, "job claimed"; "previous_state" => self.claimed.previous_state.as_str(), "new_state" => "active", "attempt" => self.claimed.attempt);
        if self.claimed.project_changed {
            info!(self.log, "project provisioning"; "previous_state" => ProjectStatus::Creating.as_str(), "new_state" => ProjectStatus::Provisioning.as_str());
        }
    }

    fn record_settlement(&self, outcome: &Outcome, state: JobState, project: Option<(ProjectStatus, ProjectStatus)>) {
        let labels = OutcomeLabels { kind: self.claimed.kind.clone(), outcome: outcome.word().to_owned() };
        self.shared.context.telemetry.settlements.get_or_create(&labels).inc();
        info!(self.log, "job {}", state;
            "previous_state" => "active", "new_state" => state.as_str(), "error" => outcome.error());
        if let Some((from, to)) = project {
            info!(self.log, "project {}", to; "previous_state" => from.as_str(), "new_state" => to.as_str());
        }
    }
}

fn cancel_text(reason: &str) -> String {
    if reason.is_empty() { "canceled".to_owned() } else { format!("canceled: {reason}") }
}
