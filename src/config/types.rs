//! The validated configuration.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::secret::Secret;
use super::tokens::WorkerToken;
use crate::domain::Pooling;

/// All settings, validated.
#[derive(Clone, Debug)]
pub struct Config {
    /// Without a URL, a private PostgreSQL is started.
    pub database_url: Option<Secret>,
    /// Leads past a pooler.
    pub database_direct_url: Option<Secret>,
    pub database_pooling: Pooling,
    pub data_dir: PathBuf,
    pub postgres_bin_dir: Option<PathBuf>,
    pub listen: SocketAddr,
    pub admin_token: Option<Secret>,
    /// The tokens that grant access to `/internal` only.
    pub worker_tokens: Vec<WorkerToken>,
    /// The server of `provost worker`.
    pub server: Option<String>,
    pub roles: Roles,
    /// `*` means every queue.
    pub worker_queues: Vec<String>,
    /// Nothing means every kind with a handler.
    pub worker_kinds: Option<Vec<String>>,
    pub worker_concurrency: usize,
    pub lease_ttl: Duration,
    /// The lease of agents that claim jobs without a request id.
    pub agent_lease: Duration,
    pub poll_interval: Duration,
    pub project_deadline: Duration,
    /// The interval between two observations of a project.
    pub observe_interval: Duration,
    /// The template of requests that name none.
    pub default_template: String,
    pub max_attempts: u32,
    pub shutdown_grace: Duration,
    pub cancel_grace: Duration,
    /// The hosts that `http.call` may reach, unparsed.
    pub http_allow: String,
    /// The programs that jobs may run, from `provost.toml` only.
    pub commands: toml::Table,
    /// The templates of `provost.toml`.
    pub templates: toml::Table,
    /// The clusters of `provost.toml`.
    pub clusters: toml::Table,
    /// The file with the key that encrypts secrets.
    pub secret_key_file: Option<PathBuf>,
    pub secret_key: Option<Secret>,
    /// Accepted for reading while secrets move to the new key.
    pub previous_secret_key: Option<Secret>,
    pub retain: Retain,
    pub simulate: Simulate,
    pub database_pool: usize,
    pub database_wait: Duration,
    pub log_level: slog::Level,
    pub log_format: LogFormat,
    /// Every setting with its value and source, secrets masked.
    pub effective: Vec<Effective>,
}

/// What this process does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Roles {
    pub api: bool,
    pub worker: bool,
    pub scheduler: bool,
}

/// How long finished objects are kept; nothing means forever.
#[derive(Clone, Copy, Debug)]
pub struct Retain {
    pub completed: Option<Duration>,
    pub canceled: Option<Duration>,
    pub failed: Option<Duration>,
    pub executions: Option<Duration>,
    pub events: Option<Duration>,
}

/// How the simulated provisioner behaves.
#[derive(Clone, Copy, Debug)]
pub struct Simulate {
    pub min: Duration,
    pub max: Duration,
    /// From 0 (never fails) to 1 (always fails).
    pub failure_rate: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    Json,
    Pretty,
    /// Pretty on a terminal, JSON elsewhere.
    Auto,
}

/// One line of `provost config`.
#[derive(Clone, Debug)]
pub struct Effective {
    pub name: &'static str,
    pub value: String,
    pub source: &'static str,
}
