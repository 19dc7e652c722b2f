//! The database server: its version, and its notification channel.

use super::row::row;
use super::sql::{DATABASE_NOTIFY, DATABASE_PING};
use super::{Store, StoreError};

row! {
    /// The versions of the server and of the schema.
    #[derive(Clone, Debug)]
    pub struct DatabaseInfo {
        pub server_version: String,
        pub schema_version: i32,
    }
}

impl Store {
    /// `database/ping`.
    pub async fn ping(&self) -> Result<DatabaseInfo, StoreError> {
        self.fetch_one(&DATABASE_PING, &[]).await
    }

    /// `database/notify`.
    pub async fn notify(&self, payload: &str) -> Result<(), StoreError> {
        self.execute(&DATABASE_NOTIFY, &[&payload]).await
    }
}
