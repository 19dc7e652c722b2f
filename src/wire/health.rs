//! Health of the process and its dependencies.

use std::collections::BTreeMap;

use ::time::OffsetDateTime;
use serde::Serialize;
use utoipa::ToSchema;

use super::time::{serialize, serialize_option};

/// Health of the process. The HTTP status is 200 while the database responds and accepts work, otherwise 503.
#[derive(Debug, Serialize, ToSchema)]
pub struct Health {
    /// `ok`, `degraded` (working, but a service is restarting, notifications do not arrive, or the fleet lacks something), `draining` or `unavailable`.
    #[schema(example = "ok")]
    pub status: String,
    /// `ok` or `down`.
    #[schema(example = "ok")]
    pub db: String,
    /// Response time of the database.
    pub db_ms: Option<f64>,
    /// Why the database cannot be used: a code such as `no_connection`, `too_many_connections`, `login_refused`, `read_only`,
    /// `unresponsive`, `wrong_settings`, `storage_full`, `missing_privilege` or `schema_missing`, with the cause and what to do. Null: it can be used.
    pub trouble: Option<TroubleHealth>,
    /// Whether a pooler shares the sessions of the database.
    pub pooler: bool,
    /// When this process last changed something in the database.
    #[serde(serialize_with = "serialize_option")]
    pub written_at: Option<OffsetDateTime>,
    pub version: String,
    /// Version of the database schema.
    pub schema_version: Option<i32>,
    pub listener: ListenerHealth,
    /// Workers of all processes; null while the database is down.
    pub workers: Option<WorkersHealth>,
    /// The roles of this process, and when each last did something.
    pub roles: BTreeMap<String, RoleHealth>,
    /// All processes together; null while the database is down.
    pub fleet: Option<FleetHealth>,
    /// Services inside this process.
    pub services: BTreeMap<String, ServiceHealth>,
}

/// A role of this process.
#[derive(Debug, Serialize, ToSchema)]
pub struct RoleHealth {
    /// Null: not yet.
    #[serde(serialize_with = "serialize_option")]
    pub acted_at: Option<OffsetDateTime>,
}

/// What all processes together have and lack.
#[derive(Debug, Serialize, ToSchema)]
pub struct FleetHealth {
    /// Processes with the role scheduler. Without one, schedules do not fire and lost leases are not taken back.
    pub schedulers: i64,
    /// Queues in which a job has been due for 30 s and no worker runs its kind.
    pub unserved_queues: Vec<String>,
}

/// Why the database cannot be used.
#[derive(Debug, Serialize, ToSchema)]
pub struct TroubleHealth {
    #[schema(example = "read_only")]
    pub code: String,
    pub advice: String,
    pub cause: String,
    #[serde(serialize_with = "serialize")]
    pub since: OffsetDateTime,
}

/// How this process learns about new work.
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

/// Online workers.
#[derive(Debug, Serialize, ToSchema)]
pub struct WorkersHealth {
    pub online: i64,
    pub slots: i64,
    pub busy: i64,
}

/// A service of the engine.
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
