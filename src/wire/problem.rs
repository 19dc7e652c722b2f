//! Errors, as RFC 9457 says them.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// `application/problem+json`: what happened, why, and what to do.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// A stable URN for the kind of problem: `urn:provost:problem:` and the code.
    #[serde(rename = "type")]
    #[schema(example = "urn:provost:problem:invalid_state")]
    pub kind: String,
    /// The kind of problem in words.
    #[schema(example = "Not possible in this state")]
    pub title: String,
    pub status: u16,
    /// What happened this time, and what to do.
    pub detail: String,
    /// Stable, for programs.
    #[schema(example = "invalid_state")]
    pub code: String,
    /// The id of this request, also in the `X-Request-Id` header and in the log.
    pub request_id: String,
    /// Which fields or parameters are wrong.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldProblem>,
    /// The present status of the thing, when that is what stands in the way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current_status: Option<String>,
}

/// What is wrong with one field of the body or one parameter of the URL.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FieldProblem {
    #[schema(example = "name")]
    pub field: String,
    #[schema(example = "must not be empty or only spaces")]
    pub message: String,
}

impl FieldProblem {
    pub fn new(field: impl Into<String>, message: impl ToString) -> Self {
        Self { field: field.into(), message: message.to_string() }
    }
}
