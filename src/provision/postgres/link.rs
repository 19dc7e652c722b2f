//! A connection that is driven by its own queries, without a task of its own: dropping it closes the socket at once.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use tokio_postgres::types::{FromSqlOwned, ToSql};
use tokio_postgres::{Client, Error};

use super::error::failure;
use super::sql;
use crate::connection::{Connector, Opened};
use crate::provision::Failure;

/// A pooler is between Provost and the cluster.
pub const POOLER: &str = "pooler";

/// How long a connection may take, with the login.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);

pub type Params<'a> = [&'a (dyn ToSql + Sync)];

/// A row of an answer.
pub struct Row(tokio_postgres::Row);

impl Row {
    /// The value of a column.
    pub fn get<T: FromSqlOwned>(&self, column: &str) -> Result<T, Failure> {
        self.0.try_get(column).map_err(|error| failure("the cluster returned an unexpected value", &error))
    }
}

pub struct Link {
    client: Client,
    connection: Pin<Box<dyn Future<Output = Result<(), Error>> + Send>>,
}

impl Link {
    /// Connects, and prepares the session.
    pub async fn open(connector: &Connector) -> Result<Self, Failure> {
        let mut link = Self::raw(connector, "cannot connect to the cluster").await?;
        link.run(sql::SESSION).await?;
        Ok(link)
    }

    /// Connects without preparing the session, as a tenant does. `what` begins the message of a failure.
    pub async fn raw(connector: &Connector, what: &str) -> Result<Self, Failure> {
        match connector.clone().patient(CONNECT_TIMEOUT).open().await {
            // The lock that excludes an earlier attempt belongs to a session.
            Ok(Opened { is_pooled: true, .. }) => {
                let message =
                    format!("{what}: a pooler shares its sessions; use the address of the server itself in the URL");
                Err(Failure::permanent(POOLER, message))
            }
            Ok(Opened { client, connection, .. }) => Ok(Self { client, connection: Box::pin(connection) }),
            Err(error) => Err(match error.refusal() {
                Some(refusal) => failure(what, refusal),
                None => Failure::retryable(Failure::UNREACHABLE, format!("{what}: {error}")),
            }),
        }
    }

    pub async fn query(&mut self, statement: &str, params: &Params<'_>) -> Result<Vec<Row>, Failure> {
        let Self { client, connection } = self;
        Ok(drive(connection, client.query(statement, params)).await?.into_iter().map(Row).collect())
    }

    /// The first row, if there is one.
    pub async fn row(&mut self, statement: &str, params: &Params<'_>) -> Result<Option<Row>, Failure> {
        Ok(self.query(statement, params).await?.into_iter().next())
    }

    /// The first row of a statement that always returns one.
    pub async fn one(&mut self, statement: &str, params: &Params<'_>) -> Result<Row, Failure> {
        let row = self.row(statement, params).await?;
        row.ok_or_else(|| Failure::retryable("unexpected_answer", "the cluster returned no row"))
    }

    /// The texts of a column.
    pub async fn texts(&mut self, column: &str, statement: &str, params: &Params<'_>) -> Result<Vec<String>, Failure> {
        self.query(statement, params).await?.iter().map(|row| row.get(column)).collect()
    }

    /// Runs statements in one transaction, except for those that PostgreSQL only runs alone.
    pub async fn run(&mut self, statements: &str) -> Result<(), Failure> {
        let Self { client, connection } = self;
        drive(connection, client.batch_execute(statements)).await
    }

    /// Runs the statements that another statement returns.
    pub async fn run_rows(&mut self, statement: &str, params: &Params<'_>) -> Result<(), Failure> {
        let statements = self.texts("statement", statement, params).await?;
        if statements.is_empty() { Ok(()) } else { self.run(&statements.join(";\n")).await }
    }
}

/// Waits for an answer while the connection does its work.
async fn drive<T>(
    connection: &mut Pin<Box<dyn Future<Output = Result<(), Error>> + Send>>,
    answer: impl Future<Output = Result<T, Error>>,
) -> Result<T, Failure> {
    tokio::select! {
        biased;
        answer = answer => answer.map_err(|error| failure("the cluster refused a statement", &error)),
        ended = connection => Err(match ended {
            Err(error) => failure("the connection to the cluster was lost", &error),
            Ok(()) => Failure::retryable("connection_lost", "the cluster closed the connection"),
        }),
    }
}
