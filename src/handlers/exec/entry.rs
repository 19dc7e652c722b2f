//! How `provost.toml` describes a command: `[commands.resize]`. Whatever is not understood is a mistake, and all are found at
//! once.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::unistd::{Group, User, geteuid};
use serde::Deserialize;
use toml::{Table, Value};

use super::Command;
use super::limits::{Limits, Size};
use crate::domain::Ident;
use crate::handlers::{Settings, in_the_box};
use crate::provision::Registry;

/// Where a program is looked for that is named without its folder: in no place that an environment could name.
const PLACES: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const GRACE: Duration = Duration::from_secs(5);
const LONGEST_GRACE: Duration = Duration::from_secs(60);
/// As many bytes of output as are kept of an execution.
const MOST_OUTPUT: u64 = 4 * 1024 * 1024;

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
    user: Option<Who>,
    group: Option<Who>,
    #[serde(default)]
    refuse_on: Vec<u8>,
    schema: Option<Value>,
}

/// A user or a group.
#[derive(Deserialize)]
#[serde(untagged, expecting = "must be a number or a name")]
enum Who {
    Id(u32),
    Name(String),
}

/// The commands of the table `[commands]`; every mistake in it as a sentence that names the key.
pub fn read(table: &Table) -> Result<Vec<Command>, Vec<String>> {
    let (mut commands, mut mistakes) = (Vec::<Command>::new(), Vec::new());
    let in_the_box = in_the_box(Registry::default(), Settings::default());
    for (name, value) in table {
        let mut read = Reading { at: format!("commands.{name}"), mistakes: &mut mistakes };
        let Some(command) = read.command(name, value.clone()) else { continue };
        if in_the_box.get(&command.kind).is_some() || commands.iter().any(|it| it.kind == command.kind) {
            read.wrong("kind", format!("{:?} is another handler's", command.kind));
        }
        commands.push(command);
    }
    if mistakes.is_empty() { Ok(commands) } else { Err(mistakes) }
}

struct Reading<'a> {
    at: String,
    mistakes: &'a mut Vec<String>,
}

impl Reading<'_> {
    fn wrong(&mut self, key: &str, why: impl std::fmt::Display) {
        self.mistakes.push(format!("{}.{key} (provost.toml) {why}", self.at));
    }

    fn command(&mut self, name: &str, value: Value) -> Option<Command> {
        let entry: Entry = match serde_path_to_error::deserialize(value) {
            Ok(entry) => entry,
            Err(error) => {
                let path = error.path().to_string();
                let key = if path == "." { String::new() } else { format!(".{path}") };
                let why = error.into_inner().to_string();
                self.mistakes.push(format!("{}{key} (provost.toml): {}", self.at, why.trim()));
                return None;
            }
        };
        let kind = entry.kind.unwrap_or_else(|| format!("command.{name}"));
        if let Err(error) = Ident::parse(&kind) {
            self.wrong("kind", format!("is {kind:?}; it {error}"));
        }
        let program = self.program(&entry.argv).unwrap_or_default();
        self.variables(&entry.env, &entry.set);
        let output = entry.output.map_or(MOST_OUTPUT, |size| size.0);
        if output > MOST_OUTPUT {
            self.wrong("output", "must be at most 4MiB: no more is kept of an execution");
        }
        let work_dir = entry.work_dir.unwrap_or_else(std::env::temp_dir);
        if !work_dir.is_absolute() || !work_dir.is_dir() {
            self.wrong("work_dir", format!("must be a folder that is there, with its whole path; it is {work_dir:?}"));
        }
        let limits = Limits {
            memory: entry.memory.map(|size| size.0),
            cpu_seconds: entry.cpu_seconds,
            open_files: entry.open_files,
            processes: entry.processes,
            file_size: entry.file_size.map(|size| size.0),
        };
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

    fn program(&mut self, argv: &[String]) -> Option<PathBuf> {
        let first = argv.first().filter(|first| !first.is_empty());
        if first.is_none() || argv.iter().any(|word| word.contains('\0')) {
            self.wrong("argv", "must name a program, and hold no NUL");
        }
        let first = Path::new(first?);
        if first.is_absolute() {
            return Some(first.to_owned());
        }
        let is_name = first.components().count() == 1;
        let found = PLACES.split(':').map(|place| Path::new(place).join(first)).find(|path| is_name && path.is_file());
        if found.is_none() {
            let why =
                format!("begins with {first:?}, which is neither a whole path nor the name of a program in {PLACES}");
            self.wrong("argv", why);
        }
        found
    }

    fn variables(&mut self, env: &[String], set: &BTreeMap<String, String>) {
        let is_name = |name: &str| !name.is_empty() && !name.contains(['=', '\0']);
        for name in env {
            if !is_name(name) {
                self.wrong("env", format!("holds {name:?}, which is no name of a variable"));
            } else if name.starts_with("PROVOST_") || name.starts_with("PG") || name == "DATABASE_URL" {
                self.wrong("env", format!("holds {name}, which is for Provost alone and never passed on"));
            }
        }
        for (name, value) in set {
            if !is_name(name) || value.contains('\0') {
                self.wrong("set", format!("holds {name:?}, which is no variable"));
            } else if name.starts_with("PROVOST_") {
                self.wrong("set", format!("holds {name}: what begins with PROVOST_ is set by Provost alone"));
            }
        }
    }

    fn grace(&mut self, text: Option<&str>) -> Duration {
        let Some(text) = text else { return GRACE };
        let grace = humantime::parse_duration(text).ok().filter(|it| *it <= LONGEST_GRACE);
        grace.unwrap_or_else(|| {
            self.wrong("grace", format!("must be a duration up to 1m, like 500ms or 5s; it is {text:?}"));
            GRACE
        })
    }

    /// The numbers of a user and a group.
    fn user(&mut self, user: Option<Who>, group: Option<Who>) -> Option<(u32, u32)> {
        let Some(user) = user else {
            if group.is_some() {
                self.wrong("group", "needs a user, too");
            }
            return None;
        };
        if !geteuid().is_root() {
            self.wrong("user", "can be changed only by a worker that runs as root");
        }
        let known = match &user {
            Who::Id(id) => User::from_uid((*id).into()),
            Who::Name(name) => User::from_name(name),
        };
        let known = known.ok().flatten();
        let id = match (&user, &known) {
            (Who::Id(id), _) => *id,
            (Who::Name(_), Some(known)) => known.uid.as_raw(),
            (Who::Name(name), None) => {
                self.wrong("user", format!("is {name:?}, whom this system does not know"));
                return None;
            }
        };
        let group = match group {
            Some(Who::Id(id)) => Some(id),
            Some(Who::Name(name)) => Group::from_name(&name).ok().flatten().map(|group| group.gid.as_raw()),
            None => known.map(|known| known.gid.as_raw()),
        };
        if group.is_none() {
            self.wrong("group", "must be a group that this system knows, or a number");
        }
        Some((id, group?))
    }

    /// A schema is written where the command is, or in a file of its own.
    fn schema(&mut self, schema: Value) -> Option<(String, jsonschema::Validator)> {
        let text = match &schema {
            Value::String(path) => std::fs::read_to_string(path).map_err(|error| format!("{path}: {error}")),
            other => serde_json::to_string(other).map_err(|error| error.to_string()),
        };
        let compiled = text.and_then(|text| {
            let schema: serde_json::Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
            // Without the features that fetch, a reference to anywhere else is an error here and not a request.
            let validator = jsonschema::validator_for(&schema).map_err(|error| error.to_string())?;
            Ok((text, validator))
        });
        compiled
            .map_err(|why: String| self.wrong("schema", format!("must be a JSON Schema, or the path of one: {why}")))
            .ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_text(text: &str) -> Result<Vec<Command>, Vec<String>> {
        read(&text.parse().unwrap())
    }

    #[test]
    fn little_is_enough() {
        let commands = read_text("[hello]\nargv = [\"cat\"]").unwrap();
        assert_eq!(
            (commands[0].kind.as_str(), commands[0].argv.as_slice()),
            ("command.hello", ["cat".to_owned()].as_slice())
        );
        assert!(commands[0].program.is_absolute() && commands[0].program.ends_with("cat"));
    }

    #[test]
    fn every_mistake_names_its_key() {
        let cases = [
            ("", "commands.x (provost.toml): missing field `argv`"),
            ("argv = []", "commands.x.argv (provost.toml) must name a program"),
            ("argv = \"rm -rf\"", "commands.x.argv (provost.toml): invalid type: string"),
            ("argv = [\"bin/cat\"]", "commands.x.argv (provost.toml) begins with \"bin/cat\", which is neither"),
            ("argv = [\"../bin/cat\"]", "commands.x.argv (provost.toml) begins with"),
            ("argv = [\"no-such-program\"]", "commands.x.argv (provost.toml) begins with"),
            ("argv = [\"cat\"]\nshell = true", "unknown field `shell`"),
            ("argv = [\"cat\"]\nkind = \"a b\"", "commands.x.kind (provost.toml) is \"a b\""),
            ("argv = [\"cat\"]\nkind = \"http.call\"", "commands.x.kind (provost.toml) \"http.call\" is another"),
            ("argv = [\"cat\"]\nkind = \"project.provision\"", "is another handler's"),
            (
                "argv = [\"cat\"]\nenv = [\"PROVOST_ADMIN_TOKEN\"]",
                "commands.x.env (provost.toml) holds PROVOST_ADMIN_TOKEN",
            ),
            ("argv = [\"cat\"]\nenv = [\"DATABASE_URL\"]", "holds DATABASE_URL, which is for Provost alone"),
            ("argv = [\"cat\"]\nenv = [\"PGPASSWORD\"]", "holds PGPASSWORD"),
            ("argv = [\"cat\"]\nenv = [\"A=B\"]", "holds \"A=B\", which is no name"),
            ("argv = [\"cat\"]\nset = {PROVOST_JOB_ID = \"1\"}", "commands.x.set (provost.toml) holds PROVOST_JOB_ID"),
            ("argv = [\"cat\"]\ngrace = \"1h\"", "commands.x.grace (provost.toml) must be a duration"),
            ("argv = [\"cat\"]\noutput = \"1GiB\"", "commands.x.output (provost.toml) must be at most 4MiB"),
            ("argv = [\"cat\"]\nmemory = \"much\"", "commands.x.memory (provost.toml): must be a number of bytes"),
            ("argv = [\"cat\"]\nwork_dir = \"tmp\"", "commands.x.work_dir (provost.toml) must be a folder"),
            ("argv = [\"cat\"]\ngroup = 7", "commands.x.group (provost.toml) needs a user"),
            ("argv = [\"cat\"]\nuser = \"no-such-user\"", "whom this system does not know"),
            ("argv = [\"cat\"]\nrefuse_on = [256]", "commands.x.refuse_on[0] (provost.toml)"),
            (
                "argv = [\"cat\"]\nschema = {type = \"nonsense\"}",
                "commands.x.schema (provost.toml) must be a JSON Schema",
            ),
            ("argv = [\"cat\"]\nschema = \"no/such/file\"", "no/such/file: No such file"),
        ];
        for (entry, expected) in cases {
            let mistakes = read_text(&format!("[x]\n{entry}")).unwrap_err();
            assert!(mistakes.iter().any(|it| it.contains(expected)), "{entry}: {mistakes:#?}");
        }
    }

    #[test]
    fn two_commands_are_two_kinds_and_all_mistakes_come_at_once() {
        let twice = "[a]\nargv = [\"cat\"]\nkind = \"x\"\n[b]\nargv = [\"cat\"]\nkind = \"x\"\ngrace = \"long\"\n[c]\n";
        let mistakes = read_text(twice).unwrap_err();
        assert_eq!(mistakes.len(), 3, "{mistakes:#?}");
    }
}
