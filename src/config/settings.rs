//! Every setting there is. The flags, `--help`, `.env.example` and the check for unknown keys all come from this table.

/// One setting: `PROVOST_LEASE_TTL` in the environment and in `.env`, `--lease-ttl` on the command line,
/// `lease_ttl` in `provost.toml`.
pub struct Setting {
    pub env: &'static str,
    /// What `--help` shows in place of the value.
    pub value: &'static str,
    pub default: Option<&'static str>,
    /// A secret is never printed.
    pub secret: bool,
    pub help: &'static str,
}

impl Setting {
    /// The key in `provost.toml`.
    pub fn key(&self) -> String {
        self.env.strip_prefix("PROVOST_").unwrap_or(self.env).to_lowercase()
    }

    /// The flag, without its dashes.
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

/// What a server is told, in the order in which a newcomer meets it.
pub const SETTINGS: &[Setting] = &[
    secret(
        "DATABASE_URL",
        "URL",
        "PostgreSQL 14 or newer to use. Without it, Provost starts a private one of its own.",
    ),
    optional(
        "PROVOST_DATA_DIR",
        "FOLDER",
        "Where the private PostgreSQL keeps its data. Default: the platform's data folder + provost; as root /var/lib/provost.",
    ),
    optional(
        "POSTGRES_BIN_DIR",
        "FOLDER",
        "Where the private PostgreSQL's programs are. Default: PATH, then the usual places, then a download.",
    ),
    plain(
        "PROVOST_LISTEN",
        "ADDRESS",
        "127.0.0.1:8080",
        "Address and port of the API and the dashboard. Anything but loopback needs PROVOST_ADMIN_TOKEN.",
    ),
    secret(
        "PROVOST_ADMIN_TOKEN",
        "TOKEN",
        "Whoever has it may do everything: as bearer token, or to sign in to the dashboard. At least 16 characters.",
    ),
    secret(
        "PROVOST_WORKER_TOKEN",
        "TOKEN",
        "Whoever has it may do what a worker does (/internal), and nothing else; provost worker sends it. At least 16 characters. A server may have several, comma separated, each perhaps bound to queues: TOKEN@critical+default.",
    ),
    optional("PROVOST_SERVER", "URL", "Where provost worker gets its work, like https://provost.example.org."),
    plain(
        "PROVOST_ROLES",
        "LIST",
        "api,worker,scheduler",
        "What this process does, comma separated: api (HTTP and dashboard), worker (runs jobs), scheduler (fires schedules, takes back lost work, watches deadlines, tidies).",
    ),
    plain(
        "PROVOST_WORKER_QUEUES",
        "LIST",
        "*",
        "Which queues this process works on, comma separated; * is every queue, also those that come later.",
    ),
    plain(
        "PROVOST_WORKER_KINDS",
        "LIST",
        "*",
        "Which kinds of jobs this process runs, comma separated; * is every kind that it has a handler for.",
    ),
    plain("PROVOST_WORKER_CONCURRENCY", "N", "10", "How many jobs this process runs at once (1-1000)."),
    plain(
        "PROVOST_LEASE_TTL",
        "DURATION",
        "30s",
        "How long a worker may be silent before its work is taken back (1s-1h). Heartbeats come three times as often.",
    ),
    plain(
        "PROVOST_AGENT_LEASE",
        "DURATION",
        "5m",
        "The same for agents that ask for work without naming the request, and beat rarely (1s-1d).",
    ),
    plain(
        "PROVOST_POLL_INTERVAL",
        "DURATION",
        "3s",
        "How often workers look without having been rung (50ms-10m). The guarantee when a notification is lost.",
    ),
    plain(
        "PROVOST_PROJECT_DEADLINE",
        "DURATION",
        "10m",
        "How long a project may stay creating, provisioning or deleting before it is moved to failed (1s-30d).",
    ),
    plain(
        "PROVOST_MAX_ATTEMPTS",
        "N",
        "3",
        "How many failures or lost workers a job may have before it is failed for good (1-100).",
    ),
    plain(
        "PROVOST_SHUTDOWN_GRACE",
        "DURATION",
        "15s",
        "How long running work may go on after a stop signal before it is handed back (0s-1h).",
    ),
    plain(
        "PROVOST_CANCEL_GRACE",
        "DURATION",
        "30s",
        "How long a canceled job that runs may take to stop before its lease is revoked (0s-1h).",
    ),
    optional(
        "PROVOST_HTTP_ALLOW",
        "LIST",
        "Where jobs of kind http.call may go, comma separated: api.example.org, *.example.org, host:port. Without it, nowhere.",
    ),
    plain(
        "PROVOST_RETAIN_COMPLETED",
        "DURATION",
        "7d",
        "How long completed jobs are kept; max is for ever, 0s is not at all.",
    ),
    plain("PROVOST_RETAIN_CANCELED", "DURATION", "7d", "How long canceled jobs are kept; max is for ever."),
    plain("PROVOST_RETAIN_FAILED", "DURATION", "max", "How long dead letters are kept; max is for ever."),
    plain("PROVOST_RETAIN_EXECUTIONS", "DURATION", "7d", "How long ended executions are kept; max is for ever."),
    plain(
        "PROVOST_RETAIN_EVENTS",
        "DURATION",
        "30d",
        "How long the record of jobs and of due times is kept; max is for ever. That of projects, queues, workers, limits and schedules stays.",
    ),
    plain("PROVOST_SIMULATE_MIN", "DURATION", "2s", "The shortest work of the simulated provisioner."),
    plain("PROVOST_SIMULATE_MAX", "DURATION", "5s", "The longest work of the simulated provisioner."),
    plain("PROVOST_SIMULATE_FAILURE_RATE", "SHARE", "0.2", "The share of simulated provisionings that fail (0-1)."),
    plain(
        "PROVOST_DATABASE_POOL",
        "N",
        "10",
        "How many database connections the API may use (1-500). The engine has 4 of its own, the listener 1.",
    ),
    plain(
        "PROVOST_DATABASE_WAIT",
        "DURATION",
        "30s",
        "How long to wait for the database at the start. Later a lost database never ends the process.",
    ),
    plain("PROVOST_LOG", "LEVEL", "info", "The least level to log: error, warn, info or debug."),
    plain("PROVOST_LOG_FORMAT", "FORMAT", "auto", "json, pretty, or auto: pretty on a terminal, else json."),
];

/// What those are told that speak to a server: the commands for projects, jobs and so on. They read nothing of the others.
pub const CLIENT_SETTINGS: &[Setting] = &[
    plain("PROVOST_ADDRESS", "URL", "http://127.0.0.1:8080", "Where the server is that commands speak to."),
    secret("PROVOST_TOKEN", "TOKEN", "What commands show to the server. Without it, they show PROVOST_ADMIN_TOKEN."),
    plain("PROVOST_OUTPUT", "FORMAT", "table", "How commands answer: table, wide, json, jsonl, yaml or name."),
];

/// All of them.
pub fn all() -> impl Iterator<Item = &'static Setting> {
    SETTINGS.iter().chain(CLIENT_SETTINGS)
}

/// The text of `.env.example`.
pub fn example() -> String {
    let mut text = String::from(
        "# Every setting, with its default. Copy this file to .env and change what you need.\n\
         # A flag (--lease-ttl) goes over the environment, that over .env, that over provost.toml (lease_ttl = \"30s\").\n",
    );
    for setting in all() {
        let default = setting.default.unwrap_or_default();
        text.push_str(&format!("\n# {}\n#{}={default}\n", setting.help, setting.env));
    }
    text
}
