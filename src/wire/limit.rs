//! Rate and concurrency limits.

use ::time::OffsetDateTime;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::duration::HumanDuration;
use super::time::{serialize, serialize_option};

/// A rate or concurrency limit, with its current use.
#[derive(Debug, Serialize, ToSchema)]
pub struct Limit {
    pub name: String,
    /// `global`, `queue`, `kind` or `tenant`.
    #[schema(example = "kind")]
    pub scope: String,
    /// The queue, kind or tenant that the limit applies to.
    pub value: Option<String>,
    /// `rate` (a token bucket) or `concurrency` (a maximum number of active jobs).
    #[schema(example = "rate")]
    pub mode: String,
    /// Starts per window for a rate; active jobs for concurrency.
    pub limit: i32,
    /// Rate only: the length of the window, in seconds.
    pub window_s: Option<f64>,
    /// Rate only: how many jobs may start at once after an idle period.
    pub burst: Option<i32>,
    pub enabled: bool,
    /// Concurrency only: active jobs.
    pub active: Option<i64>,
    /// Rate only: how many jobs may start now.
    pub tokens: Option<f64>,
    /// Rate only: when the next job may start.
    #[serde(serialize_with = "serialize_option")]
    pub free_at: Option<OffsetDateTime>,
    /// Due jobs that the limit holds back; 10,001 means more than 10,000.
    pub held_back: i64,
    pub actor: String,
    #[serde(serialize_with = "serialize")]
    pub updated_at: OffsetDateTime,
}

/// A limit to create or replace.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PutLimit {
    /// An existing limit with this name is replaced.
    #[schema(example = "email rate")]
    pub name: String,
    /// `global`, `queue`, `kind` (or `job_type`) or `tenant`.
    #[schema(example = "kind")]
    pub scope: String,
    /// The queue, kind or tenant that the limit applies to; omit for `global`.
    #[serde(alias = "scope_value", alias = "scopeValue")]
    pub value: Option<String>,
    /// `rate` (the default) or `concurrency`.
    pub mode: Option<String>,
    /// Starts per window for a rate; active jobs for concurrency.
    #[schema(minimum = 0)]
    pub limit: i64,
    /// Rate only: the length of the window. Default: one second.
    #[serde(alias = "window_s", alias = "window_seconds", alias = "windowSeconds")]
    #[schema(value_type = Option<String>, example = "1m")]
    pub window: Option<HumanDuration>,
    /// Rate only: how many jobs may start at once after an idle period. Default: `limit`.
    #[schema(minimum = 1)]
    pub burst: Option<i64>,
    pub enabled: Option<bool>,
    /// Recorded with the event.
    pub reason: Option<String>,
}
