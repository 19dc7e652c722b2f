//! Validates the settings.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use super::secret::Secret;
use super::settings::{SETTINGS, Setting};
use super::sources::{Source, Sources};
use super::tokens::{MIN_TOKEN_LENGTH, WorkerToken, worker_tokens};
use super::types::{Config, Effective, LogFormat, Retain, Roles, Simulate};
use crate::domain::{Ident, Pooling};

impl Config {
    /// Validates all settings. Returns every mistake as a sentence; an invalid setting has an arbitrary value.
    pub fn read(sources: &Sources) -> (Self, Vec<String>) {
        let mut read = Reader { sources, mistakes: sources.mistakes.clone() };
        let config = read.config();
        read.check_together(&config);
        (config, read.mistakes)
    }
}

struct Reader<'a> {
    sources: &'a Sources,
    mistakes: Vec<String>,
}

impl Reader<'_> {
    fn config(&mut self) -> Config {
        const DAY: u64 = 24 * 60 * 60;
        let second = Duration::from_secs;
        Config {
            database_url: self.text("DATABASE_URL").map(Secret::new),
            database_direct_url: self.text("PROVOST_DATABASE_DIRECT_URL").map(Secret::new),
            database_pooling: self.pooling(),
            data_dir: self.text("PROVOST_DATA_DIR").map_or_else(default_data_dir, PathBuf::from),
            postgres_bin_dir: self.text("POSTGRES_BIN_DIR").map(PathBuf::from),
            listen: self.parse(
                "PROVOST_LISTEN",
                "an address and port such as 127.0.0.1:8080",
                ([127, 0, 0, 1], 8080).into(),
            ),
            admin_token: self.token("PROVOST_ADMIN_TOKEN"),
            worker_tokens: self.worker_tokens(),
            server: self.text("PROVOST_SERVER"),
            roles: self.roles(),
            worker_queues: self.list("PROVOST_WORKER_QUEUES"),
            worker_kinds: Some(self.list("PROVOST_WORKER_KINDS")).filter(|it| !it.iter().any(|kind| kind == "*")),
            worker_concurrency: self.number("PROVOST_WORKER_CONCURRENCY", 1, 1000),
            lease_ttl: self.duration("PROVOST_LEASE_TTL", second(1), second(3600)),
            agent_lease: self.duration("PROVOST_AGENT_LEASE", second(1), second(DAY)),
            observe_interval: self.duration("PROVOST_OBSERVE_INTERVAL", Duration::from_millis(200), second(86_400)),
            poll_interval: self.duration("PROVOST_POLL_INTERVAL", Duration::from_millis(50), second(600)),
            default_template: self.text("PROVOST_DEFAULT_TEMPLATE").unwrap_or_default(),
            project_deadline: self.duration("PROVOST_PROJECT_DEADLINE", second(1), second(30 * DAY)),
            max_attempts: self.number("PROVOST_MAX_ATTEMPTS", 1, 100) as u32,
            shutdown_grace: self.duration("PROVOST_SHUTDOWN_GRACE", second(0), second(3600)),
            cancel_grace: self.duration("PROVOST_CANCEL_GRACE", second(0), second(3600)),
            http_allow: self.text("PROVOST_HTTP_ALLOW").unwrap_or_default(),
            commands: self.table("commands"),
            templates: self.table("templates"),
            clusters: self.table("clusters"),
            secret_key_file: self.text("PROVOST_SECRET_KEY_FILE").map(PathBuf::from),
            secret_key: self.text("PROVOST_SECRET_KEY").map(Secret::new),
            previous_secret_key: self.text("PROVOST_SECRET_KEY_PREVIOUS").map(Secret::new),
            retain: Retain {
                completed: self.age("PROVOST_RETAIN_COMPLETED"),
                canceled: self.age("PROVOST_RETAIN_CANCELED"),
                failed: self.age("PROVOST_RETAIN_FAILED"),
                executions: self.age("PROVOST_RETAIN_EXECUTIONS"),
                events: self.age("PROVOST_RETAIN_EVENTS"),
            },
            simulate: Simulate {
                min: self.duration("PROVOST_SIMULATE_MIN", second(0), second(DAY)),
                max: self.duration("PROVOST_SIMULATE_MAX", second(0), second(DAY)),
                failure_rate: self.parse("PROVOST_SIMULATE_FAILURE_RATE", "a number from 0 to 1", 0.2),
            },
            database_pool: self.number("PROVOST_DATABASE_POOL", 1, 500),
            database_wait: self.duration("PROVOST_DATABASE_WAIT", second(0), second(DAY)),
            log_level: self.log_level(),
            log_format: self.log_format(),
            effective: SETTINGS.iter().map(|setting| self.effective(setting)).collect(),
        }
    }

    fn check_together(&mut self, config: &Config) {
        if !(0.0..=1.0).contains(&config.simulate.failure_rate) {
            self.mistakes.push("PROVOST_SIMULATE_FAILURE_RATE must be a number from 0 to 1".into());
        }
        if config.secret_key.is_some() && config.secret_key_file.is_some() {
            self.mistakes.push("set PROVOST_SECRET_KEY or PROVOST_SECRET_KEY_FILE, not both".into());
        }
        if config.simulate.min > config.simulate.max {
            self.mistakes.push("PROVOST_SIMULATE_MIN must not exceed PROVOST_SIMULATE_MAX".into());
        }
        if config.roles.api && !config.listen.ip().is_loopback() && config.admin_token.is_none() {
            self.mistakes.push(format!(
                "PROVOST_LISTEN is {}, which is not a loopback address: set PROVOST_ADMIN_TOKEN, or listen on 127.0.0.1",
                config.listen
            ));
        }
    }

    fn table(&self, key: &str) -> toml::Table {
        self.sources.tables.get(key).cloned().unwrap_or_default()
    }

    fn text(&self, env: &str) -> Option<String> {
        self.sources.get(env).map(|(text, _)| text.to_owned())
    }

    fn reject(&mut self, env: &str, expected: &str) {
        let (text, source) = self.sources.get(env).unwrap_or(("", Source::Default));
        self.mistakes.push(format!("{env} ({}) must be {expected}, not {text:?}", source.as_str()));
    }

    fn parse<T: FromStr>(&mut self, env: &str, expected: &str, fallback: T) -> T {
        let parsed = self.text(env).and_then(|text| text.parse().ok());
        parsed.unwrap_or_else(|| {
            self.reject(env, expected);
            fallback
        })
    }

    fn number(&mut self, env: &str, min: usize, max: usize) -> usize {
        let parsed = self.text(env).and_then(|text| text.parse().ok()).filter(|n| (min..=max).contains(n));
        parsed.unwrap_or_else(|| {
            self.reject(env, &format!("a whole number from {min} to {max}"));
            min
        })
    }

    fn duration(&mut self, env: &str, min: Duration, max: Duration) -> Duration {
        let parsed = self.text(env).and_then(|text| humantime::parse_duration(&text).ok());
        parsed.filter(|it| (min..=max).contains(it)).unwrap_or_else(|| {
            let (min, max) = (humantime::format_duration(min), humantime::format_duration(max));
            self.reject(env, &format!("a duration from {min} to {max}"));
            Duration::from_secs(1)
        })
    }

    /// A duration of up to ten years; `max` is nothing.
    fn age(&mut self, env: &str) -> Option<Duration> {
        const TEN_YEARS: u64 = 10 * 366 * 24 * 60 * 60;
        let text = self.text(env).unwrap_or_default();
        if text.trim() == "max" {
            return None;
        }
        let text = if text.trim() == "0" { "0s".to_owned() } else { text };
        let age = humantime::parse_duration(&text).ok().filter(|it| *it <= Duration::from_secs(TEN_YEARS));
        if age.is_none() {
            self.reject(env, "a duration of up to 10 years such as 7d, or max to keep forever");
        }
        age
    }

    /// Comma-separated names, at least one.
    fn list(&mut self, env: &str) -> Vec<String> {
        let text = self.text(env).unwrap_or_default();
        let names: Vec<String> = text.split(',').map(|it| it.trim().to_owned()).filter(|it| !it.is_empty()).collect();
        let is_name = |name: &String| name == "*" || Ident::parse(name).is_ok();
        if names.is_empty() || !names.iter().all(is_name) {
            self.reject(env, "a comma-separated list of names, or *");
        }
        names
    }

    fn token(&mut self, env: &str) -> Option<Secret> {
        let token = self.text(env)?;
        if token.trim().chars().count() < MIN_TOKEN_LENGTH {
            // The message must not contain the token.
            self.mistakes.push(format!(
                "{env} must have at least {MIN_TOKEN_LENGTH} characters; create one with: openssl rand -hex 24"
            ));
        }
        Some(Secret::new(token))
    }

    fn worker_tokens(&mut self) -> Vec<WorkerToken> {
        let read = self.text("PROVOST_WORKER_TOKEN").map(|text| worker_tokens(&text)).transpose();
        read.map(Option::unwrap_or_default).unwrap_or_else(|mistake| {
            self.mistakes.push(format!("PROVOST_WORKER_TOKEN {mistake}"));
            Vec::new()
        })
    }

    fn roles(&mut self) -> Roles {
        let text = self.text("PROVOST_ROLES").unwrap_or_default();
        let words: Vec<&str> = text.split(',').map(str::trim).collect();
        if words.iter().any(|word| !["api", "worker", "scheduler"].contains(word)) {
            self.reject("PROVOST_ROLES", "a comma-separated list of api, worker and scheduler");
        }
        let has = |role| words.contains(&role);
        Roles { api: has("api"), worker: has("worker"), scheduler: has("scheduler") }
    }

    fn pooling(&mut self) -> Pooling {
        let pooling = self.text("PROVOST_DATABASE_POOLING").and_then(|text| Pooling::parse(&text));
        pooling.unwrap_or_else(|| {
            self.reject("PROVOST_DATABASE_POOLING", "auto, session or transaction");
            Pooling::Auto
        })
    }

    fn log_level(&mut self) -> slog::Level {
        match self.text("PROVOST_LOG").as_deref() {
            Some("error") => slog::Level::Error,
            Some("warn") => slog::Level::Warning,
            Some("info") => slog::Level::Info,
            Some("debug") => slog::Level::Debug,
            _ => {
                self.reject("PROVOST_LOG", "error, warn, info or debug");
                slog::Level::Info
            }
        }
    }

    fn log_format(&mut self) -> LogFormat {
        match self.text("PROVOST_LOG_FORMAT").as_deref() {
            Some("json") => LogFormat::Json,
            Some("pretty") => LogFormat::Pretty,
            Some("auto") => LogFormat::Auto,
            _ => {
                self.reject("PROVOST_LOG_FORMAT", "json, pretty or auto");
                LogFormat::Auto
            }
        }
    }

    fn effective(&self, setting: &Setting) -> Effective {
        let (value, source) = match self.sources.get(setting.env) {
            Some((_, source)) if setting.secret => ("••••".to_owned(), source.as_str()),
            Some((value, source)) => (value.to_owned(), source.as_str()),
            None => ("not set".to_owned(), Source::Default.as_str()),
        };
        Effective { name: setting.env, value, source }
    }
}

/// The data directory of the platform. As root, one that an unprivileged PostgreSQL can reach.
fn default_data_dir() -> PathBuf {
    if nix::unistd::geteuid().is_root() {
        return PathBuf::from("/var/lib/provost");
    }
    let home = || std::env::var_os("HOME").map(PathBuf::from);
    let data = match std::env::var_os("XDG_DATA_HOME").map(PathBuf::from) {
        Some(folder) if folder.is_absolute() => Some(folder),
        _ if cfg!(target_os = "macos") => home().map(|it| it.join("Library/Application Support")),
        _ => home().map(|it| it.join(".local/share")),
    };
    data.unwrap_or_else(std::env::temp_dir).join("provost")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn config(pairs: &[(&str, &str)]) -> Result<Config, Vec<String>> {
        let mut sources = Sources::default();
        let values: BTreeMap<_, _> = pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        sources.add(Source::Environment, values);
        let (config, mistakes) = Config::read(&sources);
        if mistakes.is_empty() { Ok(config) } else { Err(mistakes) }
    }

    #[test]
    fn defaults_are_valid() {
        let config = config(&[]).unwrap();
        assert_eq!(config.listen.to_string(), "127.0.0.1:8080");
        assert_eq!(config.lease_ttl, Duration::from_secs(30));
        assert_eq!((config.simulate.min, config.simulate.max), (Duration::from_secs(2), Duration::from_secs(5)));
        assert_eq!(config.simulate.failure_rate, 0.2);
    }

    #[test]
    fn all_mistakes_are_reported_together() {
        let mistakes = config(&[
            ("PROVOST_LISTEN", "8080"),
            ("PROVOST_LEASE_TTL", "soon"),
            ("PROVOST_WORKER_CONCURRENCY", "0"),
            ("PROVOST_ROLES", "api,cook"),
            ("PROVOST_SIMULATE_FAILURE_RATE", "NaN"),
            ("PROVOST_NONSENSE", "1"),
        ]);
        assert_eq!(mistakes.unwrap_err().len(), 6);
    }

    #[test]
    fn public_address_requires_a_long_token() {
        let open = config(&[("PROVOST_LISTEN", "0.0.0.0:8080")]).unwrap_err();
        assert!(open[0].contains("PROVOST_ADMIN_TOKEN"), "{open:?}");
        let short = config(&[("PROVOST_LISTEN", "0.0.0.0:8080"), ("PROVOST_ADMIN_TOKEN", "hunter2")]).unwrap_err();
        assert!(!short.join(" ").contains("hunter2"));
        let good = [("PROVOST_LISTEN", "0.0.0.0:8080"), ("PROVOST_ADMIN_TOKEN", "0123456789abcdef")];
        assert!(config(&good).is_ok());
    }

    #[test]
    fn secrets_are_never_printed() {
        let config =
            config(&[("DATABASE_URL", "postgres://me:sesame@db/x"), ("PROVOST_ADMIN_TOKEN", "0123456789abcdef")])
                .unwrap();
        let shown = format!("{config:?}");
        assert!(!shown.contains("sesame") && !shown.contains("0123456789abcdef"), "{shown}");
    }
}
