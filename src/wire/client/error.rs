//! Client errors.

use reqwest::StatusCode;

use crate::wire::Problem;

/// Why a request did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    #[error("{0:?} is not a server address; use a URL like http://127.0.0.1:8080")]
    Address(String),
    /// The server refused the request.
    #[error("{}", .0.detail)]
    Refused(Box<Problem>),
    #[error("no server responds at {address}")]
    Unreachable { address: String, source: reqwest::Error },
    /// A temporary error that is not from Provost, for example from a proxy.
    #[error("{address} responds with {status}")]
    Failing { address: String, status: StatusCode },
    /// The response is not from Provost, or from an incompatible version.
    #[error("the response from {address} is not a Provost response: {why}")]
    Unexpected { address: String, why: String },
    /// Dry run: holds the request as JSON.
    #[error("nothing was sent")]
    DryRun(String),
}

impl ClientError {
    /// Whether a later retry may succeed.
    pub fn is_temporary(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Failing { .. } => true,
            Self::Refused(problem) => is_temporary_status(problem.status),
            Self::Address(_) | Self::Unexpected { .. } | Self::DryRun(_) => false,
        }
    }

    /// The stable code of a problem.
    pub fn code(&self) -> Option<&str> {
        if let Self::Refused(problem) = self { Some(&problem.code) } else { None }
    }
}

pub(super) fn is_temporary_status(status: u16) -> bool {
    status >= 500 || status == 429 || status == 408
}
