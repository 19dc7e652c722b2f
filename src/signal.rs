//! Communication between the tasks of one process: wakeups, the stop token, and the status that `/health` reports.

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

/// Makes the tasks of this process, and the other processes, poll the database. A wakeup carries no data.
pub struct Wakeup {
    wakeups: watch::Sender<u64>,
    changes: watch::Sender<u64>,
    notified_at: Mutex<Option<Instant>>,
    notification_due: Notify,
    cancels: watch::Sender<u64>,
    observations: watch::Sender<u64>,
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
            cancels: watch::Sender::new(0),
            observations: watch::Sender::new(0),
        }
    }
}

impl Wakeup {
    /// Wakes every subscriber in this process, without SQL.
    pub fn wake(&self) {
        self.wakeups.send_modify(|n| *n = n.wrapping_add(1));
        self.changed();
    }

    /// Reports a change that creates no work for workers, but that periodic maintenance may have to clean up after.
    pub fn changed(&self) {
        self.changes.send_modify(|n| *n = n.wrapping_add(1));
    }

    /// Makes the heartbeat look for cancel requests at once.
    pub fn cancel_requested(&self) {
        self.cancels.send_modify(|n| *n = n.wrapping_add(1));
    }

    /// Receives the wakeups of [`Wakeup::cancel_requested`].
    pub fn subscribe_to_cancels(&self) -> WakeupReceiver {
        WakeupReceiver(self.cancels.subscribe())
    }

    /// Makes the observer look for due projects at once.
    pub fn observation_requested(&self) {
        self.observations.send_modify(|n| *n = n.wrapping_add(1));
    }

    /// Receives the wakeups of [`Wakeup::observation_requested`].
    pub fn subscribe_to_observations(&self) -> WakeupReceiver {
        WakeupReceiver(self.observations.subscribe())
    }

    /// Receives every wakeup and every change.
    pub fn subscribe_to_all(&self) -> WakeupReceiver {
        WakeupReceiver(self.changes.subscribe())
    }

    /// Receives wakeups only.
    pub fn subscribe(&self) -> WakeupReceiver {
        WakeupReceiver(self.wakeups.subscribe())
    }

    /// Whether the next statement should send the `NOTIFY` itself, because the gap since the last one has passed. Pass the
    /// value to [`Wakeup::committed`] afterwards.
    pub fn may_notify(&self) -> bool {
        lock(&self.notified_at).is_none_or(|at| at.elapsed() >= NOTIFY_GAP)
    }

    /// Wakes this process after a statement that created work. Unless the statement `notified` the other processes itself,
    /// [`Wakeup::notification_due`] returns when they need a `NOTIFY`.
    pub fn committed(&self, notified: bool) {
        self.wake();
        if notified {
            *lock(&self.notified_at) = Some(Instant::now());
        } else {
            self.notification_due.notify_one();
        }
    }

    /// Waits until the other processes need a `NOTIFY` and the gap since the last one has passed. The caller sends it.
    pub async fn notification_due(&self) {
        self.notification_due.notified().await;
        let since = lock(&self.notified_at).map_or(NOTIFY_GAP, |at| at.elapsed());
        pause(NOTIFY_GAP.saturating_sub(since)).await;
        *lock(&self.notified_at) = Some(Instant::now());
    }
}

impl WakeupReceiver {
    /// Discards past wakeups. Call this before polling the database, so that a wakeup between the poll and the wait is kept.
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

/// Sleeps, but returns at once for a zero duration, for which the timer of the runtime would take a millisecond.
pub async fn pause(duration: Duration) {
    if !duration.is_zero() {
        tokio::time::sleep(duration).await;
    }
}

/// The status of this process, which its tasks report and `/health` and the dashboard show.
#[derive(Default)]
pub struct ProcessStatus {
    services: Mutex<BTreeMap<&'static str, ServiceStatus>>,
    listener: Mutex<ListenerStatus>,
    acted: Mutex<BTreeMap<&'static str, OffsetDateTime>>,
    draining: AtomicBool,
}

/// The status of one service of the engine.
#[derive(Clone, Debug)]
pub struct ServiceStatus {
    /// `running`, `restarting` or `stopped`.
    pub state: &'static str,
    pub since: OffsetDateTime,
    pub restarts: u64,
    pub last_error: Option<String>,
}

/// The status of the listener.
#[derive(Clone, Debug)]
pub struct ListenerStatus {
    pub mode: ListenMode,
    pub since: OffsetDateTime,
    /// When the last notification arrived.
    pub last_notified_at: Option<OffsetDateTime>,
    pub reconnects: u64,
}

/// How this process discovers work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListenMode {
    /// Notifications arrive: a canary was received.
    Notify,
    /// Notifications do not arrive, or not yet; only polling finds work.
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
        Self { mode: ListenMode::Poll, since: OffsetDateTime::now_utc(), last_notified_at: None, reconnects: 0 }
    }
}

impl ProcessStatus {
    pub fn services(&self) -> BTreeMap<&'static str, ServiceStatus> {
        lock(&self.services).clone()
    }

    pub fn listener(&self) -> ListenerStatus {
        lock(&self.listener).clone()
    }

    /// When each role last did something: a request, a claim, a look for what is due.
    pub fn acts(&self) -> BTreeMap<&'static str, OffsetDateTime> {
        lock(&self.acted).clone()
    }

    /// Records that a role did something.
    pub fn acted(&self, role: &'static str) {
        lock(&self.acted).insert(role, OffsetDateTime::now_utc());
    }

    /// Whether this process is stopping.
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    pub fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    /// Records the state of a service. An error counts as a restart.
    pub fn report(&self, name: &'static str, state: &'static str, error: Option<String>) {
        let mut services = lock(&self.services);
        let before = services.get(name);
        let restarts = before.map_or(0, |it| it.restarts) + u64::from(error.is_some());
        let last_error = error.or_else(|| before.and_then(|it| it.last_error.clone()));
        services.insert(name, ServiceStatus { state, since: OffsetDateTime::now_utc(), restarts, last_error });
    }

    /// Records whether notifications arrive.
    pub fn report_listener(&self, mode: ListenMode) {
        let mut listener = lock(&self.listener);
        let now = OffsetDateTime::now_utc();
        if listener.mode != mode {
            listener.since = now;
            listener.reconnects += u64::from(mode == ListenMode::Poll);
        }
        listener.mode = mode;
    }

    /// Records a notification.
    pub fn report_notification(&self) {
        lock(&self.listener).last_notified_at = Some(OffsetDateTime::now_utc());
    }
}

/// Ignores poisoning: no panic can leave these values half-written.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn wakeup_between_poll_and_wait_is_kept() {
        let wakeup = Wakeup::default();
        let mut wakeups = wakeup.subscribe();
        for _ in 0..1000 {
            wakeups.clear();
            wakeup.wake();
            wakeups.woken().await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn notify_within_the_gap_is_deferred() {
        let wakeup = Wakeup::default();
        assert!(wakeup.may_notify() && wakeup.may_notify(), "the query has no effect");
        wakeup.committed(true);
        assert!(!wakeup.may_notify());
        wakeup.committed(false);
        wakeup.notification_due().await;
        assert!(!wakeup.may_notify(), "the deferred notification begins the next gap");
    }
}
