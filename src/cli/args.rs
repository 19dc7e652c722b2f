//! Parses argv. The flags of server commands come from the table of settings, those of client commands from `client`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::{Arg, ArgAction, ArgMatches, Command as Clap, FromArgMatches};

use super::client::{self, Global, Noun};
use super::exit;
use super::help::{ABOUT, AFTER};
use super::secrets;
use crate::config::{SETTINGS, Setting};

/// Short names of settings for `provost worker`: flag, setting, value name and description.
const WORKER_FLAGS: [(&str, &str, &str, &str); 5] = [
    ("address", "PROVOST_SERVER", "URL", "Address of the server, like --server"),
    ("token", "PROVOST_WORKER_TOKEN", "TOKEN", "Worker token, like --worker-token"),
    ("queues", "PROVOST_WORKER_QUEUES", "LIST", "Queues to serve, like --worker-queues"),
    ("kinds", "PROVOST_WORKER_KINDS", "LIST", "Job kinds to run, like --worker-kinds"),
    ("concurrency", "PROVOST_WORKER_CONCURRENCY", "N", "Number of slots, like --worker-concurrency"),
];

/// A parsed command.
#[derive(Debug)]
pub enum Command {
    Serve,
    Dev,
    Worker,
    Migrate(Migrate),
    Secrets(secrets::Verb),
    Doctor,
    Fsck,
    /// The arguments of the benchmark program.
    Bench(Vec<std::ffi::OsString>),
    Config,
    Example,
    Client(Box<Noun>),
    /// The name of the shell.
    Completion(String),
    /// The folder for the manual pages.
    Man(PathBuf),
    ExitCodes,
    Version,
}

/// The mode of `provost migrate`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Migrate {
    Apply,
    DryRun,
    ShowSql,
    /// Give a role the rights to serve, or only to read.
    Grant {
        role: String,
        only_to_read: bool,
    },
}

/// A parsed command line.
pub struct Invocation {
    pub command: Command,
    /// Settings set by flags, by environment variable.
    pub flags: BTreeMap<String, String>,
    pub global: Global,
}

/// Parses argv. Help and usage errors end the process.
pub fn read() -> Invocation {
    let mut program = program();
    let matches = program.get_matches_mut();
    let command = command(&matches).unwrap_or_else(|error| error.format(&mut program).exit());
    let mut chain = vec![&matches];
    while let Some((_, inner)) = chain.last().and_then(|it| it.subcommand()) {
        chain.push(inner);
    }
    // A flag may precede or follow the command.
    let value = |id: &str| chain.iter().rev().find_map(|it| it.try_get_one::<String>(id).ok().flatten()).cloned();
    let flag = |setting: &Setting| Some((setting.env.to_owned(), value(setting.env)?));
    let mut flags: BTreeMap<String, String> = SETTINGS.iter().filter_map(flag).collect();
    if matches!(command, Command::Worker) {
        for (short, env, ..) in WORKER_FLAGS {
            value(short).map(|value| flags.entry(env.to_owned()).or_insert(value));
        }
    }
    Invocation { command, flags, global: Global::read(&chain) }
}

fn command(matches: &ArgMatches) -> Result<Command, clap::Error> {
    let text = |sub: &ArgMatches, name: &str| sub.get_one::<String>(name).cloned().unwrap_or_default();
    Ok(match matches.subcommand() {
        None | Some(("serve", _)) => Command::Serve,
        Some(("dev", _)) => Command::Dev,
        // Without a verb, `worker` runs one. The other verbs are client commands.
        Some(("worker", sub)) if matches!(sub.subcommand_name(), None | Some("run")) => Command::Worker,
        Some(("migrate", sub)) => Command::Migrate(match sub.get_one::<String>("grant").cloned() {
            Some(role) => Migrate::Grant { role, only_to_read: sub.get_flag("only-to-read") },
            None if sub.get_flag("show-sql") => Migrate::ShowSql,
            None if sub.get_flag("dry-run") => Migrate::DryRun,
            None => Migrate::Apply,
        }),
        Some(("secrets", sub)) => Command::Secrets(match sub.subcommand_name() {
            Some("rotate-key") => secrets::Verb::RotateKey,
            _ => secrets::Verb::Status,
        }),
        Some(("doctor", _)) => Command::Doctor,
        Some(("fsck", _)) => Command::Fsck,
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

/// The clap definition of the program.
pub fn program() -> Clap {
    let hidden = settings().into_iter().map(|it| it.hide(true));
    let program = Clap::new("provost")
        .version(env!("CARGO_PKG_VERSION"))
        .about(ABOUT)
        .after_help(AFTER)
        .args(hidden)
        .args(client::client_flags())
        .subcommands(server_commands());
    client::add_to(program).mut_subcommand("worker", add_worker_run).subcommands(local_commands())
}

/// Adds `worker run`, and lets `worker` without a verb do the same.
fn add_worker_run(worker: Clap) -> Clap {
    let short = |(name, env, value_name, help): (&'static str, &str, &'static str, &str)| {
        Arg::new(name).long(name).value_name(value_name).help(format!("{help} [env: {env}]")).num_args(1)
    };
    let flags: Vec<Arg> = WORKER_FLAGS.into_iter().map(short).chain(settings()).chain(client::output_flags()).collect();
    let hidden: Vec<Arg> = flags.iter().cloned().map(|it| it.hide(true)).collect();
    let run = Clap::new("run")
        .about("Run jobs of a remote server, without a database; the default verb of worker")
        .after_help("Example:\n  provost worker run --server https://provost.example.com --token … --queues critical");
    let worker = worker.subcommand_required(false).arg_required_else_help(false);
    client::with_own_flags(worker, &hidden).subcommand(client::with_own_flags(run, &flags))
}

/// The server settings as flags.
fn settings() -> Vec<Arg> {
    let flag = |setting: &Setting| {
        let default = setting.default.map(|value| format!(" [default: {value}]")).unwrap_or_default();
        Arg::new(setting.env)
            .long(setting.flag())
            .value_name(setting.value)
            .help(format!("{}{default} [env: {}]", setting.help, setting.env))
            .help_heading("Server settings")
            .num_args(1)
    };
    SETTINGS.iter().map(flag).collect()
}

fn switch(name: &'static str, help: &'static str) -> Arg {
    Arg::new(name).long(name).action(ArgAction::SetTrue).help(help)
}

/// The commands that read the server settings.
fn server_commands() -> Vec<Clap> {
    let doctor = [
        switch("invariants", "Check all invariants (the default)"),
        switch("database", "Check the database (the default)"),
        switch("json", "Print JSON, like -o json"),
    ];
    let view =
        Clap::new("view").about("Show the settings, like config").after_help("Example:\n  provost config view -o json");
    let all = [
        Clap::new("serve")
            .about("Start a server: API, dashboard, workers and scheduler (the default)")
            .after_help("Example:\n  provost serve --listen 127.0.0.1:9000"),
        Clap::new("dev")
            .about("Start a server with demo data, and open the dashboard")
            .after_help("Example:\n  provost dev"),
        Clap::new("migrate")
            .about("Migrate the database schema, or give a role the rights to use it")
            .after_help("Examples:\n  DATABASE_URL=postgres://… provost migrate\n  provost migrate --show-sql | less\n  provost migrate --grant provost_runtime\n  provost migrate --grant analyst --only-to-read")
            .args([
                switch("dry-run", "List the pending migrations"),
                switch("show-sql", "Print the SQL of the pending migrations"),
                Arg::new("grant")
                    .long("grant")
                    .value_name("ROLE")
                    .conflicts_with_all(["dry-run", "show-sql"])
                    .help("Instead, give a role the rights to serve; run this as the owner of the schema"),
                switch("only-to-read", "With --grant: only the right to read").requires("grant"),
            ]),
        Clap::new("secrets")
            .about("Show the keys that encrypt secrets, or move all secrets to the current key")
            .after_help("Examples:\n  provost secrets status\n  provost secrets rotate-key")
            .subcommand_required(true)
            .arg_required_else_help(true)
            .subcommands(secrets_verbs()),
        Clap::new("doctor")
            .about("Check the invariants of the database; exits 0 or 1")
            .after_help("Example:\n  provost doctor --invariants")
            .args(doctor),
        Clap::new("fsck")
            .about("Compare every project with what really exists; exits 0 or 1")
            .after_help("Example:\n  provost fsck -o json"),
        Clap::new("config")
            .about("Show the settings, their values and sources")
            .after_help("Examples:\n  provost config\n  provost config --example > .env")
            .arg(switch("example", "Print an example .env file with all settings"))
            .subcommand(view),
    ];
    let flags: Vec<Arg> = settings().into_iter().chain(client::output_flags()).collect();
    all.into_iter().map(|command| client::with_flags(command, &flags)).collect()
}

fn secrets_verbs() -> [Clap; 2] {
    [
        Clap::new("status")
            .about("Count the secrets by key: current, previous, or missing")
            .after_help("Example:\n  provost secrets status -o json"),
        Clap::new("rotate-key")
            .about("Encrypt the keys of all secrets with the current key; exits 8 if some cannot be read")
            .long_about(
                "Encrypt the keys of all secrets with the current key.\n\n\
                 Give every server the new key as PROVOST_SECRET_KEY and the old one as PROVOST_SECRET_KEY_PREVIOUS, then run this \
                 command with both. Servers keep working meanwhile; the command can be interrupted and repeated.",
            )
            .after_help("Example:\n  PROVOST_SECRET_KEY=… PROVOST_SECRET_KEY_PREVIOUS=… provost secrets rotate-key"),
    ]
}

/// The commands that need neither a database nor a server.
fn local_commands() -> Vec<Clap> {
    let shells = ["bash", "elvish", "fish", "powershell", "zsh"];
    let all = [
        Clap::new("completion")
            .about("Generate a shell completion script")
            .after_help("Examples:\n  source <(provost completion bash)\n  provost completion fish > ~/.config/fish/completions/provost.fish")
            .arg(Arg::new("shell").required(true).value_name("SHELL").help("Shell").value_parser(shells)),
        Clap::new("man")
            .about("Generate manual pages")
            .after_help("Example:\n  provost man ~/.local/share/man/man1")
            .arg(Arg::new("folder").required(true).value_name("DIR").help("Target directory")),
        Clap::new("exit-codes")
            .about("List the exit codes")
            .long_about(exit::help())
            .after_help("Example:\n  provost help exit-codes"),
        Clap::new("bench")
            .about("Benchmark Provost against plain PostgreSQL (runs provost-bench)")
            .after_help("Examples:\n  provost bench --list\n  provost bench drain --rounds 5")
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
        Clap::new("version").about("Print the version").after_help("Example:\n  provost version -o json"),
    ];
    all.into_iter().map(|command| client::with_flags(command, &client::output_flags())).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn clap_definition_is_valid() {
        super::program().debug_assert();
    }
}
