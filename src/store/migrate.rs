//! Brings the schema up to date. Safe when several processes start at once; refuses a schema from the future.

use std::time::Duration;

use refinery::{Migration, Runner};
use tokio_postgres::Client;

use super::Connector;
use super::sql::{
    DATABASE_CREATE_SCHEMA, DATABASE_LOCK_MIGRATIONS, DATABASE_MIGRATING_SESSION, DATABASE_SCHEMA, DATABASE_VERSION,
};
use crate::mutant;

mod embedded {
    refinery::embed_migrations!("sql/migrations");
}

/// Why the schema could not be brought up to date.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    #[error("the database cannot be reached")]
    Unreachable(#[source] tokio_postgres::Error),
    #[error(
        "the database's schema is at version {found}, this program knows versions up to {known}: start a newer provost"
    )]
    Newer { found: i32, known: i32 },
    #[error("migrating failed")]
    Failed(#[from] refinery::Error),
}

impl From<tokio_postgres::Error> for MigrateError {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Unreachable(error)
    }
}

impl MigrateError {
    /// Whether waiting for the database may help. A wrong password or a missing database will not mend themselves.
    pub fn is_temporary(&self) -> bool {
        let Self::Unreachable(error) = self else { return false };
        let code = error.code().map(|state| state.code()).unwrap_or_default();
        !(code.starts_with("28") || code == "3D000" || code == "42501")
    }
}

/// What migrating did.
#[derive(Clone, Copy, Debug)]
pub struct Migrated {
    /// The schema's version now.
    pub version: i32,
    /// How many migrations were applied.
    pub applied: usize,
}

/// Applies what is missing, on a connection of its own: the lock that keeps others out goes with it, whatever happens.
pub async fn migrate(connector: &Connector) -> Result<Migrated, MigrateError> {
    with_connection(connector, apply).await
}

/// What [`migrate`] would apply, in order: names and texts. Changes nothing.
pub async fn pending(connector: &Connector) -> Result<Vec<(String, String)>, MigrateError> {
    let found = with_connection(connector, async |client| found(client).await).await?;
    let is_missing = |version: i32| found.is_none_or(|found| version > found);
    let runner = embedded::migrations::runner();
    let mut missing: Vec<&Migration> = runner.get_migrations().iter().filter(|it| is_missing(it.version())).collect();
    missing.sort_by_key(|it| it.version());
    Ok(missing.into_iter().map(|it| (it.to_string(), it.sql().unwrap_or_default().to_owned())).collect())
}

async fn with_connection<T>(
    connector: &Connector,
    act: impl AsyncFnOnce(&mut Client) -> Result<T, MigrateError>,
) -> Result<T, MigrateError> {
    let (mut client, connection) = connector.connect().await?;
    tokio::select! {
        done = act(&mut client) => done,
        lost = connection => match lost {
            Err(error) => Err(error.into()),
            // The connection only ends by itself when the client is gone, which it is not.
            Ok(()) => std::future::pending().await,
        },
    }
}

/// The version that the schema has; nothing before the first migration. One that we do not know is refused.
async fn found(client: &Client) -> Result<Option<i32>, MigrateError> {
    if !client.query_one(DATABASE_SCHEMA.text, &[]).await?.try_get("migrated")? {
        return Ok(None);
    }
    let found = client.query_one(DATABASE_VERSION.text, &[]).await?.try_get::<_, Option<i32>>("version")?;
    let known = newest();
    match found.filter(|found| *found > known) {
        Some(found) => Err(MigrateError::Newer { found, known }),
        None => Ok(found),
    }
}

/// The newest schema that this program knows.
pub fn newest() -> i32 {
    embedded::migrations::runner().get_migrations().iter().map(|it| it.version()).max().unwrap_or_default()
}

/// Every migration: its name, like `V1__init`, and its text.
pub fn migrations() -> Vec<(String, String)> {
    let runner = embedded::migrations::runner();
    runner.get_migrations().iter().map(|it| (it.to_string(), it.sql().unwrap_or_default().to_owned())).collect()
}

/// What applies them; a build that can be broken may leave a guard out.
fn runner() -> Result<Runner, refinery::Error> {
    let whole = migrations()
        .iter()
        .map(|(name, text)| Migration::unapplied(name, &mutant::migration(name, text)))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(Runner::new(&whole))
}

async fn apply(client: &mut Client) -> Result<Migrated, MigrateError> {
    while !client.query_one(DATABASE_LOCK_MIGRATIONS.text, &[]).await?.try_get::<_, bool>("locked")? {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    if !client.query_one(DATABASE_SCHEMA.text, &[]).await?.try_get::<_, bool>("exists")? {
        client.batch_execute(DATABASE_CREATE_SCHEMA.text).await?;
    }
    let runner = runner()?;
    found(client).await?;
    client.batch_execute(DATABASE_MIGRATING_SESSION.text).await?;
    let report = runner.run_async(client).await?;
    Ok(Migrated { version: newest(), applied: report.applied_migrations().len() })
}
