//! WAITS: the only room that spawns. Everything spawned here is watched, and joined at shutdown.

mod chore;
mod heartbeat;
mod held;
mod listener;
mod source;
mod supervisor;
mod worker;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use slog::{Logger, o};

use crate::config::Config;
use crate::domain::JobKind;
use crate::handlers::Handlers;
use crate::meter::Meter;
use crate::signal::{Bell, Board, Stop};
use crate::store::workers::Worker;
use crate::store::{Connector, Store};

use held::Held;
use source::Database;
use supervisor::Supervisor;

/// Everything the engine needs from outside.
#[derive(Clone)]
pub struct Parts {
    pub config: Arc<Config>,
    /// A store with a pool of its own, so that no amount of HTTP can starve a heartbeat.
    pub store: Store,
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
    companions: Supervisor,
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
        let mut farewell = None;

        supervisor.keep_until("listener", &stop, listener::service(&parts));
        companions.keep_until("ringer", &end, listener::ringer(&parts));
        if parts.config.roles.worker {
            let (me, held) = (Arc::new(identity(&parts)), Arc::new(Held::default()));
            companions.keep_until("heartbeat", &end, heartbeat::service(&parts, &me, &held));
            supervisor.keep("worker", &stop, worker::service(&parts, &me, &held, &stop));
            farewell = Some((parts.store.clone(), me.id.clone()));
        }
        if parts.config.roles.scheduler {
            for chore in chore::all() {
                supervisor.keep_until(chore.name, &stop, chore.service(&parts));
            }
        }
        Self { supervisor, companions, stop, end, farewell }
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
        self.companions.join().await;
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
    let mark = &uuid::Uuid::new_v4().simple().to_string()[..6];
    Worker {
        id: format!("{host}-{pid}-{mark}"),
        host,
        pid: i32::try_from(pid).unwrap_or_default(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        queues: vec![Database::QUEUE.to_owned()],
        kinds: JobKind::ALL.iter().map(|kind| kind.as_str().to_owned()).collect(),
        slots: i32::try_from(parts.config.worker_concurrency).unwrap_or(i32::MAX),
    }
}

/// A duration within ±20 % of `period`, so that processes that started together do not stay in step.
fn jittered(period: Duration) -> Duration {
    period.mul_f64(0.8 + 0.4 * rand::random::<f64>())
}

/// The logger of one service.
fn logger(parts: &Parts, service: &'static str) -> Logger {
    parts.log.new(o!("service" => service))
}
