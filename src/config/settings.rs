//! All settings. Flags, `--help`, `.env.example` and the check for unknown keys are derived from this table.

/// One setting, such as `PROVOST_LEASE_TTL` in the environment and in `.env`, `--lease-ttl` on the command line and
/// `lease_ttl` in `provost.toml`.
pub struct Setting {
    pub env: &'static str,
    /// The value name in `--help`.
    pub value: &'static str,
    pub default: Option<&'static str>,
    /// Secrets are never printed.
    pub secret: bool,
    pub help: &'static str,
}

impl Setting {
    /// The key in `provost.toml`.
    pub fn key(&self) -> String {
        self.env.strip_prefix("PROVOST_").unwrap_or(self.env).to_lowercase()
    }

    /// The flag without dashes.
    pub fn flag(&self) -> String {
        self.key().replace('_', "-")
    }
}

const fn plain(env: &'static str, value: &'static str, default: &'static str, help: &'static str) -> Setting {
    Setting { env, value, default: Some(default), secret: false, help }
}

const fn optional(env: &'static str, value: &'static str, help: &'static str) -> Setting {
    Setting { env, value, default: None, secret: false, help }
}

const fn secret(env: &'static str, value: &'static str, help: &'static str) -> Setting {
    Setting { env, value, default: None, secret: true, help }
}

/// The settings of servers and workers.
pub const SETTINGS: &[Setting] = &[
    secret(
        "DATABASE_URL",
        "URL",
        "URL of the database (PostgreSQL 14 or newer). Without it, Provost starts a private PostgreSQL. Connecting to a host may take 2 s, or the `connect_timeout` of the URL.",
    ),
    secret(
        "PROVOST_DATABASE_DIRECT_URL",
        "URL",
        "URL that leads to the database itself where DATABASE_URL leads to a pooler. Used for notifications; without it, a process behind a pooler polls.",
    ),
    plain(
        "PROVOST_DATABASE_POOLING",
        "MODE",
        "auto",
        "How a pooler before the database shares its sessions: session, transaction, or auto to treat each pooler as one that shares transactions.",
    ),
    optional(
        "PROVOST_DATA_DIR",
        "DIR",
        "Data directory of the private PostgreSQL. Default: provost in the platform's data directory; for root, /var/lib/provost.",
    ),
    optional(
        "POSTGRES_BIN_DIR",
        "DIR",
        "Directory with the programs of the private PostgreSQL. Default: PATH, then the usual directories, then a download.",
    ),
    plain(
        "PROVOST_LISTEN",
        "ADDRESS",
        "127.0.0.1:8080",
        "Address and port of the API and the dashboard. Addresses other than loopback require PROVOST_ADMIN_TOKEN.",
    ),
    secret(
        "PROVOST_ADMIN_TOKEN",
        "TOKEN",
        "Token with full access, for the API (bearer token) and the dashboard. At least 16 characters.",
    ),
    secret(
        "PROVOST_WORKER_TOKEN",
        "TOKEN",
        "Token of remote workers, with access to /internal only. At least 16 characters. A server accepts several, comma-separated; each may be restricted to queues, as in TOKEN@critical+default.",
    ),
    optional(
        "PROVOST_SERVER",
        "URL",
        "Address of the server for provost worker, such as https://provost.example.org, and for Terraform in programs of provost serve. Default for the latter: PROVOST_LISTEN.",
    ),
    plain(
        "PROVOST_ROLES",
        "LIST",
        "api,worker,scheduler",
        "Roles of this process, comma-separated: api (HTTP and dashboard), worker (runs jobs), scheduler (schedules, lost leases, deadlines, retention).",
    ),
    plain(
        "PROVOST_WORKER_QUEUES",
        "LIST",
        "*",
        "Queues that this process serves, comma-separated; * means every queue, including future ones.",
    ),
    plain(
        "PROVOST_WORKER_KINDS",
        "LIST",
        "*",
        "Job kinds that this process runs, comma-separated; * means every kind with a handler.",
    ),
    plain("PROVOST_WORKER_CONCURRENCY", "N", "10", "Number of jobs that this process runs at the same time (1-1000)."),
    plain(
        "PROVOST_LEASE_TTL",
        "DURATION",
        "30s",
        "Time after which a lease without a heartbeat expires (1s-1h). Workers send three heartbeats per lease.",
    ),
    plain(
        "PROVOST_AGENT_LEASE",
        "DURATION",
        "5m",
        "Lease for agents that claim jobs without a request id and send few heartbeats (1s-1d).",
    ),
    plain("PROVOST_POLL_INTERVAL", "DURATION", "3s", "How often workers poll if no notification arrives (50ms-10m)."),
    plain(
        "PROVOST_PROJECT_DEADLINE",
        "DURATION",
        "10m",
        "How long an operation on a project may take before it fails (1s-30d). A template can set another deadline.",
    ),
    plain("PROVOST_DEFAULT_TEMPLATE", "NAME", "simulated", "Template of projects whose request names none."),
    plain(
        "PROVOST_OBSERVE_INTERVAL",
        "DURATION",
        "5m",
        "How often Provost compares each ready or paused project with the real resource (200ms-1d).",
    ),
    optional(
        "PROVOST_SECRET_KEY_FILE",
        "FILE",
        "File with the key that encrypts the secrets of projects: 64 hexadecimal digits. Default with the private PostgreSQL: secret.key in the data directory, created when first needed. Back it up: without this key, a backup of the database has no secrets.",
    ),
    secret("PROVOST_SECRET_KEY", "KEY", "The key itself, instead of a file. Create one with: openssl rand -hex 32"),
    secret(
        "PROVOST_SECRET_KEY_PREVIOUS",
        "KEY",
        "The previous key, accepted for reading while secrets move to the new one.",
    ),
    plain(
        "PROVOST_MAX_ATTEMPTS",
        "N",
        "3",
        "Number of failures, including expired leases, after which a job fails permanently (1-100).",
    ),
    plain(
        "PROVOST_SHUTDOWN_GRACE",
        "DURATION",
        "15s",
        "How long running jobs may continue after a stop signal before they are released (0s-1h).",
    ),
    plain(
        "PROVOST_CANCEL_GRACE",
        "DURATION",
        "30s",
        "How long a canceled job may take to stop before its lease is revoked (0s-1h).",
    ),
    optional(
        "PROVOST_HTTP_ALLOW",
        "LIST",
        "Hosts that http.call jobs may call, comma-separated: api.example.org, *.example.org, host:port. Default: none.",
    ),
    plain(
        "PROVOST_RETAIN_COMPLETED",
        "DURATION",
        "7d",
        "How long to keep completed jobs; max keeps them forever, 0s keeps none.",
    ),
    plain("PROVOST_RETAIN_CANCELED", "DURATION", "7d", "How long to keep canceled jobs; max keeps them forever."),
    plain("PROVOST_RETAIN_FAILED", "DURATION", "max", "How long to keep dead letters; max keeps them forever."),
    plain("PROVOST_RETAIN_EXECUTIONS", "DURATION", "7d", "How long to keep finished attempts; max keeps them forever."),
    plain(
        "PROVOST_RETAIN_EVENTS",
        "DURATION",
        "30d",
        "How long to keep job events and schedule ticks; max keeps them forever. Other events are always kept.",
    ),
    plain("PROVOST_SIMULATE_MIN", "DURATION", "2s", "Minimum duration of the simulated provisioner."),
    plain("PROVOST_SIMULATE_MAX", "DURATION", "5s", "Maximum duration of the simulated provisioner."),
    plain("PROVOST_SIMULATE_FAILURE_RATE", "RATIO", "0.2", "Failure rate of the simulated provisioner (0-1)."),
    plain(
        "PROVOST_DATABASE_POOL",
        "N",
        "10",
        "Database connections of the API (1-500). The engine uses 4 more, heartbeats 1, the listener 1.",
    ),
    plain(
        "PROVOST_DATABASE_WAIT",
        "DURATION",
        "30s",
        "How long to wait for the database at startup. Later outages never stop the process.",
    ),
    plain("PROVOST_LOG", "LEVEL", "info", "Log level: error, warn, info or debug."),
    plain(
        "PROVOST_LOG_FORMAT",
        "FORMAT",
        "auto",
        "Log format: json, pretty, or auto (pretty on a terminal, json elsewhere).",
    ),
];

/// The settings of client commands. They read no other settings.
pub const CLIENT_SETTINGS: &[Setting] = &[
    plain("PROVOST_ADDRESS", "URL", "http://127.0.0.1:8080", "Address of the server for client commands."),
    secret("PROVOST_TOKEN", "TOKEN", "Token for client commands. Default: PROVOST_ADMIN_TOKEN."),
    plain(
        "PROVOST_OUTPUT",
        "FORMAT",
        "table",
        "Output format of client commands: table, wide, json, jsonl, yaml or name.",
    ),
];

/// All settings.
pub fn all() -> impl Iterator<Item = &'static Setting> {
    SETTINGS.iter().chain(CLIENT_SETTINGS)
}

/// The content of `.env.example`.
pub fn example() -> String {
    let mut text = String::from(
        "# All settings with their defaults. Copy this file to .env and change what you need.\n\
         # Precedence: flag (--lease-ttl), environment, .env, provost.toml (lease_ttl = \"30s\").\n",
    );
    for setting in all() {
        let default = setting.default.unwrap_or_default();
        text.push_str(&format!("\n# {}\n#{}={default}\n", setting.help, setting.env));
    }
    text
}
