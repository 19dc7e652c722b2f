//! Credentials that are issued again.

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// A project whose credential could not be read.
#[derive(Debug, Serialize, ToSchema)]
pub struct Reissued {
    pub project_id: Uuid,
    pub name: String,
    /// The status of the project: `updating`, if its credential is being replaced.
    #[schema(example = "updating")]
    pub status: String,
    /// Whether this request has started the replacement. Only the credential of a ready project can be replaced.
    pub started: bool,
}
