//! Logs of attempts.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// Output of an attempt: text that is split into lines, or separate lines that may each name a stream.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PostLogs {
    pub content: Option<String>,
    pub lines: Vec<PostLine>,
    /// 1 to 16 lowercase letters. Default: `stdout`.
    pub stream: Option<String>,
    pub job_id: Option<Uuid>,
}

/// One line of output.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PostLine {
    pub line: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream: Option<String>,
}

/// How many lines were stored, and how many were dropped because the log is full.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct LogsResponse {
    pub kept: i64,
    pub dropped: i64,
}

/// Log lines, oldest first.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Logs {
    pub logs: Vec<LogLine>,
}

/// One log line.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct LogLine {
    /// Pass as `?after_id=` to read the lines that follow.
    pub id: i64,
    pub execution_id: Uuid,
    pub content: String,
    /// `stdout`, `stderr`, a name chosen by the handler, or `provost` for lines of the engine.
    pub stream: String,
    #[serde(serialize_with = "crate::wire::time::serialize", deserialize_with = "::time::serde::rfc3339::deserialize")]
    pub created_at: ::time::OffsetDateTime,
}
