//! A connection for observing, apart from everything that is measured.

use tokio_postgres::Client;
use tokio_postgres::types::ToSql;

use super::sql::scripts;
use crate::error::Result;
use crate::report::progress;
use provost::store::sql::{DATABASE_SESSION, Statement};
use provost::store::{Connector, configure};

/// A client whose connection task ends with it.
pub struct Session {
    pub client: Client,
}

impl Session {
    pub async fn open(connector: &Connector) -> Result<Self> {
        let (client, connection) = connector.connect().await?;
        tokio::spawn(connection);
        configure(&client, &[DATABASE_SESSION], false).await?;
        Ok(Self { client })
    }

    /// The number that a statement returns.
    pub async fn number(&self, statement: &Statement, params: &[&(dyn ToSql + Sync)]) -> Result<i64> {
        Ok(self.client.query_one(statement.text, params).await?.try_get(0)?)
    }

    /// Writes the rows 1 to `n` in portions, with a statement that takes the first and the last number.
    pub async fn write(&self, statement: &Statement, n: u64, at_once: usize, what: &str) -> Result<()> {
        self.client.batch_execute(scripts::NO_TIMEOUT).await?;
        for from in (1..=n).step_by(at_once) {
            progress(&format!("{from} of {n} {what}"));
            let to = n.min(from + at_once as u64 - 1);
            self.client.execute(statement.text, &[&(from as i64), &(to as i64)]).await?;
        }
        Ok(())
    }

    /// The number that a query returns, of any numeric type.
    pub async fn scalar(&self, sql: &str) -> Result<i64> {
        let rows = self.client.simple_query(sql).await?;
        let text = rows.iter().find_map(|message| match message {
            tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0),
            _ => None,
        });
        let number = text.and_then(|text| text.parse::<f64>().ok());
        number.map(|it| it as i64).ok_or_else(|| super::BenchError::new(format!("{sql} does not answer with a number")))
    }
}
