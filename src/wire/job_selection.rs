//! Bulk actions on jobs.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// The jobs to act on: either `job_ids` or `filter`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SelectJobs {
    #[serde(alias = "jobIds")]
    pub job_ids: Option<Vec<Uuid>>,
    /// All conditions must match; `{}` matches every job.
    pub filter: Option<JobFilter>,
    /// Recorded with the event.
    pub reason: Option<String>,
    pub actor: Option<String>,
    /// Maximum number of jobs, up to 10,000.
    pub limit: Option<usize>,
    /// With a filter: continue after this job, as returned by the previous request. No job is considered twice.
    pub after: Option<Uuid>,
}

/// Conditions on jobs; all of them must match.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct JobFilter {
    pub state: Option<String>,
    #[serde(alias = "type")]
    pub kind: Option<String>,
    pub queue: Option<String>,
    #[serde(alias = "tenantId")]
    pub tenant: Option<String>,
    pub tag: Option<String>,
    pub project: Option<Uuid>,
    /// Part of the error.
    pub error: Option<String>,
    /// Created at or after: RFC 3339, or an age like `1h`.
    pub since: Option<String>,
    /// Created before: RFC 3339, or an age like `1h`.
    pub before: Option<String>,
}

/// The outcome of a bulk action.
#[derive(Debug, Serialize, ToSchema)]
pub struct BulkOutcome {
    /// Number of jobs that were changed.
    pub moved: usize,
    /// Jobs that were not changed.
    pub refused: Vec<RefusedJob>,
    /// Whether more jobs match: repeat the request with `after`.
    pub more: bool,
    /// The last job considered; null if there are no more.
    pub after: Option<Uuid>,
}

/// A job that was not changed.
#[derive(Debug, Serialize, ToSchema)]
pub struct RefusedJob {
    pub id: Uuid,
    /// A sentence.
    pub reason: String,
    pub current_status: Option<String>,
}
