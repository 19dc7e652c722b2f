//! Templates.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

/// A recipe for projects.
#[derive(Debug, Serialize, ToSchema)]
pub struct Template {
    #[schema(example = "postgres")]
    pub name: String,
    /// Increases with every change of the template. A project keeps the version that it was made with.
    pub version: i32,
    pub title: String,
    pub description: String,
    pub provisioner: String,
    /// The queue of its operations.
    #[schema(example = "default")]
    pub queue: String,
    /// A JSON Schema with defaults.
    #[schema(value_type = Object)]
    pub parameters: Box<RawValue>,
    /// What happens to the steps of a creation that failed or was canceled: `undo` or `keep`.
    #[schema(example = "undo")]
    pub on_failure: String,
    /// How long a deleted project can be brought back, in seconds, unless the request says otherwise.
    pub grace_s: u64,
    /// The policy of each operation: `create`, `update`, `rotate`, `pause`, `resume` and `delete`.
    pub operations: BTreeMap<String, TemplatePolicy>,
    /// Operations that the template does not support.
    pub unsupported: Vec<String>,
    /// Labels that every project gets.
    pub labels: BTreeMap<String, String>,
    /// Whether a request that names no template uses this one.
    pub is_default: bool,
}

/// How long an operation may take, and how often it may fail. Null: as the server is configured.
#[derive(Debug, Serialize, ToSchema)]
pub struct TemplatePolicy {
    pub deadline_s: Option<u64>,
    pub max_attempts: Option<u32>,
}
