//! Exit codes.

use std::process::ExitCode;

/// The exit code of the process. `provost help exit-codes` documents them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    Success = 0,
    Failure = 1,
    Usage = 2,
    NotFound = 3,
    Denied = 4,
    Conflict = 5,
    Unreachable = 6,
    TimedOut = 7,
    /// Some items of a bulk operation were refused.
    Partial = 8,
    /// Ctrl-C; for a server, a second signal.
    Interrupted = 130,
}

/// Every exit code and its meaning.
pub const MEANINGS: [(Exit, &str); 10] = [
    (Exit::Success, "success"),
    (Exit::Failure, "the operation failed, for example a job failed or an invariant does not hold"),
    (Exit::Usage, "invalid flag, field or setting"),
    (Exit::NotFound, "not found"),
    (Exit::Denied, "not authenticated, or not allowed"),
    (Exit::Conflict, "not possible in the current state, or changed concurrently"),
    (Exit::Unreachable, "the server or its database is unreachable"),
    (Exit::TimedOut, "timed out while waiting"),
    (Exit::Partial, "partial success: some items were refused"),
    (Exit::Interrupted, "interrupted"),
];

/// The list for `provost help exit-codes`.
pub fn help() -> String {
    let lines = MEANINGS.map(|(exit, meaning)| format!("  {:>3}  {meaning}", exit as u8));
    format!("Exit codes:\n\n{}", lines.join("\n"))
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
