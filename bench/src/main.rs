//! Measures what Provost does per second and what it costs, against plain PostgreSQL in the same run.
//!
//! `measure` holds a file per measurement, `load` the load generators, `ceiling` what plain PostgreSQL can do, `system` the
//! engine or servers under test, and `adapter` the machine-readable interface for comparing with other queues.

mod adapter;
mod ceiling;
mod clock;
mod compare;
mod databases;
mod error;
mod http;
mod load;
mod measure;
mod options;
mod producer;
mod report;
mod sample;
mod server;
mod session;
mod sql;
mod starts;
mod stats;
mod system;
mod usage;

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::Arc;

use serde_json::json;

use provost::config::{Config, Source, Sources};
use provost::store::Connector;

use databases::{Bench, Private};
use error::{BenchError, Result};
use options::{Options, Params};
use report::{Report, progress};
use sql::SERVER;
use system::Setup;

/// The default number of jobs that a worker runs at once here.
const SLOTS: usize = 1000;
/// The exit code for a mistake in the command line or the settings.
const USAGE: u8 = 2;

fn main() -> ExitCode {
    // One TLS provider for the process; a second installation is refused and does no harm.
    _ = rustls::crypto::ring::default_provider().install_default();
    let mut command = options::command(measure::ALL.iter().map(|it| it.name));
    let options = match Options::read(&command.get_matches_mut()) {
        Ok(options) => options,
        Err(mistake) => command.error(clap::error::ErrorKind::ValueValidation, mistake).exit(),
    };
    let (config, mistakes) = Config::read(&Sources::read(BTreeMap::new()));
    if !mistakes.is_empty() {
        eprintln!("provost-bench: invalid settings:");
        mistakes.iter().for_each(|mistake| eprintln!("  - {mistake}"));
        return ExitCode::from(USAGE);
    }
    if options.name.as_deref() == Some("serve") {
        return provost::cli::serve_with(config, server::reporting).into();
    }
    match run(config, &options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("provost-bench: the measurement failed: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Runs the measurements that the options name, and prints the results.
fn run(config: Config, options: &Options) -> Result<()> {
    if options.list {
        measure::ALL.iter().for_each(|it| println!("{:10} {}", it.name, it.what));
        return Ok(());
    }
    let is_adapter = options.name.as_deref() == Some("adapter");
    let given = config.database_url.as_ref().map(|it| it.reveal().to_owned());
    if is_adapter && given.is_none() {
        return Err(BenchError::new("the adapter needs DATABASE_URL, which is not set"));
    }
    let private = if given.is_none() { Some(Private::start(&config)?) } else { None };
    let url = given.or(private.as_ref().map(|it| it.url().to_owned())).unwrap_or_default();
    let Ok((runtime, heartbeats)) = provost::cli::runtimes() else {
        return Err(BenchError::new("the threads of the measurement cannot be started"));
    };
    let setup = Setup {
        connector: Connector::parse(&url)?,
        slots: slots(&config, options),
        config: Arc::new(config),
        url,
        heartbeat_runtime: heartbeats.handle().clone(),
    };
    runtime.block_on(async {
        if is_adapter {
            return adapter::run(&setup, options).await;
        }
        let bench = Bench::open(setup, options).await?;
        let done = tokio::select! {
            done = measure_all(&bench, options) => done,
            _ = tokio::signal::ctrl_c() => Err(BenchError::new("interrupted")),
        };
        bench.drop_remaining().await;
        done
    })
}

/// The named measurement, or a short round of all.
async fn measure_all(bench: &Bench, options: &Options) -> Result<()> {
    let params = Params { options, short: options.name.is_none() };
    let notes = notes(bench).await;
    let chosen = measure::ALL.iter().filter(|it| options.name.as_deref().is_none_or(|name| name == it.name));
    let mut reports = Vec::new();
    for measure in chosen {
        progress(measure.name);
        let rows = (measure.run)(bench, params).await?;
        let report = Report { name: measure.name, what: measure.what, rows, notes: Vec::new() };
        if !options.json {
            report.print();
        }
        reports.push(report.json());
    }
    let about = json!({
        "version": env!("CARGO_PKG_VERSION"), "server": server_version(bench).await, "slots": bench.server.slots,
        "debug_build": cfg!(debug_assertions), "notes": notes, "measurements": reports,
    });
    match options.json {
        true => println!("{about}"),
        false => notes.iter().for_each(|note| println!("\n{note}")),
    }
    Ok(())
}

/// What could not be measured, and why.
async fn notes(bench: &Bench) -> Vec<String> {
    let mut notes = Vec::new();
    if ceiling::pgbench(bench).is_none() {
        notes.push(
            "pgbench is not on the PATH (or in POSTGRES_BIN_DIR), so there is no ceiling to compare with.".to_owned(),
        );
    }
    if !bench.usage_meter().await.sees_cpu() {
        notes.push("PostgreSQL does not run on this machine, so its CPU is unknown.".to_owned());
    }
    if cfg!(debug_assertions) {
        notes.push("This is a debug build; only a release build gives meaningful figures.".to_owned());
    }
    notes
}

async fn server_version(bench: &Bench) -> Option<String> {
    bench.session.client.query_one(SERVER.text, &[]).await.ok()?.try_get(0).ok()
}

fn slots(config: &Config, options: &Options) -> usize {
    let name = "PROVOST_WORKER_CONCURRENCY";
    let chosen = config.effective.iter().any(|it| it.name == name && it.source != Source::Default.as_str());
    let usual = if chosen { config.worker_concurrency } else { SLOTS };
    usize::try_from(options.count("slots", usual as u64)).unwrap_or(SLOTS).clamp(1, 1000)
}
