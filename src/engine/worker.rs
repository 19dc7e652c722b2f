//! The worker loop: claim jobs while slots are free, run each in a task, and drain on stop.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use slog::{info, warn};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use super::EngineContext;
use super::attempt::{self, AttemptContext};
use super::local_worker::LocalWorker;
use super::retry::{RetryDelays, jittered};
use super::source::{ClaimBatch, Source};
use super::supervisor::{ServiceFuture, service};
use crate::domain::WorkerState;
use crate::log::chain;
use crate::mutant;
use crate::signal::{Stop, WakeupReceiver, pause};
use crate::store::jobs::ClaimOutcome;

/// How long outcomes are still delivered while the process stops.
const DELIVERY_GRACE: Duration = Duration::from_secs(3);

/// The first and longest delay before the next claim when other workers hold the same jobs.
const CONTENTION_DELAYS: (Duration, Duration) = (Duration::from_millis(2), Duration::from_millis(200));

/// The largest claim. With more slots, the next claim runs while the jobs of the last one are worked on.
const MAX_CLAIM: usize = 500;

/// The minimum time between claims, unless the last one was full. A claim costs the same however few jobs it finds: jobs
/// that arrive one by one are claimed in groups, while a job that arrives after a quiet period is claimed at once.
const MIN_CLAIM_INTERVAL: Duration = Duration::from_millis(3);

/// How long a claim waits for more slots after the first is free.
const SLOT_DELAY: Duration = Duration::from_millis(1);

/// The worker service. After an operator has drained the worker, the service stays and can be resumed.
pub fn worker<S: Source>(
    context: &EngineContext,
    local: &Arc<LocalWorker>,
    stop: &Stop,
    source: &Arc<S>,
) -> impl Fn() -> ServiceFuture + Send + Sync + 'static {
    let state = (context.clone(), local.clone(), stop.clone(), source.clone());
    service(state, |(context, local, stop, source)| async move {
        while !stop.is_cancelled() {
            let shared = Arc::new(AttemptContext::new(&context, &local, &source));
            Worker::new(shared, local.watch_state()).run(&stop).await;
        }
        Ok(())
    })
}

/// One run of the loop, until a stop or a drain.
struct Worker<S> {
    shared: Arc<AttemptContext<S>>,
    state: watch::Receiver<WorkerState>,
    slots: usize,
    free: Arc<Semaphore>,
    running: JoinSet<()>,
    wakeups: WakeupReceiver,
    timer: ClaimTimer,
    /// The last claim was full, so more jobs are probably waiting.
    is_full: bool,
    claimed_at: Instant,
}

impl<S: Source> Worker<S> {
    fn new(shared: Arc<AttemptContext<S>>, state: watch::Receiver<WorkerState>) -> Self {
        let slots = shared.context.config.worker_concurrency;
        Self {
            state,
            slots,
            free: Arc::new(Semaphore::new(slots)),
            running: JoinSet::new(),
            wakeups: shared.context.wakeup.subscribe(),
            timer: ClaimTimer::new(shared.context.config.poll_interval),
            is_full: false,
            claimed_at: Instant::now(),
            shared,
        }
    }

    /// How many jobs may be claimed. Work takes a slot; a pending settlement does not, so that the next claim need not
    /// wait for a commit. But at most as many settlements as slots may be pending.
    fn room(&self) -> usize {
        self.free.available_permits().min((2 * self.slots).saturating_sub(self.running.len()))
    }

    async fn run(mut self, stop: &Stop) {
        while !stop.is_cancelled() {
            self.wakeups.clear();
            while self.running.try_join_next().is_some() {}
            let state = *self.state.borrow_and_update();
            if state == WorkerState::Draining && !self.running.is_empty() {
                break;
            }
            if state == WorkerState::Online && self.room() > 0 {
                if !self.is_full {
                    sleep_until(stop.cancelled(), MIN_CLAIM_INTERVAL.saturating_sub(self.claimed_at.elapsed())).await;
                    if stop.is_cancelled() {
                        break;
                    }
                    self.wakeups.clear();
                }
                if !self.claim().await {
                    sleep_until(stop.cancelled(), self.timer.delay).await;
                    continue;
                }
            }
            self.wait(stop, state).await;
        }
        drain(&self.shared, self.running).await;
    }

    /// Claims jobs and starts them. Returns whether the source responded. Never raced against `stop`: a dropped claim may
    /// still commit, and its jobs would be stuck until their leases expire.
    async fn claim(&mut self) -> bool {
        self.claimed_at = Instant::now();
        let requested = self.room().min(MAX_CLAIM);
        self.is_full = false;
        match self.shared.source.claim(requested).await {
            Ok(ClaimBatch { claims, trusted_until }) => {
                self.timer.claimed(&claims);
                self.shared.context.process_status.acted("worker");
                self.is_full = claims.jobs.len() >= requested;
                mutant::after_claim(claims.jobs.len());
                for claimed in claims.jobs {
                    // Only this loop takes slots, and it never claims more jobs than slots are free.
                    let slot = self.free.clone().try_acquire_owned().ok();
                    self.running.spawn(attempt::run(self.shared.clone(), claimed, trusted_until, slot));
                }
                true
            }
            Err(error) => {
                self.timer.failed();
                warn!(self.shared.log, "claim failed"; "error" => chain(&error), "pause_ms" => self.timer.delay.as_millis() as u64);
                false
            }
        }
    }

    /// Waits for a reason to claim again.
    async fn wait(&mut self, stop: &Stop, state: WorkerState) {
        let has_room = self.room() > 0;
        let claims = state == WorkerState::Online && (has_room || self.free.available_permits() == 0);
        let idle = state == WorkerState::Online && has_room && !self.is_full;
        tokio::select! {
            () = stop.cancelled() => {}
            _ = self.state.changed() => {}
            () = self.wakeups.woken(), if idle => {}
            () = tokio::time::sleep(self.timer.delay), if idle && mutant::polls() => {}
            () = slots_free(&self.free, self.slots), if !idle && claims => {}
            // Settlements finish in groups, too.
            Some(_) = self.running.join_next(), if !idle && !self.running.is_empty() => {
                tokio::time::sleep(SLOT_DELAY).await;
            }
        }
    }
}

/// Waits until a slot is free, and a little longer when more may follow, so that short jobs are claimed in groups.
async fn slots_free(free: &Semaphore, slots: usize) {
    drop(free.acquire().await);
    if free.available_permits() < slots.div_ceil(2) {
        tokio::time::sleep(SLOT_DELAY).await;
    }
}

/// How long to wait for a wakeup before the next claim.
struct ClaimTimer {
    poll: Duration,
    delay: Duration,
    outage: RetryDelays,
    contention: RetryDelays,
}

impl ClaimTimer {
    fn new(poll: Duration) -> Self {
        let contention = RetryDelays::new(CONTENTION_DELAYS.0, CONTENTION_DELAYS.1);
        Self { poll, delay: poll, outage: RetryDelays::outage(), contention }
    }

    /// The next claim comes with the poll, when the next job is due, or soon after contention.
    fn claimed(&mut self, claims: &ClaimOutcome) {
        self.outage.reset();
        self.delay = jittered(self.poll).min(self.poll).min(claims.next_due.unwrap_or(self.poll));
        if claims.contended {
            self.delay = self.delay.min(self.contention.next_delay());
        } else {
            self.contention.reset();
        }
    }

    fn failed(&mut self) {
        self.delay = self.outage.next_delay();
    }
}

/// Sleeps for `delay`, or until `event`.
async fn sleep_until(event: impl Future<Output = ()>, delay: Duration) {
    tokio::select! {
        () = event => {}
        () = pause(delay) => {}
    }
}

/// Lets running work finish within the shutdown grace, then releases the rest.
async fn drain<S>(shared: &AttemptContext<S>, mut running: JoinSet<()>) {
    let grace = shared.context.config.shutdown_grace;
    if !running.is_empty() {
        info!(shared.log, "stopping: waiting for running jobs";
            "running" => running.len(), "grace_ms" => grace.as_millis() as u64);
    }
    if tokio::time::timeout(grace, join_all(&mut running)).await.is_ok() {
        return;
    }
    shared.release.cancel();
    let ending = shared.context.handlers.longest_grace();
    if tokio::time::timeout(ending + DELIVERY_GRACE, join_all(&mut running)).await.is_err() {
        shared.abandon.cancel();
        join_all(&mut running).await;
    }
}

async fn join_all(running: &mut JoinSet<()>) {
    while running.join_next().await.is_some() {}
}
