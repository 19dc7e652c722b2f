//! WIRES: subcommands, and the only room that may know everyone.

mod args;
mod banner;
mod doctor;
mod nurse;
mod process;
mod serve;
mod worker;

use std::process::ExitCode;

use crate::bench;
use crate::config::{Config, Source, Sources, example};
use crate::store::{Connector, migrate};

use args::Command;

pub use serve::{ENGINE_POOL, VITAL_POOL};

/// What the process ends with, as `provost help` promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    Success = 0,
    /// It did not work.
    Failure = 1,
    /// What was asked for cannot be understood.
    Usage = 2,
    /// The database or the address cannot be had.
    Unreachable = 6,
    /// A second signal.
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// The whole program.
pub fn main() -> ExitCode {
    let asked = args::read();
    if asked.command == Command::Example {
        print!("{}", example());
        return Exit::Success.into();
    }
    let mut sources = Sources::read(asked.flags);
    if asked.command == Command::Worker {
        // A worker elsewhere has no database, even where it runs beside one, and listens nowhere.
        sources.forget("DATABASE_URL");
        sources.forget("PROVOST_LISTEN");
    }
    let config = match Config::from_sources(&sources) {
        Ok(config) => config,
        Err(mistakes) => return wrong_settings(&mistakes).into(),
    };
    if let Err(mistake) = crate::mutant::check() {
        return wrong_settings(&[mistake]).into();
    }
    // One provider for every TLS connection of the process; a second call would only be refused.
    _ = rustls::crypto::ring::default_provider().install_default();
    let exit = match asked.command {
        Command::Serve => serve::run(config),
        Command::Worker => worker::run(config),
        Command::Migrate => run_migrations(&config),
        Command::Doctor { json } => doctor::run(&config, json),
        // A whole server of a measurement: it tells whoever started it what ran.
        Command::Bench(options) if options.name.as_deref() == Some("serve") => {
            serve::run_with(config, bench::reporting)
        }
        Command::Bench(options) => measure(config, &options),
        Command::Config | Command::Example => show(&config),
    };
    exit.into()
}

fn measure(config: Config, options: &bench::Options) -> Exit {
    match bench::run(config, options) {
        Ok(()) => Exit::Success,
        Err(trouble) => {
            eprintln!("provost: this could not be measured: {trouble}");
            Exit::Failure
        }
    }
}

fn wrong_settings(mistakes: &[String]) -> Exit {
    eprintln!("provost: {} cannot be used:", if mistakes.len() == 1 { "a setting" } else { "these settings" });
    mistakes.iter().for_each(|mistake| eprintln!("  - {mistake}"));
    Exit::Usage
}

/// `provost config`: every setting, and where it came from.
fn show(config: &Config) -> Exit {
    for setting in &config.effective {
        let mark = if setting.source == Source::Default.as_str() { "" } else { setting.source };
        println!("{:32} {:28} {mark}", setting.name, setting.value);
    }
    Exit::Success
}

/// `provost migrate`: brings the schema up to date and ends.
fn run_migrations(config: &Config) -> Exit {
    let private = match banner::private_database(config) {
        Ok(private) => private,
        Err(exit) => return exit,
    };
    let url = private.as_ref().map(|it| it.url().to_owned());
    let url = url.as_deref().or(config.database_url.as_ref().map(|it| it.reveal())).unwrap_or_default();
    let connector = match Connector::parse(url) {
        Ok(connector) => connector,
        Err(error) => return banner::no_database(&error, None),
    };
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return Exit::Failure };
    match runtime.block_on(migrate(&connector)) {
        Ok(done) => {
            println!("{}: schema {} ({} migrations applied)", connector.address(), done.version, done.applied);
            Exit::Success
        }
        Err(error) => banner::no_database(&error, Some(&connector)),
    }
}
