//! Receives the notifications of other processes and wakes this one.
//!
//! A notification only says that something changed; it carries no data. The session listens before it wakes anyone, and
//! wakes everyone after each (re)connect, because notifications in between were lost. A canary that this process sends to
//! itself proves that notifications arrive; until it returns, the mode is `poll`, and polling finds the work.

use std::time::Duration;

use slog::{info, warn};
use tokio::time::Instant;

use super::supervisor::{ServiceError, ServiceFuture, service};
use super::{EngineResources, logger};
use crate::mutant::{self, Mutant};
use crate::signal::ListenMode;
use crate::store::Subscription;

/// How often the canary is sent, and how long it may take.
const CANARY_INTERVAL: Duration = Duration::from_secs(30);
const CANARY_TIMEOUT: Duration = Duration::from_secs(5);
const CANARY: &str = "canary ";
/// The payload of statements that request a cancel.
const CANCEL: &str = "cancel";
/// The payload of statements that request a look at a project.
const OBSERVE: &str = "observe";
/// The payload of a deferred notification. Which queue changed does not matter: every listener polls.
const ANY_QUEUE: &str = "*";

/// The listener service. While it is down, polling finds the work.
pub fn listener(resources: &EngineResources) -> impl Fn() -> ServiceFuture + Send + Sync + 'static {
    service(resources.clone(), |resources| async move {
        let ended = session(&resources).await;
        resources.context.process_status.report_listener(ListenMode::Poll);
        ended
    })
}

async fn session(resources: &EngineResources) -> Result<(), ServiceError> {
    let (context, log) = (&resources.context, logger(&resources.context, "listener"));
    let wakes_too_soon = mutant::is_on(Mutant::ResyncBeforeListen);
    if wakes_too_soon {
        context.wakeup.wake();
    }
    let Some(mut subscription) = Subscription::open(&resources.listen_connector).await? else {
        info!(
            log,
            "a pooler shares the sessions of the database, so this process polls; to receive notifications, set PROVOST_DATABASE_DIRECT_URL"
        );
        return std::future::pending().await;
    };
    if !wakes_too_soon {
        context.wakeup.wake();
    }
    let canary = format!("{CANARY}{}", uuid::Uuid::new_v4().simple());
    let mut next_canary = Instant::now();
    let mut expected_by = None;
    loop {
        tokio::select! {
            message = subscription.next() => {
                let message = message?;
                context.process_status.report_notification();
                if message == canary {
                    expected_by = None;
                    if context.process_status.listener().mode == ListenMode::Poll {
                        info!(log, "notifications arrive");
                        context.process_status.report_listener(ListenMode::Notify);
                    }
                } else if message == CANCEL {
                    context.wakeup.cancel_requested();
                } else if message == OBSERVE {
                    context.wakeup.observation_requested();
                } else if !message.starts_with(CANARY) {
                    context.wakeup.wake();
                }
            }
            () = tokio::time::sleep_until(next_canary) => {
                next_canary += CANARY_INTERVAL;
                expected_by = Some(Instant::now() + CANARY_TIMEOUT);
                if let Err(error) = resources.store.notify(&canary).await {
                    warn!(log, "canary not sent"; "error" => crate::log::chain(&error));
                }
            }
            () = sleep_until(expected_by) => return Err("the canary did not return: notifications do not arrive".into()),
        }
    }
}

async fn sleep_until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

/// Sends the notifications that statements left out while the process was busy: see [`crate::signal::Wakeup::may_notify`].
pub fn deferred_notifier(resources: &EngineResources) -> impl Fn() -> ServiceFuture + Send + Sync + 'static {
    service(resources.clone(), |resources| async move {
        loop {
            resources.context.wakeup.notification_due().await;
            resources.store.notify(ANY_QUEUE).await?;
        }
    })
}
