//! WAITS: the only room that spawns. Everything spawned here is watched, and joined at shutdown.

mod attempt;
mod chore;
mod crew;
mod heartbeat;
mod held;
mod listener;
mod remote;
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
use crate::signal::{ProcessStatus, Stop, Wakeup};
use crate::store::workers::Worker;
use crate::store::{Connector, Store};
use crate::telemetry::Telemetry;
use crate::wire::client::Client;

use crew::Crew;
pub use remote::Remote;
use source::{Database, Source};
use supervisor::Supervisor;

/// What every worker needs, wherever it gets its work. There is no database in it.
#[derive(Clone)]
pub struct Tools {
    pub config: Arc<Config>,
    /// A runtime with a thread of its own, so that no handler can hold up a heartbeat.
    pub vital_runtime: Handle,
    pub wakeup: Arc<Wakeup>,
    pub process_status: Arc<ProcessStatus>,
    pub telemetry: Telemetry,
    /// What this process can run.
    pub handlers: Handlers,
    pub log: Logger,
}

/// Everything the engine needs from outside, where it has a database.
#[derive(Clone)]
pub struct Parts {
    pub tools: Tools,
    /// A store with a pool of its own, so that no amount of HTTP can starve a heartbeat.
    pub store: Store,
    /// A store for heartbeats alone, used on `vital_runtime` alone: its connections live there.
    pub vital: Store,
    pub connector: Connector,
}

/// The engine at work.
pub struct Engine {
    /// What ends first, and what must outlive it.
    supervisor: Supervisor,
    companions: [Supervisor; 2],
    /// Stops claiming, listening and chores.
    stop: Stop,
    /// Ends what must go on while running work finishes: heartbeats and the wakeup.
    end: Stop,
    /// The last goodbye, when this process runs jobs.
    farewell: Option<BoxFuture<'static, ()>>,
}

impl Engine {
    /// Starts every service of the roles that are on. This list is the whole engine.
    pub fn start(parts: Parts) -> Self {
        let mut engine = Self::still(&parts.tools);
        let (stop, end) = (engine.stop.clone(), engine.end.clone());
        engine.supervisor.keep_until("listener", &stop, listener::service(&parts));
        engine.companions[0].keep_until("deferred_notifier", &end, listener::deferred_notifier(&parts));
        if parts.tools.config.roles.worker {
            let me = identity(&parts.tools);
            let source = |store: &Store| Arc::new(Database::new(&parts.tools.config, store, &me));
            engine.work(&parts.tools, &me, source(&parts.store), source(&parts.vital));
        }
        if parts.tools.config.roles.scheduler {
            engine.supervisor.keep_until("scheduler", &stop, scheduler::service(&parts));
            for chore in chore::all() {
                engine.supervisor.keep_until(chore.name, &stop, chore.service(&parts));
            }
        }
        engine
    }

    /// Starts a worker that gets its work from a server; `vital` speaks to it on `vital_runtime` alone.
    pub fn start_remote(tools: &Tools, client: Client, vital: Client) -> Self {
        let (mut engine, me) = (Self::still(tools), identity(tools));
        let source = |client| Arc::new(Remote::new(client, me.clone()));
        engine.work(tools, &me, source(client), source(vital));
        engine
    }

    /// Nothing runs yet.
    fn still(tools: &Tools) -> Self {
        let supervisor = || Supervisor::new(tools.process_status.clone(), tools.log.clone());
        let companions = [supervisor(), supervisor().on(&tools.vital_runtime)];
        Self { supervisor: supervisor(), companions, stop: Stop::new(), end: Stop::new(), farewell: None }
    }

    /// Starts a worker: its loop, and its heartbeat, which speaks to the same place in a way of its own.
    fn work<S: Source>(&mut self, tools: &Tools, me: &Worker, source: Arc<S>, vital: Arc<S>) {
        let crew = Arc::new(Crew::new(me.clone()));
        self.companions[1].keep_until("heartbeat", &self.end, heartbeat::service(tools, &crew, &vital));
        self.supervisor.keep("worker", &self.stop, worker::service(tools, &crew, &self.stop, &source));
        self.farewell = Some(Box::pin(async move { source.leave().await }));
    }

    /// Drives what somebody else made, such as the HTTP server, in a task of its own. Whoever made it ends it.
    pub fn drive(
        &self,
        work: Option<impl Future<Output = std::io::Result<()>> + Send + 'static>,
        log: Logger,
    ) -> tokio::task::JoinHandle<()> {
        tokio::spawn(async move {
            if let Some(Err(error)) = futures_util::future::OptionFuture::from(work).await {
                slog::error!(log, "the HTTP server failed"; "error" => error.to_string());
            }
        })
    }

    /// Stops claiming, lets running work finish within its grace, hands back the rest, and joins everything.
    pub async fn stop(self) {
        self.stop.cancel();
        self.supervisor.join().await;
        self.end.cancel();
        for companions in self.companions {
            companions.join().await;
        }
        if let Some(farewell) = self.farewell {
            // Nobody depends on it; while nobody listens the worker's row is simply left to grow old.
            _ = tokio::time::timeout(Duration::from_secs(1), farewell).await;
        }
    }
}

/// Who this process is among the workers: new for every start.
fn identity(tools: &Tools) -> Worker {
    let host = nix::unistd::gethostname().ok().and_then(|name| name.into_string().ok()).unwrap_or("host".into());
    let pid = std::process::id();
    let mark: String = uuid::Uuid::new_v4().simple().to_string().chars().take(8).collect();
    Worker {
        id: format!("{host}-{pid}-{mark}"),
        host,
        pid: i32::try_from(pid).unwrap_or_default(),
        incarnation: mark,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        queues: tools.config.worker_queues.clone(),
        kinds: kinds(tools),
        slots: i32::try_from(tools.config.worker_concurrency).unwrap_or(i32::MAX),
    }
}

/// The kinds that this process runs: those that it was told, as far as it has a handler for them.
fn kinds(tools: &Tools) -> Vec<String> {
    let wanted = tools.config.worker_kinds.as_ref();
    tools.handlers.kinds().into_iter().filter(|kind| wanted.is_none_or(|wanted| wanted.contains(kind))).collect()
}

/// A duration within ±20 % of `period`, so that processes that started together do not stay in step.
fn jittered(period: Duration) -> Duration {
    period.mul_f64(0.8 + 0.4 * rand::random::<f64>())
}

/// The logger of one service.
fn logger(tools: &Tools, service: &'static str) -> Logger {
    tools.log.new(o!("service" => service))
}
