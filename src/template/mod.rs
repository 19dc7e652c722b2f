//! Templates: named recipes for projects. They come from `provost.toml` and from the program itself.

mod built_in;
mod parameters;
mod read;

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::domain::OperationKind;

pub use built_in::built_in;
pub use parameters::{Field, FieldKind, Mistake};
pub use read::{MAX_DEADLINE, MAX_GRACE, Provisioners, read};

/// The template of requests that name none, unless a setting says otherwise.
pub const DEFAULT: &str = "simulated";

/// What happens to the steps of an operation that failed for good or was canceled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnFailure {
    /// They are undone, the last one first.
    Undo,
    /// They stay, and a retry continues with them.
    Keep,
}

impl OnFailure {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Undo => "undo",
            Self::Keep => "keep",
        }
    }

    pub fn parse(word: &str) -> Option<Self> {
        [Self::Undo, Self::Keep].into_iter().find(|it| it.as_str() == word)
    }
}

/// How long an operation may take, and how often it may fail. What is not set comes from the settings of the process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    pub deadline: Option<Duration>,
    pub max_attempts: Option<u32>,
}

/// A template.
#[derive(Clone, Debug)]
pub struct Template {
    pub name: String,
    pub title: String,
    pub description: String,
    /// The provisioner that makes its projects.
    pub provisioner: String,
    /// A JSON Schema of the parameters, with defaults.
    pub schema: Value,
    /// Fixed settings for the provisioner: an object.
    pub settings: Value,
    pub on_failure: OnFailure,
    /// How long a deleted project can be restored, unless the request says otherwise.
    pub grace: Duration,
    /// The policy of each operation that has one of its own.
    pub operations: BTreeMap<OperationKind, Policy>,
    /// Labels that every project gets, unless the request sets them.
    pub labels: BTreeMap<String, String>,
    /// Operations that the provisioner cannot perform with these settings.
    pub unsupported: Vec<OperationKind>,
    /// The queue of the operations on its projects; none for the default queue.
    pub queue: Option<String>,
    validator: std::sync::Arc<crate::schema::Schema>,
}

impl Template {
    /// What every job carries: the fixed settings, the defaults of the parameters, the policy on failure, and the queue.
    pub fn settings_json(&self) -> Value {
        json!({
            "on_failure": self.on_failure.as_str(), "defaults": self.defaults(), "fixed": self.settings, "queue": self.queue,
        })
    }

    /// What clients see.
    pub fn definition(&self) -> Value {
        let policy = |policy: &Policy| json!({"deadline_s": policy.deadline.map(|it| it.as_secs()), "max_attempts": policy.max_attempts});
        let operations: BTreeMap<&str, Value> =
            self.operations.iter().map(|(it, p)| (it.as_str(), policy(p))).collect();
        json!({
            "name": self.name, "title": self.title, "description": self.description, "provisioner": self.provisioner, "queue": self.queue,
            "parameters": self.schema, "on_failure": self.on_failure.as_str(), "grace_s": self.grace.as_secs(), "operations": operations, "labels": self.labels,
            "unsupported": self.unsupported.iter().map(|it| it.as_str()).collect::<Vec<_>>(),
        })
    }

    /// Changes with every change of the template.
    pub fn hash(&self) -> String {
        digest(format!("{}\0{}", self.definition(), self.settings_json()))
    }

    pub fn policy(&self, operation: OperationKind) -> Policy {
        self.operations.get(&operation).copied().unwrap_or_default()
    }

    /// The defaults of the parameters, from the schema.
    fn defaults(&self) -> BTreeMap<&str, &Value> {
        let properties = self.schema["properties"].as_object().into_iter().flatten();
        properties.filter_map(|(name, property)| Some((name.as_str(), property.get("default")?))).collect()
    }
}

fn digest(text: String) -> String {
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The templates of this process, in the order in which they are offered.
#[derive(Clone, Debug, Default)]
pub struct Templates {
    all: Vec<Template>,
    /// The template of requests that name none.
    default: String,
}

impl Templates {
    pub fn new(templates: Vec<Template>) -> Self {
        Self { all: templates, default: DEFAULT.to_owned() }
    }

    /// Chooses the template of requests that name none.
    ///
    /// # Errors
    /// The names of the templates, if this is none of them.
    pub fn choose_default(&mut self, name: &str) -> Result<(), String> {
        self.get(name).ok_or_else(|| self.names().join(", "))?;
        name.clone_into(&mut self.default);
        Ok(())
    }

    pub fn default_name(&self) -> &str {
        &self.default
    }

    /// Adds the operations that templates do not support, by name.
    pub fn limit_operations(&mut self, unsupported: impl Fn(&str) -> Vec<OperationKind>) {
        self.all.iter_mut().for_each(|it| it.unsupported.extend(unsupported(&it.name)));
    }

    /// Replaces the settings of the templates with this provisioner by their digest, so that a change is still a new version. For
    /// settings that only the worker needs, which reads them itself.
    pub fn keep_settings_local(&mut self, provisioner: &str) {
        for template in self.all.iter_mut().filter(|it| it.provisioner == provisioner) {
            template.settings = json!({"digest": digest(template.settings.to_string())});
        }
    }

    /// Whether the provisioner of a template can perform an operation. One that is not known here is left to the worker.
    pub fn supports(&self, template: &str, operation: OperationKind) -> bool {
        self.get(template).is_none_or(|it| !it.unsupported.contains(&operation))
    }

    pub fn get(&self, name: &str) -> Option<&Template> {
        self.all.iter().find(|it| it.name == name)
    }

    pub fn iter(&self) -> impl Iterator<Item = &Template> {
        self.all.iter()
    }

    pub fn names(&self) -> Vec<&str> {
        self.all.iter().map(|it| it.name.as_str()).collect()
    }
}
