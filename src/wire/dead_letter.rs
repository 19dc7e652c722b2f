//! Dead letters.

use ::time::OffsetDateTime;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;
use uuid::Uuid;

use super::job_selection::JobFilter;
use super::time::serialize;

/// Dead letters of the same kind with the same error.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeadLetterGroup {
    pub kind: String,
    pub error: String,
    pub n: i64,
    #[serde(serialize_with = "serialize")]
    pub first_at: OffsetDateTime,
    #[serde(serialize_with = "serialize")]
    pub last_at: OffsetDateTime,
    pub example_id: Uuid,
}

/// The dead letters to replay, and the fields to change. Omitted fields keep their values.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReplayJobs {
    #[serde(alias = "jobIds")]
    pub job_ids: Option<Vec<Uuid>>,
    pub filter: Option<JobFilter>,
    pub reason: Option<String>,
    pub actor: Option<String>,
    /// Maximum number of jobs, up to 10,000.
    pub limit: Option<usize>,
    /// With a filter: continue after this job, as returned by the previous request.
    pub after: Option<Uuid>,
    #[schema(value_type = Option<Object>)]
    pub payload: Option<Box<RawValue>>,
    #[serde(alias = "type", alias = "jobType")]
    pub kind: Option<String>,
    pub queue: Option<String>,
    #[schema(minimum = 0, maximum = 9)]
    pub priority: Option<i64>,
}
