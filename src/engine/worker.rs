//! THE loop: a free slot, a claim, work without any connection held, a settlement under the execution's id.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use slog::{Logger, info, o, warn};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use super::attempt::attempt;
use super::crew::Crew;
use super::held::Held;
use super::source::Source;
use super::supervisor::Fault;
use super::{Tools, jittered, logger};
use crate::domain::WorkerState;
use crate::log::chain;
use crate::mutant::{self, Moment, Mutant};
use crate::signal::{Stop, pause};
use crate::store::jobs::ClaimOutcome;

/// How long results are still offered to a database that is down while the process stops.
const LAST_OFFERS: Duration = Duration::from_secs(3);

/// While the database is away, we ask again after a pause that doubles from the first to the longest.
pub const FIRST_PAUSE: Duration = Duration::from_millis(100);
pub const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// When others were at the same jobs, we look again after a pause that doubles from the first to the longest.
const FIRST_STEP_BACK: Duration = Duration::from_millis(2);
const LONGEST_STEP_BACK: Duration = Duration::from_millis(200);

/// No claim asks for more: whoever has more slots has the next claim under way while the jobs of the last are worked on.
const MOST_AT_ONCE: usize = 500;

/// From one look to the next, unless the last one found all it asked for. A look has its price, however little it finds: jobs
/// that come one by one are claimed by the handful, while one that comes after a rest is claimed at once.
const BETWEEN_LOOKS: Duration = Duration::from_millis(3);

/// How long a claim waits for more slots than the first that is free.
const MOMENT: Duration = Duration::from_millis(1);

/// The worker service. An operator drains a worker like a signal does; but then it stays, and may be told to go on.
pub fn service<S: Source>(
    tools: &Tools,
    crew: &Arc<Crew>,
    stop: &Stop,
    source: &Arc<S>,
) -> impl Fn() -> BoxFuture<'static, Result<(), Fault>> + Send + Sync + 'static {
    let (tools, crew, stop, source) = (tools.clone(), crew.clone(), stop.clone(), source.clone());
    move || {
        let (tools, crew, stop, source) = (tools.clone(), crew.clone(), stop.clone(), source.clone());
        async move {
            while !stop.is_cancelled() {
                run(Arc::new(Desk::new(&tools, &crew, &source)), &stop, crew.orders()).await;
            }
            Ok(())
        }
        .boxed()
    }
}

/// What every attempt of this worker shares.
pub struct Desk<S> {
    pub source: Arc<S>,
    pub tools: Tools,
    pub held: Arc<Held>,
    pub log: Logger,
    /// Cancelled when the grace is over: what still runs is handed back.
    pub hand_back: Stop,
    /// Cancelled when even that takes too long.
    pub abandon: Stop,
}

impl<S> Desk<S> {
    fn new(tools: &Tools, crew: &Crew, source: &Arc<S>) -> Self {
        Self {
            source: source.clone(),
            log: logger(tools, "worker").new(o!("worker_id" => crew.me.id.clone())),
            tools: tools.clone(),
            held: crew.held.clone(),
            hand_back: Stop::new(),
            abandon: Stop::new(),
        }
    }
}

/// ClaimOutcome and works until it is told to stop or to drain, and then until what it has is finished or handed back.
async fn run<S: Source>(desk: Arc<Desk<S>>, stop: &Stop, mut orders: watch::Receiver<WorkerState>) {
    let slots = desk.tools.config.worker_concurrency;
    // A slot is taken by work, not by a settlement under way, so that the next claim need not wait for a commit. But no more
    // than as many again may be settling.
    let free = Arc::new(Semaphore::new(slots));
    let room = |running: &JoinSet<()>| free.available_permits().min((2 * slots).saturating_sub(running.len()));
    let mut wakeups = desk.tools.wakeup.subscribe();
    let mut running = JoinSet::new();
    let mut pace = Pace::new(desk.tools.config.poll_interval);
    let mut more = false;
    let mut looked = Instant::now();
    while !stop.is_cancelled() {
        wakeups.clear();
        while running.try_join_next().is_some() {}
        let order = *orders.borrow_and_update();
        if order == WorkerState::Draining && !running.is_empty() {
            break;
        }
        // Never raced against `stop`: a claim that is dropped half-way may still be committed, and then leased to nobody
        // until it lapses.
        if order == WorkerState::Online && room(&running) > 0 {
            if !more {
                wait(stop.cancelled(), BETWEEN_LOOKS.saturating_sub(looked.elapsed())).await;
                if stop.is_cancelled() {
                    break;
                }
                wakeups.clear();
            }
            looked = Instant::now();
            let asked = room(&running).min(MOST_AT_ONCE);
            more = false;
            match desk.source.claim(asked).await {
                Ok(found) => {
                    let claims = found.claims;
                    pace.found(&claims);
                    // A claim that fills every slot it asked for has probably left something.
                    more = claims.jobs.len() >= asked;
                    if !claims.jobs.is_empty() {
                        mutant::pass(Moment::Claimed);
                    }
                    for claimed in claims.jobs {
                        // Only this loop takes slots, and it never claims more than are free.
                        let slot = free.clone().try_acquire_owned().ok();
                        running.spawn(attempt(desk.clone(), claimed, found.trusted_until, slot));
                    }
                }
                Err(trouble) => {
                    pace.failed();
                    warn!(desk.log, "nothing claimed"; "error" => chain(&trouble), "pause_ms" => pace.patience.as_millis() as u64);
                    wait(stop.cancelled(), pace.patience).await;
                    continue;
                }
            }
        }
        let takes_more = order == WorkerState::Online && (room(&running) > 0 || free.available_permits() == 0);
        let hungry = order == WorkerState::Online && room(&running) > 0 && !more;
        tokio::select! {
            () = stop.cancelled() => break,
            _ = orders.changed() => {}
            () = wakeups.woken(), if hungry => {}
            () = tokio::time::sleep(pace.patience), if hungry && !mutant::is_on(Mutant::NoPoll) => {}
            () = breath(&free, slots), if !hungry && takes_more => {}
            // Settlements end by the hundred, too.
            Some(_) = running.join_next(), if !hungry && !running.is_empty() => tokio::time::sleep(MOMENT).await,
        }
    }
    drain(&desk, running).await;
}

/// Waits until a slot is free, and a moment more if others may follow: work that takes no time is then claimed by the
/// hundred, and not one by one.
async fn breath(free: &Semaphore, slots: usize) {
    drop(free.acquire().await);
    if free.available_permits() < slots.div_ceil(2) {
        tokio::time::sleep(MOMENT).await;
    }
}

/// How long to wait until the next look, unless the wakeup rings.
struct Pace {
    poll: Duration,
    patience: Duration,
    pause: Duration,
    step_back: Duration,
}

impl Pace {
    fn new(poll: Duration) -> Self {
        Self { poll, patience: poll, pause: FIRST_PAUSE, step_back: FIRST_STEP_BACK }
    }

    /// The next look comes with the poll, or when the next job falls due, or soon if others were at the same jobs.
    fn found(&mut self, claims: &ClaimOutcome) {
        self.pause = FIRST_PAUSE;
        self.patience = jittered(self.poll).min(self.poll).min(claims.next_due.unwrap_or(self.poll));
        if claims.contended {
            self.patience = self.patience.min(jittered(self.step_back));
            self.step_back = (self.step_back * 2).min(LONGEST_STEP_BACK);
        } else {
            self.step_back = FIRST_STEP_BACK;
        }
    }

    fn failed(&mut self) {
        self.patience = jittered(self.pause);
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
    }
}

/// Until it is over, or the patience is.
async fn wait(over: impl Future<Output = ()>, patience: Duration) {
    tokio::select! {
        () = over => {}
        () = pause(patience) => {}
    }
}

/// Lets running work finish within the grace, then has the rest handed back at once.
async fn drain<S>(desk: &Desk<S>, mut running: JoinSet<()>) {
    let grace = desk.tools.config.shutdown_grace;
    if !running.is_empty() {
        info!(desk.log, "stopping: running work may finish"; "running" => running.len(), "grace_ms" => grace.as_millis() as u64);
    }
    if tokio::time::timeout(grace, finish(&mut running)).await.is_ok() {
        return;
    }
    desk.hand_back.cancel();
    let ending = desk.tools.handlers.longest_grace();
    if tokio::time::timeout(ending + LAST_OFFERS, finish(&mut running)).await.is_err() {
        desk.abandon.cancel();
        finish(&mut running).await;
    }
}

async fn finish(running: &mut JoinSet<()>) {
    while running.join_next().await.is_some() {}
}
