//! The embedded cluster for the databases of projects: a second private PostgreSQL, so that a tenant can neither see nor disturb
//! Provost's own tables. It is started when it is first needed, and then with every start of the process.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use slog::{Logger, error, info, warn};
use tokio::sync::watch;

use crate::config::Config;
use crate::connection::Connector;
use crate::embedded::{Embedded, Options};
use crate::log::chain;
use crate::provision::Failure;
use crate::provision::postgres::{Peek, Reach, Reaching};

const CHECK_INTERVAL: Duration = Duration::from_secs(1);
/// How long a step waits for the server: initializing takes seconds, a download or a recovery longer.
const START_TIMEOUT: Duration = Duration::from_secs(120);

/// The embedded cluster of this process. Cheap to clone.
#[derive(Clone)]
pub struct Tenants(Arc<Shared>);

struct Shared {
    options: Options,
    log: Logger,
    state: watch::Sender<State>,
    keeper: Mutex<Option<Keeper>>,
}

#[derive(Clone)]
enum State {
    Stopped,
    Starting,
    Running(Box<Connector>),
    Failed(String),
}

/// The thread that starts the server, restarts the server if it dies, and stops it.
struct Keeper {
    stop: Sender<()>,
    thread: JoinHandle<()>,
}

impl Tenants {
    pub fn new(config: &Config, log: Logger) -> Self {
        let options = Options {
            state_dir: config.data_dir.join("tenants"),
            bin_dir: config.postgres_bin_dir.clone(),
            download: true,
            ..Options::default()
        };
        Self(Arc::new(Shared { options, log, state: watch::Sender::new(State::Stopped), keeper: Mutex::default() }))
    }

    /// Starts the server if it has been used before, because its databases are in use.
    pub fn start_if_used(&self) {
        if self.was_used() {
            self.start();
        }
    }

    fn was_used(&self) -> bool {
        self.0.options.state_dir.join("data").exists()
    }

    /// Stops the server and waits for it.
    pub fn stop(&self) {
        if let Some(Keeper { stop, thread }) = self.keeper().take() {
            drop(stop);
            // A panic of the thread was already logged.
            _ = thread.join();
        }
    }

    fn start(&self) {
        let mut keeper = self.keeper();
        if keeper.as_ref().is_some_and(|it| !it.thread.is_finished()) {
            return;
        }
        self.0.state.send_replace(State::Starting);
        let (stop, stopped) = channel();
        let shared = self.0.clone();
        let keep = move || match start_on_the_same_port(&shared.options) {
            Ok(server) => {
                let published = Connector::parse(server.url()).map(|it| State::Running(Box::new(it)));
                shared.state.send_replace(published.unwrap_or_else(|error| State::Failed(chain(&error))));
                info!(shared.log, "embedded cluster started"; "pid" => server.pid());
                keep_running(server, &stopped, &shared.log);
                shared.state.send_replace(State::Stopped);
            }
            Err(error) => {
                error!(shared.log, "cannot start the embedded cluster"; "error" => chain(&error));
                shared.state.send_replace(State::Failed(chain(&error)));
            }
        };
        *keeper = Some(Keeper { stop, thread: std::thread::spawn(keep) });
    }

    fn keeper(&self) -> std::sync::MutexGuard<'_, Option<Keeper>> {
        self.0.keeper.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn connector(&self) -> Result<Connector, Failure> {
        let mut states = self.0.state.subscribe();
        self.start();
        let settled = states.wait_for(|state| matches!(state, State::Running(_) | State::Failed(_)));
        let unreachable = |why: &str| {
            Failure::retryable("cluster_unreachable", format!("the embedded cluster is not running: {why}"))
        };
        match tokio::time::timeout(START_TIMEOUT, settled).await {
            Ok(Ok(state)) => match &*state {
                State::Running(connector) => Ok(Connector::clone(connector)),
                State::Failed(why) => Err(unreachable(why)),
                State::Stopped | State::Starting => Err(unreachable("it is being stopped")),
            },
            Ok(Err(_)) => Err(unreachable("it is being stopped")),
            Err(_) => Err(unreachable("it did not become ready in time")),
        }
    }
}

impl Reach for Tenants {
    fn reach(&self) -> Reaching<'_> {
        Box::pin(self.connector())
    }

    fn is_in_use(&self) -> bool {
        self.was_used()
    }

    fn peek(&self) -> Peek {
        match &*self.0.state.borrow() {
            State::Running(connector) => Peek::At(connector.clone()),
            State::Stopped => Peek::Stopped,
            State::Starting => Peek::Failed("it is being started".to_owned()),
            State::Failed(why) => Peek::Failed(why.clone()),
        }
    }
}

fn keep_running(mut server: Embedded, stopped: &std::sync::mpsc::Receiver<()>, log: &Logger) {
    while stopped.recv_timeout(CHECK_INTERVAL) == Err(RecvTimeoutError::Timeout) {
        match server.revive() {
            Ok(false) => {}
            Ok(true) => warn!(log, "restarted the embedded cluster after it died"),
            Err(error) => error!(log, "cannot restart the embedded cluster"; "error" => chain(&error)),
        }
    }
    server.stop();
}

/// URLs that people have copied contain the port, so a restart keeps it.
fn start_on_the_same_port(options: &Options) -> Result<Embedded, crate::embedded::Error> {
    let file = port_file(&options.state_dir);
    let port = fs::read_to_string(&file).ok().and_then(|text| text.trim().parse().ok());
    let server = Embedded::start(&Options { port: port.or(options.port), ..options.clone() })?;
    if port != Some(server.port()) {
        _ = fs::write(file, server.port().to_string());
    }
    Ok(server)
}

fn port_file(state_dir: &Path) -> PathBuf {
    state_dir.join("port")
}
