//! The store: the only module that runs SQL. Each function runs the statement of the same name in `sql/queries`.

mod audit;
pub mod counts;
pub mod database;
pub mod dead_letters;
mod error;
pub mod events;
mod group_commit;
pub mod invariants;
pub mod jobs;
pub mod limits;
mod listen;
pub mod logs;
mod migrate;
pub mod observations;
mod pool;
pub mod processes;
pub mod projects;
mod query;
pub mod queues;
pub mod retention;
mod row;
pub mod schedules;
pub mod schema;
pub mod schemas;
pub mod secrets;
pub mod sql;
pub mod stats;
pub mod status;
pub mod steps;
pub mod templates;
pub mod terraform;
pub mod workers;
pub mod workflows;

use std::sync::Arc;

use crate::signal::Wakeup;

pub use crate::connection::{ConnectError, Connector, UrlError};
pub use audit::{Audit, IdempotencyKey};
pub use error::{Refusal, StoreError};
pub use listen::Subscription;
pub use migrate::{MigrateError, Migrated, grant, migrate, pending};
pub use pool::{Pool, configure};
pub use status::DatabaseStatus;

/// The database as one part of the program uses it. Parts that must not starve each other have a store each, and so a
/// connection pool each.
#[derive(Clone)]
pub struct Store {
    pool: Pool,
    wakeup: Arc<Wakeup>,
    batches: jobs::Batches,
    status: Arc<DatabaseStatus>,
}

impl Store {
    pub fn new(pool: Pool, wakeup: Arc<Wakeup>) -> Self {
        Self { pool, wakeup, batches: jobs::Batches::default(), status: Arc::default() }
    }

    /// The same database over another pool.
    pub fn over(&self, pool: Pool) -> Self {
        let (wakeup, status) = (self.wakeup.clone(), self.status.clone());
        Self { pool, wakeup, batches: jobs::Batches::default(), status }
    }

    /// What the last statements have shown.
    pub fn status(&self) -> &DatabaseStatus {
        &self.status
    }

    /// Closes the pool. Connections in use close when they are returned.
    pub fn close(&self) {
        self.pool.close();
    }
}
