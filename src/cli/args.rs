//! From argv to a command. The flags of a server come from the table of settings, so that there is one list of them; those of
//! the commands that speak to one stand beside what these do.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::{Arg, ArgAction, ArgMatches, Command as Clap, FromArgMatches};

use super::client::{self, Global, Noun};
use super::help::{ABOUT, AFTER, EXIT_CODES};
use crate::config::{SETTINGS, Setting};

/// What `provost worker` calls its settings for short.
const WORKER_FLAGS: &[(&str, &str)] = &[
    ("address", "PROVOST_SERVER"),
    ("token", "PROVOST_WORKER_TOKEN"),
    ("queues", "PROVOST_WORKER_QUEUES"),
    ("kinds", "PROVOST_WORKER_KINDS"),
    ("concurrency", "PROVOST_WORKER_CONCURRENCY"),
];

/// What to do.
#[derive(Debug)]
pub enum Command {
    Serve,
    /// A server with something to look at.
    Dev,
    /// Run jobs that a server hands out.
    Worker,
    Migrate(Migrate),
    /// Examine the database.
    Doctor,
    /// Measure.
    Bench(Vec<std::ffi::OsString>),
    Config,
    Example,
    /// Something that a server is asked over HTTP.
    Client(Box<Noun>),
    /// What makes a shell complete our commands.
    Completion(String),
    /// A page for each command, into this folder.
    Man(PathBuf),
    ExitCodes,
    Version,
}

/// How to migrate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Migrate {
    Apply,
    /// Name what would be applied.
    Name,
    /// Show the SQL of what would be applied.
    Show,
}

/// A command, the settings that were given as flags, by their names in the environment, and how to answer.
pub struct Asked {
    pub command: Command,
    pub flags: BTreeMap<String, String>,
    pub global: Global,
}

/// Reads argv; prints help or a usage error and ends the process itself.
pub fn read() -> Asked {
    let mut program = program();
    let matches = program.get_matches_mut();
    let command = command(&matches).unwrap_or_else(|error| error.format(&mut program).exit());
    let mut chain = vec![&matches];
    while let Some((_, inner)) = chain.last().and_then(|it| it.subcommand()) {
        chain.push(inner);
    }
    let given = |setting: &Setting| {
        // A flag may stand before the command or after it.
        let value = chain.iter().rev().find_map(|it| it.try_get_one::<String>(setting.env).ok().flatten())?;
        Some((setting.env.to_owned(), value.clone()))
    };
    let mut flags: BTreeMap<String, String> = SETTINGS.iter().filter_map(given).collect();
    if matches!(command, Command::Worker) {
        for (short, env) in WORKER_FLAGS {
            let value = chain.iter().rev().find_map(|it| it.try_get_one::<String>(short).ok().flatten());
            value.map(|value| flags.entry((*env).to_owned()).or_insert_with(|| value.clone()));
        }
    }
    Asked { command, flags, global: Global::read(&chain) }
}

fn command(matches: &ArgMatches) -> Result<Command, clap::Error> {
    let text = |sub: &ArgMatches, name: &str| sub.get_one::<String>(name).cloned().unwrap_or_default();
    Ok(match matches.subcommand() {
        None | Some(("serve", _)) => Command::Serve,
        Some(("dev", _)) => Command::Dev,
        // Without a verb it works; the other verbs ask a server about workers.
        Some(("worker", sub)) if matches!(sub.subcommand_name(), None | Some("run")) => Command::Worker,
        Some(("migrate", sub)) => Command::Migrate(match (sub.get_flag("show-sql"), sub.get_flag("dry-run")) {
            (true, _) => Migrate::Show,
            (_, true) => Migrate::Name,
            _ => Migrate::Apply,
        }),
        Some(("doctor", _)) => Command::Doctor,
        Some(("bench", sub)) => Command::Bench(sub.get_many("arguments").unwrap_or_default().cloned().collect()),
        Some(("config", sub)) if sub.get_flag("example") => Command::Example,
        Some(("config", _)) => Command::Config,
        Some(("completion", sub)) => Command::Completion(text(sub, "shell")),
        Some(("man", sub)) => Command::Man(text(sub, "folder").into()),
        Some(("exit-codes", _)) => Command::ExitCodes,
        Some(("version", _)) => Command::Version,
        Some(_) => Command::Client(Box::new(Noun::from_arg_matches(matches)?)),
    })
}

/// The whole program, as clap knows it.
pub fn program() -> Clap {
    let hidden = settings().into_iter().map(|it| it.hide(true));
    let program = Clap::new("provost")
        .version(env!("CARGO_PKG_VERSION"))
        .about(ABOUT)
        .after_help(AFTER)
        .args(hidden)
        .args(client::speaking())
        .subcommands(of_servers());
    client::add_to(program).mut_subcommand("worker", with_run).subcommands(of_its_own())
}

/// `worker` works, and so does `worker run`; its other verbs ask a server about workers.
fn with_run(worker: Clap) -> Clap {
    let short = |(name, env): &(&'static str, &str)| {
        Arg::new(*name).long(*name).value_name("VALUE").help(format!("The same as {env}")).num_args(1)
    };
    let flags: Vec<Arg> = WORKER_FLAGS.iter().map(short).chain(settings()).chain(client::answering()).collect();
    let hidden: Vec<Arg> = flags.iter().cloned().map(|it| it.hide(true)).collect();
    let run = Clap::new("run")
        .about("Run jobs that a server hands out, without a database; `provost worker` alone does the same")
        .after_help("Example:\n  provost worker run --server https://provost.example.com --token … --queues critical");
    let worker = worker.subcommand_required(false).arg_required_else_help(false);
    client::with_own_flags(worker, &hidden).subcommand(client::with_own_flags(run, &flags))
}

/// The settings as flags.
fn settings() -> Vec<Arg> {
    let flag = |setting: &Setting| {
        let default = setting.default.map(|value| format!(" [default: {value}]")).unwrap_or_default();
        Arg::new(setting.env)
            .long(setting.flag())
            .value_name(setting.value)
            .help(format!("{}{default} [env: {}]", setting.help, setting.env))
            .help_heading("Settings")
            .num_args(1)
    };
    SETTINGS.iter().map(flag).collect()
}

fn switch(name: &'static str, help: &'static str) -> Arg {
    Arg::new(name).long(name).action(ArgAction::SetTrue).help(help)
}

/// The commands that read the settings of a server.
fn of_servers() -> Vec<Clap> {
    let doctor = [
        switch("invariants", "Ask every invariant (this is what it does anyway)"),
        switch("database", "Examine the database itself (this is what it does anyway)"),
        switch("json", "Answer in JSON, like -o json"),
    ];
    let view = Clap::new("view").about("The same as config").after_help("Example:\n  provost config view -o json");
    let all = [
        Clap::new("serve")
            .about("Run the API, the dashboard, workers and chores (this is the default)")
            .after_help("Example:\n  provost serve --listen 127.0.0.1:9000"),
        Clap::new("dev")
            .about("The same with something to look at: demo data in all states; opens the dashboard on a terminal")
            .after_help("Example:\n  provost dev"),
        Clap::new("migrate")
            .about("Bring the database's schema up to date, then end")
            .after_help("Examples:\n  DATABASE_URL=postgres://… provost migrate\n  provost migrate --show-sql | less")
            .args([
                switch("dry-run", "Only say what would be applied"),
                switch("show-sql", "Only show the SQL of what would be applied"),
            ]),
        Clap::new("doctor")
            .about("Examine the database: is everything in it as it must be? Reads only; ends with 0 or 1")
            .after_help("Example:\n  provost doctor --invariants")
            .args(doctor),
        Clap::new("config")
            .about("Show every setting, its value and where it came from")
            .after_help("Examples:\n  provost config\n  provost config --example > .env")
            .arg(switch("example", "Print a .env file with every setting"))
            .subcommand(view),
    ];
    let flags: Vec<Arg> = settings().into_iter().chain(client::answering()).collect();
    all.into_iter().map(|command| client::with_flags(command, &flags)).collect()
}

/// The commands that need neither a database nor a server.
fn of_its_own() -> Vec<Clap> {
    let shells = ["bash", "elvish", "fish", "powershell", "zsh"];
    let all = [
        Clap::new("completion")
            .about("What makes a shell complete our commands, with the names that the server knows")
            .after_help("Examples:\n  source <(provost completion bash)\n  provost completion fish > ~/.config/fish/completions/provost.fish")
            .arg(Arg::new("shell").required(true).value_parser(shells)),
        Clap::new("man")
            .about("Write a manual page for each command into a folder")
            .after_help("Example:\n  provost man ~/.local/share/man/man1")
            .arg(Arg::new("folder").required(true).value_name("DIR")),
        Clap::new("exit-codes")
            .about("What the program ends with, and what that means")
            .long_about(EXIT_CODES)
            .after_help("Example:\n  provost help exit-codes"),
        Clap::new("bench")
            .about("Measure Provost against PostgreSQL itself (runs provost-bench)")
            .after_help("Examples:\n  provost bench --list\n  provost bench drain --rounds 5\n  provost bench -- --help")
            .disable_help_flag(true)
            .arg(
                Arg::new("arguments")
                    .value_name("ARGUMENT")
                    .help("Arguments of provost-bench")
                    .num_args(0..)
                    .trailing_var_arg(true)
                    .allow_hyphen_values(true)
                    .value_parser(clap::value_parser!(std::ffi::OsString)),
            ),
        Clap::new("version").about("Which version this is").after_help("Example:\n  provost version -o json"),
    ];
    all.into_iter().map(|command| client::with_flags(command, &client::answering())).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_command_line_is_well_formed() {
        super::program().debug_assert();
    }
}
