//! `provost worker run`: runs jobs of a remote server, without a database.

use std::sync::Arc;

use slog::{Logger, info, warn};
use tokio::runtime::Handle;

use super::exit::Exit;
use super::process::{Provisioning, Signals, log_panics, report_invalid_settings, runtimes};
use crate::config::Config;
use crate::engine::{Engine, EngineContext};
use crate::handlers::finish_cleanup;
use crate::log;
use crate::signal::{ProcessStatus, Wakeup};
use crate::telemetry::Telemetry;
use crate::wire::client::Client;

/// Runs until a signal. It survives outages of the server.
pub fn run(config: Config) -> Exit {
    let Some(server) = config.server.clone() else {
        return report_invalid_settings(&[
            "PROVOST_SERVER is not set: use --server with the address of the server, such as http://127.0.0.1:8080"
                .into(),
        ]);
    };
    let token = match config.worker_tokens.as_slice() {
        [] => None,
        // The server enforces the queues of the token.
        [token] => Some(token.secret.reveal().to_owned()),
        _ => {
            return report_invalid_settings(&[
                "PROVOST_WORKER_TOKEN must contain exactly one token for a worker".into()
            ]);
        }
    };
    // Connections belong to the runtime that opened them, so heartbeats need their own client.
    let (client, heartbeat_client) = match (Client::new(&server, token.clone()), Client::new(&server, token)) {
        (Ok(client), Ok(heartbeat_client)) => (client, heartbeat_client),
        (Err(error), _) | (_, Err(error)) => return report_invalid_settings(&[format!("PROVOST_SERVER: {error}")]),
    };
    let log = log::root(config.log_level, config.log_format);
    log_panics(log.clone());
    let parts = Provisioning::of(&config, &log).and_then(|it| Ok((it.handlers(), it.tenants, runtimes()?)));
    let (handlers, tenants, (runtime, heartbeats)) = match parts {
        Ok(parts) => parts,
        Err(exit) => return exit,
    };
    tenants.start_if_used();
    let context = EngineContext {
        config: Arc::new(config),
        heartbeat_runtime: Handle::clone(heartbeats.handle()),
        wakeup: Arc::new(Wakeup::default()),
        process_status: Arc::new(ProcessStatus::default()),
        telemetry: Telemetry::default(),
        handlers,
        keyring: None,
        api_address: None,
        log: log.clone(),
    };
    let exit = runtime.block_on(work(&context, client, heartbeat_client, &log));
    drop(runtime);
    finish_cleanup();
    if exit != Exit::Interrupted {
        tenants.stop();
    }
    exit
}

async fn work(context: &EngineContext, client: Client, heartbeat_client: Client, log: &Logger) -> Exit {
    let Some(mut signals) = Signals::new() else { return Exit::Failure };
    info!(log, "worker started"; "server" => client.address(), "slots" => context.config.worker_concurrency);
    let engine = Engine::start_remote(context, client, heartbeat_client);
    signals.next().await;
    info!(log, "stopping; a second signal stops at once");
    context.process_status.drain();
    tokio::select! {
        () = engine.stop() => {
            info!(log, "stopped");
            Exit::Success
        }
        () = signals.next() => {
            warn!(log, "stopped at once; running jobs are reclaimed when their leases expire");
            Exit::Interrupted
        }
    }
}
