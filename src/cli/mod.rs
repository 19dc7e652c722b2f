//! WIRES: subcommands, and the only room that may know everyone.

mod args;
mod banner;
mod bench;
mod browser;
mod client;
mod dev;
mod doctor;
mod failure;
mod help;
mod migrate;
mod nurse;
mod output;
mod process;
mod serve;
mod worker;

use std::process::ExitCode;

use crate::config::{Config, Source, Sources, example};

use args::{Asked, Command};
use client::{Context, Global};
use output::{Noun, Output, Show, column, quoted, say};

pub use args::program;
pub use serve::{ENGINE_POOL, VITAL_POOL, run_with as serve_with};

/// What the process ends with, as `provost help` promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    Success = 0,
    /// It did not work.
    Failure = 1,
    /// What was asked for cannot be understood.
    Usage = 2,
    /// There is no such thing.
    NotFound = 3,
    /// Not signed in, or not allowed.
    Denied = 4,
    /// Not possible in this state, or changed meanwhile.
    Conflict = 5,
    /// The server, the database or the address cannot be had.
    Unreachable = 6,
    /// What was waited for has not happened in time.
    TimedOut = 7,
    /// Of many, some were done and some were not.
    Partly = 8,
    /// Ctrl-C; for a server, a second signal.
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// The whole program.
pub fn main() -> ExitCode {
    // One provider for every TLS connection of the process; a second call would only be refused.
    _ = rustls::crypto::ring::default_provider().install_default();
    // A shell that completes a line runs us with COMPLETE set; then this answers, and ends the process.
    clap_complete::CompleteEnv::with_factory(args::program).complete();
    let Asked { command, flags, global } = args::read();
    let exit = match command {
        Command::Client(noun) => client::run(*noun, &global),
        Command::Completion(shell) => help::completion(&shell, &global),
        Command::Man(folder) => help::man(&folder, &global),
        Command::ExitCodes => help::exit_codes(&global),
        Command::Version => help::version(&global),
        Command::Bench(arguments) => bench::run(&arguments),
        Command::Example => {
            print!("{}", example());
            Exit::Success
        }
        other => with_settings(other, Sources::read(flags), &global),
    };
    exit.into()
}

/// What needs the settings of a process that stays, or of its database.
fn with_settings(command: Command, mut sources: Sources, global: &Global) -> Exit {
    if matches!(command, Command::Worker) {
        // A worker elsewhere has no database, even where it runs beside one, and listens nowhere.
        sources.forget("DATABASE_URL");
        sources.forget("PROVOST_LISTEN");
    }
    let config = match Config::from_sources(&sources) {
        Ok(config) => config,
        Err(mistakes) => return wrong_settings(&mistakes),
    };
    if let Err(mistake) = crate::mutant::check() {
        return wrong_settings(&[mistake]);
    }
    let output = match global.output() {
        Ok(output) => output,
        Err(failure) => return Context::beforehand(global, failure),
    };
    match command {
        Command::Migrate(how) => migrate::run(&config, how, &output, global),
        Command::Doctor => doctor::run(&config, &output, global),
        Command::Config => show(&config, &output, global),
        Command::Dev => dev::run(config),
        Command::Worker => worker::run(config),
        _ => serve::run(config),
    }
}

fn wrong_settings(mistakes: &[String]) -> Exit {
    eprintln!("provost: {} cannot be used:", if mistakes.len() == 1 { "a setting" } else { "these settings" });
    mistakes.iter().for_each(|mistake| eprintln!("  - {mistake}"));
    Exit::Usage
}

/// A setting in a table.
static SETTING: Noun = Noun {
    name: "setting",
    key: "name",
    columns: &[
        column("NAME", "name", Show::Exact),
        column("VALUE", "value", Show::Text),
        column("SOURCE", "source", Show::Text),
    ],
};

/// `provost config`: every setting, and where it came from.
fn show(config: &Config, output: &Output, global: &Global) -> Exit {
    let commands = match process::handler_settings(config) {
        Ok(settings) => settings.commands,
        Err(mistakes) => return wrong_settings(&mistakes),
    };
    let commands = commands.iter().map(|it| (format!("commands.{}", it.name), it.line(), Source::Toml.as_str()));
    let settings = config.effective.iter().map(|it| (it.name.to_owned(), it.value.clone(), it.source));
    let all: Vec<(String, String, &str)> = settings.chain(commands).collect();
    if output.format.is_for_people() {
        let line = |(name, value, source): &(String, String, &str)| {
            let mark = if *source == Source::Default.as_str() { "" } else { source };
            say(format!("{name:32} {value:28} {mark}").trim_end())
        };
        return ended(global, all.iter().try_for_each(line));
    }
    let row = |(name, value, source): &(String, String, &str)| {
        let (name, value, source) = (quoted(name), quoted(value), quoted(source));
        format!("{{\"name\":{name},\"value\":{value},\"source\":{source}}}")
    };
    let rows: Vec<String> = all.iter().map(row).collect();
    ended(global, output.list(&SETTING, &format!("[{}]", rows.join(","))))
}

/// How a command ends that only had to answer.
fn ended(global: &Global, written: Result<(), failure::Failure>) -> Exit {
    written.map_or_else(|failure| Context::beforehand(global, failure), |()| Exit::Success)
}
