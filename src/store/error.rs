//! Errors of the database, classified by SQLSTATE and never by message.

use std::sync::Arc;

use deadpool_postgres::{PoolError, TimeoutType};
use tokio_postgres::error::SqlState;

/// Why a statement failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database cannot be reached or does not accept statements now. Retry later.
    #[error("database unavailable at {statement}")]
    Unavailable { statement: &'static str, source: Box<dyn std::error::Error + Send + Sync> },
    /// The statement timed out or lost to concurrent ones.
    #[error("database too busy for {statement}")]
    Busy { statement: &'static str, source: Option<tokio_postgres::Error> },
    /// PostgreSQL cannot store a value that passed validation.
    #[error("database refused a value in {statement}")]
    Unstorable { statement: &'static str, source: tokio_postgres::Error },
    /// An SQL function of Provost refused the request, with one of its own SQLSTATEs (PV001 and so on).
    #[error("{reason}")]
    Refused { code: Refusal, reason: String },
    /// A bug: the statement does not fit the schema.
    #[error("statement {statement} failed")]
    Broken { statement: &'static str, source: tokio_postgres::Error },
    /// The database contains a value that this version does not know.
    #[error("unknown {what} {value:?} in the database")]
    UnknownValue { what: &'static str, value: String },
}

/// Why an SQL function refuses a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The queue is draining and accepts no new jobs.
    Draining,
    /// The idempotency key was used for another request.
    KeyReused,
    /// A dependency does not exist.
    NoDependency,
}

impl StoreError {
    /// Classifies an error of the driver.
    pub fn from_driver(statement: &'static str, error: tokio_postgres::Error) -> Self {
        let Some(state) = error.code() else {
            return match error.is_closed() || is_io(&error) {
                true => Self::Unavailable { statement, source: error.into() },
                false => Self::Broken { statement, source: error },
            };
        };
        let reason = || error.as_db_error().map(|it| it.message().to_owned()).unwrap_or_default();
        match (state.code(), state.code().get(..2).unwrap_or_default()) {
            ("PV001", _) => Self::Refused { code: Refusal::Draining, reason: reason() },
            ("PV002", _) => Self::Refused { code: Refusal::KeyReused, reason: reason() },
            ("PV005", _) => Self::Refused { code: Refusal::NoDependency, reason: reason() },
            // Connection exceptions; shutdown and startup; read-only transactions, as on a standby.
            (_, "08") | ("57P01" | "57P02" | "57P03" | "57P05" | "25006", _) => {
                Self::Unavailable { statement, source: error.into() }
            }
            // Too many clients, out of memory, disk full.
            (_, "53") => Self::Unavailable { statement, source: error.into() },
            _ if is_contention(state) || *state == SqlState::QUERY_CANCELED => {
                Self::Busy { statement, source: Some(error) }
            }
            (_, "22") | ("54001", _) => Self::Unstorable { statement, source: error },
            _ => Self::Broken { statement, source: error },
        }
    }

    /// Classifies an error of the pool. Waiting too long for a connection does not mean that the database is unavailable.
    pub fn from_pool(statement: &'static str, error: PoolError) -> Self {
        match error {
            PoolError::Timeout(TimeoutType::Wait) => Self::Busy { statement, source: None },
            error => Self::Unavailable { statement, source: error.into() },
        }
    }

    /// The error of a shared statement, for one of its requests.
    pub fn shared(error: Arc<Self>) -> Self {
        match *error {
            Self::Busy { statement, .. } => Self::Busy { statement, source: None },
            Self::Unavailable { statement, .. } => Self::Unavailable { statement, source: error.into() },
            _ => Self::Unavailable { statement: "a shared statement", source: error.into() },
        }
    }

    /// Whether a later retry may succeed.
    pub fn is_temporary(&self) -> bool {
        matches!(self, Self::Unavailable { .. } | Self::Busy { .. })
    }

    /// Whether the statement lost to concurrent ones and can be sent again at once.
    pub fn is_contention(&self) -> bool {
        matches!(self, Self::Busy { source: Some(error), .. } if error.code().is_some_and(is_contention))
    }

    /// Whether a row was finished by another transaction while the statement waited for it. The statement has changed nothing.
    pub fn is_conflict(&self) -> bool {
        matches!(self, Self::Busy { source: Some(error), .. } if error.code() == Some(&SqlState::T_R_SERIALIZATION_FAILURE))
    }

    /// Whether another transaction held a lock for longer than a statement waits. A retry would wait as long again.
    pub fn is_lock_timeout(&self) -> bool {
        matches!(self, Self::Busy { source: Some(error), .. } if error.code() == Some(&SqlState::LOCK_NOT_AVAILABLE))
    }
}

fn is_contention(state: &SqlState) -> bool {
    [SqlState::T_R_SERIALIZATION_FAILURE, SqlState::T_R_DEADLOCK_DETECTED, SqlState::LOCK_NOT_AVAILABLE].contains(state)
}

fn is_io(error: &tokio_postgres::Error) -> bool {
    std::error::Error::source(error).is_some_and(|cause| cause.is::<std::io::Error>())
}
