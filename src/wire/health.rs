//! How this process and what it stands on are.

use std::collections::BTreeMap;

use ::time::OffsetDateTime;
use serde::Serialize;
use utoipa::ToSchema;

use super::time::{serialize, serialize_option};

/// `200` while the database answers, else `503`.
#[derive(Debug, Serialize, ToSchema)]
pub struct Health {
    /// `ok`, `degraded` (work goes on, but something is not as it should be), `draining` or `unavailable`.
    #[schema(example = "ok")]
    pub status: String,
    /// `ok` or `down`.
    #[schema(example = "ok")]
    pub db: String,
    /// How long the database took to answer.
    pub db_ms: Option<f64>,
    pub version: String,
    /// The version of the database's schema.
    pub schema_version: Option<i32>,
    pub listener: ListenerHealth,
    /// All workers of all processes; absent while the database is down.
    pub workers: Option<WorkersHealth>,
    /// What runs inside this process.
    pub services: BTreeMap<String, ServiceHealth>,
}

/// How this process learns of work.
#[derive(Debug, Serialize, ToSchema)]
pub struct ListenerHealth {
    /// `notify`, or `poll` while notifications do not arrive.
    #[schema(example = "notify")]
    pub mode: String,
    #[serde(serialize_with = "serialize")]
    pub since: OffsetDateTime,
    #[serde(serialize_with = "serialize_option")]
    pub last_heard_at: Option<OffsetDateTime>,
    pub reconnects: u64,
}

/// The workers whose heartbeat is fresh.
#[derive(Debug, Serialize, ToSchema)]
pub struct WorkersHealth {
    pub online: i64,
    pub slots: i64,
    pub busy: i64,
}

/// One service of the engine.
#[derive(Debug, Serialize, ToSchema)]
pub struct ServiceHealth {
    /// `running`, `restarting` or `stopped`.
    #[schema(example = "running")]
    pub state: String,
    #[serde(serialize_with = "serialize")]
    pub since: OffsetDateTime,
    pub restarts: u64,
    pub last_error: Option<String>,
}
