//! Results of attempts on remote workers.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::wire::duration::HumanDuration;

/// How an attempt ended. An attempt with an empty `error` and an `exit_code` of 0 or none succeeded. At most one of `snooze`,
/// `timed_out`, `released` and `canceled` may be set; each takes precedence over success and failure.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ExecutionResult {
    pub exit_code: Option<i64>,
    pub error: Option<String>,
    /// The result of a successful attempt.
    #[schema(value_type = Option<Object>)]
    pub result: Option<Box<RawValue>>,
    /// Whether a retry may succeed. Default: true.
    pub retryable: Option<bool>,
    /// Delay before the retry. Default: the job's retry policy.
    #[schema(value_type = Option<String>)]
    pub retry_after: Option<HumanDuration>,
    /// Run the job again after this delay. Does not count as a failure.
    #[schema(value_type = Option<String>)]
    pub snooze: Option<HumanDuration>,
    /// The attempt exceeded its timeout.
    pub timed_out: bool,
    /// The worker returns the job unfinished. Does not count as a failure.
    pub released: bool,
    /// The attempt stopped because the job was canceled.
    pub canceled: bool,
    /// Follow-up jobs to enqueue, in the format of `POST /jobs`.
    #[schema(value_type = Vec<Object>)]
    pub next: Vec<Box<RawValue>>,
    /// Speeds up the lookup, and is required to recognize a result that is sent again much later.
    pub job_id: Option<Uuid>,
}

/// The recorded result.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct ResultResponse {
    /// The job's state.
    pub state: String,
    /// The result was already recorded by an earlier request.
    pub duplicate: bool,
}

/// A job to release. The body may be empty.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Release {
    pub job_id: Option<Uuid>,
}
