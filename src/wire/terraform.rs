//! The state of Terraform.

use ::time::OffsetDateTime;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::time::serialize;

/// What the holder of a lock says about itself, in the words of Terraform.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct LockInfo {
    #[serde(rename = "ID")]
    pub id: String,
    /// Such as `OperationTypeApply`.
    pub operation: String,
    pub info: String,
    /// User and host.
    pub who: String,
    /// The version of Terraform.
    pub version: String,
    pub created: String,
    pub path: String,
}

/// A version of a state.
#[derive(Debug, Serialize, ToSchema)]
pub struct StateVersion {
    /// From 1.
    pub version: i32,
    /// Whether the state was deleted here.
    pub deleted: bool,
    pub serial: i64,
    pub lineage: String,
    pub bytes: i32,
    pub actor: String,
    /// The attempt that stored it; null if somebody else did.
    pub execution_id: Option<Uuid>,
    #[serde(serialize_with = "serialize")]
    pub created_at: OffsetDateTime,
}
