//! Logs in to the database of a project as its tenant, to see whether that works.

use super::error::DATABASE_FULL;
use super::link::Link;
use super::names::Names;
use crate::connection::Connector;
use crate::provision::Failure;
use crate::provision::inspect::Secrets;

/// The code if it cannot be said whether the credential can log in. It does not say that the cluster is unreachable: a tenant can end
/// the session of the look.
const LOGIN_UNKNOWN: &str = "login_unknown";

/// What a login with the stored password has shown.
pub enum Login {
    Works,
    /// All connections that the database allows are in use.
    NoneLeft,
    Fails(Failure),
}

/// Logs in as the tenant.
///
/// # Errors
/// If that says nothing about the project: the password cannot be read, or the cluster does not answer.
pub async fn log_in(
    connector: &Connector,
    names: &Names,
    credential: &str,
    secrets: &dyn Secrets,
) -> Result<Login, Failure> {
    let Some(password) = secrets.secret(credential).await? else {
        let message = "the password of the credential is not stored";
        return Ok(Login::Fails(Failure::permanent("no_secret", message)));
    };
    let connector = connector.clone().with_login(credential, password.reveal(), &names.database);
    let Err(refused) = Link::raw(&connector, "the credential cannot log in").await else { return Ok(Login::Works) };
    match refused.code.as_str() {
        DATABASE_FULL => Ok(Login::NoneLeft),
        Failure::UNREACHABLE | Failure::FULL => Err(Failure { code: LOGIN_UNKNOWN.to_owned(), ..refused }),
        _ => Ok(Login::Fails(refused)),
    }
}
