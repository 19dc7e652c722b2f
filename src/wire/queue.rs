//! Queues.

use ::time::OffsetDateTime;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::time::{serialize, serialize_option};

/// A queue.
#[derive(Debug, Serialize, ToSchema)]
pub struct Queue {
    pub name: String,
    /// `active`, `paused` (accepts jobs but starts none) or `draining` (refuses new jobs and runs waiting ones).
    #[schema(example = "active")]
    pub state: String,
    /// Why the state was last changed.
    pub reason: Option<String>,
    /// Who last changed the state.
    pub actor: String,
    #[serde(serialize_with = "serialize")]
    pub changed_at: OffsetDateTime,
    /// Queued jobs.
    pub waiting: i64,
    pub scheduled: i64,
    pub retrying: i64,
    pub blocked: i64,
    pub active: i64,
    /// Dead letters.
    pub failed: i64,
    /// When the oldest due job became due.
    #[serde(serialize_with = "serialize_option")]
    pub oldest_waiting_at: Option<OffsetDateTime>,
    /// Jobs enqueued per minute, averaged over the last five full minutes.
    pub in_per_minute: f64,
    /// Jobs completed per minute, averaged over the last five full minutes.
    pub out_per_minute: f64,
    /// Online workers that serve the queue.
    pub workers: i64,
    /// Maximum number of active jobs; null means no limit.
    pub concurrency: Option<i32>,
    /// What the state means for waiting and new jobs.
    pub meaning: String,
    #[serde(serialize_with = "serialize")]
    pub created_at: OffsetDateTime,
}

/// A queue to create.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateQueue {
    #[schema(example = "critical")]
    pub name: String,
    /// Maximum number of active jobs.
    #[schema(minimum = 0)]
    pub concurrency: Option<i64>,
}

/// Changes to a queue.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PatchQueue {
    /// Maximum number of active jobs; null removes the limit.
    #[serde(deserialize_with = "present")]
    #[schema(value_type = Option<i64>, minimum = 0)]
    pub concurrency: Option<i64>,
    /// Recorded with the event.
    #[serde(default)]
    pub reason: Option<String>,
}

/// Accepts `null` but requires the field: serde treats a missing `Option` as `null` otherwise.
fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    Option::deserialize(deserializer)
}
