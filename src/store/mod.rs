//! REMEMBERS: the only room that runs SQL. One function per statement in `sql/queries`, of the same name.

mod connect;
pub mod counts;
pub mod database;
mod error;
pub mod events;
mod gather;
pub mod invariants;
pub mod jobs;
pub mod limits;
mod listen;
pub mod logs;
mod migrate;
pub mod projects;
pub mod queues;
pub mod retention;
pub mod schedules;
pub mod schema;
pub mod schemas;
pub mod sql;
pub mod stats;
mod tls;
pub mod workers;
pub mod workflows;

use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::Pool;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use crate::mutant::{self, Mutant};
use crate::signal::Wakeup;
use sql::Statement;

pub use connect::{Connector, UrlError};
pub use error::{Refusal, StoreError};
pub use listen::Subscription;
pub use migrate::{MigrateError, Migrated, migrate, pending};

/// The server gives up on a statement after 5 s (`session.sql`). A server that is stopped or unreachable does not even
/// do that, so we give up a little later ourselves.
const PATIENCE: Duration = Duration::from_secs(6);

/// How often a statement that lost against others is sent again.
const RETRIES: usize = 3;

/// The database, as one room speaks to it. Rooms that must not starve each other have a store, and so a pool, each.
#[derive(Clone)]
pub struct Store {
    pool: Pool,
    wakeup: Arc<Wakeup>,
    groups: jobs::Groups,
}

/// What a conditional move answers.
#[derive(Debug)]
pub enum Transition<T> {
    /// Applied; this is the project as it is now.
    Applied(T),
    /// Not allowed from the status the project is in.
    Rejected { was: crate::domain::ProjectStatus },
    /// The caller saw an older version of the project.
    Stale { version: i64 },
    /// No such project.
    Missing,
}

impl Store {
    pub fn new(pool: Pool, wakeup: Arc<Wakeup>) -> Self {
        Self { pool, wakeup, groups: jobs::Groups::default() }
    }

    /// Ends the pool: connections close as they come back.
    pub fn close(&self) {
        self.pool.close();
    }

    /// Runs one statement, and again when it only lost against others.
    async fn rows(&self, statement: &Statement, params: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>, StoreError> {
        let mut tries = 0;
        loop {
            match self.rows_once(statement, params).await {
                Err(error) if error.is_contention() && !error.waited_for_a_lock() && tries < RETRIES => tries += 1,
                answer => return answer,
            }
        }
    }

    async fn rows_once(&self, statement: &Statement, params: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>, StoreError> {
        let name = statement.name;
        if mutant::is_on(Mutant::NotifyBeforeCommit) && name == sql::JOBS_ENQUEUE.name {
            Box::pin(self.notify(name)).await?;
        }
        let client = self.pool.get().await.map_err(|error| StoreError::from_pool(name, error))?;
        let answer = tokio::time::timeout(PATIENCE, async {
            let prepared = client.prepare_cached(mutant::text(name, statement.text)).await?;
            client.query(&prepared, params).await
        });
        match answer.await {
            Ok(rows) => rows.map_err(|error| StoreError::from_driver(name, error)),
            Err(_) => {
                // Whoever borrows this connection next would wait behind our statement.
                drop(deadpool_postgres::Object::take(client));
                Err(StoreError::Busy { statement: name, source: None })
            }
        }
    }

    /// Runs a statement that answers with at most one row.
    async fn row(&self, statement: &Statement, params: &[&(dyn ToSql + Sync)]) -> Result<Option<Row>, StoreError> {
        Ok(self.rows(statement, params).await?.into_iter().next())
    }

    /// Runs a statement that always answers with a row.
    async fn one(&self, statement: &Statement, params: &[&(dyn ToSql + Sync)]) -> Result<Reader, StoreError> {
        let row = self.row(statement, params).await?;
        row.map(|row| Reader { row, statement: statement.name })
            .ok_or(StoreError::Busy { statement: statement.name, source: None })
    }
}

/// Reads columns by name, so that a surprise is an error with the statement's name and never a panic.
struct Reader {
    row: Row,
    statement: &'static str,
}

impl Reader {
    fn all(rows: Vec<Row>, statement: &Statement) -> impl Iterator<Item = Self> {
        let statement = statement.name;
        rows.into_iter().map(move |row| Self { row, statement })
    }

    fn get<'a, T: tokio_postgres::types::FromSql<'a>>(&'a self, column: &str) -> Result<T, StoreError> {
        self.row.try_get(column).map_err(|source| StoreError::Broken { statement: self.statement, source })
    }

    fn word<T>(&self, column: &str, what: &'static str, parse: fn(&str) -> Option<T>) -> Result<T, StoreError> {
        let word: String = self.get(column)?;
        parse(&word).ok_or(StoreError::UnknownWord { what, word })
    }
}
