//! MEASURES: what this program does in a second, what it costs, and what PostgreSQL itself would do in the same run.

mod adapter;
mod ceiling;
mod clock;
mod compare;
mod gauge;
mod http;
mod load;
mod marks;
mod measure;
mod options;
mod place;
mod producer;
mod report;
mod rig;
mod server;
mod session;
pub mod sql;
mod stats;

use std::io::IsTerminal as _;
use std::sync::Arc;

use serde_json::json;
use tokio::runtime::Runtime;

use crate::config::{Config, Source};
use crate::log::chain;
use crate::store::Connector;

use measure::Ask;
use place::{Bench, Private};
use report::Report;
use rig::Ground;
use sql::SERVER;

pub use options::Options;
pub use server::reporting;

/// How many jobs a worker of the bench runs at once, unless somebody says otherwise.
const SLOTS: usize = 1000;

/// Why something could not be measured, as a sentence. Errors of every room end here, and are told once.
#[derive(Debug)]
pub struct Trouble(String);

pub type Result<T> = std::result::Result<T, Trouble>;

impl Trouble {
    pub fn new(what: impl Into<String>) -> Self {
        Self(what.into())
    }
}

impl std::fmt::Display for Trouble {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl<E: std::error::Error> From<E> for Trouble {
    fn from(error: E) -> Self {
        Self(chain(&error))
    }
}

/// The subcommand, for the command line.
pub fn command() -> clap::Command {
    options::command(measure::ALL.iter().map(|it| it.name))
}

/// Measures what was asked for, and prints it.
pub fn run(config: Config, options: &Options) -> Result<()> {
    if options.list {
        measure::ALL.iter().for_each(|it| println!("{:10} {}", it.name, it.what));
        return Ok(());
    }
    let is_adapter = options.name.as_deref() == Some("adapter");
    let given = config.database_url.as_ref().map(|it| it.reveal().to_owned());
    if is_adapter && given.is_none() {
        return Err(Trouble::new("the adapter works on the database of DATABASE_URL, which is not set"));
    }
    let private = if given.is_none() { Some(Private::start(&config)?) } else { None };
    let url = given.or(private.as_ref().map(|it| it.url().to_owned())).unwrap_or_default();
    let (runtime, vital) = (runtime(2, "provost")?, runtime(1, "vital")?);
    let (slots, config, heart) = (slots(&config, options), Arc::new(config), vital.handle().clone());
    runtime.block_on(async {
        let work = async {
            if is_adapter {
                let ground = Ground { connector: Connector::parse(&url)?, config, url, vital: heart, slots };
                return adapter::run(&ground, options).await;
            }
            let bench = Bench::open(config, url, heart, slots, options).await?;
            let done = tokio::select! {
                done = measure_all(&bench, options) => done,
                _ = tokio::signal::ctrl_c() => Err(Trouble::new("it was broken off")),
            };
            bench.tidy().await;
            done
        };
        work.await
    })
}

/// The one measurement that was named, or a short round of all.
async fn measure_all(bench: &Bench, options: &Options) -> Result<()> {
    let ask = Ask { options, short: options.name.is_none() };
    let notes = notes(bench).await;
    let chosen = measure::ALL.iter().filter(|it| options.name.as_deref().is_none_or(|name| name == it.name));
    let mut reports = Vec::new();
    for measure in chosen {
        progress(measure.name);
        let rows = (measure.run)(bench, ask).await?;
        let report = Report { name: measure.name, what: measure.what, rows, notes: Vec::new() };
        if !options.json {
            report.print();
        }
        reports.push(report.json());
    }
    let about = json!({
        "version": env!("CARGO_PKG_VERSION"), "server": server_version(bench).await, "slots": bench.slots,
        "debug_build": cfg!(debug_assertions), "notes": notes, "measurements": reports,
    });
    match options.json {
        true => println!("{about}"),
        false => notes.iter().for_each(|note| println!("\n{note}")),
    }
    Ok(())
}

/// What could not be measured here, and why.
async fn notes(bench: &Bench) -> Vec<String> {
    let mut notes = Vec::new();
    if ceiling::pgbench(bench).is_none() {
        notes.push(
            "There is no pgbench on the PATH (or in POSTGRES_BIN_DIR), so nothing is compared with the ceiling."
                .to_owned(),
        );
    }
    if !bench.gauge().await.sees_cpu() {
        notes.push("PostgreSQL does not run on this machine as far as we can see, so its CPU is not known.".to_owned());
    }
    if cfg!(debug_assertions) {
        notes.push(
            "This program was built without optimisation: build it with --release before you believe a figure."
                .to_owned(),
        );
    }
    notes
}

async fn server_version(bench: &Bench) -> Option<String> {
    bench.session.client.query_one(SERVER.text, &[]).await.ok()?.try_get(0).ok()
}

/// Says what is going on, to whoever watches.
fn progress(what: &str) {
    if std::io::stderr().is_terminal() {
        eprintln!("… {what}");
    }
}

/// The runtimes are those of `provost serve`.
fn runtime(threads: usize, name: &str) -> std::io::Result<Runtime> {
    tokio::runtime::Builder::new_multi_thread().worker_threads(threads).thread_name(name).enable_all().build()
}

fn slots(config: &Config, options: &Options) -> usize {
    let name = "PROVOST_WORKER_CONCURRENCY";
    let chosen = config.effective.iter().any(|it| it.name == name && it.source != Source::Default.as_str());
    let usual = if chosen { config.worker_concurrency } else { SLOTS };
    usize::try_from(options.count("slots", usual as u64)).unwrap_or(SLOTS).clamp(1, 1000)
}
