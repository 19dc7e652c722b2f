//! Payload schemas.

use ::time::OffsetDateTime;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::time::serialize_option;

/// One version of the schema that payloads of a kind must match.
#[derive(Debug, Serialize, ToSchema)]
pub struct Schema {
    pub kind: String,
    pub version: i32,
    #[schema(value_type = Object)]
    pub schema: Box<RawValue>,
    /// Who registered the schema, or `built in`.
    pub actor: String,
    #[serde(serialize_with = "serialize_option")]
    pub created_at: Option<OffsetDateTime>,
}

/// A schema to register.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PutSchema {
    /// Default: the next version.
    #[schema(minimum = 1)]
    pub version: Option<i32>,
    /// A JSON Schema without external references.
    #[schema(value_type = Object)]
    pub schema: Box<RawValue>,
}
