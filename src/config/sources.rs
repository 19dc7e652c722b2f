//! The sources of settings, and their precedence.

use std::collections::BTreeMap;
use std::path::Path;

use super::settings::all;

/// The source of a value, highest precedence first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    Flag,
    Environment,
    DotEnv,
    Toml,
    Default,
}

/// The keys of `provost.toml` that are not settings.
const TABLES: [&str; 3] = ["commands", "templates", "clusters"];

impl Source {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Flag => "flag",
            Self::Environment => "environment",
            Self::DotEnv => ".env",
            Self::Toml => "provost.toml",
            Self::Default => "default",
        }
    }
}

/// The settings of each source, by environment variable.
#[derive(Debug, Default)]
pub struct Sources {
    layers: Vec<(Source, BTreeMap<String, String>)>,
    /// The tables `[commands]`, `[templates]` and `[clusters]`. They can only be set in a file, because they decide which programs run
    /// and which servers are used.
    pub tables: BTreeMap<String, toml::Table>,
    /// Mistakes in the sources themselves, as sentences.
    pub mistakes: Vec<String>,
}

impl Sources {
    /// Reads flags, the environment, and `.env` and `provost.toml` in the current directory.
    pub fn read(flags: BTreeMap<String, String>) -> Self {
        let mut sources = Self::default();
        sources.add(Source::Flag, flags);
        let environment = std::env::vars_os().filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?)));
        sources.add(Source::Environment, environment.collect());
        sources.read_dotenv(Path::new(".env"));
        sources.read_toml(Path::new("provost.toml"));
        sources
    }

    /// Adds a source of lower precedence. Empty values are ignored, and unknown `PROVOST_` keys are mistakes.
    pub fn add(&mut self, source: Source, values: BTreeMap<String, String>) {
        let unknown_keys = values.keys().filter(|key| key.starts_with("PROVOST_") && !is_known(key));
        self.mistakes.extend(unknown_keys.map(|key| unknown(key, source)));
        let known = values.into_iter().filter(|(key, value)| is_known(key) && !value.is_empty());
        self.layers.push((source, known.collect()));
    }

    /// Removes a setting from all sources.
    pub fn remove(&mut self, env: &str) {
        self.layers.iter_mut().for_each(|(_, values)| _ = values.remove(env));
    }

    /// The value and source of a setting.
    pub fn get(&self, env: &str) -> Option<(&str, Source)> {
        let set = self.layers.iter().find_map(|(source, values)| Some((values.get(env)?.as_str(), *source)));
        set.or_else(|| {
            let setting = all().find(|it| it.env == env)?;
            Some((setting.default?, Source::Default))
        })
    }

    fn read_dotenv(&mut self, path: &Path) {
        if !path.exists() {
            return;
        }
        match dotenvy::from_path_iter(path).and_then(|pairs| pairs.collect()) {
            Ok(values) => self.add(Source::DotEnv, values),
            Err(error) => self.mistakes.push(format!("cannot read .env: {error}")),
        }
    }

    fn read_toml(&mut self, path: &Path) {
        let Ok(text) = std::fs::read_to_string(path) else { return };
        match text.parse::<toml::Table>() {
            Ok(table) => self.add_toml(table),
            Err(error) => self.mistakes.push(format!("cannot read provost.toml: {error}")),
        }
    }

    fn add_toml(&mut self, table: toml::Table) {
        let mut values = BTreeMap::new();
        for (key, value) in table {
            if TABLES.contains(&key.as_str()) {
                match value {
                    toml::Value::Table(table) => _ = self.tables.insert(key, table),
                    _ => self.mistakes.push(format!("{key} (provost.toml) must be tables such as [{key}.example]")),
                }
                continue;
            }
            match all().find(|setting| setting.key() == key) {
                Some(setting) => _ = values.insert(setting.env.to_owned(), plain(value)),
                None => self.mistakes.push(unknown(&key, Source::Toml)),
            }
        }
        self.add(Source::Toml, values);
    }
}

fn plain(value: toml::Value) -> String {
    match value {
        toml::Value::String(text) => text,
        other => other.to_string(),
    }
}

fn is_known(env: &str) -> bool {
    // Settings of chaos builds; see `mutant` and `handlers::chaos`.
    let of_chaos = cfg!(feature = "chaos")
        && matches!(
            env,
            "PROVOST_MUTANT" | "PROVOST_CHAOS_LEDGER" | "PROVOST_CHAOS_FAIL_POINTS" | "PROVOST_CHAOS_NAME"
        );
    of_chaos || all().any(|setting| setting.env == env)
}

fn unknown(key: &str, source: Source) -> String {
    format!("{key} ({}) is not a setting; see `provost serve --help`", source.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(key: &str, value: &str) -> BTreeMap<String, String> {
        BTreeMap::from([(key.to_owned(), value.to_owned())])
    }

    #[test]
    fn first_source_wins_and_empty_values_are_ignored() {
        let mut sources = Sources::default();
        sources.add(Source::Flag, one("PROVOST_LOG", ""));
        sources.add(Source::Environment, one("PROVOST_LOG", "debug"));
        sources.add(Source::DotEnv, one("PROVOST_LOG", "error"));
        assert_eq!(sources.get("PROVOST_LOG"), Some(("debug", Source::Environment)));
        assert_eq!(sources.get("PROVOST_LEASE_TTL"), Some(("30s", Source::Default)));
        assert_eq!(sources.get("DATABASE_URL"), None);
    }

    #[test]
    fn unknown_keys_are_mistakes_in_every_source() {
        let mut sources = Sources::default();
        sources.add(Source::Environment, one("PROVOST_LAESE_TTL", "3s"));
        sources.add_toml("lease_ttl = \"9s\"\nport = 1".parse().unwrap());
        assert_eq!(sources.mistakes.len(), 2, "{:?}", sources.mistakes);
        assert_eq!(sources.get("PROVOST_LEASE_TTL"), Some(("9s", Source::Toml)));
    }
}
