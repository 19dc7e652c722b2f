//! Keeps services running: what fails or panics is logged once and started again, for ever. A lost database must not
//! end the process, and must not become a hot loop either.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use backon::{BackoffBuilder, ExponentialBuilder};
use slog::{Logger, info, warn};
use tokio::runtime::Handle;
use tokio::task::{JoinError, JoinSet};

use crate::log::chain;
use crate::signal::{ProcessStatus, Stop};

/// Why a service ended before it was asked to.
pub type Fault = Box<dyn std::error::Error + Send + Sync>;

/// After this long without a fault, the next one is treated as the first.
const HEALTHY: Duration = Duration::from_secs(60);

pub struct Supervisor {
    tasks: JoinSet<()>,
    /// Where the services run.
    runtime: Handle,
    process_status: Arc<ProcessStatus>,
    log: Logger,
}

impl Supervisor {
    pub fn new(process_status: Arc<ProcessStatus>, log: Logger) -> Self {
        Self { tasks: JoinSet::new(), runtime: Handle::current(), process_status, log }
    }

    /// Runs its services on another runtime, which others cannot keep busy.
    pub fn on(self, runtime: &Handle) -> Self {
        Self { runtime: runtime.clone(), ..self }
    }

    /// Like [`Supervisor::keep`], for a service that may be dropped at any moment: it ends with `stop`.
    pub fn keep_until<S, F>(&mut self, name: &'static str, stop: &Stop, service: S)
    where
        S: Fn() -> F + Send + Sync + 'static,
        F: Future<Output = Result<(), Fault>> + Send + 'static,
    {
        let until = stop.clone();
        self.keep(name, stop, move || {
            let (until, running) = (until.clone(), service());
            async move { until.run_until_cancelled(running).await.unwrap_or(Ok(())) }
        });
    }

    /// Runs `service` until it returns `Ok`, which it does when it was asked to stop, or until `stop` while it is down.
    pub fn keep<S, F>(&mut self, name: &'static str, stop: &Stop, service: S)
    where
        S: Fn() -> F + Send + Sync + 'static,
        F: Future<Output = Result<(), Fault>> + Send + 'static,
    {
        let (process_status, log, stop) = (self.process_status.clone(), self.log.clone(), stop.clone());
        let kept = async move {
            let mut pauses = pauses();
            loop {
                process_status.report(name, "running", None);
                let started = Instant::now();
                let Err(fault) = run(&service, &stop).await else { break };
                if started.elapsed() > HEALTHY {
                    pauses = self::pauses();
                }
                let pause = pauses.next().unwrap_or(Duration::from_secs(2));
                warn!(log, "service {} failed, starting it again", name;
                    "service" => name, "error" => &fault, "pause_ms" => pause.as_millis() as u64);
                process_status.report(name, "restarting", Some(fault));
                tokio::select! {
                    () = stop.cancelled() => break,
                    () = tokio::time::sleep(pause) => {}
                }
            }
            process_status.report(name, "stopped", None);
        };
        self.tasks.spawn_on(kept, &self.runtime);
    }

    /// Waits until every service has ended.
    pub async fn join(mut self) {
        while self.tasks.join_next().await.is_some() {}
        info!(self.log, "services stopped");
    }
}

/// One run of a service in a task of its own, so that a panic is a fault and not the end.
async fn run<S, F>(service: &S, stop: &Stop) -> Result<(), String>
where
    S: Fn() -> F + Sync,
    F: Future<Output = Result<(), Fault>> + Send + 'static,
{
    let mut task = JoinSet::new();
    task.spawn(service());
    match task.join_next().await {
        Some(Ok(Ok(()))) | None => Ok(()),
        Some(_) if stop.is_cancelled() => Ok(()),
        Some(Ok(Err(fault))) => Err(chain(fault.as_ref())),
        Some(Err(error)) => Err(panic_text(error)),
    }
}

fn panic_text(error: JoinError) -> String {
    match error.try_into_panic() {
        Ok(payload) => format!("panicked: {}", super::attempt::message_of(payload.as_ref())),
        Err(error) => error.to_string(),
    }
}

fn pauses() -> impl Iterator<Item = Duration> + Send {
    ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(100))
        .with_max_delay(Duration::from_secs(2))
        .with_jitter()
        .without_max_times()
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};

    #[tokio::test(start_paused = true)]
    async fn a_service_that_fails_or_panics_is_started_again_and_says_so() {
        let process_status = Arc::new(ProcessStatus::default());
        let mut supervisor = Supervisor::new(process_status.clone(), crate::log::silent());
        let (runs, stop) = (Arc::new(AtomicU32::new(0)), Stop::new());
        let counted = runs.clone();
        supervisor.keep("fragile", &stop, move || {
            let run = counted.fetch_add(1, Ordering::Relaxed);
            async move {
                match run {
                    0 => Err("no database".into()),
                    1 => panic!("a bug"),
                    _ => Ok(()),
                }
            }
        });
        supervisor.join().await;
        let status = process_status.services().remove("fragile").unwrap();
        assert_eq!((runs.load(Ordering::Relaxed), status.restarts, status.state), (3, 2, "stopped"));
        assert_eq!(status.last_error.as_deref(), Some("panicked: a bug"));
    }
}
