//! Failures of PostgreSQL, classified by SQLSTATE.

use tokio_postgres::Error;

use crate::provision::Failure;

/// A login was refused.
pub const LOGIN_REFUSED: &str = "login_refused";
/// All connections that the database allows are in use.
pub const DATABASE_FULL: &str = "database_full";

/// A failure of the cluster. `what` begins the message.
pub fn failure(what: &str, error: &Error) -> Failure {
    let Some(database) = error.as_db_error() else {
        let cause = std::error::Error::source(error).map_or_else(|| error.to_string(), |cause| cause.to_string());
        return Failure::retryable(Failure::UNREACHABLE, format!("{what}: {cause}"));
    };
    let state = database.code().code();
    let detail = database.detail().map(|it| format!(" ({it})")).unwrap_or_default();
    let message = format!("{what}: {}{detail}", database.message());
    match (state, state.get(..2).unwrap_or_default()) {
        ("57P01" | "57P02" | "57P03" | "57P05", _) | (_, "08") => Failure::retryable(Failure::UNREACHABLE, message),
        ("28P01" | "28000", _) => Failure::retryable(LOGIN_REFUSED, message),
        // PostgreSQL has no code of its own for this limit, and the text of the message depends on the language of the server.
        ("53300", _) if database.routine() == Some("CheckMyDatabase") => Failure::retryable(DATABASE_FULL, message),
        ("53300", _) => Failure::retryable(Failure::FULL, message),
        // Another operation has the lock, such as a copy of the database.
        ("55P03", _) => Failure::retryable(Failure::BUSY, message),
        (_, "53") => Failure::retryable("out_of_resources", message),
        ("42501", _) => Failure::permanent("insufficient_privilege", message),
        ("58P01" | "0A000" | "22023", _) => Failure::permanent("not_supported", message),
        _ => Failure::retryable(&format!("postgres_{}", state.to_lowercase()), message),
    }
}

/// Whether something of the name exists already: somebody else was faster.
pub fn exists_already(failure: &Failure) -> bool {
    // duplicate_database, duplicate_object, unique_violation.
    ["postgres_42p04", "postgres_42710", "postgres_23505"].contains(&failure.code.as_str())
}
