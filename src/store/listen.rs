//! Receives notifications from the database, on a connection outside every pool.

use std::future::poll_fn;

use tokio_postgres::{AsyncMessage, Client};

use super::pool::configure;
use super::sql::{DATABASE_LISTEN, DATABASE_SESSION};
use super::{Connector, StoreError};
use crate::connection::{Driver, Endpoint, Opened, drive};
use crate::domain::Outage;

/// A listening connection. It makes progress only while [`Subscription::next`] is polled.
pub struct Subscription {
    connection: Driver,
    endpoint: Endpoint,
    // Dropping the client would close the connection.
    _client: Client,
}

impl Subscription {
    /// Connects and listens. Notifications sent before this returns are lost, so poll once afterwards. Returns `None` if a pooler shares the
    /// session: notifications would go to others.
    pub async fn open(connector: &Connector) -> Result<Option<Self>, StoreError> {
        let name = DATABASE_LISTEN.name;
        let opened = connector.open().await.map_err(|error| StoreError::from_connect(name, error))?;
        let Opened { client, mut connection, endpoint, is_pooled, .. } = opened;
        if is_pooled {
            return Ok(None);
        }
        let listening = async {
            configure(&client, &[DATABASE_SESSION], false).await?;
            client.batch_execute(DATABASE_LISTEN.text).await
        };
        let listening = tokio::time::timeout(connector.timeout(), drive(&mut connection, listening)).await;
        listening.map_err(|_| StoreError::silent(name))?.map_err(|error| StoreError::from_driver(name, error))?;
        Ok(Some(Self { connection, endpoint, _client: client }))
    }

    /// The payload of the next notification. Cancel safe.
    pub async fn next(&mut self) -> Result<String, StoreError> {
        loop {
            let message = tokio::select! {
                message = poll_fn(|context| self.connection.poll_message(context)) => message,
                () = self.endpoint.abandoned() => return Err(StoreError::silent(DATABASE_LISTEN.name)),
            };
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
        None => Err(StoreError::Unavailable {
            statement: DATABASE_LISTEN.name,
            outage: Outage::NoConnection,
            source: "the connection was closed".into(),
        }),
    }
}
