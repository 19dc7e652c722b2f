//! Reads `[commands.*]` of `provost.toml`. Unknown keys are errors, and all errors are reported at once.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::unistd::{Group, User, geteuid};
use serde::Deserialize;
use toml::{Table, Value};

use super::Command;
use super::limits::{Limits, Size};
use crate::domain::Ident;
use crate::handlers::{Settings, built_in};
use crate::provision::Registry;

/// Where programs without a path are searched, regardless of `PATH`.
const PROGRAM_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const GRACE: Duration = Duration::from_secs(5);
const MAX_GRACE: Duration = Duration::from_secs(60);
/// The maximum of `output`: the store keeps no more per execution.
const MAX_OUTPUT: u64 = 4 * 1024 * 1024;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    argv: Vec<String>,
    kind: Option<String>,
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
    #[serde(default)]
    refuse_on: Vec<u8>,
    schema: Option<Value>,
}

impl Entry {
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

/// The commands of the table `[commands]`, or one message per mistake that names its key.
pub fn read(table: &Table) -> Result<Vec<Command>, Vec<String>> {
    let (mut commands, mut mistakes) = (Vec::<Command>::new(), Vec::new());
    let built_in = built_in(Registry::default(), Settings::default());
    for (name, value) in table {
        let mut parser = Parser { at: format!("commands.{name}"), mistakes: &mut mistakes };
        let Some(command) = parser.command(name, value.clone()) else { continue };
        if built_in.get(&command.kind).is_some() || commands.iter().any(|it| it.kind == command.kind) {
            parser.error("kind", format!("{:?} is the kind of another handler", command.kind));
        }
        commands.push(command);
    }
    if mistakes.is_empty() { Ok(commands) } else { Err(mistakes) }
}

struct Parser<'a> {
    at: String,
    mistakes: &'a mut Vec<String>,
}

impl Parser<'_> {
    fn error(&mut self, key: &str, why: impl std::fmt::Display) {
        self.mistakes.push(format!("{}.{key} (provost.toml) {why}", self.at));
    }

    fn command(&mut self, name: &str, value: Value) -> Option<Command> {
        let entry = self.entry(value)?;
        let limits = entry.limits();
        let kind = entry.kind.unwrap_or_else(|| format!("command.{name}"));
        if let Err(error) = Ident::parse(&kind) {
            self.error("kind", format!("is {kind:?}, but {error}"));
        }
        let program = self.program(&entry.argv).unwrap_or_default();
        self.variables(&entry.env, &entry.set);
        let output = entry.output.map_or(MAX_OUTPUT, |size| size.0);
        if output > MAX_OUTPUT {
            self.error("output", "must be at most 4MiB: the log of an execution keeps no more");
        }
        let work_dir = entry.work_dir.unwrap_or_else(std::env::temp_dir);
        if !work_dir.is_absolute() || !work_dir.is_dir() {
            self.error("work_dir", format!("must be the absolute path of an existing directory; got {work_dir:?}"));
        }
        Some(Command {
            name: name.to_owned(),
            kind,
            program,
            argv: entry.argv,
            env: entry.env,
            set: entry.set.into_iter().collect(),
            grace: self.grace(entry.grace.as_deref()),
            work_dir,
            output: usize::try_from(output).unwrap_or(usize::MAX),
            limits,
            user: self.user(entry.user, entry.group),
            refuse_on: entry.refuse_on.into_iter().map(i32::from).collect(),
            schema: entry.schema.and_then(|schema| self.schema(schema)),
        })
    }

    fn entry(&mut self, value: Value) -> Option<Entry> {
        match serde_path_to_error::deserialize(value) {
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

    fn program(&mut self, argv: &[String]) -> Option<PathBuf> {
        let first = argv.first().filter(|first| !first.is_empty());
        if first.is_none() || argv.iter().any(|word| word.contains('\0')) {
            self.error("argv", "must begin with a program, and must not contain NUL");
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
            self.error("argv", why);
        }
        found
    }

    fn variables(&mut self, env: &[String], set: &BTreeMap<String, String>) {
        let is_name = |name: &str| !name.is_empty() && !name.contains(['=', '\0']);
        for name in env {
            if !is_name(name) {
                self.error("env", format!("contains {name:?}, which is not a variable name"));
            } else if name.starts_with("PROVOST_") || name.starts_with("PG") || name == "DATABASE_URL" {
                self.error("env", format!("contains {name}, which is never passed to programs"));
            }
        }
        for (name, value) in set {
            if !is_name(name) || value.contains('\0') {
                self.error("set", format!("contains {name:?}, which is not a variable"));
            } else if name.starts_with("PROVOST_") {
                self.error("set", format!("contains {name}: names that begin with PROVOST_ are reserved"));
            }
        }
    }

    fn grace(&mut self, text: Option<&str>) -> Duration {
        let Some(text) = text else { return GRACE };
        let grace = humantime::parse_duration(text).ok().filter(|it| *it <= MAX_GRACE);
        grace.unwrap_or_else(|| {
            self.error("grace", format!("must be a duration up to 1m, like 500ms or 5s; got {text:?}"));
            GRACE
        })
    }

    /// The ids of the user and group.
    fn user(&mut self, user: Option<Account>, group: Option<Account>) -> Option<(u32, u32)> {
        let Some(user) = user else {
            if group.is_some() {
                self.error("group", "requires a user");
            }
            return None;
        };
        if !geteuid().is_root() {
            self.error("user", "requires a worker that runs as root");
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
                self.error("user", format!("is {name:?}, which is unknown on this system"));
                return None;
            }
        };
        let group = match group {
            Some(Account::Id(id)) => Some(id),
            Some(Account::Name(name)) => Group::from_name(&name).ok().flatten().map(|group| group.gid.as_raw()),
            None => known.map(|known| known.gid.as_raw()),
        };
        if group.is_none() {
            self.error("group", "must be a known group or a number");
        }
        Some((id, group?))
    }

    /// A schema is a table, or the path of a file.
    fn schema(&mut self, schema: Value) -> Option<(String, jsonschema::Validator)> {
        let text = match &schema {
            Value::String(path) => std::fs::read_to_string(path).map_err(|error| format!("{path}: {error}")),
            other => serde_json::to_string(other).map_err(|error| error.to_string()),
        };
        let compiled = text.and_then(|text| {
            let schema: serde_json::Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
            // Remote references are errors: fetching is not compiled in.
            let validator = jsonschema::validator_for(&schema).map_err(|error| error.to_string())?;
            Ok((text, validator))
        });
        compiled
            .map_err(|why: String| self.error("schema", format!("must be a JSON Schema or the path of one: {why}")))
            .ok()
    }
}

#[cfg(test)]
mod tests;
