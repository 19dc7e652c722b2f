//! MEASURES: what this program does in a second, what it costs, and what PostgreSQL itself would do in the same run.

mod adapter;
mod clock;
mod http;
mod load;
mod marks;
mod options;
mod producer;
mod rig;
mod server;
mod session;
pub mod sql;
mod stats;

use std::sync::Arc;

use tokio::runtime::Runtime;

use crate::config::{Config, Source};
use crate::log::chain;
use crate::store::Connector;

use rig::Ground;

pub use options::Options;
pub use server::reporting;

/// How many jobs a worker of the bench runs at once, unless somebody says otherwise.
const SLOTS: usize = 500;

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
    options::command(std::iter::empty())
}

/// Measures what was asked for, and prints it.
pub fn run(config: Config, options: &Options) -> Result<()> {
    let (runtime, vital) = (runtime(2, "provost")?, runtime(1, "vital")?);
    let Some(url) = config.database_url.as_ref().map(|it| it.reveal().to_owned()) else {
        return Err(Trouble::new("the adapter works on the database of DATABASE_URL, which is not set"));
    };
    let connector = Connector::parse(&url)?;
    let slots = slots(&config, options);
    let ground = Ground { config: Arc::new(config), url, connector, vital: vital.handle().clone(), slots };
    runtime.block_on(adapter::run(&ground, options))
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
