//! Projects and their record.

use std::collections::BTreeMap;

use ::time::OffsetDateTime;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;
use uuid::Uuid;

use super::time::{serialize, serialize_option};

/// A project as everybody sees it.
#[derive(Debug, Serialize, ToSchema)]
pub struct Project {
    pub id: Uuid,
    #[schema(example = "my-project")]
    pub name: String,
    /// `creating`, `provisioning`, `ready`, `failed`, `deleting` or `deleted`.
    #[schema(example = "creating")]
    pub status: String,
    /// Why it failed; only then not null.
    pub error_reason: Option<String>,
    #[schema(example = "simulated")]
    pub template: String,
    /// Byte for byte as given.
    #[schema(value_type = Object)]
    pub parameters: Box<RawValue>,
    pub labels: BTreeMap<String, String>,
    /// Goes up with every change; the `ETag` holds it.
    pub version: i64,
    /// When a `creating`, `provisioning` or `deleting` project is given up.
    #[serde(serialize_with = "serialize_option")]
    pub deadline_at: Option<OffsetDateTime>,
    #[serde(serialize_with = "serialize")]
    pub created_at: OffsetDateTime,
    #[serde(serialize_with = "serialize")]
    pub updated_at: OffsetDateTime,
}

/// What a project is created from.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateProject {
    /// 1 to 255 characters in any language; surrounding spaces are dropped, control characters refused.
    #[schema(example = "my-project", min_length = 1, max_length = 255)]
    pub name: String,
    /// Which recipe; `simulated` unless said otherwise.
    #[schema(example = "simulated")]
    pub template: Option<String>,
    /// What the template is told: any JSON object up to 64 KiB, kept byte for byte.
    #[schema(value_type = Option<Object>)]
    pub parameters: Option<Box<RawValue>>,
    /// Up to 32 short facts to find it again by.
    pub labels: Option<BTreeMap<String, String>>,
}

/// What can be changed later. What is absent stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PatchProject {
    #[schema(min_length = 1, max_length = 255)]
    pub name: Option<String>,
    /// Replaces all labels.
    pub labels: Option<BTreeMap<String, String>>,
}

/// Why somebody asks, for the record. The whole body may be left out.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Reason {
    /// Up to 500 characters.
    #[schema(max_length = 500, example = "the quota was raised")]
    pub reason: Option<String>,
    /// Who asks, up to 100 characters; `api` unless said otherwise.
    #[schema(max_length = 100, example = "maria")]
    pub actor: Option<String>,
}

/// One line of the record: who moved what, from where to where, why, when.
#[derive(Debug, Serialize, ToSchema)]
pub struct Event {
    /// Grows with time.
    pub id: i64,
    pub project_id: Uuid,
    /// `none` at birth.
    #[schema(example = "creating")]
    pub previous_state: String,
    #[schema(example = "provisioning")]
    pub new_state: String,
    pub reason: Option<String>,
    /// `api`, `dashboard`, a worker's id, `reaper` or `deadlines`.
    pub actor: String,
    /// The operation that this is part of.
    pub job_id: Option<Uuid>,
    pub execution_id: Option<Uuid>,
    pub request_id: Option<String>,
    #[serde(serialize_with = "serialize")]
    pub occurred_at: OffsetDateTime,
}
