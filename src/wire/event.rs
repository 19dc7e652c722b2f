//! Events: the audit log of every state change.

use ::time::OffsetDateTime;
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;
use uuid::Uuid;

use super::time::serialize;

/// The entities that have events.
pub const ENTITIES: [&str; 9] =
    ["project", "step", "job", "queue", "worker", "limit", "schema", "schedule", "workflow"];

/// One state change: what changed, who changed it, when and why.
#[derive(Debug, Serialize, ToSchema)]
pub struct Event {
    /// Increases over time.
    pub id: i64,
    /// `project`, `job`, `queue`, `worker`, `limit`, `schema`, `schedule` or `workflow`.
    #[schema(example = "job")]
    pub entity: String,
    /// The id of a project, job, schedule or workflow; the name of any other entity.
    pub entity_id: String,
    /// `none` when the entity was created.
    #[schema(example = "queued")]
    pub previous_state: String,
    #[schema(example = "active")]
    pub new_state: String,
    pub reason: Option<String>,
    pub actor: String,
    /// The values before and after, for changes that the states do not show.
    #[schema(value_type = Option<Object>)]
    pub detail: Option<Box<RawValue>>,
    pub job_id: Option<Uuid>,
    pub execution_id: Option<Uuid>,
    pub attempt: Option<i32>,
    pub request_id: Option<String>,
    #[serde(serialize_with = "serialize")]
    pub occurred_at: OffsetDateTime,
}
