//! Where settings come from, and which source wins.

use std::collections::BTreeMap;
use std::path::Path;

use super::settings::all;

/// Which source a value came from, strongest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    Flag,
    Environment,
    DotEnv,
    Toml,
    Default,
}

/// The one key of `provost.toml` that is no setting.
const COMMANDS: &str = "commands";

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

/// The settings of each source, by the name they have in the environment.
#[derive(Debug, Default)]
pub struct Sources {
    layers: Vec<(Source, BTreeMap<String, String>)>,
    /// The table `[commands]`, which only a file can hold: whoever may set a flag or a variable may not choose what is run.
    pub commands: toml::Table,
    /// What was wrong with the sources themselves, as sentences.
    pub mistakes: Vec<String>,
}

impl Sources {
    /// Flags, environment, `.env` and `provost.toml` in the current folder.
    pub fn read(flags: BTreeMap<String, String>) -> Self {
        let mut sources = Self::default();
        sources.add(Source::Flag, flags);
        let environment = std::env::vars_os().filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?)));
        sources.add(Source::Environment, environment.collect());
        sources.read_dotenv(Path::new(".env"));
        sources.read_toml(Path::new("provost.toml"));
        sources
    }

    /// Adds a weaker source. Empty values count as not set; keys that look like ours but are not are mistakes.
    pub fn add(&mut self, source: Source, values: BTreeMap<String, String>) {
        let stray = values.keys().filter(|key| key.starts_with("PROVOST_") && !is_known(key));
        self.mistakes.extend(stray.map(|key| unknown(key, source)));
        let known = values.into_iter().filter(|(key, value)| is_known(key) && !value.is_empty());
        self.layers.push((source, known.collect()));
    }

    /// Nobody is told this one any more.
    pub fn forget(&mut self, env: &str) {
        self.layers.iter_mut().for_each(|(_, values)| _ = values.remove(env));
    }

    /// The value of a setting and where it came from.
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
            Err(error) => self.mistakes.push(format!(".env cannot be read: {error}")),
        }
    }

    fn read_toml(&mut self, path: &Path) {
        let Ok(text) = std::fs::read_to_string(path) else { return };
        match text.parse::<toml::Table>() {
            Ok(table) => self.add_toml(table),
            Err(error) => self.mistakes.push(format!("provost.toml cannot be read: {error}")),
        }
    }

    fn add_toml(&mut self, table: toml::Table) {
        let mut values = BTreeMap::new();
        for (key, value) in table {
            if key == COMMANDS {
                match value {
                    toml::Value::Table(commands) => self.commands = commands,
                    _ => self.mistakes.push("commands (provost.toml) must be tables, like [commands.resize]".into()),
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
    // What only a build for the chaos tests understands; see `mutant` and `handlers::ledger`.
    let of_chaos = cfg!(feature = "chaos")
        && matches!(env, "PROVOST_MUTANT" | "PROVOST_CHAOS_LEDGER" | "PROVOST_CHAOS_DEATHS" | "PROVOST_CHAOS_NAME");
    of_chaos || all().any(|setting| setting.env == env)
}

fn unknown(key: &str, source: Source) -> String {
    format!("{key} ({}) is not a setting; `provost serve --help` lists them", source.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(key: &str, value: &str) -> BTreeMap<String, String> {
        BTreeMap::from([(key.to_owned(), value.to_owned())])
    }

    #[test]
    fn the_stronger_source_wins_and_empty_is_not_set() {
        let mut sources = Sources::default();
        sources.add(Source::Flag, one("PROVOST_LOG", ""));
        sources.add(Source::Environment, one("PROVOST_LOG", "debug"));
        sources.add(Source::DotEnv, one("PROVOST_LOG", "error"));
        assert_eq!(sources.get("PROVOST_LOG"), Some(("debug", Source::Environment)));
        assert_eq!(sources.get("PROVOST_LEASE_TTL"), Some(("30s", Source::Default)));
        assert_eq!(sources.get("DATABASE_URL"), None);
    }

    #[test]
    fn unknown_keys_are_mistakes_wherever_they_stand() {
        let mut sources = Sources::default();
        sources.add(Source::Environment, one("PROVOST_LAESE_TTL", "3s"));
        sources.add_toml("lease_ttl = \"9s\"\nport = 1".parse().unwrap());
        assert_eq!(sources.mistakes.len(), 2, "{:?}", sources.mistakes);
        assert_eq!(sources.get("PROVOST_LEASE_TTL"), Some(("9s", Source::Toml)));
    }
}
