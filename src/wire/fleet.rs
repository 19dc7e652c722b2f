//! Queues, workers and limits: what operators see and steer.

use ::time::OffsetDateTime;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::span::Span;
use super::time::{serialize, serialize_option};

/// A queue.
#[derive(Debug, Serialize, ToSchema)]
pub struct Queue {
    pub name: String,
    /// `active`, `paused` (gives nothing; what comes waits) or `draining` (takes nothing new; what waits is worked off).
    #[schema(example = "active")]
    pub state: String,
    /// Why it is paused or draining, and who said so.
    pub reason: Option<String>,
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
    /// Since when the oldest due job has been due.
    #[serde(serialize_with = "serialize_option")]
    pub oldest_waiting_at: Option<OffsetDateTime>,
    /// Enqueued a minute, over the last five whole minutes.
    pub in_per_minute: f64,
    /// Completed a minute, over the last five whole minutes.
    pub out_per_minute: f64,
    /// How many online workers serve it.
    pub workers: i64,
    /// How many of its jobs may be active at once, if that is limited.
    pub concurrency: Option<i32>,
    /// What its state means for the jobs that wait, and for new ones.
    pub meaning: String,
    #[serde(serialize_with = "serialize")]
    pub created_at: OffsetDateTime,
}

/// A queue that is made before its first job.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateQueue {
    #[schema(example = "critical")]
    pub name: String,
    /// How many of its jobs may be active at once.
    #[schema(minimum = 0)]
    pub concurrency: Option<i64>,
}

/// What can be changed of a queue.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PatchQueue {
    /// How many of its jobs may be active at once; null for no limit.
    #[serde(deserialize_with = "present")]
    #[schema(value_type = Option<i64>, minimum = 0)]
    pub concurrency: Option<i64>,
    /// For the record.
    #[serde(default)]
    pub reason: Option<String>,
}

/// `null` is a value here, and leaving the field out is a mistake.
fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    Option::deserialize(deserializer)
}

/// A process that runs jobs, from its start to its end.
#[derive(Debug, Serialize, ToSchema)]
pub struct Worker {
    /// New for every start.
    pub id: String,
    pub host: String,
    pub pid: i32,
    /// What tells this start of the process from the one before.
    pub incarnation: String,
    pub version: String,
    /// `online`, `cordoned`, `draining` or `lost`.
    #[schema(example = "online")]
    pub state: String,
    /// Why it is cordoned or draining, and who said so.
    pub reason: Option<String>,
    pub actor: Option<String>,
    /// `*` is every queue.
    pub queues: Vec<String>,
    pub kinds: Vec<String>,
    pub slots: i32,
    /// As of its last heartbeat.
    pub busy: i32,
    #[serde(serialize_with = "serialize")]
    pub started_at: OffsetDateTime,
    #[serde(serialize_with = "serialize")]
    pub seen_at: OffsetDateTime,
    pub heartbeat_age_ms: i64,
}

/// How often, or how many at once.
#[derive(Debug, Serialize, ToSchema)]
pub struct Limit {
    pub name: String,
    /// `global`, `queue`, `kind` or `tenant`.
    #[schema(example = "kind")]
    pub scope: String,
    /// Which queue, kind or tenant.
    pub value: Option<String>,
    /// `rate`: a token bucket. `concurrency`: so many active at once.
    #[schema(example = "rate")]
    pub mode: String,
    pub limit: i32,
    /// For a rate: `limit` in so many seconds.
    pub window_s: Option<f64>,
    /// For a rate: how many at once after a rest.
    pub burst: Option<i32>,
    pub enabled: bool,
    /// For concurrency: how many are active now.
    pub active: Option<i64>,
    /// For a rate: how many may start at once now.
    pub tokens: Option<f64>,
    /// For a rate: when the next may start.
    #[serde(serialize_with = "serialize_option")]
    pub free_at: Option<OffsetDateTime>,
    /// How many due jobs it holds back now; 10,001 means more than ten thousand.
    pub held_back: i64,
    pub actor: String,
    #[serde(serialize_with = "serialize")]
    pub updated_at: OffsetDateTime,
}

/// A limit that shall hold from now on.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PutLimit {
    /// The same name again changes the limit.
    #[schema(example = "email rate")]
    pub name: String,
    /// `global`, `queue`, `kind` (or `job_type`) or `tenant`.
    #[schema(example = "kind")]
    pub scope: String,
    /// Which queue, kind or tenant; nothing for `global`.
    #[serde(alias = "scope_value", alias = "scopeValue")]
    pub value: Option<String>,
    /// `rate` unless said otherwise, or `concurrency`.
    pub mode: Option<String>,
    #[schema(minimum = 0)]
    pub limit: i64,
    /// For a rate: the window, one second unless said otherwise.
    #[serde(alias = "window_s", alias = "window_seconds", alias = "windowSeconds")]
    #[schema(value_type = Option<String>, example = "1m")]
    pub window: Option<Span>,
    /// For a rate: how many at once after a rest; as many as `limit` unless said otherwise.
    #[schema(minimum = 1)]
    pub burst: Option<i64>,
    pub enabled: Option<bool>,
    /// For the record.
    pub reason: Option<String>,
}

/// What payloads of a kind look like.
#[derive(Debug, Serialize, ToSchema)]
pub struct Schema {
    pub kind: String,
    pub version: i32,
    #[schema(value_type = Object)]
    pub schema: Box<serde_json::value::RawValue>,
    /// `built in`, or who registered it.
    pub actor: String,
    #[serde(serialize_with = "serialize_option")]
    pub created_at: Option<OffsetDateTime>,
}

/// A schema that shall hold for new jobs from now on.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PutSchema {
    /// The next version unless said otherwise.
    #[schema(minimum = 1)]
    pub version: Option<i32>,
    /// A JSON Schema. It may not refer to anything outside itself.
    #[schema(value_type = Object)]
    pub schema: Box<serde_json::value::RawValue>,
}
