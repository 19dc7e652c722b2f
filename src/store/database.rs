//! The database itself: is it there, and say something on the wakeup's channel.

use super::sql::{DATABASE_NOTIFY, DATABASE_PING};
use super::{Store, StoreError};

/// Who answered.
#[derive(Clone, Debug)]
pub struct Pong {
    pub server_version: String,
    pub schema_version: i32,
}

impl Store {
    /// `database/ping`.
    pub async fn ping(&self) -> Result<Pong, StoreError> {
        let row = self.one(&DATABASE_PING, &[]).await?;
        Ok(Pong { server_version: row.get("server_version")?, schema_version: row.get("schema_version")? })
    }

    /// `database/notify`.
    pub async fn notify(&self, word: &str) -> Result<(), StoreError> {
        self.rows(&DATABASE_NOTIFY, &[&word]).await.map(drop)
    }
}
