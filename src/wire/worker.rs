//! Workers.

use ::time::OffsetDateTime;
use serde::Serialize;
use utoipa::ToSchema;

use super::time::serialize;

/// A process that runs jobs.
#[derive(Debug, Serialize, ToSchema)]
pub struct Worker {
    /// Unique to each start of the process.
    pub id: String,
    pub host: String,
    pub pid: i32,
    /// Distinguishes this start of the process from earlier ones.
    pub incarnation: String,
    pub version: String,
    /// `online`, `cordoned`, `draining` or `lost`.
    #[schema(example = "online")]
    pub state: String,
    /// Why the state was last changed.
    pub reason: Option<String>,
    /// Who last changed the state.
    pub actor: Option<String>,
    /// The queues that the worker serves; `*` means every queue.
    pub queues: Vec<String>,
    pub kinds: Vec<String>,
    pub slots: i32,
    /// Slots in use at the last heartbeat.
    pub busy: i32,
    #[serde(serialize_with = "serialize")]
    pub started_at: OffsetDateTime,
    #[serde(serialize_with = "serialize")]
    pub seen_at: OffsetDateTime,
    pub heartbeat_age_ms: i64,
}
