//! What is measured: the engine within this process, or whole servers beside it.

use std::sync::Arc;

use tokio::runtime::Handle;

use super::marks::{KIND, Mark, Marks};
use super::producer::Producer;
use super::server::{Server, Wish};
use super::{Result, Trouble, clock};
use crate::cli::{ENGINE_POOL, VITAL_POOL};
use crate::config::{Config, Roles};
use crate::engine::{Engine, EngineContext, EngineResources};
use crate::handlers;
use crate::provision::{Registry, Simulated};
use crate::signal::{ProcessStatus, Wakeup};
use crate::store::{Connector, Store};
use crate::telemetry::Telemetry;

/// Which way work goes in and comes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// The engine within this process, called as a library.
    Embedded,
    /// A whole server, asked over HTTP.
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

/// What every rig stands on.
#[derive(Clone)]
pub struct Ground {
    pub config: Arc<Config>,
    pub url: String,
    pub connector: Connector,
    /// The runtime of heartbeats.
    pub vital: Handle,
    /// How many jobs a worker runs at once.
    pub slots: usize,
}

/// Whether jobs are only taken in, or also worked on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// Nobody works: what enqueueing costs by itself.
    Off,
    On,
}

/// What runs.
pub struct Rig {
    pub marks: Arc<Marks>,
    running: Running,
}

enum Running {
    Embedded { engine: Box<Engine>, store: Store, stores: [Store; 2] },
    Servers(Vec<Server>),
}

impl Rig {
    pub async fn start(ground: &Ground, profile: Profile, work: Work, marks: Arc<Marks>) -> Result<Self> {
        match profile {
            Profile::Embedded => Self::embedded(ground, work, marks),
            Profile::Http => {
                let roles = if work == Work::On { "api,worker,scheduler" } else { "api,scheduler" };
                Self::servers(ground, &[roles], marks).await
            }
        }
    }

    /// Several servers on one database, one for each list of roles.
    pub async fn servers(ground: &Ground, roles: &[&'static str], marks: Arc<Marks>) -> Result<Self> {
        let start = |roles: &'static str| {
            let wish = Wish { database_url: ground.url.clone(), roles, slots: ground.slots };
            let marks = marks.clone();
            async move { Server::start(&wish, marks).await }
        };
        let servers = futures_util::future::try_join_all(roles.iter().map(|roles| start(roles))).await?;
        Ok(Self { marks, running: Running::Servers(servers) })
    }

    /// As `cli/serve.rs` does it, with the same pools and runtimes, but without HTTP.
    fn embedded(ground: &Ground, work: Work, marks: Arc<Marks>) -> Result<Self> {
        let config = Config {
            roles: Roles { api: false, worker: work == Work::On, scheduler: true },
            worker_concurrency: ground.slots,
            ..Config::clone(&ground.config)
        };
        let wakeup = Arc::new(Wakeup::default());
        let store = |size| Ok::<_, Trouble>(Store::new(ground.connector.engine_pool(size)?, wakeup.clone()));
        let (asking, for_engine, vital) = (store(config.database_pool)?, store(ENGINE_POOL)?, store(VITAL_POOL)?);
        let crate::config::Simulate { min, max, failure_rate } = config.simulate;
        let registry = Registry::default().with("simulated", Simulated { min, max, failure_rate });
        let settings = handlers::Settings { simulate: handlers::Simulate { min, max }, ..Default::default() };
        let context = EngineContext {
            config: Arc::new(config),
            heartbeat_runtime: ground.vital.clone(),
            wakeup: wakeup.clone(),
            process_status: Arc::new(ProcessStatus::default()),
            telemetry: Telemetry::default(),
            handlers: handlers::built_in(registry, settings).with(KIND, Mark(marks.clone())),
            log: crate::log::silent(),
        };
        let (connector, store) = (ground.connector.clone(), for_engine.clone());
        let engine = Engine::start(EngineResources { context, store, heartbeat_store: vital.clone(), connector });
        let running = Running::Embedded { engine: Box::new(engine), store: asking, stores: [for_engine, vital] };
        Ok(Self { marks, running })
    }

    /// Somebody who asks for work.
    pub async fn producer(&self) -> Result<Producer> {
        match &self.running {
            Running::Embedded { store, .. } => Producer::embedded(store.clone()),
            Running::Servers(_) => Producer::http(self.host()?).await,
        }
    }

    /// Where the first server answers.
    pub fn host(&self) -> Result<&str> {
        let host = match &self.running {
            Running::Embedded { .. } => None,
            Running::Servers(servers) => servers.iter().find_map(|it| it.host.as_deref()),
        };
        host.ok_or_else(|| Trouble::new("nothing here answers over HTTP"))
    }

    /// Seconds of CPU so far: this process and its servers, without PostgreSQL.
    pub fn cpu(&self) -> f64 {
        let servers = match &self.running {
            Running::Embedded { .. } => 0.0,
            Running::Servers(servers) => servers.iter().filter_map(Server::cpu).sum(),
        };
        clock::cpu_of_self() + servers
    }

    /// An error when a server has ended, so that nobody waits for what it will not do.
    pub fn check(&self) -> Result<()> {
        match &self.running {
            Running::Servers(servers) if servers.iter().any(Server::has_ended) => {
                Err(Trouble::new("a server ended by itself; BENCH_SERVER_LOG=FILE keeps what it says"))
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
