//! Errors, as RFC 9457 problem details.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// `application/problem+json`: what happened, why, and what to do.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// Stable URN of the kind of problem: `urn:provost:problem:` followed by the code.
    #[serde(rename = "type")]
    #[schema(example = "urn:provost:problem:invalid_state")]
    pub kind: String,
    /// Short name of the kind of problem.
    #[schema(example = "Invalid state")]
    pub title: String,
    pub status: u16,
    /// What happened in this case and what to do.
    pub detail: String,
    /// Stable code for programs.
    #[schema(example = "invalid_state")]
    pub code: String,
    /// The request id, also in the `X-Request-Id` header and in the log.
    pub request_id: String,
    /// Invalid fields or parameters.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldProblem>,
    /// The entity's current state, if the state prevents the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current_status: Option<String>,
}

/// What is wrong with one field of the body or one parameter of the URL.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FieldProblem {
    #[schema(example = "name")]
    pub field: String,
    #[schema(example = "must not be empty")]
    pub message: String,
}

impl FieldProblem {
    pub fn new(field: impl Into<String>, message: impl ToString) -> Self {
        Self { field: field.into(), message: message.to_string() }
    }
}
