//! `provost worker`: runs jobs that a server hands out, without a database.

use std::sync::Arc;

use slog::{Logger, info, warn};
use tokio::runtime::Handle;

use super::process::{Signals, handlers, log_panics, runtimes};
use super::{Exit, wrong_settings};
use crate::config::Config;
use crate::engine::{Engine, EngineContext};
use crate::handlers::finish_cleanup;
use crate::log;
use crate::signal::{ProcessStatus, Wakeup};
use crate::telemetry::Telemetry;
use crate::wire::client::Client;

/// Runs until a signal, through any outage of its server.
pub fn run(config: Config) -> Exit {
    let Some(server) = config.server.clone() else {
        return wrong_settings(&[
            "PROVOST_SERVER is not set: say where the server is, like --server http://127.0.0.1:8080".into(),
        ]);
    };
    let token = match config.worker_tokens.as_slice() {
        [] => None,
        // What it is bound to is the server's business.
        [token] => Some(token.secret.reveal().to_owned()),
        _ => return wrong_settings(&["PROVOST_WORKER_TOKEN must be one token, for a worker".into()]),
    };
    // Connections live on the runtime that opened them, so heartbeats have a client of their own.
    let (client, vital_client) = match (Client::new(&server, token.clone()), Client::new(&server, token)) {
        (Ok(client), Ok(vital)) => (client, vital),
        (Err(error), _) | (_, Err(error)) => return wrong_settings(&[format!("PROVOST_SERVER: {error}")]),
    };
    let (handlers, (runtime, vital)) = match handlers(&config).and_then(|handlers| Ok((handlers, runtimes()?))) {
        Ok(ground) => ground,
        Err(exit) => return exit,
    };
    let log = log::root(config.log_level, config.log_format);
    log_panics(log.clone());
    let context = EngineContext {
        config: Arc::new(config),
        heartbeat_runtime: Handle::clone(vital.handle()),
        wakeup: Arc::new(Wakeup::default()),
        process_status: Arc::new(ProcessStatus::default()),
        telemetry: Telemetry::default(),
        handlers,
        log: log.clone(),
    };
    let exit = runtime.block_on(work(&context, client, vital_client, &log));
    drop(runtime);
    finish_cleanup();
    exit
}

async fn work(context: &EngineContext, client: Client, vital: Client, log: &Logger) -> Exit {
    let Some(mut signals) = Signals::new() else { return Exit::Failure };
    info!(log, "working"; "server" => client.address(), "slots" => context.config.worker_concurrency);
    let engine = Engine::start_remote(context, client, vital);
    signals.next().await;
    info!(log, "stopping; a second signal ends at once");
    context.process_status.drain();
    tokio::select! {
        () = engine.stop() => {
            info!(log, "stopped");
            Exit::Success
        }
        () = signals.next() => {
            warn!(log, "stopped at once; what was running will be taken back when its lease ends");
            Exit::Interrupted
        }
    }
}
