//! Reads how a program is run from `provost.toml`. Unknown keys are mistakes, and all mistakes are reported at once.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::unistd::{Group, User, geteuid};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::limits::{Limits, Size};
use super::{Conditions, FirstSignal, Program};

/// Where programs without a path are searched, regardless of `PATH`.
const PROGRAM_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// The maximum of `output`: the store keeps no more per execution.
const MAX_OUTPUT: u64 = 4 * 1024 * 1024;

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct ConditionsEntry {
    #[serde(default)]
    env: Vec<String>,
    #[serde(default)]
    set: BTreeMap<String, String>,
    grace: Option<String>,
    work_dir: Option<PathBuf>,
    output: Option<Size>,
    memory: Option<Size>,
    cpu_seconds: Option<u64>,
    open_files: Option<u64>,
    processes: Option<u64>,
    file_size: Option<Size>,
    user: Option<Account>,
    group: Option<Account>,
}

impl ConditionsEntry {
    fn limits(&self) -> Limits {
        Limits {
            memory: self.memory.map(|size| size.0),
            cpu_seconds: self.cpu_seconds,
            open_files: self.open_files,
            processes: self.processes,
            file_size: self.file_size.map(|size| size.0),
        }
    }
}

/// A user or group.
#[derive(Deserialize)]
#[serde(untagged, expecting = "must be a number or a name")]
enum Account {
    Id(u32),
    Name(String),
}

/// What is not the same for every program.
#[derive(Clone, Copy, Debug)]
pub struct Defaults {
    pub grace: Duration,
    pub max_grace: Duration,
    pub first_signal: FirstSignal,
}

/// Reads one table, and collects its mistakes.
pub struct Reader<'a> {
    /// The path of the table, for messages.
    pub at: String,
    pub mistakes: &'a mut Vec<String>,
}

impl Reader<'_> {
    /// Reports a mistake in a key.
    pub fn reject(&mut self, key: &str, why: impl std::fmt::Display) {
        self.mistakes.push(format!("{}.{key} (provost.toml) {why}", self.at));
    }

    /// Reads the keys of `T`, which `own` names, and the conditions from the other keys.
    pub fn read<T: DeserializeOwned>(
        &mut self,
        table: Map<String, Value>,
        own: &[&str],
        defaults: Defaults,
    ) -> Option<(T, Conditions)> {
        let (own, others): (Map<_, _>, Map<_, _>) = table.into_iter().partition(|(key, _)| own.contains(&key.as_str()));
        let (own, conditions) = (self.entry(own), self.entry(others));
        Some((own?, self.conditions(conditions?, defaults)))
    }

    fn entry<T: DeserializeOwned>(&mut self, table: Map<String, Value>) -> Option<T> {
        match serde_path_to_error::deserialize(Value::Object(table)) {
            Ok(entry) => Some(entry),
            Err(error) => {
                let path = error.path().to_string();
                let key = if path == "." { String::new() } else { format!(".{path}") };
                let why = error.into_inner().to_string();
                self.mistakes.push(format!("{}{key} (provost.toml): {}", self.at, why.trim()));
                None
            }
        }
    }

    /// A program from its command line.
    pub fn program(&mut self, key: &str, argv: Vec<String>, conditions: &Conditions) -> Program {
        let path = self.path(key, &argv).unwrap_or_default();
        Program { path, argv, conditions: conditions.clone() }
    }

    fn path(&mut self, key: &str, argv: &[String]) -> Option<PathBuf> {
        let first = argv.first().filter(|first| !first.is_empty());
        if first.is_none() || argv.iter().any(|word| word.contains('\0')) {
            self.reject(key, "must begin with a program, and must not contain NUL");
        }
        let first = Path::new(first?);
        if first.is_absolute() {
            return Some(first.to_owned());
        }
        let is_name = first.components().count() == 1;
        let found =
            PROGRAM_PATH.split(':').map(|place| Path::new(place).join(first)).find(|path| is_name && path.is_file());
        if found.is_none() {
            let why =
                format!("begins with {first:?}, which is neither an absolute path nor a program in {PROGRAM_PATH}");
            self.reject(key, why);
        }
        found
    }

    fn conditions(&mut self, entry: ConditionsEntry, defaults: Defaults) -> Conditions {
        let limits = entry.limits();
        self.variables(&entry.env, &entry.set);
        let output = entry.output.map_or(MAX_OUTPUT, |size| size.0);
        if output > MAX_OUTPUT {
            self.reject("output", "must be at most 4MiB: the log of an execution keeps no more");
        }
        let work_dir = entry.work_dir.unwrap_or_else(std::env::temp_dir);
        if !work_dir.is_absolute() || !work_dir.is_dir() {
            self.reject("work_dir", format!("must be the absolute path of an existing directory; got {work_dir:?}"));
        }
        Conditions {
            env: entry.env,
            set: entry.set.into_iter().collect(),
            grace: self.grace(entry.grace.as_deref(), defaults),
            first_signal: defaults.first_signal,
            work_dir,
            output: usize::try_from(output).unwrap_or(usize::MAX),
            limits,
            user: self.user(entry.user, entry.group),
        }
    }

    fn variables(&mut self, env: &[String], set: &BTreeMap<String, String>) {
        let is_name = |name: &str| !name.is_empty() && !name.contains(['=', '\0']);
        for name in env {
            if !is_name(name) {
                self.reject("env", format!("contains {name:?}, which is not a variable name"));
            } else if name.starts_with("PROVOST_") || name.starts_with("PG") || name == "DATABASE_URL" {
                self.reject("env", format!("contains {name}, which is never passed to programs"));
            }
        }
        for (name, value) in set {
            if !is_name(name) || value.contains('\0') {
                self.reject("set", format!("contains {name:?}, which is not a variable"));
            } else if name.starts_with("PROVOST_") {
                self.reject("set", format!("contains {name}: names that begin with PROVOST_ are reserved"));
            }
        }
    }

    fn grace(&mut self, text: Option<&str>, defaults: Defaults) -> Duration {
        let Some(text) = text else { return defaults.grace };
        let grace = humantime::parse_duration(text).ok().filter(|it| *it <= defaults.max_grace);
        grace.unwrap_or_else(|| {
            let max = humantime::format_duration(defaults.max_grace);
            self.reject("grace", format!("must be a duration up to {max}, like 500ms or 5s; got {text:?}"));
            defaults.grace
        })
    }

    /// The ids of the user and group.
    fn user(&mut self, user: Option<Account>, group: Option<Account>) -> Option<(u32, u32)> {
        let Some(user) = user else {
            if group.is_some() {
                self.reject("group", "requires a user");
            }
            return None;
        };
        if !geteuid().is_root() {
            self.reject("user", "requires a worker that runs as root");
        }
        let known = match &user {
            Account::Id(id) => User::from_uid((*id).into()),
            Account::Name(name) => User::from_name(name),
        };
        let known = known.ok().flatten();
        let id = match (&user, &known) {
            (Account::Id(id), _) => *id,
            (Account::Name(_), Some(known)) => known.uid.as_raw(),
            (Account::Name(name), None) => {
                self.reject("user", format!("is {name:?}, which is unknown on this system"));
                return None;
            }
        };
        let group = match group {
            Some(Account::Id(id)) => Some(id),
            Some(Account::Name(name)) => Group::from_name(&name).ok().flatten().map(|group| group.gid.as_raw()),
            None => known.map(|known| known.gid.as_raw()),
        };
        if group.is_none() {
            self.reject("group", "must be a known group or a number");
        }
        Some((id, group?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_of_a_program_is_looked_up_once() {
        let mut mistakes = Vec::new();
        let mut reader = Reader { at: "x".to_owned(), mistakes: &mut mistakes };
        let defaults =
            Defaults { grace: Duration::ZERO, max_grace: Duration::ZERO, first_signal: FirstSignal::Interrupt };
        let (_, conditions): (Map<String, Value>, _) = reader.read(Map::new(), &[], defaults).unwrap();
        let program = reader.program("argv", vec!["cat".to_owned(), "-n".to_owned()], &conditions);
        assert!(program.path.is_absolute() && program.path.ends_with("cat"));
        assert_eq!((program.line().as_str(), mistakes.len()), ("cat -n", 0));
    }
}
