//! Why a step failed.

use super::recorder::RecordError;

/// A failure of a step. The message is shown to users: it says what happened, why, and what to do, and contains no secrets.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// A short, stable name for programs, such as `quota_exceeded`.
    pub code: String,
    pub message: String,
    /// Whether another attempt may succeed.
    pub is_retryable: bool,
}

impl Failure {
    /// A failure that a later attempt may not meet again.
    pub fn retryable(code: &str, message: impl Into<String>) -> Self {
        Self { code: code.to_owned(), message: message.into(), is_retryable: true }
    }

    /// A failure that would repeat itself.
    pub fn permanent(code: &str, message: impl Into<String>) -> Self {
        Self { code: code.to_owned(), message: message.into(), is_retryable: false }
    }

    /// The code if the place of the resource cannot be reached.
    pub const UNREACHABLE: &str = "cluster_unreachable";
    /// The code if that place has no room at present, such as a free connection.
    pub const FULL: &str = "cluster_full";

    /// Whether the operation waits until this is over, and does not count it as a failure.
    pub fn is_outage(&self) -> bool {
        [Self::UNREACHABLE, Self::FULL].contains(&self.code.as_str())
    }

    /// The code for invalid parameters or settings.
    pub const INVALID: &str = "invalid_parameters";
    /// The code of a step that was interrupted because the operation is to stop.
    pub const CANCELED: &str = "canceled";
    /// The code if a provisioner does not look at its projects.
    pub const NOT_OBSERVABLE: &str = "not_observable";

    pub fn not_observable() -> Self {
        Self::permanent(Self::NOT_OBSERVABLE, "the provisioner does not look at its projects")
    }
}

impl From<RecordError> for Failure {
    fn from(error: RecordError) -> Self {
        Self::retryable("record_failed", error.to_string())
    }
}
