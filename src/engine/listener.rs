//! Hears the wakeup that other processes ring, and rings it for them.
//!
//! A notification only says "look"; nothing is read from it. Listening comes before looking, so the wakeup is rung once
//! after every (re)connect: whatever was said meanwhile was missed. A canary that we send ourselves proves that the
//! whole way works; while it does not come back, the state is `poll`, and the poll finds the work.

use std::time::Duration;

use futures_util::future::BoxFuture;
use slog::{info, warn};

use super::supervisor::Fault;
use super::{Parts, logger};
use crate::mutant::{self, Mutant};
use crate::signal::ListenMode;
use crate::store::Subscription;

/// How often the canary is sent, and how long it may take.
const CANARY_EVERY: Duration = Duration::from_secs(30);
const CANARY_PATIENCE: Duration = Duration::from_secs(5);
const CANARY: &str = "canary ";
/// What the deferred_notifier says: which queue it was does not matter, since everybody looks anyway.
const SOMETHING: &str = "*";

/// The listener service. Ends only by a fault; then only the poll finds work, until it listens again.
pub fn service(parts: &Parts) -> impl Fn() -> BoxFuture<'static, Result<(), Fault>> + Send + Sync + 'static {
    let parts = parts.clone();
    move || {
        let parts = parts.clone();
        Box::pin(async move {
            let ended = session(&parts).await;
            parts.tools.process_status.report_listener(ListenMode::Poll);
            ended
        })
    }
}

async fn session(parts: &Parts) -> Result<(), Fault> {
    let log = logger(&parts.tools, "listener");
    let rings_too_soon = mutant::is_on(Mutant::ResyncBeforeListen);
    if rings_too_soon {
        parts.tools.wakeup.wake();
    }
    let mut subscription = Subscription::open(&parts.connector).await?;
    if !rings_too_soon {
        parts.tools.wakeup.wake();
    }
    let me = format!("{CANARY}{}", uuid::Uuid::new_v4().simple());
    let mut next_canary = tokio::time::Instant::now();
    let mut expected_by = None;
    loop {
        tokio::select! {
            word = subscription.next() => {
                let word = word?;
                parts.tools.process_status.report_notification();
                if word == me {
                    expected_by = None;
                    if parts.tools.process_status.listener().mode == ListenMode::Poll {
                        info!(log, "notifications arrive");
                        parts.tools.process_status.report_listener(ListenMode::Notify);
                    }
                } else if !word.starts_with(CANARY) {
                    parts.tools.wakeup.wake();
                }
            }
            () = tokio::time::sleep_until(next_canary) => {
                next_canary += CANARY_EVERY;
                expected_by = Some(tokio::time::Instant::now() + CANARY_PATIENCE);
                if let Err(error) = parts.store.notify(&me).await {
                    warn!(log, "canary not sent"; "error" => crate::log::chain(&error));
                }
            }
            () = until(expected_by) => return Err("the canary did not come back: notifications do not arrive".into()),
        }
    }
}

async fn until(moment: Option<tokio::time::Instant>) {
    match moment {
        Some(moment) => tokio::time::sleep_until(moment).await,
        None => std::future::pending().await,
    }
}

/// Says to the other processes what a busy moment left unsaid: see [`crate::signal::Wakeup::may_notify`].
pub fn deferred_notifier(parts: &Parts) -> impl Fn() -> BoxFuture<'static, Result<(), Fault>> + Send + Sync + 'static {
    let parts = parts.clone();
    move || {
        let parts = parts.clone();
        Box::pin(async move {
            loop {
                parts.tools.wakeup.notification_due().await;
                parts.store.notify(SOMETHING).await?;
            }
        })
    }
}
