//! Reads the settings of a template with programs.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::Programs;
use super::outputs::{OutputType, Shape};
use crate::domain::{Ident, OperationKind};
use crate::program::FirstSignal;
use crate::program::settings::{Defaults, Reader};

/// The keys that other programs do not have.
const KEYS: &[&str] = &[
    "provision",
    "clone",
    "update",
    "deprovision",
    "observe",
    "pause",
    "resume",
    "rotate",
    "outputs",
    "refuse_on",
    "observe_timeout",
];

const DEFAULTS: Defaults = Defaults {
    grace: Duration::from_secs(30),
    max_grace: Duration::from_secs(600),
    first_signal: FirstSignal::Interrupt,
};

/// How long a look may take, unless the template says otherwise.
pub const OBSERVE_TIMEOUT: Duration = Duration::from_secs(60);
const MAX_OBSERVE_TIMEOUT: Duration = Duration::from_secs(600);

/// EX_USAGE of sysexits.h.
const REFUSED: u8 = 64;

/// What a program is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verb {
    Provision,
    Clone,
    Update,
    Rotate,
    Pause,
    Resume,
    Deprovision,
    Observe,
}

impl Verb {
    /// The program of an operation.
    pub const fn of(operation: OperationKind) -> Self {
        match operation {
            OperationKind::Create | OperationKind::Adopt => Self::Provision,
            OperationKind::Clone => Self::Clone,
            OperationKind::Update => Self::Update,
            OperationKind::Rotate => Self::Rotate,
            OperationKind::Pause | OperationKind::Retire => Self::Pause,
            OperationKind::Resume | OperationKind::Restore => Self::Resume,
            OperationKind::Delete => Self::Deprovision,
        }
    }

    /// The key in the settings, and the name of the step.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Provision => "provision",
            Self::Clone => "clone",
            Self::Update => "update",
            Self::Rotate => "rotate",
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Deprovision => "deprovision",
            Self::Observe => "observe",
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    provision: Vec<String>,
    deprovision: Vec<String>,
    clone: Option<Vec<String>>,
    update: Option<Vec<String>>,
    observe: Option<Vec<String>>,
    pause: Option<Vec<String>>,
    resume: Option<Vec<String>>,
    rotate: Option<Vec<String>>,
    #[serde(default)]
    outputs: BTreeMap<String, OutputType>,
    #[serde(default = "refused")]
    refuse_on: Vec<u8>,
    observe_timeout: Option<String>,
}

fn refused() -> Vec<u8> {
    vec![REFUSED]
}

/// The programs of a template. Adds every mistake as a sentence.
pub fn read(template: &str, settings: &Value, mistakes: &mut Vec<String>) -> Option<Programs> {
    let table: &Map<String, Value> = settings.as_object()?;
    let mut reader = Reader { at: format!("templates.{template}.settings"), mistakes };
    let (entry, conditions): (Entry, _) = reader.read(table.clone(), KEYS, DEFAULTS)?;
    for name in entry.outputs.keys() {
        let is_name = Ident::parse(name).is_ok() && !name.contains('/');
        if !is_name {
            reader.reject("outputs", format!("has {name:?}; a name has letters, digits and . _ : -"));
        }
    }
    for code in &entry.refuse_on {
        if *code == 0 {
            reader.reject("refuse_on", "contains 0, which means success");
        }
    }
    let observe_timeout = entry.observe_timeout.as_deref().map_or(Some(OBSERVE_TIMEOUT), |text| {
        let parsed = humantime::parse_duration(text).ok();
        parsed.filter(|it| (Duration::from_secs(1)..=MAX_OBSERVE_TIMEOUT).contains(it))
    });
    if observe_timeout.is_none() {
        reader.reject("observe_timeout", "must be a duration from 1s to 10m");
    }
    if entry.pause.is_some() != entry.resume.is_some() {
        reader.reject("pause", "and resume need each other: set both or none");
    }
    let given = [
        (Verb::Provision, Some(entry.provision)),
        (Verb::Clone, entry.clone),
        (Verb::Update, entry.update),
        (Verb::Rotate, entry.rotate),
        (Verb::Pause, entry.pause),
        (Verb::Resume, entry.resume),
        (Verb::Deprovision, Some(entry.deprovision)),
        (Verb::Observe, entry.observe),
    ];
    let given = given.into_iter().filter_map(|(verb, argv)| Some((verb, argv?)));
    let by_verb = given.map(|(verb, argv)| (verb, reader.program(verb.as_str(), argv, &conditions))).collect();
    Some(Programs {
        by_verb,
        shape: Shape(entry.outputs),
        observe_timeout: observe_timeout.unwrap_or(OBSERVE_TIMEOUT),
        refuse_on: entry.refuse_on.into_iter().map(i32::from).collect(),
        folder: std::env::current_dir().unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn mistakes(settings: Value) -> Vec<String> {
        let mut mistakes = Vec::new();
        read("x", &settings, &mut mistakes);
        mistakes
    }

    #[test]
    fn two_programs_are_enough() {
        assert_eq!(mistakes(json!({"provision": ["cat"], "deprovision": ["cat"]})), [""; 0]);
    }

    #[test]
    fn every_mistake_names_its_key() {
        let cases = [
            (json!({"provision": null}), "templates.x.settings (provost.toml): missing field `provision`"),
            (json!({"deprovision": null}), "templates.x.settings (provost.toml): missing field `deprovision`"),
            (json!({"provision": []}), "templates.x.settings.provision (provost.toml) must begin with a program"),
            (json!({"update": "rm -rf"}), "templates.x.settings.update (provost.toml): invalid type: string"),
            (json!({"observe": [7]}), "templates.x.settings.observe[0] (provost.toml): invalid type: integer"),
            (json!({"rotate": ["no-such"]}), "templates.x.settings.rotate (provost.toml) begins with \"no-such\""),
            (json!({"pause": ["cat"]}), "templates.x.settings.pause (provost.toml) and resume need each other"),
            (json!({"destroy": ["cat"]}), "unknown field `destroy`"),
            (json!({"grace": "1h"}), "templates.x.settings.grace (provost.toml) must be a duration up to 10m"),
            (json!({"env": ["PGPASSWORD"]}), "templates.x.settings.env (provost.toml) contains PGPASSWORD"),
            (
                json!({"observe_timeout": "0s"}),
                "templates.x.settings.observe_timeout (provost.toml) must be a duration",
            ),
            (json!({"refuse_on": [0]}), "templates.x.settings.refuse_on (provost.toml) contains 0"),
            (json!({"outputs": {"a/b": {}}}), "templates.x.settings.outputs (provost.toml) has \"a/b\""),
            (
                json!({"outputs": {"a": {"type": "text"}}}),
                "templates.x.settings.outputs.a.type (provost.toml): unknown",
            ),
            (json!({"outputs": {"a": {"hidden": true}}}), "unknown field `hidden`"),
        ];
        for (change, expected) in cases {
            let mut settings = json!({"provision": ["cat"], "deprovision": ["cat"]});
            let table = settings.as_object_mut().unwrap();
            table.extend(change.as_object().unwrap().clone());
            table.retain(|_, value| !value.is_null());
            let found = mistakes(settings);
            assert!(found.iter().any(|it| it.contains(expected)), "{change}: {found:#?}");
        }
    }

    #[test]
    fn all_mistakes_are_reported_at_once() {
        let wrong = json!({"provision": [], "deprovision": ["no-such"], "env": ["A=B"], "grace": "soon"});
        assert_eq!(mistakes(wrong).len(), 4);
    }
}
