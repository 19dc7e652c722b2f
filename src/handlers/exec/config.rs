//! Reads `[commands.*]` of `provost.toml`. Unknown keys are errors, and all errors are reported at once.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value};
use toml::Table;

use super::Command;
use crate::domain::Ident;
use crate::handlers::{Settings, built_in};
use crate::program::FirstSignal;
use crate::program::settings::{Defaults, Reader};
use crate::provision::Registry;
use crate::schema::Schema;

/// The keys that other programs do not have.
const KEYS: &[&str] = &["argv", "kind", "refuse_on", "schema"];

const DEFAULTS: Defaults = Defaults {
    grace: Duration::from_secs(5),
    max_grace: Duration::from_secs(60),
    first_signal: FirstSignal::Terminate,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    argv: Vec<String>,
    kind: Option<String>,
    #[serde(default)]
    refuse_on: Vec<u8>,
    schema: Option<Value>,
}

/// The commands of the table `[commands]`, or one message per mistake that names its key.
pub fn read(table: &Table) -> Result<Vec<Command>, Vec<String>> {
    let (mut commands, mut mistakes) = (Vec::<Command>::new(), Vec::new());
    let built_in = built_in(Registry::default(), Settings::default());
    for (name, value) in table {
        let mut reader = Reader { at: format!("commands.{name}"), mistakes: &mut mistakes };
        let Some(command) = command(&mut reader, name, value) else { continue };
        if built_in.get(&command.kind).is_some() || commands.iter().any(|it| it.kind == command.kind) {
            reader.reject("kind", format!("{:?} is the kind of another handler", command.kind));
        }
        commands.push(command);
    }
    if mistakes.is_empty() { Ok(commands) } else { Err(mistakes) }
}

fn command(reader: &mut Reader<'_>, name: &str, value: &toml::Value) -> Option<Command> {
    let Ok(table) = serde_json::from_value::<Map<String, Value>>(serde_json::to_value(value).unwrap_or_default())
    else {
        reader.mistakes.push(format!("{} (provost.toml) must be a table", reader.at));
        return None;
    };
    let (entry, conditions): (Entry, _) = reader.read(table, KEYS, DEFAULTS)?;
    let kind = entry.kind.unwrap_or_else(|| format!("command.{name}"));
    if let Err(error) = Ident::parse(&kind) {
        reader.reject("kind", format!("is {kind:?}, but {error}"));
    }
    Some(Command {
        name: name.to_owned(),
        kind,
        program: reader.program("argv", entry.argv, &conditions),
        refuse_on: entry.refuse_on.into_iter().map(i32::from).collect(),
        schema: entry.schema.and_then(|it| schema(reader, it)),
    })
}

/// A schema is a table, or the path of a file.
fn schema(reader: &mut Reader<'_>, schema: Value) -> Option<(String, Schema)> {
    let text = match &schema {
        Value::String(path) => std::fs::read_to_string(path).map_err(|error| format!("{path}: {error}")),
        other => Ok(other.to_string()),
    };
    let compiled = text.and_then(|text| {
        let schema = Schema::parse(&text)?;
        Ok((text, schema))
    });
    compiled
        .map_err(|why: String| reader.reject("schema", format!("must be a JSON Schema or the path of one: {why}")))
        .ok()
}

#[cfg(test)]
mod tests;
