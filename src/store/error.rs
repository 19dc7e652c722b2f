//! What can go wrong between us and the database, told apart by SQLSTATE and never by text.

use std::sync::Arc;

use deadpool_postgres::{PoolError, TimeoutType};
use tokio_postgres::error::SqlState;

/// Why a statement did not answer.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database is not there, or not for us, right now. Trying later is right.
    #[error("database unavailable at {statement}")]
    Unavailable { statement: &'static str, source: Box<dyn std::error::Error + Send + Sync> },
    /// It is there, but could not do this in time or against others.
    #[error("database too busy for {statement}")]
    Busy { statement: &'static str, source: Option<tokio_postgres::Error> },
    /// A value that the checks let through cannot be stored.
    #[error("database refused a value in {statement}")]
    Unstorable { statement: &'static str, source: tokio_postgres::Error },
    /// The statement says no, and why: the codes PV001 and so on of our own functions.
    #[error("{why}")]
    Refused { code: Refusal, why: String },
    /// Our own mistake.
    #[error("statement {statement} failed")]
    Broken { statement: &'static str, source: tokio_postgres::Error },
    /// A word in the database that this version does not know.
    #[error("unknown {what} {word:?} in the database")]
    UnknownWord { what: &'static str, word: String },
}

/// What our SQL functions refuse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The queue takes no new jobs.
    Draining,
    /// The idempotency key was used for something else.
    KeyReused,
    /// It would depend on a job that is not there.
    NoDependency,
}

impl StoreError {
    /// Sorts an error of the driver.
    pub fn from_driver(statement: &'static str, error: tokio_postgres::Error) -> Self {
        let Some(state) = error.code() else {
            return match error.is_closed() || is_io(&error) {
                true => Self::Unavailable { statement, source: error.into() },
                false => Self::Broken { statement, source: error },
            };
        };
        let why = || error.as_db_error().map(|it| it.message().to_owned()).unwrap_or_default();
        match (state.code(), state.code().get(..2).unwrap_or_default()) {
            ("PV001", _) => Self::Refused { code: Refusal::Draining, why: why() },
            ("PV002", _) => Self::Refused { code: Refusal::KeyReused, why: why() },
            ("PV005", _) => Self::Refused { code: Refusal::NoDependency, why: why() },
            // Connection exceptions; shutting down, starting up; read only, as a standby is.
            (_, "08") | ("57P01" | "57P02" | "57P03" | "57P05" | "25006", _) => {
                Self::Unavailable { statement, source: error.into() }
            }
            // Too many clients, no memory, no disk.
            (_, "53") => Self::Unavailable { statement, source: error.into() },
            _ if is_contention(state) || *state == SqlState::QUERY_CANCELED => {
                Self::Busy { statement, source: Some(error) }
            }
            (_, "22") | ("54001", _) => Self::Unstorable { statement, source: error },
            _ => Self::Broken { statement, source: error },
        }
    }

    /// Sorts an error of the pool: all connections in use is not the same as no database.
    pub fn from_pool(statement: &'static str, error: PoolError) -> Self {
        match error {
            PoolError::Timeout(TimeoutType::Wait) => Self::Busy { statement, source: None },
            error => Self::Unavailable { statement, source: error.into() },
        }
    }

    /// What was temporary for a whole group, for one of it.
    pub fn shared(error: Arc<Self>) -> Self {
        match *error {
            Self::Busy { statement, .. } => Self::Busy { statement, source: None },
            Self::Unavailable { statement, .. } => Self::Unavailable { statement, source: error.into() },
            _ => Self::Unavailable { statement: "a group", source: error.into() },
        }
    }

    /// Whether trying again later may go better.
    pub fn is_temporary(&self) -> bool {
        matches!(self, Self::Unavailable { .. } | Self::Busy { .. })
    }

    /// Whether the same statement may simply be sent again at once.
    pub fn is_contention(&self) -> bool {
        matches!(self, Self::Busy { source: Some(error), .. } if error.code().is_some_and(is_contention))
    }

    /// Whether somebody else held a row for longer than a statement waits. To wait as long again would only hold up others.
    pub fn waited_for_a_lock(&self) -> bool {
        matches!(self, Self::Busy { source: Some(error), .. } if error.code() == Some(&SqlState::LOCK_NOT_AVAILABLE))
    }
}

fn is_contention(state: &SqlState) -> bool {
    [SqlState::T_R_SERIALIZATION_FAILURE, SqlState::T_R_DEADLOCK_DETECTED, SqlState::LOCK_NOT_AVAILABLE].contains(state)
}

fn is_io(error: &tokio_postgres::Error) -> bool {
    std::error::Error::source(error).is_some_and(|cause| cause.is::<std::io::Error>())
}
