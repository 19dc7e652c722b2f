//! WAITS: the only room that spawns. Everything spawned here is watched, and joined at shutdown.

mod attempt;
mod chore;
mod crew;
mod heartbeat;
mod held;
mod listener;
mod scheduler;
mod source;
mod supervisor;
mod worker;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use slog::{Logger, o};
use tokio::runtime::Handle;

use crate::config::Config;
use crate::handlers::Handlers;
use crate::meter::Meter;
use crate::signal::{Bell, Board, Stop};
use crate::store::workers::Worker;
use crate::store::{Connector, Store};

use crew::Crew;
use supervisor::Supervisor;

/// Everything the engine needs from outside.
#[derive(Clone)]
pub struct Parts {
    pub config: Arc<Config>,
    /// A store with a pool of its own, so that no amount of HTTP can starve a heartbeat.
    pub store: Store,
    /// A store for heartbeats alone, used on `vital_runtime` alone: its connections live there.
    pub vital: Store,
    /// A runtime with a thread of its own, so that no handler can hold up a heartbeat.
    pub vital_runtime: Handle,
    pub connector: Connector,
    pub bell: Arc<Bell>,
    pub board: Arc<Board>,
    pub meter: Meter,
    /// What this process can run.
    pub handlers: Handlers,
    pub log: Logger,
}

/// The engine at work.
pub struct Engine {
    /// What ends first, and what must outlive it.
    supervisor: Supervisor,
    companions: [Supervisor; 2],
    /// Stops claiming, listening and chores.
    stop: Stop,
    /// Ends what must go on while running work finishes: heartbeats and the bell.
    end: Stop,
    /// What the last goodbye is said with, when this process runs jobs.
    farewell: Option<(Store, String)>,
}

impl Engine {
    /// Starts every service of the roles that are on. This list is the whole engine.
    pub fn start(parts: Parts) -> Self {
        let (stop, end) = (Stop::new(), Stop::new());
        let mut supervisor = Supervisor::new(parts.board.clone(), parts.log.clone());
        let mut companions = Supervisor::new(parts.board.clone(), parts.log.clone());
        let mut vital = Supervisor::new(parts.board.clone(), parts.log.clone()).on(&parts.vital_runtime);
        let mut farewell = None;

        supervisor.keep_until("listener", &stop, listener::service(&parts));
        companions.keep_until("ringer", &end, listener::ringer(&parts));
        if parts.config.roles.worker {
            let crew = Arc::new(Crew::new(identity(&parts)));
            vital.keep_until("heartbeat", &end, heartbeat::service(&parts, &crew));
            supervisor.keep("worker", &stop, worker::service(&parts, &crew, &stop));
            farewell = Some((parts.store.clone(), crew.me.id.clone()));
        }
        if parts.config.roles.scheduler {
            supervisor.keep_until("scheduler", &stop, scheduler::service(&parts));
            for chore in chore::all() {
                supervisor.keep_until(chore.name, &stop, chore.service(&parts));
            }
        }
        Self { supervisor, companions: [companions, vital], stop, end, farewell }
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
        if let Some((store, id)) = self.farewell {
            // Nobody depends on this row; while the database is down it is simply left to grow old.
            _ = tokio::time::timeout(Duration::from_secs(1), store.leave_worker(&id)).await;
        }
    }
}

/// Who this process is among the workers: new for every start.
fn identity(parts: &Parts) -> Worker {
    let host = nix::unistd::gethostname().ok().and_then(|name| name.into_string().ok()).unwrap_or("host".into());
    let pid = std::process::id();
    let mark: String = uuid::Uuid::new_v4().simple().to_string().chars().take(8).collect();
    Worker {
        id: format!("{host}-{pid}-{mark}"),
        host,
        pid: i32::try_from(pid).unwrap_or_default(),
        incarnation: mark,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        queues: parts.config.worker_queues.clone(),
        kinds: kinds(parts),
        slots: i32::try_from(parts.config.worker_concurrency).unwrap_or(i32::MAX),
    }
}

/// The kinds that this process runs: those that it was told, as far as it has a handler for them.
fn kinds(parts: &Parts) -> Vec<String> {
    let wanted = parts.config.worker_kinds.as_ref();
    parts.handlers.kinds().into_iter().filter(|kind| wanted.is_none_or(|wanted| wanted.contains(kind))).collect()
}

/// A duration within ±20 % of `period`, so that processes that started together do not stay in step.
fn jittered(period: Duration) -> Duration {
    period.mul_f64(0.8 + 0.4 * rand::random::<f64>())
}

/// The logger of one service.
fn logger(parts: &Parts, service: &'static str) -> Logger {
    parts.log.new(o!("service" => service))
}
