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
    let settings = handler_settings(config).map_err(|mistakes| wrong_settings(&mistakes))?;
    hide_from(&settings.commands);
    Ok(handlers::built_in(registry(config), settings))
}

/// The provisioners that ship.
pub fn registry(config: &Config) -> Registry {
    let config::Simulate { min, max, failure_rate } = config.simulate;
    Registry::default().with("simulated", Simulated { min, max, failure_rate })
}

/// What the handlers in the box are told; all that is wrong with it, as sentences.
pub fn handler_settings(config: &Config) -> Result<handlers::Settings, Vec<String>> {
    let simulate = handlers::Simulate { min: config.simulate.min, max: config.simulate.max };
    let http_allow = config.http_allow.parse().map_err(|error| vec![format!("PROVOST_HTTP_ALLOW: {error}")]);
    match (http_allow, handlers::read_commands(&config.commands)) {
        (Ok(http_allow), Ok(commands)) => Ok(handlers::Settings { simulate, http_allow, commands }),
        (allow, commands) => Err([allow.err(), commands.err()].into_iter().flatten().flatten().collect()),
    }
}

/// Whoever runs as the same user could read the secrets of our environment and memory under `/proc`; commands shall not.
#[cfg(target_os = "linux")]
fn hide_from(commands: &[handlers::Command]) {
    if !commands.is_empty() {
        keep_what_was_inherited();
        // Where that cannot be had, a user of their own still keeps them out.
        _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
    }
}

/// Whatever was open already when we were started is for us. What we open ourselves is closed in programs anyway.
#[cfg(target_os = "linux")]
fn keep_what_was_inherited() {
    let Ok(open) = std::fs::read_dir("/proc/self/fd") else { return };
    let numbers = open.flatten().filter_map(|it| it.file_name().to_str()?.parse::<i32>().ok());
    for number in numbers.filter(|number| *number > 2) {
        // SAFETY: the process has just begun, so nobody closes any of these meanwhile; a number that is none any more does no harm.
        let file = unsafe { std::os::fd::BorrowedFd::borrow_raw(number) };
        _ = rustix::io::fcntl_setfd(file, rustix::io::FdFlags::CLOEXEC);
    }
}

/// Other systems show no environment there.
#[cfg(not(target_os = "linux"))]
fn hide_from(_: &[handlers::Command]) {}

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
