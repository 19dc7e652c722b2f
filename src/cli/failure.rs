//! Why a command failed. `report` prints it.

use super::exit::Exit;
use crate::log::chain;
use crate::wire::Problem;
use crate::wire::client::ClientError;

/// Why a command has no result.
#[derive(Debug)]
pub enum Failure {
    Error(Box<Error>),
    /// `--dry-run`: the request that would have been sent, as JSON.
    DryRun(String),
    /// The reader of stdout closed the pipe. This is not an error.
    OutputClosed,
}

/// What happened, why, and what to do.
#[derive(Debug)]
pub struct Error {
    pub exit: Exit,
    pub summary: String,
    pub cause: Option<String>,
    pub hints: Vec<String>,
    pub code: String,
    /// The problem object of the server, if the server refused the request.
    pub problem: Option<Problem>,
    /// Whether a later attempt may succeed.
    pub is_temporary: bool,
}

impl Failure {
    pub fn new(exit: Exit, summary: impl Into<String>) -> Self {
        let code = match exit {
            Exit::Usage => "usage",
            Exit::NotFound => "not_found",
            Exit::Conflict => "invalid_state",
            Exit::TimedOut => "timed_out",
            Exit::Unreachable => "unreachable",
            _ => "failed",
        };
        let (summary, code) = (summary.into(), code.to_owned());
        let error = Error { exit, summary, cause: None, hints: Vec::new(), code, problem: None, is_temporary: false };
        Self::Error(Box::new(error))
    }

    pub fn usage(summary: impl Into<String>) -> Self {
        Self::new(Exit::Usage, summary)
    }

    pub fn cause(mut self, cause: impl Into<String>) -> Self {
        if let Self::Error(error) = &mut self {
            error.cause = Some(cause.into());
        }
        self
    }

    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        if let Self::Error(error) = &mut self {
            error.hints.push(hint.into());
        }
        self
    }

    pub fn is_temporary(&self) -> bool {
        matches!(self, Self::Error(error) if error.is_temporary)
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        let is_temporary = error.is_temporary();
        let mut failure = match error {
            ClientError::DryRun(request) => return Self::DryRun(request),
            ClientError::Refused(problem) => Self::Error(Box::new(Error::refused(*problem))),
            ClientError::Address(_) => Self::usage(error.to_string()),
            ClientError::Unreachable { .. } => {
                Self::new(Exit::Unreachable, error.to_string()).cause(innermost_cause(&error))
            }
            ClientError::Failing { .. } | ClientError::Unexpected { .. } => {
                Self::new(Exit::Unreachable, error.to_string())
            }
        };
        if let Self::Error(error) = &mut failure {
            error.is_temporary = is_temporary;
        }
        failure
    }
}

fn innermost_cause(error: &dyn std::error::Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    chain(innermost)
}

impl Error {
    pub fn refused(problem: Problem) -> Self {
        let exit = match problem.status {
            404 => Exit::NotFound,
            401 | 403 | 421 => Exit::Denied,
            409 | 412 => Exit::Conflict,
            400..=499 => Exit::Usage,
            503 => Exit::Unreachable,
            _ => Exit::Failure,
        };
        // The first sentence of the detail is the summary, the rest is the cause.
        let (summary, cause) = match problem.detail.split_once(". ") {
            Some((summary, cause)) => (summary.to_owned(), Some(cause.to_owned())),
            None => (problem.detail.trim_end_matches('.').to_owned(), None),
        };
        let code = problem.code.clone();
        Self { exit, summary, cause, hints: Vec::new(), code, problem: Some(problem), is_temporary: false }
    }

    /// Whether the server could not be reached at all.
    pub fn is_unreachable(&self) -> bool {
        self.exit == Exit::Unreachable && self.problem.is_none()
    }
}
