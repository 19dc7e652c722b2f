//! Runs statements: prepares, retries after contention, gives up after a timeout, and maps the rows.

use std::time::Duration;

use deadpool::managed::Object;
use tokio_postgres::types::ToSql;

use super::row::{Column, FromRow, Row};
use super::sql::{self, Statement};
use super::{Store, StoreError};
use crate::mutant::{self, Mutant};

/// The server cancels a statement after 5 s (`session.sql`). A server that is stopped or unreachable cannot, so the client
/// gives up a little later.
const TIMEOUT: Duration = Duration::from_secs(6);
/// The same for a large statement: the server cancels it after 60 s (`large.sql`).
const LARGE_TIMEOUT: Duration = Duration::from_secs(61);
/// How often a statement that failed because of contention is sent again.
const RETRIES: usize = 3;
/// The same for a statement that waited for a row which was finished meanwhile. A statement on many jobs meets several of them.
const CONFLICT_RETRIES: usize = 30;

/// How often a statement that a session cannot run is sent in another one. As many may have been opened while the server was not what
/// it is now.
const SESSIONS: usize = 3;

/// The parameters of a statement.
pub(super) type Params<'a> = [&'a (dyn ToSql + Sync)];

/// The rows of a result.
pub(super) trait Rows {
    fn has_rows(&self) -> bool;
}

impl<T> Rows for Vec<T> {
    fn has_rows(&self) -> bool {
        !self.is_empty()
    }
}

impl<T> Rows for Option<T> {
    fn has_rows(&self) -> bool {
        self.is_some()
    }
}

impl Store {
    /// Every row, mapped.
    pub(super) async fn fetch_all<T: FromRow>(
        &self,
        statement: &Statement,
        params: &Params<'_>,
    ) -> Result<Vec<T>, StoreError> {
        self.rows(statement, params).await?.iter().map(T::from_row).collect()
    }

    /// The first row, if there is one, mapped.
    pub(super) async fn fetch_optional<T: FromRow>(
        &self,
        statement: &Statement,
        params: &Params<'_>,
    ) -> Result<Option<T>, StoreError> {
        self.row(statement, params).await?.as_ref().map(T::from_row).transpose()
    }

    /// The row of a statement that always returns one, mapped.
    pub(super) async fn fetch_one<T: FromRow>(
        &self,
        statement: &Statement,
        params: &Params<'_>,
    ) -> Result<T, StoreError> {
        T::from_row(&self.one(statement, params).await?)
    }

    /// The first column of every row.
    pub(super) async fn fetch_values<T: Column, C: FromIterator<T>>(
        &self,
        statement: &Statement,
        params: &Params<'_>,
    ) -> Result<C, StoreError> {
        self.rows(statement, params).await?.iter().map(|row| row.at(0)).collect()
    }

    /// The first column of the first row, if there is one.
    pub(super) async fn fetch_optional_value<T: Column>(
        &self,
        statement: &Statement,
        params: &Params<'_>,
    ) -> Result<Option<T>, StoreError> {
        self.row(statement, params).await?.map(|row| row.at(0)).transpose()
    }

    /// The first column of the row of a statement that always returns one.
    pub(super) async fn fetch_value<T: Column>(
        &self,
        statement: &Statement,
        params: &Params<'_>,
    ) -> Result<T, StoreError> {
        self.one(statement, params).await?.at(0)
    }

    /// Runs a statement for its effect.
    pub(super) async fn execute(&self, statement: &Statement, params: &Params<'_>) -> Result<(), StoreError> {
        self.rows(statement, params).await.map(drop)
    }

    /// Passes on the result of a statement that received `notify`, and wakes this process if the statement found rows.
    pub(super) fn committed<T: Rows>(&self, notify: bool, rows: T) -> T {
        if rows.has_rows() {
            self.wakeup.committed(notify);
        }
        rows
    }

    pub(super) async fn row(&self, statement: &Statement, params: &Params<'_>) -> Result<Option<Row>, StoreError> {
        Ok(self.rows(statement, params).await?.into_iter().next())
    }

    pub(super) async fn one(&self, statement: &Statement, params: &Params<'_>) -> Result<Row, StoreError> {
        self.row(statement, params).await?.ok_or(StoreError::Busy { statement: statement.name, source: None })
    }

    /// The row of a statement that always returns one, mapped. Its work grows with the request, so a transaction allows it more time.
    pub(super) async fn fetch_one_large<T: FromRow>(
        &self,
        statement: &Statement,
        params: &Params<'_>,
    ) -> Result<T, StoreError> {
        let row = self.repeated(statement, params, true).await?.into_iter().next();
        T::from_row(&row.ok_or(StoreError::Busy { statement: statement.name, source: None })?)
    }

    pub(super) async fn rows(&self, statement: &Statement, params: &Params<'_>) -> Result<Vec<Row>, StoreError> {
        self.repeated(statement, params, false).await
    }

    /// Runs a statement, and again after contention that did not cost a whole lock timeout, or in another session.
    async fn repeated(
        &self,
        statement: &Statement,
        params: &Params<'_>,
        is_large: bool,
    ) -> Result<Vec<Row>, StoreError> {
        let (mut retries, mut sessions) = (0, 0);
        loop {
            match self.rows_once(statement, params, is_large).await {
                Err(error) if error.is_of_session() && sessions < SESSIONS => sessions += 1,
                Err(error) if error.is_conflict() && retries < CONFLICT_RETRIES => retries += 1,
                Err(error) if error.is_contention() && !error.is_lock_timeout() && retries < RETRIES => retries += 1,
                result => return result,
            }
        }
    }

    async fn rows_once(
        &self,
        statement: &Statement,
        params: &Params<'_>,
        is_large: bool,
    ) -> Result<Vec<Row>, StoreError> {
        let name = statement.name;
        if mutant::is_on(Mutant::NotifyBeforeCommit) && name == sql::JOBS_ENQUEUE.name {
            Box::pin(self.notify(name)).await?;
        }
        let mut session = match self.pool.get().await {
            Ok(session) => session,
            Err(error) => return Err(self.status.failed(StoreError::from_pool(name, error))),
        };
        let kind = session.kind();
        let (limit, endpoint) = (if is_large { LARGE_TIMEOUT } else { TIMEOUT }, session.endpoint());
        let answer = tokio::select! {
            biased;
            answer = tokio::time::timeout(limit, session.run(statement, params, is_large)) => match answer {
                Ok(answer) => answer.map_err(|error| StoreError::from_driver(name, error)),
                Err(_) => {
                    self.status.given_up(statement);
                    Err(StoreError::Busy { statement: name, source: None })
                }
            },
            () = endpoint.silent() => Err(StoreError::silent(name)),
        };
        match answer {
            Ok(rows) => {
                self.status.succeeded(statement, kind);
                Ok(rows.into_iter().map(|row| Row::new(row, name)).collect())
            }
            Err(error) => {
                if matches!(error, StoreError::Session { .. }) {
                    self.pool.manager().retire_sessions();
                }
                // A statement that was given up still occupies its session.
                if error.condemns_session() || matches!(error, StoreError::Busy { source: None, .. }) {
                    drop(Object::take(session));
                }
                Err(self.status.failed(error))
            }
        }
    }
}
