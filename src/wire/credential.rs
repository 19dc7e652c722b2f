//! Credentials that are issued again.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// Which credentials to replace.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Reissue {
    /// Only those of projects with an id after this one: the last one of an earlier answer.
    pub after: Option<Uuid>,
    /// Up to 500 characters.
    #[schema(max_length = 500, example = "the key was lost")]
    pub reason: Option<String>,
    /// Up to 100 characters. Default: `api`.
    #[schema(max_length = 100, example = "maria")]
    pub actor: Option<String>,
}

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
    /// Why the replacement of the credential of a ready project was not started.
    pub error: Option<String>,
}
