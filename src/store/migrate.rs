//! Brings the schema up to date: applies missing migrations, then replaces the functions whose file changed. Several processes
//! may start at once. A schema newer than this program is refused; newer functions of the same schema are left alone.

use std::time::Duration;

use tokio_postgres::Client;

use super::Connector;
use super::schema::{FUNCTIONS, LATER, Part, TABLES, TRIGGERS};
use super::sql::{
    DATABASE_CHANGED_FUNCTIONS, DATABASE_CREATE_SCHEMA, DATABASE_LOCK_MIGRATIONS, DATABASE_MIGRATING_SESSION,
    DATABASE_RECORD_FUNCTIONS, DATABASE_RECORD_MIGRATION, DATABASE_SCHEMA, DATABASE_VERSION,
};
use crate::mutant;

/// Why the schema could not be brought up to date.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    #[error("the database cannot be reached")]
    Unreachable(#[source] tokio_postgres::Error),
    #[error(
        "the database schema has version {found}, but this program supports versions up to {known}: start a newer provost"
    )]
    Newer { found: i32, known: i32 },
    #[error(
        "the schema provost was made by an unreleased version and cannot be upgraded: drop it with \
         DROP SCHEMA provost CASCADE, which deletes its data, or use another database"
    )]
    Prerelease,
    #[error("{name} could not be applied")]
    Failed { name: String, source: tokio_postgres::Error },
}

impl From<tokio_postgres::Error> for MigrateError {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Unreachable(error)
    }
}

impl MigrateError {
    /// Whether waiting for the database may help. It does not help against a wrong password or a missing database.
    pub fn is_temporary(&self) -> bool {
        let Self::Unreachable(error) = self else { return false };
        let code = error.code().map(|state| state.code()).unwrap_or_default();
        !(code.starts_with("28") || code == "3D000" || code == "42501")
    }
}

/// The result of [`migrate`].
#[derive(Clone, Copy, Debug)]
pub struct Migrated {
    /// The version of the schema.
    pub version: i32,
    /// The number of migrations applied.
    pub applied: usize,
}

/// A migration: its version, its name like `V1__schema`, and its text.
struct Migration {
    version: i32,
    name: String,
    text: String,
}

/// Applies what is missing. Uses its own connection: the lock that excludes other processes ends with it in every case.
pub async fn migrate(connector: &Connector) -> Result<Migrated, MigrateError> {
    with_connection(connector, apply).await
}

/// Names and texts of what [`migrate`] would apply, in order. Changes nothing.
pub async fn pending(connector: &Connector) -> Result<Vec<(String, String)>, MigrateError> {
    with_connection(connector, async |client| {
        let current = current_version(client).await?;
        let mut pending: Vec<_> = missing(current).into_iter().map(|it| (it.name, it.text)).collect();
        // The first migration contains the functions.
        if current.is_some() {
            pending.extend(Functions::new().changed(client).await?);
        }
        Ok(pending)
    })
    .await
}

/// The newest schema version that this program knows.
pub const fn newest() -> i32 {
    LATER.len() as i32 + 1
}

async fn with_connection<T>(
    connector: &Connector,
    work: impl AsyncFnOnce(&mut Client) -> Result<T, MigrateError>,
) -> Result<T, MigrateError> {
    let (mut client, connection) = connector.connect().await?;
    tokio::select! {
        done = work(&mut client) => done,
        lost = connection => match lost {
            Err(error) => Err(error.into()),
            // The connection ends without an error only after the client is dropped.
            Ok(()) => std::future::pending().await,
        },
    }
}

async fn apply(client: &mut Client) -> Result<Migrated, MigrateError> {
    while !client.query_one(DATABASE_LOCK_MIGRATIONS.text, &[]).await?.try_get::<_, bool>("locked")? {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    if !client.query_one(DATABASE_SCHEMA.text, &[]).await?.try_get::<_, bool>("exists")? {
        client.batch_execute(DATABASE_CREATE_SCHEMA.text).await?;
    }
    let missing = missing(current_version(client).await?);
    client.batch_execute(DATABASE_MIGRATING_SESSION.text).await?;
    for migration in &missing {
        let transaction = client.transaction().await?;
        let failed = |source| MigrateError::Failed { name: migration.name.clone(), source };
        transaction.batch_execute(&migration.text).await.map_err(failed)?;
        transaction.execute(DATABASE_RECORD_MIGRATION.text, &[&migration.version, &migration.name]).await?;
        transaction.commit().await?;
    }
    Functions::new().apply(client, !missing.is_empty()).await?;
    Ok(Migrated { version: newest(), applied: missing.len() })
}

/// The version of the schema, none before the first migration. Refuses a schema that this program does not know.
async fn current_version(client: &Client) -> Result<Option<i32>, MigrateError> {
    let schema = client.query_one(DATABASE_SCHEMA.text, &[]).await?;
    if schema.try_get("is_prerelease")? {
        return Err(MigrateError::Prerelease);
    }
    if !schema.try_get::<_, bool>("migrated")? {
        return Ok(None);
    }
    let found = client.query_one(DATABASE_VERSION.text, &[]).await?.try_get::<_, Option<i32>>("version")?;
    let known = newest();
    match found.filter(|found| *found > known) {
        Some(found) => Err(MigrateError::Newer { found, known }),
        None => Ok(found),
    }
}

/// The migrations after this version.
fn missing(current: Option<i32>) -> Vec<Migration> {
    let first = [TABLES, FUNCTIONS, TRIGGERS].concat();
    let first = first.iter().map(text_of).collect::<Vec<_>>().join("\n");
    let later = LATER.iter().map(|part| (part.name.to_owned(), text_of(part)));
    std::iter::once(("V1__schema".to_owned(), first))
        .chain(later)
        .zip(1..)
        .map(|((name, text), version)| Migration { version, name, text })
        .filter(|it| current.is_none_or(|current| it.version > current))
        .collect()
}

/// The text of a file as it is applied; a test build may leave out a guard.
fn text_of(part: &Part) -> String {
    mutant::schema(part.name, part.text).into_owned()
}

/// The functions of this program.
struct Functions {
    names: Vec<&'static str>,
    texts: Vec<String>,
    program_version: Vec<i32>,
}

impl Functions {
    fn new() -> Self {
        let version =
            [env!("CARGO_PKG_VERSION_MAJOR"), env!("CARGO_PKG_VERSION_MINOR"), env!("CARGO_PKG_VERSION_PATCH")];
        Self {
            names: FUNCTIONS.iter().map(|it| it.name).collect(),
            texts: FUNCTIONS.iter().map(text_of).collect(),
            program_version: version.iter().map(|it| it.parse().unwrap_or_default()).collect(),
        }
    }

    /// Names and texts of functions whose file changed since it was applied; none if a newer program applied its own.
    async fn changed(&self, client: &Client) -> Result<Vec<(String, String)>, MigrateError> {
        let rows =
            client.query(DATABASE_CHANGED_FUNCTIONS.text, &[&self.names, &self.texts, &self.program_version]).await?;
        let changed = rows.iter().map(|row| row.try_get::<_, String>("name")).collect::<Result<Vec<_>, _>>()?;
        Ok(self.all().filter(|(name, _)| changed.contains(name)).collect())
    }

    fn all(&self) -> impl Iterator<Item = (String, String)> {
        self.names.iter().map(|name| (*name).to_owned()).zip(self.texts.iter().cloned())
    }

    /// Replaces the changed functions, or all of them, because a migration may have created earlier versions.
    async fn apply(&self, client: &mut Client, all: bool) -> Result<(), MigrateError> {
        let functions = if all { self.all().collect() } else { self.changed(client).await? };
        let transaction = client.transaction().await?;
        for (name, text) in functions {
            transaction.batch_execute(&text).await.map_err(|source| MigrateError::Failed { name, source })?;
        }
        transaction.execute(DATABASE_RECORD_FUNCTIONS.text, &[&self.names, &self.texts, &self.program_version]).await?;
        transaction.commit().await?;
        Ok(())
    }
}
