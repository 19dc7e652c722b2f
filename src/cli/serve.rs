//! `provost serve`: store, engine and web in one process, and the order in which they start and stop.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::{Duration, Instant};

use slog::{Logger, error, info, warn};
use time::OffsetDateTime;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;

use super::Exit;
use super::banner::{Banner, database, no_database, reachable};
use super::nurse::Nurse;
use super::process::{Signals, handlers, log_panics, registry, runtimes};
use crate::config::Config;
use crate::engine::{Engine, Parts, Tools};
use crate::handlers::{Handlers, finish_commands};
use crate::log::{self, chain};
use crate::signal::{ProcessStatus, Stop, Wakeup};
use crate::store::{Connector, MigrateError, Store, migrate};
use crate::telemetry::Telemetry;
use crate::web;
use crate::web::{App, Schemas};

/// How many connections the engine has to itself: the claim, settlements, chores.
pub const ENGINE_POOL: usize = 4;
/// How many connections heartbeats have to themselves.
pub const VITAL_POOL: usize = 1;

/// Runs until a signal. The private PostgreSQL starts before and stops after everything else.
pub fn run(config: Config) -> Exit {
    run_with(config, |handlers| handlers)
}

/// The same; as soon as it answers, its host and port are told to `ready`.
pub fn run_and_tell(config: Config, ready: impl Fn(&str) + 'static) -> Exit {
    run_all(config, Box::new(|handlers| handlers), Box::new(ready))
}

/// The same with further handlers: those in the box are given to `extra`, which answers with all that there shall be.
pub fn run_with(config: Config, extra: impl Fn(Handlers) -> Handlers + 'static) -> Exit {
    run_all(config, Box::new(extra), Box::new(|_| {}))
}

fn run_all(config: Config, extra: Box<dyn Fn(Handlers) -> Handlers>, ready: Box<dyn Fn(&str)>) -> Exit {
    let started = Instant::now();
    let log = log::root(config.log_level, config.log_format);
    log_panics(log.clone());
    let handlers = match handlers(&config) {
        Ok(handlers) => extra(handlers),
        Err(exit) => return exit,
    };
    let (private, connector) = match database(&config) {
        Ok(database) => database,
        Err(exit) => return exit,
    };
    let nurse = private.map(|private| Nurse::of(private, log.clone()));
    let (runtime, vital) = match runtimes() {
        Ok(runtimes) => runtimes,
        Err(exit) => return exit,
    };
    let ground = Ground { connector, private: nurse.is_some(), vital: vital.handle().clone(), handlers, ready };
    let exit = runtime.block_on(serve(Arc::new(config), ground, started, log));
    drop(runtime);
    drop(vital);
    finish_commands();
    // Whoever sent a second signal does not want to wait; the private PostgreSQL stops by itself when we are gone.
    if let Some(nurse) = nurse.filter(|_| exit != Exit::Interrupted) {
        nurse.stop();
    }
    exit
}

/// What everything stands on.
struct Ground {
    connector: Connector,
    /// Whether the database is a private one.
    private: bool,
    vital: Handle,
    /// What this process can run.
    handlers: Handlers,
    /// Who is told where it answers.
    ready: Box<dyn Fn(&str)>,
}

async fn serve(config: Arc<Config>, ground: Ground, started: Instant, log: Logger) -> Exit {
    let connector = &ground.connector;
    let Some(mut signals) = Signals::new() else { return Exit::Failure };
    let schema = tokio::select! {
        migrated = migrate_patiently(connector, config.database_wait, &log) => migrated,
        () = signals.next() => return Exit::Interrupted,
    };
    match schema {
        Ok(done) => info!(log, "schema is up to date"; "version" => done.version, "applied" => done.applied),
        Err(error) => return no_database(&error, Some(connector)),
    }
    let listener = match bind(&config) {
        Ok(listener) => listener,
        Err(error) => {
            eprintln!(
                "provost: {} cannot be listened on: {error}\n  Is another provost running? Try --listen 127.0.0.1:0 for any free port.",
                config.listen
            );
            return Exit::Unreachable;
        }
    };
    match start(config.clone(), &ground, listener, log.clone()) {
        Ok(running) => {
            let database = format!("{}{}", connector.address(), if ground.private { " (private)" } else { "" });
            Banner { config: &config, listen: running.listen, database, ready_in: started.elapsed() }.print();
            if let Some(at) = &running.listen {
                (ground.ready)(&reachable(at));
            }
            running.until_stopped(&mut signals, &log).await
        }
        Err(error) => {
            error!(log, "cannot start"; "error" => chain(error.as_ref()));
            Exit::Failure
        }
    }
}

/// Everything that runs.
struct Running {
    engine: Engine,
    server: Option<actix_web::dev::ServerHandle>,
    /// The task that drives the server.
    serving: tokio::task::JoinHandle<()>,
    listen: Option<std::net::SocketAddr>,
    process_status: Arc<ProcessStatus>,
    stop: Stop,
    stores: [Store; 3],
}

fn start(
    config: Arc<Config>,
    ground: &Ground,
    listener: Option<TcpListener>,
    log: Logger,
) -> Result<Running, Box<dyn std::error::Error>> {
    let connector = &ground.connector;
    let (wakeup, process_status, telemetry, stop) =
        (Arc::new(Wakeup::default()), Arc::new(ProcessStatus::default()), Telemetry::default(), Stop::new());
    let for_engine = Store::new(connector.engine_pool(ENGINE_POOL)?, wakeup.clone());
    let for_web = Store::new(connector.pool(config.database_pool)?, wakeup.clone());
    let handlers = ground.handlers.clone();
    let vital = Store::new(connector.engine_pool(VITAL_POOL)?, wakeup.clone());
    let schemas = handlers.schemas();
    let turns = (config.database_pool / 2).max(1);
    let listen = listener.as_ref().map(TcpListener::local_addr).transpose()?;
    let tools = Tools {
        config: config.clone(),
        vital_runtime: ground.vital.clone(),
        wakeup: wakeup.clone(),
        process_status: process_status.clone(),
        telemetry: telemetry.clone(),
        handlers,
        log: log.clone(),
    };
    let (connector, store) = (connector.clone(), for_engine.clone());
    let engine = Engine::start(Parts { tools, store, vital: vital.clone(), connector });
    let app = App {
        store: for_web.clone(),
        wakeup,
        process_status: process_status.clone(),
        telemetry,
        templates: registry(&config).templates(),
        config,
        schemas: Schemas::new(schemas),
        database_address: ground.connector.address(),
        started_at: OffsetDateTime::now_utc(),
        waiting: Arc::new(Semaphore::new(turns)),
        polls: Arc::default(),
        streams: Arc::new(Semaphore::new(crate::web::MAX_STREAMS)),
        host: listen.as_ref().map(reachable).unwrap_or_default(),
        stop: stop.clone(),
        log: log.clone(),
    };
    let server = listener.map(|listener| web::server(app, listener)).transpose()?;
    let handle = server.as_ref().map(actix_web::dev::Server::handle);
    let serving = engine.drive(server, log);
    Ok(Running { engine, server: handle, serving, listen, process_status, stop, stores: [for_engine, for_web, vital] })
}

impl Running {
    /// The order of stopping, as a list.
    async fn until_stopped(self, signals: &mut Signals, log: &Logger) -> Exit {
        let Self { engine, server, serving, process_status, stop, stores, .. } = self;
        signals.next().await;
        info!(log, "stopping; a second signal ends at once");
        let orderly = async {
            // 1. /readyz says no, and whoever waits for something gets its answer.
            process_status.drain();
            stop.cancel();
            // 2. No more claims; running work finishes or is handed back.
            engine.stop().await;
            // 3. HTTP answers until the end.
            if let Some(server) = server {
                server.stop(true).await;
            }
            _ = serving.await;
            // 4. Connections close before the database does.
            stores.iter().for_each(Store::close);
        };
        tokio::select! {
            () = orderly => {
                info!(log, "stopped");
                Exit::Success
            }
            () = signals.next() => {
                warn!(log, "stopped at once; what was running will be taken back when its lease ends");
                Exit::Interrupted
            }
        }
    }
}

fn bind(config: &Config) -> std::io::Result<Option<TcpListener>> {
    if !config.roles.api {
        return Ok(None);
    }
    TcpListener::bind(config.listen).map(Some)
}

/// Migrates, waiting a while for a database that is not up yet.
async fn migrate_patiently(
    connector: &Connector,
    patience: Duration,
    log: &Logger,
) -> Result<crate::store::Migrated, MigrateError> {
    let deadline = Instant::now() + patience;
    loop {
        match migrate(connector).await {
            Err(error) if error.is_temporary() && Instant::now() < deadline => {
                warn!(log, "waiting for the database"; "address" => connector.address(), "error" => chain(&error));
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            answer => return answer,
        }
    }
}
