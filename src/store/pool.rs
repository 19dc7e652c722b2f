//! Pools of sessions in the database of the store. A session that is not what statements need does not go back to its pool.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use deadpool::Runtime;
use deadpool::managed::{self, BuildError, Metrics, QueueMode, RecycleError, RecycleResult};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Error, Row, SimpleQueryMessage, Statement as Prepared};

use super::query::Params;
use super::sql::{DATABASE_ENGINE_SESSION, DATABASE_LARGE, DATABASE_PARAMETERS, DATABASE_SESSION, Statement};
use super::status::SessionKind;
use crate::connection::{ConnectError, Connector, Endpoint, Opened, drive};
use crate::mutant;

/// A pool of sessions.
pub type Pool = managed::Pool<Manager>;

/// How long a session is kept that accepts no writes: its server may be promoted, or another one may be found.
const READ_ONLY_FOR: Duration = Duration::from_secs(1);

/// Opens and checks the sessions of one pool.
pub struct Manager {
    connector: Connector,
    settings: &'static [Statement],
    types: Arc<ParameterTypes>,
    /// Sessions of an earlier generation are not used again.
    generation: AtomicU64,
}

impl Manager {
    /// Closes all sessions after their statements: one of them does not fit any longer, and the others are as old.
    pub fn retire_sessions(&self) {
        self.generation.fetch_add(1, Ordering::Relaxed);
    }
}

/// The types of the parameters of each statement, as the server says.
type ParameterTypes = Mutex<HashMap<&'static str, Arc<[Type]>>>;

impl Connector {
    /// A pool of at most `size` sessions, each prepared by `session.sql`.
    pub fn pool(&self, size: usize) -> Result<Pool, BuildError> {
        self.pool_with(size, const { &[DATABASE_SESSION] })
    }

    /// Like [`Connector::pool`], with `engine_session.sql` in addition.
    pub fn engine_pool(&self, size: usize) -> Result<Pool, BuildError> {
        self.pool_with(size, const { &[DATABASE_SESSION, DATABASE_ENGINE_SESSION] })
    }

    fn pool_with(&self, size: usize, settings: &'static [Statement]) -> Result<Pool, BuildError> {
        let manager =
            Manager { connector: self.clone(), settings, types: Arc::default(), generation: AtomicU64::new(0) };
        // Opening a session has limits of its own.
        let pool = Pool::builder(manager).max_size(size).wait_timeout(Some(self.timeout())).runtime(Runtime::Tokio1);
        // The session that was used last has the warmest caches.
        pool.queue_mode(QueueMode::Lifo).build()
    }
}

impl managed::Manager for Manager {
    type Type = Session;
    type Error = ConnectError;

    async fn create(&self) -> Result<Session, ConnectError> {
        let generation = self.generation.load(Ordering::Relaxed);
        let Opened { client, mut connection, endpoint, is_writable, is_pooled, .. } =
            self.connector.open_with_triggers().await?;
        if !is_pooled {
            let prepared = drive(&mut connection, configure(&client, self.settings, false));
            let prepared = timeout(self.connector.timeout(), prepared).await;
            let prepared = prepared.map_err(|_| ConnectError::silent(&self.connector))?;
            prepared.map_err(|error| ConnectError::refused(&self.connector, error))?;
        }
        Ok(Session {
            client,
            driver: tokio::spawn(async move { drop(connection.await) }),
            endpoint,
            opened_at: Instant::now(),
            generation,
            is_writable,
            shared: is_pooled.then(|| Shared { settings: self.settings, types: self.types.clone() }),
            prepared: HashMap::new(),
        })
    }

    async fn recycle(&self, session: &mut Session, _: &Metrics) -> RecycleResult<ConnectError> {
        let is_outdated = !session.is_writable && session.opened_at.elapsed() > READ_ONLY_FOR;
        let is_outdated = is_outdated || session.generation != self.generation.load(Ordering::Relaxed);
        match session.client.is_closed() || session.endpoint.is_abandoned() || is_outdated {
            true => Err(RecycleError::message(
                "the session is closed or outdated, its server is silent, or it is read-only",
            )),
            false => Ok(()),
        }
    }
}

/// Runs statements such as `session.sql`, for the session or for the transaction.
pub async fn configure(client: &Client, settings: &[Statement], for_transaction: bool) -> Result<(), Error> {
    let run = async |it: &Statement| {
        let text = mutant::text(it.name, it.text);
        client.query_typed(text, &[(&for_transaction as &(dyn ToSql + Sync), Type::BOOL)]).await
    };
    futures_util::future::try_join_all(settings.iter().map(run)).await.map(drop)
}

/// A session, or a place in a pooler.
pub struct Session {
    client: Client,
    /// Drives the connection.
    driver: JoinHandle<()>,
    endpoint: Endpoint,
    opened_at: Instant,
    generation: u64,
    is_writable: bool,
    /// Set where each transaction may run in another session.
    shared: Option<Shared>,
    prepared: HashMap<&'static str, Prepared>,
}

/// What a transaction needs in a session that others use too.
struct Shared {
    settings: &'static [Statement],
    types: Arc<ParameterTypes>,
}

impl Drop for Session {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

impl Session {
    pub fn kind(&self) -> SessionKind {
        SessionKind { is_writable: self.is_writable, is_pooled: self.shared.is_some() }
    }

    /// The server of this session.
    pub fn endpoint(&self) -> Endpoint {
        self.endpoint.clone()
    }

    /// Runs a statement in a transaction of its own. A large one has more time.
    pub async fn run(&mut self, statement: &Statement, params: &Params<'_>, is_large: bool) -> Result<Vec<Row>, Error> {
        let text = mutant::text(statement.name, statement.text);
        if let Some(shared) = &self.shared {
            let types = self.types_of(shared, statement.name, text).await?;
            let typed: Vec<_> = params.iter().zip(&*types).map(|(value, kind)| (*value, kind.clone())).collect();
            return transaction(&self.client, shared.settings, is_large, self.client.query_typed(text, &typed)).await;
        }
        let prepared = match self.prepared.get(statement.name) {
            Some(prepared) => prepared.clone(),
            None => {
                let prepared = self.client.prepare(text).await?;
                self.prepared.insert(statement.name, prepared.clone());
                prepared
            }
        };
        let rows = self.client.query(&prepared, params);
        if is_large { transaction(&self.client, &[], true, rows).await } else { rows.await }
    }

    /// The types of the parameters. Without the protocol's own way to prepare, whose statements outlive a transaction.
    async fn types_of(&self, shared: &Shared, name: &'static str, text: &str) -> Result<Arc<[Type]>, Error> {
        let known = || shared.types.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(types) = known().get(name) {
            return Ok(types.clone());
        }
        let parameters = DATABASE_PARAMETERS.text;
        let describe = format!("PREPARE provost_described AS {text};\n{parameters};\nDEALLOCATE provost_described");
        let rows = transaction(&self.client, shared.settings, false, self.client.simple_query(&describe)).await?;
        let oid = |it: &SimpleQueryMessage| match it {
            SimpleQueryMessage::Row(row) => row.get(0).and_then(|oid| Type::from_oid(oid.parse().ok()?)),
            _ => None,
        };
        let types: Arc<[Type]> = rows.iter().filter_map(oid).collect();
        known().insert(name, types.clone());
        Ok(types)
    }
}

/// Runs a statement in a transaction with its settings. Everything is sent at once; if one part fails, the transaction is rolled back.
async fn transaction<T>(
    client: &Client,
    settings: &[Statement],
    is_large: bool,
    statement: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    let large = async { if is_large { client.batch_execute(DATABASE_LARGE.text).await } else { Ok(()) } };
    // Each part is sent when it is polled for the first time, in this order.
    let (begin, set, large, answer, commit) = tokio::join!(
        biased;
        client.batch_execute("BEGIN"),
        configure(client, settings, true),
        large,
        statement,
        client.batch_execute("COMMIT")
    );
    begin?;
    set?;
    large?;
    let answer = answer?;
    commit?;
    Ok(answer)
}
