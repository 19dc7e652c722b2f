//! `provost serve`: starts the store, the engine and the web server in one process, and stops them in order.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::{Duration, Instant};

use slog::{Logger, error, info, warn};
use time::OffsetDateTime;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;

use super::banner::{Banner, local_host};
use super::clusters::set_concurrency;
use super::database::{Database, connect, report_unusable_schema};
use super::exit::Exit;
use super::postgres_supervisor::PostgresSupervisor;
use super::process::{Provisioning, Signals, keyring, log_panics, runtimes};
use crate::config::Config;
use crate::engine::{Engine, EngineContext, EngineResources};
use crate::handlers::{Handlers, finish_cleanup};
use crate::log::{self, chain};
use crate::secrets::Keyring;
use crate::signal::{ProcessStatus, Stop, Wakeup};
use crate::store::templates::NewTemplate;
use crate::store::{Connector, MigrateError, Store, migrate};
use crate::telemetry::Telemetry;
use crate::template::Templates;
use crate::web;
use crate::web::{App, Schemas};

/// Connections reserved for the engine: claims, settlements, maintenance.
pub const ENGINE_POOL: usize = 4;
/// Connections reserved for heartbeats.
pub const HEARTBEAT_POOL: usize = 1;

/// Runs until a signal. The private PostgreSQL starts first and stops last.
pub fn run(config: Config) -> Exit {
    run_with(config, |handlers| handlers)
}

/// Like [`run`]; calls `on_ready` with host and port once the server answers.
pub fn run_then(config: Config, on_ready: impl Fn(&str) + 'static) -> Exit {
    run_all(config, Box::new(|handlers| handlers), Box::new(on_ready))
}

/// Like [`run`], with additional handlers: `extra` receives the built-in ones and returns all.
pub fn run_with(config: Config, extra: impl Fn(Handlers) -> Handlers + 'static) -> Exit {
    run_all(config, Box::new(extra), Box::new(|_| {}))
}

fn run_all(config: Config, extra: Box<dyn Fn(Handlers) -> Handlers>, on_ready: Box<dyn Fn(&str)>) -> Exit {
    let started = Instant::now();
    let log = log::root(config.log_level, config.log_format);
    log_panics(log.clone());
    let provisioning = match Provisioning::of(&config, &log) {
        Ok(provisioning) => provisioning,
        Err(exit) => return exit,
    };
    let handlers = extra(provisioning.handlers());
    let tenants = provisioning.tenants.clone();
    let keyring = match keyring(&config) {
        Ok(keyring) => keyring,
        Err(exit) => return exit,
    };
    let Database { private, connector, direct } = match connect(&config) {
        Ok(database) => database,
        Err(exit) => return exit,
    };
    let supervisor = private.map(|private| PostgresSupervisor::start(private, log.clone()));
    let (runtime, heartbeats) = match runtimes() {
        Ok(runtimes) => runtimes,
        Err(exit) => return exit,
    };
    let (is_private, heartbeat_runtime) = (supervisor.is_some(), heartbeats.handle().clone());
    if config.roles.worker {
        tenants.start_if_used();
    }
    let startup =
        Startup { connector, direct, is_private, heartbeat_runtime, handlers, provisioning, keyring, on_ready };
    let exit = runtime.block_on(serve(Arc::new(config), startup, started, log));
    drop(runtime);
    drop(heartbeats);
    finish_cleanup();
    // After a second signal do not wait: the PostgreSQL servers stop when this process ends.
    if exit != Exit::Interrupted {
        tenants.stop();
    }
    if let Some(supervisor) = supervisor.filter(|_| exit != Exit::Interrupted) {
        supervisor.stop();
    }
    exit
}

/// What the server needs to start.
struct Startup {
    connector: Connector,
    /// Leads past a pooler.
    direct: Connector,
    /// Whether the database is the private PostgreSQL.
    is_private: bool,
    /// The runtime of the heartbeats.
    heartbeat_runtime: Handle,
    handlers: Handlers,
    provisioning: Provisioning,
    keyring: Option<Keyring>,
    on_ready: Box<dyn Fn(&str)>,
}

async fn serve(config: Arc<Config>, startup: Startup, started: Instant, log: Logger) -> Exit {
    let connector = &startup.connector;
    let Some(mut signals) = Signals::new() else { return Exit::Failure };
    let schema = tokio::select! {
        migrated = migrate_when_available(&startup.direct, config.database_wait, &log) => migrated,
        () = signals.next() => return Exit::Interrupted,
    };
    match schema {
        Ok(done) => info!(log, "schema is up to date"; "version" => done.version, "applied" => done.applied),
        Err(error) => return report_unusable_schema(&error, &startup.direct),
    }
    let listener = match bind(&config) {
        Ok(listener) => listener,
        Err(error) => {
            eprintln!(
                "provost: cannot listen on {}: {error}\n  Is another provost running? Use --listen 127.0.0.1:0 for any free port.",
                config.listen
            );
            return Exit::Unreachable;
        }
    };
    match start(config.clone(), &startup, listener, log.clone()) {
        Ok(running) => {
            register_templates(&running.stores, &startup.provisioning.templates, &log).await;
            let [store, ..] = &running.stores;
            if let Err(error) = set_concurrency(store, &startup.provisioning.concurrency).await {
                warn!(log, "concurrency of clusters not set"; "error" => chain(&error));
            }
            let database = format!("{}{}", connector.address(), if startup.is_private { " (private)" } else { "" });
            Banner { config: &config, listen: running.listen, database, ready_in: started.elapsed() }.print();
            if let Some(at) = &running.listen {
                (startup.on_ready)(&local_host(at));
            }
            running.until_stopped(&mut signals, &log).await
        }
        Err(error) => {
            error!(log, "cannot start"; "error" => chain(error.as_ref()));
            Exit::Failure
        }
    }
}

/// A running server.
struct Running {
    engine: Engine,
    server: Option<actix_web::dev::ServerHandle>,
    /// The task that runs the web server.
    serving: tokio::task::JoinHandle<()>,
    listen: Option<std::net::SocketAddr>,
    process_status: Arc<ProcessStatus>,
    stop: Stop,
    stores: [Store; 3],
}

fn start(
    config: Arc<Config>,
    startup: &Startup,
    listener: Option<TcpListener>,
    log: Logger,
) -> Result<Running, Box<dyn std::error::Error>> {
    let connector = &startup.connector;
    let (wakeup, process_status, telemetry, stop) =
        (Arc::new(Wakeup::default()), Arc::new(ProcessStatus::default()), Telemetry::default(), Stop::new());
    let for_engine = Store::new(connector.engine_pool(ENGINE_POOL)?, wakeup.clone());
    let for_web = for_engine.over(connector.pool(config.database_pool)?);
    let handlers = startup.handlers.clone();
    let for_heartbeats = for_engine.over(connector.engine_pool(HEARTBEAT_POOL)?);
    let schemas = handlers.schemas();
    let permits = (config.database_pool / 2).max(1);
    let listen = listener.as_ref().map(TcpListener::local_addr).transpose()?;
    let context = EngineContext {
        config: config.clone(),
        heartbeat_runtime: startup.heartbeat_runtime.clone(),
        wakeup: wakeup.clone(),
        process_status: process_status.clone(),
        telemetry: telemetry.clone(),
        handlers,
        keyring: startup.keyring.clone(),
        api_address: config.server.clone().or(listen.as_ref().map(|at| format!("http://{}", local_host(at)))),
        log: log.clone(),
    };
    let (listen_connector, store) = (startup.direct.clone(), for_engine.clone());
    let registry = startup.provisioning.registry.clone();
    let heartbeat_store = for_heartbeats.clone();
    let engine = Engine::start(EngineResources { context, store, heartbeat_store, listen_connector, registry });
    let app = App {
        store: for_web.clone(),
        wakeup,
        process_status: process_status.clone(),
        telemetry,
        clusters: Arc::new(startup.provisioning.clusters.clone()),
        templates: Arc::new(startup.provisioning.templates.clone()),
        keyring: startup.keyring.clone(),
        config,
        schemas: Schemas::new(schemas),
        database_address: startup.connector.address(),
        started_at: OffsetDateTime::now_utc(),
        waiting: Arc::new(Semaphore::new(permits)),
        polls: Arc::default(),
        streams: Arc::new(Semaphore::new(crate::web::MAX_STREAMS)),
        host: listen.as_ref().map(local_host).unwrap_or_default(),
        stop: stop.clone(),
        log: log.clone(),
    };
    let server = listener.map(|listener| web::server(app, listener)).transpose()?;
    let handle = server.as_ref().map(actix_web::dev::Server::handle);
    let serving = engine.spawn_server(server, log);
    Ok(Running {
        engine,
        server: handle,
        serving,
        listen,
        process_status,
        stop,
        stores: [for_engine, for_web, for_heartbeats],
    })
}

impl Running {
    /// Waits for a signal, then stops everything in order.
    async fn until_stopped(self, signals: &mut Signals, log: &Logger) -> Exit {
        let Self { engine, server, serving, process_status, stop, stores, .. } = self;
        signals.next().await;
        info!(log, "stopping; a second signal stops at once");
        let orderly = async {
            // 1. /readyz fails, and waiting requests are answered.
            process_status.drain();
            stop.cancel();
            // 2. No more claims; running jobs finish or are released.
            engine.stop().await;
            // 3. HTTP requests are served until here.
            if let Some(server) = server {
                server.stop(true).await;
            }
            _ = serving.await;
            // 4. Connections close before the database stops.
            stores.iter().for_each(Store::close);
        };
        tokio::select! {
            () = orderly => {
                info!(log, "stopped");
                Exit::Success
            }
            () = signals.next() => {
                warn!(log, "stopped at once; running jobs are reclaimed when their leases expire");
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

/// Records the versions of the templates. Without a database they are recorded by the next start.
async fn register_templates(stores: &[Store; 3], templates: &Templates, log: &Logger) {
    let template = |it: &crate::template::Template| NewTemplate {
        name: it.name.clone(),
        provisioner: it.provisioner.clone(),
        settings: it.settings_json().to_string(),
        definition: it.definition().to_string(),
        hash: it.hash(),
    };
    let [store, ..] = stores;
    if let Err(error) = store.put_templates(&templates.iter().map(template).collect::<Vec<_>>()).await {
        warn!(log, "templates not recorded"; "error" => chain(&error));
    }
}

/// Migrates the schema. Waits for a database that is not available yet.
async fn migrate_when_available(
    connector: &Connector,
    timeout: Duration,
    log: &Logger,
) -> Result<crate::store::Migrated, MigrateError> {
    let deadline = Instant::now() + timeout;
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
