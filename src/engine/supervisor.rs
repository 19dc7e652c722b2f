//! Keeps services running: a service that fails or panics is logged once and restarted after a growing delay. A lost
//! database must neither end the process nor cause a hot loop.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use slog::{Logger, info, warn};
use tokio::runtime::Handle;
use tokio::task::{JoinError, JoinSet};

use super::retry::RetryDelays;
use crate::log::chain;
use crate::signal::{ProcessStatus, Stop};

/// Why a service ended before it was stopped.
pub type ServiceError = Box<dyn std::error::Error + Send + Sync>;
pub type ServiceFuture = BoxFuture<'static, Result<(), ServiceError>>;

/// A service that ran for this long is healthy: its next failure counts as the first.
const HEALTHY: Duration = Duration::from_secs(60);

/// A service that can be restarted: every run starts with a clone of `state`.
pub fn service<T, F>(
    state: T,
    run: impl Fn(T) -> F + Send + Sync + 'static,
) -> impl Fn() -> ServiceFuture + Send + Sync + 'static
where
    T: Clone + Send + Sync + 'static,
    F: Future<Output = Result<(), ServiceError>> + Send + 'static,
{
    move || Box::pin(run(state.clone()))
}

pub struct Supervisor {
    tasks: JoinSet<()>,
    runtime: Handle,
    process_status: Arc<ProcessStatus>,
    log: Logger,
}

impl Supervisor {
    pub fn new(process_status: Arc<ProcessStatus>, log: Logger) -> Self {
        Self { tasks: JoinSet::new(), runtime: Handle::current(), process_status, log }
    }

    /// Runs the services on another runtime, so that other tasks cannot starve them.
    pub fn on(self, runtime: &Handle) -> Self {
        Self { runtime: runtime.clone(), ..self }
    }

    /// Like [`Supervisor::keep`], for a service that can be dropped at any `await`: `stop` ends it.
    pub fn keep_until(
        &mut self,
        name: &'static str,
        stop: &Stop,
        service: impl Fn() -> ServiceFuture + Send + Sync + 'static,
    ) {
        let until = stop.clone();
        self.keep(name, stop, move || {
            let (until, running) = (until.clone(), service());
            Box::pin(async move { until.run_until_cancelled(running).await.unwrap_or(Ok(())) })
        });
    }

    /// Runs `service` until it returns `Ok`, which it does after `stop`, or until `stop` while it is down.
    pub fn keep(
        &mut self,
        name: &'static str,
        stop: &Stop,
        service: impl Fn() -> ServiceFuture + Send + Sync + 'static,
    ) {
        let (process_status, log, stop) = (self.process_status.clone(), self.log.clone(), stop.clone());
        let supervised = async move {
            let mut delays = RetryDelays::outage();
            loop {
                process_status.report(name, "running", None);
                let started = Instant::now();
                let Err(error) = run(&service, &stop).await else { break };
                if started.elapsed() > HEALTHY {
                    delays.reset();
                }
                let delay = delays.next_delay();
                warn!(log, "service {} failed, restarting", name;
                    "service" => name, "error" => &error, "pause_ms" => delay.as_millis() as u64);
                process_status.report(name, "restarting", Some(error));
                if stop.run_until_cancelled(tokio::time::sleep(delay)).await.is_none() {
                    break;
                }
            }
            process_status.report(name, "stopped", None);
        };
        self.tasks.spawn_on(supervised, &self.runtime);
    }

    /// Waits until every service has ended.
    pub async fn join(mut self) {
        while self.tasks.join_next().await.is_some() {}
        info!(self.log, "services stopped");
    }
}

/// Runs a service once in a task of its own, so that a panic becomes an error.
async fn run(service: &(impl Fn() -> ServiceFuture + Sync), stop: &Stop) -> Result<(), String> {
    let mut task = JoinSet::new();
    task.spawn(service());
    match task.join_next().await {
        Some(Ok(Ok(()))) | None => Ok(()),
        Some(_) if stop.is_cancelled() => Ok(()),
        Some(Ok(Err(error))) => Err(chain(error.as_ref())),
        Some(Err(error)) => Err(panic_text(error)),
    }
}

fn panic_text(error: JoinError) -> String {
    match error.try_into_panic() {
        Ok(payload) => format!("panicked: {}", panic_message(payload.as_ref())),
        Err(error) => error.to_string(),
    }
}

pub fn panic_message(payload: &(dyn std::any::Any + Send)) -> &str {
    let text = payload.downcast_ref::<&str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("without a message")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};

    #[tokio::test(start_paused = true)]
    async fn failed_or_panicked_service_is_restarted_and_reported() {
        let process_status = Arc::new(ProcessStatus::default());
        let mut supervisor = Supervisor::new(process_status.clone(), crate::log::silent());
        let (runs, stop) = (Arc::new(AtomicU32::new(0)), Stop::new());
        let fragile = service(runs.clone(), |runs| async move {
            match runs.fetch_add(1, Ordering::Relaxed) {
                0 => Err("no database".into()),
                1 => panic!("a bug"),
                _ => Ok(()),
            }
        });
        supervisor.keep("fragile", &stop, fragile);
        supervisor.join().await;
        let status = process_status.services().remove("fragile").unwrap();
        assert_eq!((runs.load(Ordering::Relaxed), status.restarts, status.state), (3, 2, "stopped"));
        assert_eq!(status.last_error.as_deref(), Some("panicked: a bug"));
    }
}
