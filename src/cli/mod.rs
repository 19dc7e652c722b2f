//! The command line: parses arguments and runs the command. The only module that may use all others.

mod args;
mod banner;
mod bench;
mod browser;
mod client;
mod clusters;
mod database;
mod dev;
mod doctor;
mod exit;
mod failure;
mod fsck;
mod help;
mod migrate;
mod output;
mod postgres_supervisor;
mod process;
mod report;
mod secrets;
mod serve;
mod settings;
mod tables;
mod tenants;
mod worker;

use std::process::ExitCode;

use crate::config::{Config, Sources, example};

use args::{Command, Invocation};
use client::Global;
use process::report_invalid_settings;

pub use args::program;
pub use exit::Exit;
pub use process::runtimes;
pub use serve::{ENGINE_POOL, HEARTBEAT_POOL, run_with as serve_with};

/// Runs the program.
pub fn main() -> ExitCode {
    // One provider for all TLS connections. A second installation fails harmlessly.
    _ = rustls::crypto::ring::default_provider().install_default();
    // With COMPLETE set, this prints completions and ends the process.
    clap_complete::CompleteEnv::with_factory(args::program).complete();
    let Invocation { command, flags, global } = args::read();
    let exit = match command {
        Command::Client(noun) => client::run(*noun, &global),
        Command::Completion(shell) => help::completion(&shell, &global),
        Command::Man(folder) => help::man(args::program(), &folder, &global),
        Command::ExitCodes => help::exit_codes(&global),
        Command::Version => help::version(&global),
        Command::Bench(arguments) => bench::run(&arguments),
        Command::Example => {
            print!("{}", example());
            Exit::Success
        }
        other => run_with_settings(other, Sources::read(flags), &global),
    };
    exit.into()
}

/// Runs a command that reads the server settings.
fn run_with_settings(command: Command, mut sources: Sources, global: &Global) -> Exit {
    if matches!(command, Command::Worker) {
        // A remote worker has no database, does not listen and reads no secrets, even if the environment is that of a server.
        let of_servers = ["DATABASE_URL", "PROVOST_LISTEN"];
        let keys = ["PROVOST_SECRET_KEY", "PROVOST_SECRET_KEY_FILE", "PROVOST_SECRET_KEY_PREVIOUS"];
        of_servers.into_iter().chain(keys).for_each(|setting| sources.remove(setting));
    }
    let (config, mut mistakes) = Config::read(&sources);
    mistakes.extend(crate::mutant::check().err());
    if !mistakes.is_empty() {
        if !matches!(command, Command::Migrate(_) | Command::Secrets(_) | Command::Doctor) {
            mistakes.extend(process::mistakes(&config));
        }
        return report_invalid_settings(&mistakes);
    }
    let output = match global.output() {
        Ok(output) => output,
        Err(failure) => return global.end(Err(failure)),
    };
    match command {
        Command::Migrate(mode) => migrate::run(&config, mode, &output, global),
        Command::Secrets(verb) => secrets::run(&config, verb, &output, global),
        Command::Doctor => doctor::run(&config, &output, global),
        Command::Fsck => fsck::run(&config, &output, global),
        Command::Config => settings::run(&config, &output, global),
        Command::Dev => dev::run(config),
        Command::Worker => worker::run(config),
        _ => serve::run(config),
    }
}
