//! The parameters of a template: validation, and the fields of a form.

use serde_json::Value;

use super::Template;
use crate::schema;

/// The steps of a check. Parameters are checked where the request is answered; this takes at most some milliseconds.
const MAX_STEPS: u64 = 500_000;

/// A parameter that does not satisfy the schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// The path of the value, like `parameters.connections`.
    pub field: String,
    pub message: String,
}

/// A parameter as a form asks for it.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    pub name: String,
    pub title: String,
    pub description: String,
    pub kind: FieldKind,
    /// The value that the form begins with.
    pub default: String,
    pub is_required: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FieldKind {
    Text,
    Number,
    Switch,
    /// One of these values.
    Choice(Vec<String>),
    /// Any of these values.
    Choices(Vec<String>),
    /// Anything else: JSON text.
    Json,
}

impl Template {
    /// Every mistake in the parameters, at most 20.
    pub fn mistakes(&self, parameters: &Value) -> Vec<Mistake> {
        let quick = self.validator.check_quickly(parameters, MAX_STEPS);
        let costly = || Err(schema::Invalid::Costly(schema::Spent::Steps));
        let found = quick.unwrap_or_else(costly).err();
        let mistake = |it: schema::Mistake| Mistake {
            field: format!("parameters{}", it.path.replace('/', ".")),
            message: it.message,
        };
        found.map(schema::Invalid::into_mistakes).into_iter().flatten().map(mistake).collect()
    }

    /// The fields of a form, in the order of the schema.
    pub fn fields(&self) -> Vec<Field> {
        let required = |name: &str| self.schema["required"].as_array().is_some_and(|it| it.iter().any(|it| it == name));
        let properties = self.schema["properties"].as_object().into_iter().flatten();
        let field = |(name, property): (&String, &Value)| Field {
            title: text(&property["title"]).unwrap_or_else(|| name.clone()),
            description: text(&property["description"]).unwrap_or_default(),
            kind: kind(property),
            default: property.get("default").map(plain).unwrap_or_default(),
            is_required: required(name),
            name: name.clone(),
        };
        properties.map(field).collect()
    }

    /// Gives the fields the values of these parameters (JSON text), in place of their defaults.
    pub fn fill(&self, fields: &mut [Field], parameters: &str) {
        let values: Value = serde_json::from_str(parameters).unwrap_or_default();
        for field in fields {
            if let Some(value) = values.get(&field.name) {
                field.default = plain(value);
            }
        }
    }

    /// The value of a parameter from the text of a form or of `--set`. Text that is not of the type of the parameter stays text,
    /// so that the schema names the mistake.
    pub fn value_of(&self, name: &str, text: &str) -> Value {
        let as_text = || Value::String(text.to_owned());
        match kind(&self.schema["properties"][name]) {
            FieldKind::Text | FieldKind::Choice(_) => as_text(),
            FieldKind::Number | FieldKind::Switch | FieldKind::Json => {
                serde_json::from_str(text).unwrap_or_else(|_| as_text())
            }
            FieldKind::Choices(_) => {
                let words = text.split([',', ' ']).map(str::trim).filter(|it| !it.is_empty());
                words.map(|word| Value::String(word.to_owned())).collect()
            }
        }
    }
}

fn kind(property: &Value) -> FieldKind {
    let words = |values: &Value| -> Option<Vec<String>> {
        values.as_array()?.iter().map(|it| it.as_str().map(str::to_owned)).collect()
    };
    match (property["type"].as_str(), words(&property["enum"]), words(&property["items"]["enum"])) {
        (_, Some(choices), _) => FieldKind::Choice(choices),
        (Some("array"), _, Some(choices)) => FieldKind::Choices(choices),
        (Some("string"), ..) => FieldKind::Text,
        (Some("integer" | "number"), ..) => FieldKind::Number,
        (Some("boolean"), ..) => FieldKind::Switch,
        _ => FieldKind::Json,
    }
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) if items.iter().all(Value::is_string) => {
            items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", ")
        }
        other => other.to_string(),
    }
}
