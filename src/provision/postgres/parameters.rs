//! The parameters of a database, and the settings of its template.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::cluster::EMBEDDED;
use crate::domain::extensions;
use crate::provision::{Failure, Work};

/// The parameters, with the defaults of the template.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    #[serde(default = "default_connections", deserialize_with = "whole_number")]
    pub connections: i32,
    #[serde(default)]
    pub extensions: Vec<String>,
    #[serde(default = "default_timeout")]
    pub statement_timeout: String,
}

/// The fixed settings of a template.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The cluster in which databases are made. Default: the embedded one.
    pub cluster: Option<String>,
}

/// What every job of a template carries: see `Template::settings_json`.
#[derive(Default, Deserialize)]
struct Carried {
    #[serde(default)]
    defaults: serde_json::Map<String, Value>,
    #[serde(default)]
    fixed: Settings,
}

/// Reads a whole number as JSON Schema defines it: 1.0 is one.
fn whole_number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i32, D::Error> {
    let number = f64::deserialize(deserializer)?;
    let is_whole = number.fract() == 0.0 && (f64::from(i32::MIN)..=f64::from(i32::MAX)).contains(&number);
    if is_whole { Ok(number as i32) } else { Err(D::Error::custom(format!("{number} is not a whole number"))) }
}

fn default_connections() -> i32 {
    20
}

fn default_timeout() -> String {
    "60s".to_owned()
}

impl Settings {
    pub fn cluster(&self) -> &str {
        self.cluster.as_deref().unwrap_or(EMBEDDED)
    }
}

/// Reads the parameters and the settings of a job.
pub fn read(work: &Work) -> Result<(Parameters, Settings), Failure> {
    let invalid =
        |what: &str, error: serde_json::Error| Failure::permanent(Failure::INVALID, format!("{what}: {error}"));
    let carried: Carried = serde_json::from_str(work.settings.get())
        .map_err(|error| invalid("the settings of the template are invalid", error))?;
    let given: serde_json::Map<String, Value> =
        serde_json::from_str(work.parameters.get()).map_err(|error| invalid("the parameters are invalid", error))?;
    let mut merged = carried.defaults;
    merged.extend(given);
    let parameters: Parameters =
        serde_json::from_value(Value::Object(merged)).map_err(|error| invalid("the parameters are invalid", error))?;
    // An application may create projects through SQL, where no schema checks the parameters.
    if let Some(unknown) = parameters.extensions.iter().find(|it| !extensions::ALLOWED.contains(&it.as_str())) {
        let message = format!("the extension {unknown:?} is not allowed; use {}", extensions::ALLOWED.join(", "));
        return Err(Failure::permanent(Failure::INVALID, message));
    }
    if !(1..=500).contains(&parameters.connections) {
        return Err(Failure::permanent(Failure::INVALID, "connections must be from 1 to 500"));
    }
    Ok((parameters, carried.fixed))
}
