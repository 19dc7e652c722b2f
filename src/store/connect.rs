//! Pools of connections to the database of the store.

use deadpool_postgres::{Hook, HookError, Manager, ManagerConfig, Pool, QueueMode, RecyclingMethod, Runtime};

use super::sql::{DATABASE_ENGINE_SESSION, DATABASE_SESSION};
use crate::connection::{Connector, UrlError};
use crate::mutant;

impl Connector {
    /// A pool of at most `size` connections, each prepared by `session.sql`.
    pub fn pool(&self, size: usize) -> Result<Pool, UrlError> {
        self.pool_with(size, "")
    }

    /// Like [`Connector::pool`], with `engine_session.sql` in addition.
    pub fn engine_pool(&self, size: usize) -> Result<Pool, UrlError> {
        self.pool_with(size, DATABASE_ENGINE_SESSION.text)
    }

    fn pool_with(&self, size: usize, more: &'static str) -> Result<Pool, UrlError> {
        let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let timeout = self.config.get_connect_timeout().copied();
        let manager = Manager::from_config(self.config.clone(), self.tls.clone(), recycling);
        let session = Hook::async_fn(move |client, _| {
            let session = format!("{};\n{more}", mutant::text(DATABASE_SESSION.name, DATABASE_SESSION.text));
            Box::pin(async move { client.batch_execute(&session).await.map_err(HookError::Backend) })
        });
        let pool = Pool::builder(manager)
            .max_size(size)
            // The connection that was used last has the warmest caches.
            .queue_mode(QueueMode::Lifo)
            .runtime(Runtime::Tokio1)
            .wait_timeout(timeout)
            .create_timeout(timeout)
            .recycle_timeout(timeout)
            .post_create(session);
        Ok(pool.build()?)
    }
}
