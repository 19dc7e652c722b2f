//! What the long-running commands share: runtimes, handlers, signals and panic logging.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use slog::{Discard, Logger, error, o};
use tokio::runtime::Runtime;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::clusters::{self, KnownClusters};
use super::exit::Exit;
use super::tenants::Tenants;
use crate::config::{self, Config};
use crate::domain::OperationKind;
use crate::handlers::{self, Handlers};
use crate::log::chain;
use crate::provision::command::{self, Command};
use crate::provision::postgres::{Clusters, EMBEDDED, Postgres};
use crate::provision::remote::{self, Remote};
use crate::provision::{Registry, Simulated};
use crate::secrets::{Key, Keyring};
use crate::template::{self, Templates};

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

/// What a process needs to run jobs and to perform operations on projects.
pub struct Provisioning {
    pub templates: Templates,
    pub registry: Registry,
    /// The embedded cluster.
    pub tenants: Tenants,
    pub clusters: Clusters,
    /// How many operations may run in a cluster at the same time, by name, where `provost.toml` says so.
    pub concurrency: BTreeMap<String, i32>,
    /// The settings of the built-in handlers.
    pub handler_settings: handlers::Settings,
}

/// Every mistake that [`Provisioning::of`] would report.
pub fn mistakes(config: &Config) -> Vec<String> {
    let mut mistakes = Vec::new();
    Provisioning::read(config, &Logger::root(Discard, o!()), &mut mistakes);
    mistakes
}

impl Provisioning {
    /// Reads commands, clusters and templates, and checks the keys. Reports every mistake.
    pub fn of(config: &Config, log: &Logger) -> Result<Self, Exit> {
        let mut mistakes = Vec::new();
        let provisioning = Self::read(config, log, &mut mistakes);
        if mistakes.is_empty() { Ok(provisioning) } else { Err(report_invalid_settings(&mistakes)) }
    }

    fn read(config: &Config, log: &Logger, mistakes: &mut Vec<String>) -> Self {
        configured_keys(config, mistakes);
        let handler_settings = handler_settings(config, mistakes);
        let tenants = Tenants::new(config, log.clone());
        let clusters = Clusters::default().with(EMBEDDED, tenants.clone());
        let KnownClusters { clusters, concurrency } = clusters::read(&config.clusters, clusters, mistakes);
        let config::Simulate { min, max, failure_rate } = config.simulate;
        let registry = Registry::default()
            .with("simulated", Simulated { min, max, failure_rate })
            .with("postgres", Postgres { clusters: clusters.clone() })
            .with(remote::NAME, Remote)
            .with(command::NAME, Command::default());
        let mut templates = template::read(&config.templates, &registry, mistakes);
        let of_programs = templates.iter().filter(|it| it.provisioner == command::NAME);
        let programs = Command::read(of_programs.map(|it| (it.name.as_str(), &it.settings)), mistakes);
        templates.limit_operations(|template| programs.unsupported(template));
        let name = &config.default_template;
        // A template with mistakes exists.
        if let Err(known) = templates.choose_default(name)
            && !config.templates.contains_key(name)
        {
            mistakes.push(format!("PROVOST_DEFAULT_TEMPLATE is {name:?}, which does not exist; use one of {known}"));
        }
        templates.keep_settings_local(command::NAME);
        mistakes.extend(served_here(config, &templates));
        let has_no_pause =
            |it: &&template::Template| !it.grace.is_zero() && it.unsupported.contains(&OperationKind::Retire);
        mistakes.extend(templates.iter().filter(has_no_pause).map(|it| {
            format!("templates.{}.grace (provost.toml) needs the operation retire, for which a command template needs the programs pause and resume", it.name)
        }));
        if !programs.is_empty() || !handler_settings.commands.is_empty() {
            protect_from_programs();
        }
        let registry = registry.with(command::NAME, programs);
        Self { templates, registry, tenants, clusters, concurrency, handler_settings }
    }

    /// The built-in handlers.
    pub fn handlers(&self) -> Handlers {
        handlers::built_in(self.registry.clone(), self.handler_settings.clone())
    }
}

/// Templates that workers elsewhere serve, in queues that this process serves too.
fn served_here(config: &Config, templates: &Templates) -> Vec<String> {
    let serves = |queue: &str| config.roles.worker && config.worker_queues.iter().any(|it| it == "*" || it == queue);
    let is_mistake =
        |it: &&template::Template| it.provisioner == remote::NAME && serves(it.queue.as_deref().unwrap_or("default"));
    let sentence = |it: &template::Template| {
        format!(
            "templates.{}.queue (provost.toml) is {:?}, which this process serves itself: workers elsewhere need a queue of their own, and PROVOST_WORKER_QUEUES must not contain it",
            it.name,
            it.queue.as_deref().unwrap_or("default")
        )
    };
    templates.iter().filter(is_mistake).map(sentence).collect()
}

/// The keys of the settings. With the private PostgreSQL, a key in the data directory is created once.
pub fn keyring(config: &Config) -> Result<Option<Keyring>, Exit> {
    let mut mistakes = Vec::new();
    let (current, previous) = configured_keys(config, &mut mistakes);
    let is_own = config.secret_key.is_none() && config.secret_key_file.is_none() && config.database_url.is_none();
    let current = match is_own {
        true => own_key(&config.data_dir).map_err(|mistake| mistakes.push(mistake)).ok(),
        false => current,
    };
    match mistakes.is_empty() {
        true => Ok(current.map(|current| Keyring { current, previous })),
        false => Err(report_invalid_settings(&mistakes)),
    }
}

/// The current and the previous key, as far as the settings name them.
fn configured_keys(config: &Config, mistakes: &mut Vec<String>) -> (Option<Key>, Option<Key>) {
    let parse =
        |name: &str, text: &config::Secret| Key::parse(text.reveal()).map_err(|error| format!("{name}: {error}"));
    let read = |path: &PathBuf| Key::read(path).map_err(|error| format!("PROVOST_SECRET_KEY_FILE: {}", chain(&error)));
    let current = match (&config.secret_key, &config.secret_key_file) {
        (Some(text), _) => Some(parse("PROVOST_SECRET_KEY", text)),
        (None, path) => path.as_ref().map(read),
    };
    let previous = config.previous_secret_key.as_ref().map(|text| parse("PROVOST_SECRET_KEY_PREVIOUS", text));
    let mut valid = |key: Option<Result<Key, String>>| key?.map_err(|mistake| mistakes.push(mistake)).ok();
    (valid(current), valid(previous))
}

fn own_key(data_dir: &Path) -> Result<Key, String> {
    let path = data_dir.join("secret.key");
    std::fs::create_dir_all(data_dir).map_err(|error| format!("cannot create {}: {error}", data_dir.display()))?;
    let (key, is_new) = Key::read_or_create(&path).map_err(|error| chain(&error))?;
    if is_new {
        let path = path.display();
        eprintln!(
            "Created the key that encrypts secrets: {path}\n  Back it up. Without this file, a backup of the database has no secrets."
        );
    }
    Ok(key)
}

/// The settings of the built-in handlers. Every mistake is added to `mistakes` as a sentence.
fn handler_settings(config: &Config, mistakes: &mut Vec<String>) -> handlers::Settings {
    let simulate = handlers::Simulate { min: config.simulate.min, max: config.simulate.max };
    let http_allow = config.http_allow.parse().unwrap_or_else(|error| {
        mistakes.push(format!("PROVOST_HTTP_ALLOW: {error}"));
        handlers::AllowList::default()
    });
    let commands = handlers::read_commands(&config.commands).unwrap_or_else(|wrong| {
        mistakes.extend(wrong);
        Vec::new()
    });
    handlers::Settings { simulate, http_allow, commands }
}

/// Programs run as the same user and could read this process's environment and memory under `/proc`. This prevents it.
#[cfg(target_os = "linux")]
fn protect_from_programs() {
    close_inherited_files_on_exec();
    // If this fails, programs can still be isolated by running them as another user.
    _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
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
fn protect_from_programs() {}

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
