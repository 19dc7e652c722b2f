//! How the tasks of one process talk to each other: wakeups, the stop token, and the status that `/health` reads.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use time::OffsetDateTime;
use tokio::sync::{Notify, watch};

pub use tokio_util::sync::CancellationToken as Stop;

/// The shortest time between two `NOTIFY` of one process. Every notifying commit takes a lock that the whole database
/// shares, so a busy process notifies at intervals instead of with each statement.
const NOTIFY_GAP: Duration = Duration::from_millis(5);

/// Tells the tasks of this process, and the other processes, to look at the database again. A wakeup carries no data.
pub struct Wakeup {
    wakeups: watch::Sender<u64>,
    changes: watch::Sender<u64>,
    notified_at: Mutex<Option<Instant>>,
    notification_due: Notify,
}

/// A subscription to the wakeups of this process.
pub struct WakeupReceiver(watch::Receiver<u64>);

impl Default for Wakeup {
    fn default() -> Self {
        Self {
            wakeups: watch::Sender::new(0),
            changes: watch::Sender::new(0),
            notified_at: Mutex::default(),
            notification_due: Notify::new(),
        }
    }
}

impl Wakeup {
    /// Wakes every subscriber in this process, without SQL.
    pub fn wake(&self) {
        self.wakeups.send_modify(|n| *n = n.wrapping_add(1));
        self.changed();
    }

    /// Reports a change that creates no work for workers, but that a chore may have to clean up after.
    pub fn changed(&self) {
        self.changes.send_modify(|n| *n = n.wrapping_add(1));
    }

    /// Receives every wakeup and every change.
    pub fn subscribe_to_all(&self) -> WakeupReceiver {
        WakeupReceiver(self.changes.subscribe())
    }

    /// Receives wakeups only.
    pub fn subscribe(&self) -> WakeupReceiver {
        WakeupReceiver(self.wakeups.subscribe())
    }

    /// Whether the next statement should send the `NOTIFY` itself, because the last one is long enough ago. Call
    /// [`Wakeup::committed`] afterwards with the same value.
    pub fn may_notify(&self) -> bool {
        lock(&self.notified_at).is_none_or(|at| at.elapsed() >= NOTIFY_GAP)
    }

    /// A statement changed something: wakes this process. Unless the statement `notified` the other processes itself,
    /// [`Wakeup::notification_due`] returns when it is time to do so.
    pub fn committed(&self, notified: bool) {
        self.wake();
        if notified {
            *lock(&self.notified_at) = Some(Instant::now());
        } else {
            self.notification_due.notify_one();
        }
    }

    /// Waits until the other processes need a `NOTIFY` and the gap since the last one has passed.
    pub async fn notification_due(&self) {
        self.notification_due.notified().await;
        let since = lock(&self.notified_at).map_or(NOTIFY_GAP, |at| at.elapsed());
        pause(NOTIFY_GAP.saturating_sub(since)).await;
        *lock(&self.notified_at) = Some(Instant::now());
    }
}

impl WakeupReceiver {
    /// Forgets past wakeups. Call this before looking at the database, so that a wakeup between the look and the wait is
    /// not lost.
    pub fn clear(&mut self) {
        self.0.borrow_and_update();
    }

    /// Waits for a wakeup after the last [`WakeupReceiver::clear`].
    pub async fn woken(&mut self) {
        if self.0.changed().await.is_err() {
            // The sender is gone: no further wakeup can arrive.
            std::future::pending::<()>().await;
        }
    }
}

/// Sleeps for `time`; a zero duration returns at once, where the timer of the runtime would take a millisecond.
pub async fn pause(time: Duration) {
    if !time.is_zero() {
        tokio::time::sleep(time).await;
    }
}

/// What the tasks of this process report about themselves. `/health` and the dashboard read it.
#[derive(Default)]
pub struct ProcessStatus {
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

impl ProcessStatus {
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
        let wakeup = Wakeup::default();
        let mut wakeups = wakeup.subscribe();
        for _ in 0..1000 {
            wakeups.clear();
            wakeup.wake();
            wakeups.woken().await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_second_notify_within_the_gap_is_owed_not_forgotten() {
        let wakeup = Wakeup::default();
        assert!(wakeup.may_notify() && wakeup.may_notify(), "asking alone changes nothing");
        wakeup.committed(true);
        assert!(!wakeup.may_notify());
        wakeup.committed(false);
        wakeup.notification_due().await;
        assert!(!wakeup.may_notify(), "what was owed is said now, and the next gap begins");
    }
}
