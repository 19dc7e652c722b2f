//! Errors of the database, classified by SQLSTATE and never by message.

use std::sync::Arc;

use deadpool::managed::{PoolError, TimeoutType};
use tokio_postgres::error::SqlState;

use crate::connection::ConnectError;
use crate::domain::Outage;

/// Why a statement failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database cannot be reached or does not accept statements now. Retry later.
    #[error("database unavailable ({outage}) at {statement}")]
    Unavailable { statement: &'static str, outage: Outage, source: Box<dyn std::error::Error + Send + Sync> },
    /// The statement was not executed, because its session is not what it needs. Another session may be.
    #[error("the session does not fit {statement}")]
    Session { statement: &'static str, source: tokio_postgres::Error },
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
                true => Self::Unavailable { statement, outage: Outage::NoConnection, source: error.into() },
                false => Self::Broken { statement, source: error },
            };
        };
        if let Some(outage) = outage(state) {
            return Self::Unavailable { statement, outage, source: error.into() };
        }
        let reason = || error.as_db_error().map(|it| it.message().to_owned()).unwrap_or_default();
        match (state.code(), state.code().get(..2).unwrap_or_default()) {
            ("PV001", _) => Self::Refused { code: Refusal::Draining, reason: reason() },
            ("PV002", _) => Self::Refused { code: Refusal::KeyReused, reason: reason() },
            ("PV005", _) => Self::Refused { code: Refusal::NoDependency, reason: reason() },
            // A plan whose tables were changed, also one of a function, a prepared statement that is gone, or one of another session.
            ("0A000" | "26000" | "42P05" | "42804", _) => Self::Session { statement, source: error },
            _ if is_contention(state) || *state == SqlState::QUERY_CANCELED => {
                Self::Busy { statement, source: Some(error) }
            }
            (_, "22") | ("54001", _) => Self::Unstorable { statement, source: error },
            _ => Self::Broken { statement, source: error },
        }
    }

    /// Classifies an error of the pool. Waiting too long for a connection does not mean that the database is unavailable.
    pub fn from_pool(statement: &'static str, error: PoolError<ConnectError>) -> Self {
        match error {
            PoolError::Timeout(TimeoutType::Wait) => Self::Busy { statement, source: None },
            PoolError::Backend(error) => Self::from_connect(statement, error),
            error => Self::Unavailable { statement, outage: Outage::NoConnection, source: error.into() },
        }
    }

    /// Classifies why no connection was opened.
    pub fn from_connect(statement: &'static str, error: ConnectError) -> Self {
        Self::Unavailable { statement, outage: error.outage(), source: error.into() }
    }

    /// A server that stopped answering.
    pub fn silent(statement: &'static str) -> Self {
        let source = "the server does not answer".into();
        Self::Unavailable { statement, outage: Outage::NoConnection, source }
    }

    /// The error of a shared statement, for one of its requests.
    pub fn shared(error: Arc<Self>) -> Self {
        match *error {
            Self::Busy { statement, .. } => Self::Busy { statement, source: None },
            Self::Unavailable { statement, outage, .. } => {
                Self::Unavailable { statement, outage, source: error.into() }
            }
            _ => Self::Unavailable {
                statement: "a shared statement",
                outage: Outage::NoConnection,
                source: error.into(),
            },
        }
    }

    /// Why the database cannot be used, if that is the reason.
    pub fn outage(&self) -> Option<Outage> {
        match self {
            Self::Unavailable { outage, .. } => Some(*outage),
            _ => None,
        }
    }

    /// Whether the session should not run further statements: it is broken, or not what they need.
    pub fn condemns_session(&self) -> bool {
        self.is_of_session() || self.outage() == Some(Outage::NoConnection)
    }

    /// Whether the statement has changed nothing and another session may run it.
    pub fn is_of_session(&self) -> bool {
        matches!(self, Self::Session { .. } | Self::Unavailable { outage: Outage::ReadOnly, .. })
    }

    /// Whether a later retry may succeed.
    pub fn is_temporary(&self) -> bool {
        matches!(self, Self::Unavailable { .. } | Self::Busy { .. } | Self::Session { .. })
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

impl ConnectError {
    /// Why the database cannot be used.
    pub fn outage(&self) -> Outage {
        let refused = self.refusal().and_then(|refusal| outage(refusal.code()?));
        let read_only = self.is_read_only().then_some(Outage::ReadOnly);
        let settings = self.is_without_triggers().then_some(Outage::WrongSettings);
        refused.or(read_only).or(settings).unwrap_or(Outage::NoConnection)
    }
}

/// The outage that an error of the server shows.
pub(super) fn outage(state: &SqlState) -> Option<Outage> {
    let code = state.code();
    Some(match (code, code.get(..2).unwrap_or_default()) {
        ("25006", _) => Outage::ReadOnly,
        ("53100" | "58030", _) => Outage::StorageFull,
        ("53300", _) => Outage::TooManyConnections,
        ("42501", _) => Outage::MissingPrivilege,
        ("3F000" | "42P01", _) => Outage::SchemaMissing,
        ("3D000", _) | (_, "28") => Outage::LoginRefused,
        // Connection exceptions; shutdown and startup; out of memory.
        ("57P01" | "57P02" | "57P03" | "57P04" | "57P05" | "25P03", _) | (_, "08" | "53") => Outage::NoConnection,
        _ => return None,
    })
}

fn is_contention(state: &SqlState) -> bool {
    [SqlState::T_R_SERIALIZATION_FAILURE, SqlState::T_R_DEADLOCK_DETECTED, SqlState::LOCK_NOT_AVAILABLE].contains(state)
}

fn is_io(error: &tokio_postgres::Error) -> bool {
    std::error::Error::source(error).is_some_and(|cause| cause.is::<std::io::Error>())
}
