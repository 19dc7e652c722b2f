//! The maintenance database of an installation: the place of its advisory locks.
//!
//! Advisory locks belong to a database, and their keys are visible to all logins (`pg_locks`). In a database that tenants may enter, a
//! tenant could take the lock of another project. An admin without superuser rights cannot shut PUBLIC out of `postgres` or
//! `template1`. Therefore each installation has a small database of its own in every cluster: the admin owns it, and no one else
//! may connect.

use super::error::exists_already;
use super::link::{Link, POOLER};
use super::names::Names;
use super::sql;
use crate::connection::Connector;
use crate::provision::Failure;

/// How often the database is looked for. Other attempts may create and close it at the same time.
const TRIES: usize = 5;
/// Failures of a login after which the database must be made: it does not exist, it accepts no connections yet, or this login lacks
/// the right to connect.
const NOT_READY: [&str; 3] = ["postgres_3d000", "postgres_55000", "insufficient_privilege"];

/// Connects to the maintenance database. It is made if it does not exist.
pub async fn open(connector: &Connector, names: &Names) -> Result<Link, Failure> {
    let own = connector.clone().with_database(&names.maintenance);
    for _ in 0..TRIES {
        match Link::open(&own).await {
            Ok(mut link) => {
                if is_ready(&mut link, names).await? {
                    return Ok(link);
                }
            }
            Err(failure) if NOT_READY.contains(&failure.code.as_str()) => {}
            // A pooler does not say that the database does not exist.
            Err(failure) => match Link::open(connector).await {
                Err(pooler) if pooler.code == POOLER => return Err(pooler),
                _ => return Err(failure),
            },
        }
        make(&mut Link::open(connector).await?, names).await?;
    }
    let message = format!("the maintenance database {} cannot be made ready", names.maintenance);
    Err(Failure::retryable("not_fenced", message))
}

async fn is_ready(link: &mut Link, names: &Names) -> Result<bool, Failure> {
    let Some(row) = link.row(sql::MAINTENANCE, &[&names.maintenance]).await? else { return Ok(false) };
    if !row.get::<bool>("is_own")? {
        let (name, owner): (_, String) = (&names.maintenance, row.get("owner")?);
        let message = format!(
            "the database {name} belongs to the role {owner}, and it must belong to the login of this cluster: change its owner, or use that login"
        );
        return Err(Failure::permanent("not_ours", message));
    }
    Ok(row.get::<bool>("is_closed")? && row.get("allows_connections")?)
}

/// Creates the database if it does not exist, and shuts all others out. A tenant that was inside has no way back: `fence`
/// ends the session that holds the lock.
async fn make(link: &mut Link, names: &Names) -> Result<(), Failure> {
    if link.row(sql::MAINTENANCE, &[&names.maintenance]).await?.is_none() {
        match link.run_rows(sql::CREATE_MAINTENANCE, &[&names.maintenance]).await {
            Err(failure) if !exists_already(&failure) => return Err(failure),
            _ => {}
        }
    }
    if is_ready(link, names).await? {
        return Ok(());
    }
    match link.run_rows(sql::CLOSE_MAINTENANCE, &[&names.maintenance, &names.installation_marker]).await {
        // Another attempt has changed the same row at the same time; the caller looks again.
        Err(failure) if failure.code == "postgres_xx000" => Ok(()),
        result => result,
    }
}
