//! The wakeups of this process in the database: one connection of its own, outside every pool, never in a transaction.

use std::future::poll_fn;
use std::pin::pin;

use tokio_postgres::{AsyncMessage, Client, Connection, Socket};

use super::connect::TlsStream;
use super::sql::DATABASE_LISTEN;
use super::{Connector, StoreError};

/// A connection that listens. It only moves while [`Subscription::next`] is polled.
pub struct Subscription {
    connection: Connection<Socket, TlsStream>,
    // Dropping the client would close the connection.
    _client: Client,
}

impl Subscription {
    /// Connects and listens. What was said before this returns has been missed, so look once after it.
    pub async fn open(connector: &Connector) -> Result<Self, StoreError> {
        let lost = |error| StoreError::from_driver(DATABASE_LISTEN.name, error);
        let (client, mut connection) = connector
            .connect()
            .await
            .map_err(|error| StoreError::Unavailable { statement: DATABASE_LISTEN.name, source: error.into() })?;
        {
            let mut listening = pin!(client.batch_execute(DATABASE_LISTEN.text));
            loop {
                tokio::select! {
                    done = &mut listening => break done.map_err(lost)?,
                    message = poll_fn(|context| connection.poll_message(context)) => drop(open_message(message)?),
                }
            }
        }
        Ok(Self { connection, _client: client })
    }

    /// The next word that somebody said on the channel. Safe to drop and call again.
    pub async fn next(&mut self) -> Result<String, StoreError> {
        loop {
            let message = poll_fn(|context| self.connection.poll_message(context)).await;
            if let AsyncMessage::Notification(notification) = open_message(message)? {
                return Ok(notification.payload().to_owned());
            }
        }
    }
}

fn open_message(message: Option<Result<AsyncMessage, tokio_postgres::Error>>) -> Result<AsyncMessage, StoreError> {
    match message {
        Some(Ok(message)) => Ok(message),
        Some(Err(error)) => Err(StoreError::from_driver(DATABASE_LISTEN.name, error)),
        None => {
            Err(StoreError::Unavailable { statement: DATABASE_LISTEN.name, source: "the connection was closed".into() })
        }
    }
}
