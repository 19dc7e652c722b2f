//! What the long-running commands share: runtimes, handlers, signals and panic logging.

use slog::{Logger, error};
use tokio::runtime::Runtime;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::exit::Exit;
use crate::config::{self, Config};
use crate::handlers::{self, Handlers};
use crate::provision::{Registry, Simulated};

/// The main runtime, and one with its own thread for heartbeats; see `engine::heartbeat`.
pub fn runtimes() -> Result<(Runtime, Runtime), Exit> {
    Ok((runtime(2, "provost")?, runtime(1, "heartbeats")?))
}

fn runtime(threads: usize, name: &str) -> Result<Runtime, Exit> {
    let built =
        tokio::runtime::Builder::new_multi_thread().worker_threads(threads).thread_name(name).enable_all().build();
    built.map_err(|error| {
        eprintln!("provost: cannot start the runtime: {error}");
        Exit::Failure
    })
}

/// The built-in handlers.
pub fn handlers(config: &Config) -> Result<Handlers, Exit> {
    let settings = handler_settings(config).map_err(|mistakes| report_invalid_settings(&mistakes))?;
    protect_from(&settings.commands);
    Ok(handlers::built_in(registry(config), settings))
}

/// The built-in provisioners.
pub fn registry(config: &Config) -> Registry {
    let config::Simulate { min, max, failure_rate } = config.simulate;
    Registry::default().with("simulated", Simulated { min, max, failure_rate })
}

/// The settings of the built-in handlers, or every mistake in them as a sentence.
pub fn handler_settings(config: &Config) -> Result<handlers::Settings, Vec<String>> {
    let simulate = handlers::Simulate { min: config.simulate.min, max: config.simulate.max };
    let http_allow = config.http_allow.parse().map_err(|error| vec![format!("PROVOST_HTTP_ALLOW: {error}")]);
    match (http_allow, handlers::read_commands(&config.commands)) {
        (Ok(http_allow), Ok(commands)) => Ok(handlers::Settings { simulate, http_allow, commands }),
        (allow, commands) => Err([allow.err(), commands.err()].into_iter().flatten().flatten().collect()),
    }
}

/// Commands run as the same user and could read this process's environment and memory under `/proc`. This prevents it.
#[cfg(target_os = "linux")]
fn protect_from(commands: &[handlers::Command]) {
    if !commands.is_empty() {
        close_inherited_files_on_exec();
        // If this fails, commands can still be isolated by running them as another user.
        _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
    }
}

/// Inherited files are for this process only. Files that it opens itself already have close-on-exec.
#[cfg(target_os = "linux")]
fn close_inherited_files_on_exec() {
    let Ok(open) = std::fs::read_dir("/proc/self/fd") else { return };
    let numbers = open.flatten().filter_map(|it| it.file_name().to_str()?.parse::<i32>().ok());
    for number in numbers.filter(|number| *number > 2) {
        // SAFETY: this runs at startup, when no other code closes these files; a closed number only makes the call fail.
        let file = unsafe { std::os::fd::BorrowedFd::borrow_raw(number) };
        _ = rustix::io::fcntl_setfd(file, rustix::io::FdFlags::CLOEXEC);
    }
}

/// Other systems do not expose the environment this way.
#[cfg(not(target_os = "linux"))]
fn protect_from(_: &[handlers::Command]) {}

/// Prints every mistake in the settings.
pub fn report_invalid_settings(mistakes: &[String]) -> Exit {
    eprintln!("provost: invalid {}:", if mistakes.len() == 1 { "setting" } else { "settings" });
    mistakes.iter().for_each(|mistake| eprintln!("  - {mistake}"));
    Exit::Usage
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

/// Logs panics like other errors.
pub fn log_panics(log: Logger) {
    std::panic::set_hook(Box::new(move |panic| {
        let location = panic.location().map(ToString::to_string).unwrap_or_default();
        error!(log, "panic"; "error" => panic.payload_as_str().unwrap_or("no message"), "location" => location);
    }));
}
