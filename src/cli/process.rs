//! What every long-running process of ours is: runtimes, handlers, signals, a log of its panics.

use slog::{Logger, error};
use tokio::runtime::Runtime;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::{Exit, wrong_settings};
use crate::config::{self, Config};
use crate::handlers::{self, Handlers};
use crate::provision::{Registry, Simulated};

/// One runtime for the work, and one with a thread of its own for heartbeats: see `engine::heartbeat`.
pub fn runtimes() -> Result<(Runtime, Runtime), Exit> {
    Ok((runtime(2, "provost")?, runtime(1, "vital")?))
}

fn runtime(threads: usize, name: &str) -> Result<Runtime, Exit> {
    let built =
        tokio::runtime::Builder::new_multi_thread().worker_threads(threads).thread_name(name).enable_all().build();
    built.map_err(|error| {
        eprintln!("provost: the runtime cannot be started: {error}");
        Exit::Failure
    })
}

/// The handlers that ship, as the settings want them.
pub fn handlers(config: &Config) -> Result<Handlers, Exit> {
    let allowed = config.http_allow.parse();
    let http_allow = allowed.map_err(|error| wrong_settings(&[format!("PROVOST_HTTP_ALLOW: {error}")]))?;
    let simulate = handlers::Simulate { min: config.simulate.min, max: config.simulate.max };
    Ok(handlers::in_the_box(registry(config), handlers::Settings { simulate, http_allow }))
}

/// The provisioners that ship.
pub fn registry(config: &Config) -> Registry {
    let config::Simulate { min, max, failure_rate } = config.simulate;
    Registry::default().with("simulated", Simulated { min, max, failure_rate })
}

/// SIGINT and SIGTERM.
pub struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    pub fn new() -> Option<Self> {
        Some(Self {
            interrupt: signal(SignalKind::interrupt()).ok()?,
            terminate: signal(SignalKind::terminate()).ok()?,
        })
    }

    pub async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// A panic is a line in the log like any other error.
pub fn log_panics(log: Logger) {
    std::panic::set_hook(Box::new(move |panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        error!(log, "panic"; "error" => panic.payload_as_str().unwrap_or("without a message"), "place" => place);
    }));
}
