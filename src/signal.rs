//! How the tasks of one process speak to each other: a bell, a stop, and a board to read.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use time::OffsetDateTime;
use tokio::sync::{Notify, watch};

pub use tokio_util::sync::CancellationToken as Stop;

/// Between two NOTIFY of one process lies at least this much: every notifying commit takes a lock that the whole
/// database shares, so a busy process says "look" now and then instead of each time.
const NOTIFY_GAP: Duration = Duration::from_millis(5);

/// "Look again": nothing more is ever learned from it. Rings for everybody in this process who holds an [`Ear`].
pub struct Bell {
    rings: watch::Sender<u64>,
    stirs: watch::Sender<u64>,
    notified: Mutex<Option<Instant>>,
    owed: Notify,
}

/// One listener's side of the bell.
pub struct Ear(watch::Receiver<u64>);

impl Default for Bell {
    fn default() -> Self {
        Self {
            rings: watch::Sender::new(0),
            stirs: watch::Sender::new(0),
            notified: Mutex::default(),
            owed: Notify::new(),
        }
    }
}

impl Bell {
    /// Rings in this process, without SQL.
    pub fn ring(&self) {
        self.rings.send_modify(|n| *n = n.wrapping_add(1));
        self.stir();
    }

    /// Something changed that nobody has to look at, but that leaves something to tidy up.
    pub fn stir(&self) {
        self.stirs.send_modify(|n| *n = n.wrapping_add(1));
    }

    /// Hears every ring, and every stir.
    pub fn fine_ear(&self) -> Ear {
        Ear(self.stirs.subscribe())
    }

    pub fn ear(&self) -> Ear {
        Ear(self.rings.subscribe())
    }

    /// Whether a statement that moves something should ring the other processes itself, or whether one did so a moment
    /// ago. Say afterwards what came of it: [`Bell::moved`].
    pub fn may_notify(&self) -> bool {
        lock(&self.notified).is_none_or(|at| at.elapsed() >= NOTIFY_GAP)
    }

    /// Something moved: rings in this process. When the others were not `told` by the statement itself, a NOTIFY is
    /// owed to them: see [`Bell::owed`].
    pub fn moved(&self, told: bool) {
        self.ring();
        if told {
            *lock(&self.notified) = Some(Instant::now());
        } else {
            self.owed.notify_one();
        }
    }

    /// Waits until a NOTIFY is owed to the other processes and the gap since the last one has passed.
    pub async fn owed(&self) {
        self.owed.notified().await;
        let since = lock(&self.notified).map_or(NOTIFY_GAP, |at| at.elapsed());
        pause(NOTIFY_GAP.saturating_sub(since)).await;
        *lock(&self.notified) = Some(Instant::now());
    }
}

impl Ear {
    /// Forgets the rings so far. Call it before looking: what rings between the look and the wait is then not lost.
    pub fn clear(&mut self) {
        self.0.borrow_and_update();
    }

    /// Waits for a ring after the last [`Ear::clear`].
    pub async fn rung(&mut self) {
        if self.0.changed().await.is_err() {
            // The bell is gone, so it will never ring again.
            std::future::pending::<()>().await;
        }
    }
}

/// Waits so long; no time is no wait. The timer of the runtime would make a millisecond of it.
pub async fn pause(time: Duration) {
    if !time.is_zero() {
        tokio::time::sleep(time).await;
    }
}

/// What the tasks of this process say about themselves, for `/health` and the dashboard to read.
#[derive(Default)]
pub struct Board {
    services: Mutex<BTreeMap<&'static str, ServiceStatus>>,
    listener: Mutex<ListenerStatus>,
    draining: AtomicBool,
}

/// One service of the engine, as its supervisor sees it.
#[derive(Clone, Debug)]
pub struct ServiceStatus {
    /// `running`, `restarting` or `stopped`.
    pub state: &'static str,
    pub since: OffsetDateTime,
    pub restarts: u64,
    pub last_error: Option<String>,
}

/// Whether notifications arrive, or only the poll finds work.
#[derive(Clone, Debug)]
pub struct ListenerStatus {
    pub mode: ListenMode,
    pub since: OffsetDateTime,
    pub heard: Option<OffsetDateTime>,
    pub reconnects: u64,
}

/// How this process learns that it should look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListenMode {
    /// Notifications arrive, as a canary has proved.
    Notify,
    /// They do not, or not yet; work is found by polling.
    Poll,
}

impl ListenMode {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Notify => "notify",
            Self::Poll => "poll",
        }
    }
}

impl Default for ListenerStatus {
    fn default() -> Self {
        Self { mode: ListenMode::Poll, since: OffsetDateTime::now_utc(), heard: None, reconnects: 0 }
    }
}

impl Board {
    pub fn services(&self) -> BTreeMap<&'static str, ServiceStatus> {
        lock(&self.services).clone()
    }

    pub fn listener(&self) -> ListenerStatus {
        lock(&self.listener).clone()
    }

    /// True from the moment this process was asked to stop.
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    pub fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    /// A service changed its state; an error counts as one more restart.
    pub fn post(&self, name: &'static str, state: &'static str, error: Option<String>) {
        let mut services = lock(&self.services);
        let before = services.get(name);
        let restarts = before.map_or(0, |it| it.restarts) + u64::from(error.is_some());
        let last_error = error.or_else(|| before.and_then(|it| it.last_error.clone()));
        services.insert(name, ServiceStatus { state, since: OffsetDateTime::now_utc(), restarts, last_error });
    }

    /// The listener heard its connection or its canary, or lost it.
    pub fn post_listener(&self, mode: ListenMode) {
        let mut listener = lock(&self.listener);
        let now = OffsetDateTime::now_utc();
        if listener.mode != mode {
            listener.since = now;
            listener.reconnects += u64::from(mode == ListenMode::Poll);
        }
        listener.mode = mode;
    }

    pub fn heard(&self) {
        lock(&self.listener).heard = Some(OffsetDateTime::now_utc());
    }
}

/// A poisoned lock only means that somebody panicked while holding it; these values are whole at every moment.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_ring_between_the_look_and_the_wait_is_not_lost() {
        let bell = Bell::default();
        let mut ear = bell.ear();
        for _ in 0..1000 {
            ear.clear();
            bell.ring();
            ear.rung().await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_second_notify_within_the_gap_is_owed_not_forgotten() {
        let bell = Bell::default();
        assert!(bell.may_notify() && bell.may_notify(), "asking alone changes nothing");
        bell.moved(true);
        assert!(!bell.may_notify());
        bell.moved(false);
        bell.owed().await;
        assert!(!bell.may_notify(), "what was owed is said now, and the next gap begins");
    }
}
