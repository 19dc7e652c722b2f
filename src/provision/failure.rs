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
    /// The code if another operation keeps the resource locked.
    pub const BUSY: &str = "resource_locked";

    /// Whether the operation waits until this is over, and does not count it as a failure.
    pub fn is_outage(&self) -> bool {
        [Self::UNREACHABLE, Self::FULL, Self::BUSY].contains(&self.code.as_str())
    }

    /// The codes of a look that this process cannot take, and another one perhaps can: it knows no such cluster, the resource is in
    /// that of another host, or it has no program, no key or no address of a server.
    pub const UNKNOWN_CLUSTER: &str = "unknown_cluster";
    pub const OTHER_HOST: &str = "other_host";
    pub const NO_PROGRAM: &str = "no_program";
    pub const NO_KEY: &str = "no_key";
    pub const NO_ADDRESS: &str = "no_address";

    /// Whether the failure of a look says something about this process only.
    pub fn is_for_others(&self) -> bool {
        [Self::UNKNOWN_CLUSTER, Self::OTHER_HOST, Self::NO_PROGRAM, Self::NO_KEY, Self::NO_ADDRESS]
            .contains(&self.code.as_str())
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
