//! Differences between what the projects say and what exists.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use super::duration::HumanDuration;
use super::time::{serialize, serialize_option};

/// The differences, and when the clusters were searched.
#[derive(Debug, Serialize, ToSchema)]
pub struct Drift {
    pub findings: Vec<Finding>,
    pub clusters: Vec<SearchedCluster>,
}

/// A difference. Nothing is repaired or removed without a request.
#[derive(Debug, Serialize, ToSchema)]
pub struct Finding {
    pub id: Uuid,
    /// `missing`, `changed`, `added`, `orphaned` (marked as Provost's, without a project) or `residue` (left by a crash).
    #[schema(example = "changed")]
    pub kind: String,
    pub project_id: Option<Uuid>,
    pub project_name: Option<String>,
    pub cluster: String,
    /// What it is about.
    #[schema(example = "database p_01j7tt0000e008000000000001")]
    pub object: String,
    #[schema(example = "the connection limit is 99, not 20")]
    pub message: String,
    #[serde(serialize_with = "serialize")]
    pub first_seen_at: OffsetDateTime,
    #[serde(serialize_with = "serialize")]
    pub last_seen_at: OffsetDateTime,
}

/// A cluster that is searched for orphans.
#[derive(Debug, Serialize, ToSchema)]
pub struct SearchedCluster {
    pub cluster: String,
    /// When the next search is due.
    #[serde(serialize_with = "serialize")]
    pub due_at: OffsetDateTime,
    /// The start of the latest search that succeeded.
    #[serde(serialize_with = "serialize_option")]
    pub searched_at: Option<OffsetDateTime>,
    /// Why the latest search failed.
    pub error: Option<String>,
}

/// How an orphan is taken up.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TakeUpOrphan {
    /// Name of the project. Default: its former name, or the name of what was found.
    pub name: Option<String>,
    /// Template of a project whose record is gone. Default: the first one with the right provisioner.
    pub template: Option<String>,
    /// For a quarantine: how long the orphan is kept. Default: `7d`.
    #[schema(value_type = Option<String>, example = "7d")]
    pub grace: Option<HumanDuration>,
    /// Up to 500 characters.
    #[schema(max_length = 500)]
    pub reason: Option<String>,
    /// Up to 100 characters. Default: `api`.
    #[schema(max_length = 100)]
    pub actor: Option<String>,
}
