//! The system under test: the engine in this process, or servers beside this process.

use std::sync::Arc;

use tokio::runtime::Handle;

use super::clock;
use super::producer::Producer;
use super::server::{Server, ServerOptions};
use super::starts::{KIND, RecordStart, Starts};
use crate::error::{BenchError, Result};
use provost::cli::{ENGINE_POOL, HEARTBEAT_POOL};
use provost::config::{Config, Roles};
use provost::engine::{Engine, EngineContext, EngineResources};
use provost::handlers;
use provost::provision::{Registry, Simulated};
use provost::signal::{ProcessStatus, Wakeup};
use provost::store::{Connector, Store};
use provost::telemetry::Telemetry;

/// How jobs are enqueued and run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// The engine in this process, called as a library.
    Embedded,
    /// A server, called over HTTP.
    Http,
}

impl Profile {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Embedded => "embedded",
            Self::Http => "http",
        }
    }

    pub fn parse(word: &str) -> Option<Self> {
        [Self::Embedded, Self::Http].into_iter().find(|it| it.as_str() == word)
    }
}

/// What every system needs.
#[derive(Clone)]
pub struct Setup {
    pub config: Arc<Config>,
    pub url: String,
    pub connector: Connector,
    /// The runtime of heartbeats.
    pub heartbeat_runtime: Handle,
    /// The number of jobs that a worker runs at once.
    pub slots: usize,
}

/// Whether workers run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// No workers: the cost of enqueueing alone.
    Off,
    On,
}

pub struct System {
    pub starts: Arc<Starts>,
    running: Running,
}

enum Running {
    Embedded { engine: Box<Engine>, store: Store, stores: [Store; 2] },
    Servers(Vec<Server>),
}

impl System {
    pub async fn start(setup: &Setup, profile: Profile, work: Work, starts: Arc<Starts>) -> Result<Self> {
        match profile {
            Profile::Embedded => Self::embedded(setup, work, starts),
            Profile::Http => {
                let roles = if work == Work::On { "api,worker,scheduler" } else { "api,scheduler" };
                Self::servers(setup, &[roles], starts).await
            }
        }
    }

    /// Several servers on one database, one for each list of roles.
    pub async fn servers(setup: &Setup, roles: &[&'static str], starts: Arc<Starts>) -> Result<Self> {
        let start = |roles: &'static str| {
            let options = ServerOptions { database_url: setup.url.clone(), roles, slots: setup.slots };
            let starts = starts.clone();
            async move { Server::start(&options, starts).await }
        };
        let servers = futures_util::future::try_join_all(roles.iter().map(|roles| start(roles))).await?;
        Ok(Self { starts, running: Running::Servers(servers) })
    }

    /// Like `cli/serve.rs`, with the same pools and runtimes, but without HTTP.
    fn embedded(setup: &Setup, work: Work, starts: Arc<Starts>) -> Result<Self> {
        let config = Config {
            roles: Roles { api: false, worker: work == Work::On, scheduler: true },
            worker_concurrency: setup.slots,
            ..Config::clone(&setup.config)
        };
        let wakeup = Arc::new(Wakeup::default());
        let store = |size| Ok::<_, BenchError>(Store::new(setup.connector.engine_pool(size)?, wakeup.clone()));
        let (for_producers, for_engine, for_heartbeats) =
            (store(config.database_pool)?, store(ENGINE_POOL)?, store(HEARTBEAT_POOL)?);
        let provost::config::Simulate { min, max, failure_rate } = config.simulate;
        let registry = Registry::default().with("simulated", Simulated { min, max, failure_rate });
        let settings = handlers::Settings { simulate: handlers::Simulate { min, max }, ..Default::default() };
        let context = EngineContext {
            config: Arc::new(config),
            heartbeat_runtime: setup.heartbeat_runtime.clone(),
            wakeup: wakeup.clone(),
            process_status: Arc::new(ProcessStatus::default()),
            telemetry: Telemetry::default(),
            handlers: handlers::built_in(registry, settings).with(KIND, RecordStart(starts.clone())),
            keyring: None,
            api_address: None,
            log: provost::log::silent(),
        };
        let (listen_connector, store) = (setup.connector.clone(), for_engine.clone());
        let engine = Engine::start(EngineResources {
            context,
            store,
            heartbeat_store: for_heartbeats.clone(),
            listen_connector,
            registry: Default::default(),
        });
        let running =
            Running::Embedded { engine: Box::new(engine), store: for_producers, stores: [for_engine, for_heartbeats] };
        Ok(Self { starts, running })
    }

    /// A new producer.
    pub async fn producer(&self) -> Result<Producer> {
        match &self.running {
            Running::Embedded { store, .. } => Producer::embedded(store.clone()),
            Running::Servers(_) => Producer::http(self.host()?).await,
        }
    }

    /// The address of the first server with an API.
    pub fn host(&self) -> Result<&str> {
        let host = match &self.running {
            Running::Embedded { .. } => None,
            Running::Servers(servers) => servers.iter().find_map(|it| it.host.as_deref()),
        };
        host.ok_or_else(|| BenchError::new("the engine in process has no HTTP address"))
    }

    /// CPU seconds so far of this process and its servers, without PostgreSQL.
    pub fn cpu(&self) -> f64 {
        let servers = match &self.running {
            Running::Embedded { .. } => 0.0,
            Running::Servers(servers) => servers.iter().filter_map(Server::cpu).sum(),
        };
        clock::cpu_of_self() + servers
    }

    /// Fails if a server has exited, so that no measurement waits for it.
    pub fn check(&self) -> Result<()> {
        match &self.running {
            Running::Servers(servers) if servers.iter().any(Server::has_ended) => {
                Err(BenchError::new("a server exited; set BENCH_SERVER_LOG=FILE to keep its log"))
            }
            _ => Ok(()),
        }
    }

    /// The processes under test.
    pub fn pids(&self) -> Vec<u32> {
        match &self.running {
            Running::Embedded { .. } => vec![std::process::id()],
            Running::Servers(servers) => servers.iter().map(Server::pid).collect(),
        }
    }

    pub async fn stop(self) -> Result<()> {
        match self.running {
            Running::Embedded { engine, store, stores } => {
                engine.stop().await;
                store.close();
                stores.iter().for_each(Store::close);
            }
            Running::Servers(servers) => {
                futures_util::future::try_join_all(servers.into_iter().map(Server::stop)).await?;
            }
        }
        Ok(())
    }
}
