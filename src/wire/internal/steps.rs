//! The steps of an operation that a remote worker performs.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;
use uuid::Uuid;

/// A change of the state of a step. Record `running` before the step acts.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RecordStep {
    pub job_id: Uuid,
    /// From 0, in the order of execution.
    #[schema(minimum = 0, maximum = 999)]
    pub position: i32,
    #[schema(example = "database")]
    pub name: String,
    /// `running`, `done`, `failed`, `undoing`, `undone`, `undo_failed` or `skipped`.
    #[schema(example = "running")]
    pub state: String,
    /// A short name of the failure, for programs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// Required for `failed` and `undo_failed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Whether another attempt may succeed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retryable: Option<bool>,
    /// What the step produced: an object, without secrets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub output: Option<Box<RawValue>>,
}

/// What the operation is to stop for.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct StepReply {
    /// `cancel` or `delete`: stop before the next step.
    pub stop_request: Option<String>,
}

/// A step that an earlier attempt recorded.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct EarlierStep {
    pub position: i32,
    pub name: String,
    pub state: String,
    pub code: Option<String>,
    pub error: Option<String>,
    pub retryable: Option<bool>,
    #[schema(value_type = Option<Object>)]
    pub output: Option<Box<RawValue>>,
}

/// A secret of the project: to read it, or with a value to store it.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SecretRequest {
    pub job_id: Uuid,
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}

/// The value of a secret, if there is one of that name.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct SecretReply {
    pub value: Option<String>,
}

/// Asks for the token of an attempt.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RunTokenRequest {
    pub job_id: Uuid,
}

/// The password of the user with the id of the attempt. Null: the server has no key for secrets.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct RunTokenReply {
    pub token: Option<String>,
}
