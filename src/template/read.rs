//! Reads `[templates.*]` of `provost.toml`. Unknown keys are mistakes, and all mistakes are reported at once.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use toml::Table;

use super::{Mistake, OnFailure, Policy, Template, Templates, built_in};
use crate::domain::{Ident, Labels, OperationKind, cluster};
use crate::schema::Schema;

/// The longest deadline.
pub const MAX_DEADLINE: Duration = Duration::from_secs(30 * 24 * 3600);
const MAX_ATTEMPTS: u32 = 100;
/// The longest grace time of a deletion.
pub const MAX_GRACE: Duration = Duration::from_secs(365 * 24 * 3600);

/// What templates need to know of the provisioners.
pub trait Provisioners {
    /// The names of those that exist.
    fn names(&self) -> Vec<String>;
    /// Every mistake in the fixed settings for a provisioner. One that does not exist has no settings to check.
    fn check_settings(&self, provisioner: &str, settings: &Value) -> Vec<Mistake>;
    /// The queue of operations with these settings; none for the default queue.
    fn queue(&self, provisioner: &str, settings: &Value) -> Option<String>;
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct PolicyEntry {
    deadline: Option<String>,
    max_attempts: Option<u32>,
}

/// The built-in templates and those of the table `[templates]`. A template of the table replaces a built-in one of the same name.
/// Each mistake is added to `mistakes` as a sentence; what is returned then is only good for finding further mistakes.
pub fn read(table: &Table, provisioners: &dyn Provisioners, mistakes: &mut Vec<String>) -> Templates {
    let mut templates = built_in();
    for (name, value) in table {
        let mut reader = Reader { at: format!("templates.{name}"), provisioners, mistakes: &mut *mistakes };
        let Some(template) = reader.template(name, value.clone()) else { continue };
        templates.retain(|it| it.name != *name);
        templates.push(template);
    }
    for template in &mut templates {
        let at = format!("templates.{}.queue (provost.toml)", template.name);
        match provisioners.queue(&template.provisioner, &template.settings) {
            Some(queue) => {
                if template.queue.is_some() {
                    mistakes.push(format!(
                        "{at} cannot be set: the operations run in the queue {queue}, which bounds their number"
                    ));
                }
                template.queue = Some(queue);
            }
            None if template.queue.as_deref().is_some_and(cluster::is_queue) => {
                mistakes.push(format!("{at} is reserved for projects in that cluster"));
            }
            None => {}
        }
    }
    Templates::new(templates)
}

struct Reader<'a> {
    at: String,
    provisioners: &'a dyn Provisioners,
    mistakes: &'a mut Vec<String>,
}

impl Reader<'_> {
    fn reject(&mut self, key: &str, why: impl std::fmt::Display) {
        self.mistakes.push(format!("{}.{key} (provost.toml) {why}", self.at));
    }

    /// Removes a key from the table of a template. A value of another type is a mistake.
    fn take<T: DeserializeOwned>(&mut self, table: &mut Table, key: &str) -> Option<T> {
        match serde_path_to_error::deserialize(table.remove(key)?) {
            Ok(value) => Some(value),
            Err(error) => {
                let path = error.path().to_string();
                let path = if path == "." { String::new() } else { format!(".{path}") };
                let why = error.into_inner().to_string().split_whitespace().collect::<Vec<_>>().join(" ");
                self.mistakes.push(format!("{}.{key}{path} (provost.toml): {why}", self.at));
                None
            }
        }
    }

    fn template(&mut self, name: &str, value: toml::Value) -> Option<Template> {
        let toml::Value::Table(mut table) = value else {
            self.mistakes.push(format!("{} (provost.toml) must be a table", self.at));
            return None;
        };
        let provisioner: Option<String> = self.take(&mut table, "provisioner");
        let title = self.take(&mut table, "title");
        let description = self.take(&mut table, "description").unwrap_or_default();
        let schema: Option<Value> = self.take(&mut table, "parameters");
        let settings = self.take(&mut table, "settings").unwrap_or_else(|| json!({}));
        let on_failure = self.take(&mut table, "on_failure").unwrap_or(OnFailure::Undo);
        let grace: Option<String> = self.take(&mut table, "grace");
        let queue: Option<String> = self.take(&mut table, "queue");
        let deadline = self.take(&mut table, "deadline");
        let max_attempts = self.take(&mut table, "max_attempts");
        let unsupported: Vec<String> = self.take(&mut table, "unsupported").unwrap_or_default();
        let operations: BTreeMap<String, PolicyEntry> = self.take(&mut table, "operations").unwrap_or_default();
        let labels: BTreeMap<String, String> = self.take(&mut table, "labels").unwrap_or_default();
        for key in table.keys() {
            self.reject(key, "is not a key of a template");
        }
        if let Err(error) = Ident::parse(name) {
            self.mistakes.push(format!("{} (provost.toml): the name {error}", self.at));
        }
        let known = self.provisioners.names();
        let provisioner = provisioner.unwrap_or_else(|| {
            self.reject("provisioner", "is required");
            known.first().cloned().unwrap_or_default()
        });
        if !known.contains(&provisioner) {
            let known = known.join(", ");
            self.reject("provisioner", format!("is {provisioner:?}, which does not exist; use one of {known}"));
        }
        if let Err(error) = Labels::parse(labels.clone()) {
            self.reject("labels", error);
        }
        if let Some(queue) = &queue
            && let Err(error) = Ident::parse(queue)
        {
            self.reject("queue", format!("is {queue:?}, but it {error}"));
        }
        if !settings.is_object() {
            self.reject("settings", "must be a table");
        }
        for Mistake { field, message } in self.provisioners.check_settings(&provisioner, &settings) {
            self.reject(["settings", &field].join(".").trim_end_matches('.'), message);
        }
        let schema = schema.unwrap_or_else(|| json!({"type": "object", "additionalProperties": false}));
        let validator = Schema::compile(&schema)
            .map_err(|why| self.reject("parameters", format!("must be a JSON Schema that can be checked: it {why}")))
            .ok();
        let operations = self.operations(&PolicyEntry { deadline, max_attempts }, &operations);
        let grace = self.grace(grace.as_deref());
        Some(Template {
            name: name.to_owned(),
            title: title.unwrap_or_else(|| name.to_owned()),
            description,
            provisioner,
            queue,
            schema,
            settings,
            on_failure,
            grace,
            operations,
            labels,
            unsupported: self.unsupported(&unsupported),
            validator: Arc::new(validator?),
        })
    }

    fn operations(
        &mut self,
        common: &PolicyEntry,
        own: &BTreeMap<String, PolicyEntry>,
    ) -> BTreeMap<OperationKind, Policy> {
        let default = self.policy("", common);
        let mut policies: BTreeMap<OperationKind, Policy> = BTreeMap::new();
        if default != Policy::default() {
            policies.extend(OperationKind::ALL.iter().map(|operation| (*operation, default)));
        }
        for (name, entry) in own {
            let Some(operation) = OperationKind::parse(name) else {
                let known: Vec<&str> = OperationKind::ALL.iter().map(|it| it.as_str()).collect();
                self.reject("operations", format!("has {name:?}, which is not an operation; use {}", known.join(", ")));
                continue;
            };
            let policy = self.policy(&format!("operations.{name}."), entry);
            let deadline = policy.deadline.or(default.deadline);
            policies.insert(operation, Policy { deadline, max_attempts: policy.max_attempts.or(default.max_attempts) });
        }
        policies
    }

    /// What blocks access is supported together with what gives access back.
    fn unsupported(&mut self, names: &[String]) -> Vec<OperationKind> {
        use OperationKind::{Clone, Pause, Restore, Resume, Retire, Rotate, Update};
        const KNOWN: &str = "clone, pause, retire, rotate and update";
        let mut unsupported = Vec::new();
        for name in names {
            match OperationKind::parse(name) {
                Some(Pause) => unsupported.extend([Pause, Resume]),
                Some(Retire) => unsupported.extend([Retire, Restore]),
                Some(operation @ (Clone | Rotate | Update)) => unsupported.push(operation),
                _ => self.reject("unsupported", format!("has {name:?}; it can have {KNOWN}")),
            }
        }
        unsupported
    }

    fn grace(&mut self, text: Option<&str>) -> Duration {
        let Some(text) = text else { return Duration::ZERO };
        let parsed = humantime::parse_duration(text).ok().filter(|it| *it <= MAX_GRACE);
        if parsed.is_none() {
            self.reject("grace", format!("must be a duration of at most 365days; got {text:?}"));
        }
        parsed.unwrap_or_default()
    }

    fn policy(&mut self, prefix: &str, entry: &PolicyEntry) -> Policy {
        let deadline = entry.deadline.as_deref().and_then(|text| {
            let parsed = humantime::parse_duration(text).ok();
            let valid = parsed.filter(|it| (Duration::from_secs(1)..=MAX_DEADLINE).contains(it));
            if valid.is_none() {
                self.reject(
                    &format!("{prefix}deadline"),
                    format!("must be a duration from 1s to 30days; got {text:?}"),
                );
            }
            valid
        });
        if entry.max_attempts.is_some_and(|it| !(1..=MAX_ATTEMPTS).contains(&it)) {
            self.reject(&format!("{prefix}max_attempts"), format!("must be a whole number from 1 to {MAX_ATTEMPTS}"));
        }
        Policy { deadline, max_attempts: entry.max_attempts }
    }
}

impl Template {
    /// A template of the program; `None` if its schema is invalid.
    pub(super) fn built_in(
        name: &str,
        title: &str,
        description: &str,
        provisioner: &str,
        schema: Value,
        on_failure: OnFailure,
        grace: Duration,
    ) -> Option<Self> {
        let validator = Arc::new(Schema::compile(&schema).ok()?);
        Some(Self {
            name: name.to_owned(),
            title: title.to_owned(),
            description: description.to_owned(),
            provisioner: provisioner.to_owned(),
            validator,
            schema,
            settings: json!({}),
            on_failure,
            grace,
            operations: BTreeMap::new(),
            labels: BTreeMap::new(),
            unsupported: Vec::new(),
            queue: None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Known;

    impl Provisioners for Known {
        fn names(&self) -> Vec<String> {
            vec!["postgres".to_owned(), "simulated".to_owned()]
        }

        fn check_settings(&self, _: &str, settings: &Value) -> Vec<Mistake> {
            let unknown = settings.get("clutser");
            unknown.map(|_| Mistake { field: "clutser".into(), message: "is unknown".into() }).into_iter().collect()
        }

        fn queue(&self, provisioner: &str, _: &Value) -> Option<String> {
            (provisioner == "postgres").then(|| "cluster:x".to_owned())
        }
    }

    fn templates(text: &str) -> Result<Templates, Vec<String>> {
        let mut mistakes = Vec::new();
        let templates = read(&text.parse().unwrap(), &Known, &mut mistakes);
        if mistakes.is_empty() { Ok(templates) } else { Err(mistakes) }
    }

    #[test]
    fn built_in_templates_have_valid_schemas() {
        assert_eq!(built_in().len(), 2);
        for template in built_in() {
            assert!(Schema::compile(&template.schema).is_ok(), "{}", template.name);
            assert_eq!(template.mistakes(&json!({})), [], "{}: defaults must be enough", template.name);
        }
    }

    #[test]
    fn own_template_replaces_a_built_in_one() {
        let own = "[simulated]\nprovisioner = \"simulated\"\ndeadline = \"1m\"\noperations.delete.deadline = \"2m\"";
        let templates = templates(own).unwrap();
        let simulated = templates.get("simulated").unwrap();
        assert_eq!(simulated.policy(OperationKind::Create).deadline, Some(Duration::from_secs(60)));
        assert_eq!(simulated.policy(OperationKind::Delete).deadline, Some(Duration::from_secs(120)));
        assert_eq!(templates.names(), ["postgres", "simulated"]);
    }

    #[test]
    fn all_mistakes_are_named_at_once() {
        let wrong = "[a]\nprovisioner = \"cloud\"\ndeadline = \"0s\"\nmax_attempts = 0\n[a.parameters]\ntype = 7\n\
                     [a.operations.grow]\n[a.settings]\nclutser = 1\n[b]\nprovisioner = \"postgres\"\ntitel = \"x\"\n\
                     [c]\ndeadline = 5\non_failure = \"explode\"\n\
                     [d]\nprovisioner = \"simulated\"\nqueue = \"cluster:x\"\n\
                     unsupported = [\"delete\"]";
        let mistakes = templates(wrong).unwrap_err();
        let names = [
            "a.provisioner",
            "a.parameters",
            "a.deadline",
            "a.max_attempts",
            "a.operations",
            "a.settings.clutser",
            "b.titel",
            "c.provisioner",
            "c.deadline",
            "c.on_failure",
            "d.queue",
            "d.unsupported",
        ];
        assert_eq!(mistakes.len(), names.len(), "{mistakes:#?}");
        for name in names {
            assert!(mistakes.iter().any(|it| it.starts_with(&format!("templates.{name}"))), "{name}: {mistakes:#?}");
        }
    }

    #[test]
    fn parameters_are_validated_and_typed() {
        let postgres = templates("").unwrap().get("postgres").cloned().unwrap();
        assert_eq!(postgres.value_of("connections", "7"), json!(7));
        assert_eq!(postgres.value_of("connections", "many"), json!("many"));
        assert_eq!(postgres.value_of("extensions", "pg_trgm, hstore"), json!(["pg_trgm", "hstore"]));
        let mistakes = postgres.mistakes(&json!({"connections": 0, "extensions": ["plperlu"]}));
        let fields: Vec<&str> = mistakes.iter().map(|it| it.field.as_str()).collect();
        assert_eq!(fields, ["parameters.connections", "parameters.extensions.0"]);
        assert_eq!(postgres.settings_json()["defaults"]["connections"], 20);
        assert_eq!(postgres.settings_json()["queue"], "cluster:x");
    }
}
