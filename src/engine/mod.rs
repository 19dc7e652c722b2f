//! The engine: the only module that spawns long-running tasks. Every task is supervised, and joined at shutdown.
//!
//! | service | role | what it does |
//! |---|---|---|
//! | `listener` | any | receives notifications of other processes and wakes this one |
//! | `presence` | any | registers this process, so that others see what the fleet lacks |
//! | `deferred_notifier` | any | sends the notifications that were left out while the process was busy |
//! | `worker` | worker | claims jobs and runs them |
//! | `heartbeat` | worker | renews leases |
//! | `observer` | worker | looks at what the projects consist of, and searches the clusters |
//! | `scheduler` | scheduler | fires due schedules |
//! | `reaper` | scheduler | applies expired leases, timeouts and deadlines |
//! | `sweeper` | scheduler | moves the start of each lane past claimed jobs |
//! | `folder` | scheduler | folds the counters of jobs |
//! | `pruner` | scheduler | deletes data whose retention has ended |
//!
//! `/health` and the logs use these names.

mod attempt;
mod executions;
mod heartbeat;
mod listener;
mod local_worker;
mod maintenance;
pub mod observer;
pub mod presence;
mod pruner;
mod reaper;
mod recorder;
mod remote_source;
mod retry;
mod scheduler;
pub mod source;
mod supervisor;
mod worker;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use slog::{Logger, o};
use tokio::runtime::Handle;

use crate::config::Config;
use crate::handlers::Handlers;
use crate::provision::Registry;
use crate::secrets::Keyring;
use crate::signal::{ProcessStatus, Stop, Wakeup};
use crate::store::workers::Worker;
use crate::store::{Connector, Store};
use crate::telemetry::Telemetry;
use crate::wire::client::Client;

use local_worker::LocalWorker;
pub use remote_source::RemoteSource;
use source::{DatabaseSource, Source};
use supervisor::Supervisor;

/// How long the last message to the source may take.
const LEAVE_TIMEOUT: Duration = Duration::from_secs(1);

/// What every worker needs, with or without a database.
#[derive(Clone)]
pub struct EngineContext {
    pub config: Arc<Config>,
    /// A runtime with a thread of its own, so that no handler can block a heartbeat.
    pub heartbeat_runtime: Handle,
    pub wakeup: Arc<Wakeup>,
    pub process_status: Arc<ProcessStatus>,
    pub telemetry: Telemetry,
    pub handlers: Handlers,
    /// Encrypts the secrets of projects. A worker without a database has none: its server encrypts.
    pub keyring: Option<Keyring>,
    /// Where programs of a worker with a database reach the API.
    pub api_address: Option<String>,
    pub log: Logger,
}

/// What the engine needs with a database.
#[derive(Clone)]
pub struct EngineResources {
    pub context: EngineContext,
    /// Has a pool of its own, so that HTTP requests cannot starve it.
    pub store: Store,
    /// For heartbeats only. Its connections live on `heartbeat_runtime`, so nothing else may use it.
    pub heartbeat_store: Store,
    /// Leads to the server itself, not to a pooler, if the settings say so.
    pub listen_connector: Connector,
    /// Looks at what exists.
    pub registry: Registry,
}

pub struct Engine {
    supervisor: Supervisor,
    /// Services that outlive the others at shutdown, here and on the heartbeat runtime.
    background: Supervisor,
    heartbeats: Supervisor,
    /// Stops claiming, listening and maintenance.
    stop: Stop,
    /// Stops the services that must continue while running work finishes.
    end: Stop,
    /// Reports to the source that this worker stops.
    leave: Option<BoxFuture<'static, ()>>,
}

impl Engine {
    /// Starts the services of all enabled roles.
    pub fn start(resources: EngineResources) -> Self {
        let mut engine = Self::new(&resources.context);
        let stop = engine.stop.clone();
        engine.supervisor.keep_until("listener", &stop, listener::listener(&resources));
        let process = presence::process(&resources);
        engine.background.keep_until("presence", &engine.end, presence::presence(&resources, process.clone()));
        engine.background.keep_until("deferred_notifier", &engine.end, listener::deferred_notifier(&resources));
        let roles = &resources.context.config.roles;
        if roles.worker {
            let worker = identity(&resources.context);
            let source = |store| {
                let keyring = resources.context.keyring.clone();
                let source = DatabaseSource::new(&resources.context.config, keyring, store, &worker);
                Arc::new(source.reachable_at(resources.context.api_address.clone()))
            };
            let (source, heartbeat_source) = (source(&resources.store), source(&resources.heartbeat_store));
            engine.start_worker(&resources.context, worker, source, heartbeat_source);
            engine.supervisor.keep_until("observer", &stop, observer::observer(&resources));
        }
        if roles.scheduler {
            engine.supervisor.keep_until("scheduler", &stop, scheduler::scheduler(&resources));
            for task in maintenance::TASKS {
                engine.supervisor.keep_until(task.name, &stop, task.service(&resources));
            }
        }
        let (store, leave_worker) = (resources.store.clone(), engine.leave.take());
        engine.leave = Some(Box::pin(async move {
            // Without it, the record of this process expires.
            _ = store.leave_process(&process.id).await;
            if let Some(leave) = leave_worker {
                leave.await;
            }
        }));
        engine
    }

    /// Starts a worker without a database, which gets its jobs from a server. `heartbeat_client` is used on
    /// `heartbeat_runtime` only.
    pub fn start_remote(context: &EngineContext, client: Client, heartbeat_client: Client) -> Self {
        let (mut engine, worker) = (Self::new(context), identity(context));
        let source = |client| Arc::new(RemoteSource::new(client, worker.clone()));
        let (source, heartbeat_source) = (source(client), source(heartbeat_client));
        engine.start_worker(context, worker, source, heartbeat_source);
        engine
    }

    fn new(context: &EngineContext) -> Self {
        let supervisor = || Supervisor::new(context.process_status.clone(), context.log.clone());
        Self {
            supervisor: supervisor(),
            background: supervisor(),
            heartbeats: supervisor().on(&context.heartbeat_runtime),
            stop: Stop::new(),
            end: Stop::new(),
            leave: None,
        }
    }

    fn start_worker<S: Source>(
        &mut self,
        context: &EngineContext,
        identity: Worker,
        source: Arc<S>,
        heartbeat_source: Arc<S>,
    ) {
        let local = Arc::new(LocalWorker::new(identity));
        let heartbeat = heartbeat::heartbeat(context, &local, &heartbeat_source);
        self.heartbeats.keep_until("heartbeat", &self.end, heartbeat);
        self.supervisor.keep("worker", &self.stop, worker::worker(context, &local, &self.stop, &source));
        self.leave = Some(Box::pin(async move { source.leave().await }));
    }

    /// Runs the HTTP server in a task. The caller stops the server.
    pub fn spawn_server(
        &self,
        server: Option<impl Future<Output = std::io::Result<()>> + Send + 'static>,
        log: Logger,
    ) -> tokio::task::JoinHandle<()> {
        tokio::spawn(async move {
            if let Some(Err(error)) = futures_util::future::OptionFuture::from(server).await {
                slog::error!(log, "the HTTP server failed"; "error" => error.to_string());
            }
        })
    }

    /// Stops claiming, lets running work finish within its grace, releases the rest, and joins all services.
    pub async fn stop(self) {
        self.stop.cancel();
        self.supervisor.join().await;
        self.end.cancel();
        self.background.join().await;
        self.heartbeats.join().await;
        if let Some(leave) = self.leave {
            // Best effort: without it, the record of this worker expires.
            _ = tokio::time::timeout(LEAVE_TIMEOUT, leave).await;
        }
    }
}

/// The identity of this process as a worker, new for every start.
fn identity(context: &EngineContext) -> Worker {
    let host = nix::unistd::gethostname().ok().and_then(|name| name.into_string().ok()).unwrap_or("host".into());
    let pid = std::process::id();
    let incarnation: String = uuid::Uuid::new_v4().simple().to_string().chars().take(8).collect();
    let config = &context.config;
    let mut kinds = context.handlers.kinds();
    kinds.retain(|kind| config.worker_kinds.as_ref().is_none_or(|allowed| allowed.contains(kind)));
    Worker {
        id: format!("{host}-{pid}-{incarnation}"),
        host,
        pid: i32::try_from(pid).unwrap_or_default(),
        incarnation,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        queues: config.worker_queues.clone(),
        kinds,
        slots: i32::try_from(config.worker_concurrency).unwrap_or(i32::MAX),
    }
}

fn logger(context: &EngineContext, service: &'static str) -> Logger {
    context.log.new(o!("service" => service))
}
