//! Brings the schema up to date: applies missing migrations, then replaces the functions whose file changed. Several processes
//! may start at once. A newer schema is used if it supports this program; newer functions of the same schema are left alone.

use std::time::Duration;

use tokio_postgres::error::SqlState;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, IsolationLevel, Row, Transaction};

use super::schema::{FUNCTIONS, LATER, Part, TABLES, TRIGGERS};
use super::sql::{
    DATABASE_CHANGED_FUNCTIONS, DATABASE_CREATE_SCHEMA, DATABASE_GRANTS, DATABASE_LOCK_MIGRATIONS,
    DATABASE_MIGRATING_SESSION, DATABASE_RECORD_FUNCTIONS, DATABASE_RECORD_MIGRATION, DATABASE_SCHEMA,
    DATABASE_VERSION, Statement,
};
use super::{ConnectError, Connector};
use crate::connection::Opened;
use crate::domain::Outage;
use crate::mutant;

/// Why the schema could not be brought up to date.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    #[error("the database cannot be reached")]
    Unreachable(#[from] ConnectError),
    #[error("the connection was lost")]
    Lost(#[from] tokio_postgres::Error),
    #[error("the server stopped answering")]
    Silent,
    #[error(
        "the database schema has version {found}, which supports programs that know version {supports}, but this program knows version {known}: start a newer provost"
    )]
    Newer { found: i32, supports: i32, known: i32 },
    #[error(
        "the schema provost was made by an unreleased version and cannot be upgraded: drop it with \
         DROP SCHEMA provost CASCADE, which deletes its data, or use another database"
    )]
    Prerelease,
    #[error(
        "the database has the encoding {found}, and Provost stores text of any language, so it needs UTF8: create another \
         database with CREATE DATABASE provost TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C', and name it in DATABASE_URL"
    )]
    Encoding { found: String },
    #[error("{name} could not be applied")]
    Failed { name: String, source: tokio_postgres::Error },
}

impl MigrateError {
    /// Why the database cannot be used, if that is the reason.
    pub fn outage(&self) -> Option<Outage> {
        match self {
            Self::Unreachable(error) => Some(error.outage()),
            Self::Lost(error) | Self::Failed { source: error, .. } => super::error::outage(error.code()?),
            Self::Silent => Some(Outage::NoConnection),
            _ => None,
        }
    }

    /// Whether waiting for the database may help. It does not help against a wrong password or a missing database.
    pub fn is_temporary(&self) -> bool {
        let refusal = match self {
            Self::Unreachable(error) => error.refusal(),
            Self::Lost(error) => Some(error),
            Self::Silent => None,
            _ => return false,
        };
        let code = refusal.and_then(|it| it.code()).map(|state| state.code()).unwrap_or_default();
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
    supports: i32,
}

/// Applies what is missing. Each part is one transaction, with a lock that ends with it in every case, so that a pooler does no harm.
pub async fn migrate(connector: &Connector) -> Result<Migrated, MigrateError> {
    with_connection(connector, apply).await
}

/// Names and texts of what [`migrate`] would apply, in order. Changes nothing.
pub async fn pending(connector: &Connector) -> Result<Vec<(String, String)>, MigrateError> {
    with_connection(connector, async |client| find_pending(&client.transaction().await?).await).await
}

/// Gives a role the rights to serve, or only to read. Returns the statements. Only the owner of the schema can do this.
pub async fn grant(connector: &Connector, role: &str, only_to_read: bool) -> Result<Vec<String>, MigrateError> {
    with_connection(connector, async |client| {
        let transaction = client.transaction().await?;
        let parameters: [Typed<'_>; 2] = [(&role, Type::TEXT), (&only_to_read, Type::BOOL)];
        let rows = transaction.query_typed(DATABASE_GRANTS.text, &parameters).await?;
        let statements = rows.iter().map(|row| row.try_get("statement")).collect::<Result<Vec<String>, _>>()?;
        transaction.batch_execute(&statements.join(";\n")).await?;
        transaction.commit().await?;
        Ok(statements)
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
    let Opened { mut client, connection, endpoint, .. } = connector.open_with_triggers().await?;
    tokio::select! {
        done = work(&mut client) => done,
        () = endpoint.silent() => Err(MigrateError::Silent),
        lost = connection => match lost {
            Err(error) => Err(error.into()),
            // The connection ends without an error only after the client is dropped.
            Ok(()) => std::future::pending().await,
        },
    }
}

async fn find_pending(transaction: &Transaction<'_>) -> Result<Vec<(String, String)>, MigrateError> {
    transaction.batch_execute(DATABASE_MIGRATING_SESSION.text).await?;
    let current = current_version(transaction).await?;
    let mut pending: Vec<_> = missing(current).into_iter().map(|it| (it.name, it.text)).collect();
    // The first migration contains the functions.
    if current.is_some() {
        pending.extend(Functions::new().changed(transaction).await?);
    }
    Ok(pending)
}

async fn apply(client: &mut Client) -> Result<Migrated, MigrateError> {
    let mut migrated = Migrated { version: newest(), applied: 0 };
    // Only an owner can change the schema, and any role can find that there is nothing to change.
    if find_pending(&client.transaction().await?).await?.is_empty() {
        let transaction = client.transaction().await?;
        return match Functions::new().record(&transaction).await {
            Ok(()) => transaction.commit().await.map(|()| migrated).map_err(Into::into),
            // The functions are the same; only the version of the program that applied them may be newer.
            Err(error) if error.code().is_some_and(is_no_right) => Ok(migrated),
            Err(error) => Err(error.into()),
        };
    }
    loop {
        // The lock of another migration must not be older than what is read.
        let transaction = client.build_transaction().isolation_level(IsolationLevel::ReadCommitted).start().await?;
        transaction.batch_execute(DATABASE_MIGRATING_SESSION.text).await?;
        if !one(&transaction, &DATABASE_LOCK_MIGRATIONS).await?.try_get::<_, bool>("locked")? {
            transaction.rollback().await?;
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        }
        if !one(&transaction, &DATABASE_SCHEMA).await?.try_get::<_, bool>("exists")? {
            transaction.batch_execute(DATABASE_CREATE_SCHEMA.text).await?;
        }
        let Some(migration) = missing(current_version(&transaction).await?).into_iter().next() else {
            Functions::new().apply(&transaction, migrated.applied > 0).await?;
            transaction.commit().await?;
            return Ok(migrated);
        };
        let failed = |source| MigrateError::Failed { name: migration.name.clone(), source };
        transaction.batch_execute(&migration.text).await.map_err(failed)?;
        let Migration { version, name, supports, .. } = &migration;
        let record: [Typed<'_>; 3] = [(version, Type::INT4), (name, Type::TEXT), (supports, Type::INT4)];
        transaction.query_typed(DATABASE_RECORD_MIGRATION.text, &record).await?;
        transaction.commit().await?;
        migrated.applied += 1;
    }
}

/// Whether the role, or a database that is read-only, refuses a change.
fn is_no_right(state: &SqlState) -> bool {
    [SqlState::INSUFFICIENT_PRIVILEGE, SqlState::READ_ONLY_SQL_TRANSACTION].contains(state)
}

/// A value with the type of its parameter: nothing is prepared, because a pooler may not know what was.
type Typed<'a> = (&'a (dyn ToSql + Sync), Type);

/// The row of a statement without parameters that always returns one.
async fn one(transaction: &Transaction<'_>, statement: &Statement) -> Result<Row, tokio_postgres::Error> {
    transaction.query_typed_one(statement.text, &[]).await
}

/// The version of the schema, none before the first migration. Refuses a database that cannot store any text, and a schema that this
/// program does not know.
async fn current_version(transaction: &Transaction<'_>) -> Result<Option<i32>, MigrateError> {
    let schema = one(transaction, &DATABASE_SCHEMA).await?;
    let encoding: &str = schema.try_get("encoding")?;
    if encoding != "UTF8" {
        return Err(MigrateError::Encoding { found: encoding.to_owned() });
    }
    if schema.try_get("is_prerelease")? {
        return Err(MigrateError::Prerelease);
    }
    if !schema.try_get::<_, bool>("migrated")? {
        return Ok(None);
    }
    let row = one(transaction, &DATABASE_VERSION).await?;
    let (found, supports) = (row.try_get::<_, Option<i32>>("version")?, row.try_get::<_, Option<i32>>("supports")?);
    let known = newest();
    match (found, supports) {
        (Some(found), Some(supports)) if supports > known => Err(MigrateError::Newer { found, supports, known }),
        _ => Ok(found),
    }
}

/// The migrations after this version.
fn missing(current: Option<i32>) -> Vec<Migration> {
    let first = [TABLES, FUNCTIONS, TRIGGERS].concat();
    let first = first.iter().map(text_of).collect::<Vec<_>>().join("\n");
    let later = LATER.iter().map(|it| (it.part.name.to_owned(), text_of(&it.part), it.supports));
    std::iter::once(("V1__schema".to_owned(), first, 1))
        .chain(later)
        .zip(1..)
        .map(|((name, text, supports), version)| Migration { version, name, text, supports })
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
    async fn changed(&self, transaction: &Transaction<'_>) -> Result<Vec<(String, String)>, MigrateError> {
        let rows = transaction.query_typed(DATABASE_CHANGED_FUNCTIONS.text, &self.parameters()).await?;
        let changed = rows.iter().map(|row| row.try_get::<_, String>("name")).collect::<Result<Vec<_>, _>>()?;
        Ok(self.all().filter(|(name, _)| changed.contains(name)).collect())
    }

    fn all(&self) -> impl Iterator<Item = (String, String)> {
        self.names.iter().map(|name| (*name).to_owned()).zip(self.texts.iter().cloned())
    }

    /// Replaces the changed functions, or all of them, because a migration may have created earlier versions.
    async fn apply(&self, transaction: &Transaction<'_>, all: bool) -> Result<(), MigrateError> {
        let functions = if all { self.all().collect() } else { self.changed(transaction).await? };
        for (name, text) in functions {
            transaction.batch_execute(&text).await.map_err(|source| MigrateError::Failed { name, source })?;
        }
        Ok(self.record(transaction).await?)
    }

    /// Records all functions as applied by this program.
    async fn record(&self, transaction: &Transaction<'_>) -> Result<(), tokio_postgres::Error> {
        transaction.query_typed(DATABASE_RECORD_FUNCTIONS.text, &self.parameters()).await.map(drop)
    }

    fn parameters(&self) -> [Typed<'_>; 3] {
        [(&self.names, Type::TEXT_ARRAY), (&self.texts, Type::TEXT_ARRAY), (&self.program_version, Type::INT4_ARRAY)]
    }
}
