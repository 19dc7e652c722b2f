//! Receives notifications from the database, on a connection outside every pool.

use std::future::poll_fn;
use std::pin::pin;

use tokio_postgres::{AsyncMessage, Client, Connection, Socket};

use super::sql::DATABASE_LISTEN;
use super::{Connector, StoreError};
use crate::connection::TlsStream;

/// A listening connection. It makes progress only while [`Subscription::next`] is polled.
pub struct Subscription {
    connection: Connection<Socket, TlsStream>,
    // Dropping the client would close the connection.
    _client: Client,
}

impl Subscription {
    /// Connects and listens. Notifications sent before this returns are lost, so poll once afterwards.
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

    /// The payload of the next notification. Cancel safe.
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
