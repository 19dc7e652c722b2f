//! From argv to a command. The flags come from the table of settings, so that there is one list of them.

use std::collections::BTreeMap;

use clap::{Arg, ArgAction, Command as Clap};

use crate::bench::{self, Options};
use crate::config::SETTINGS;

const ABOUT: &str = "A control plane in one binary and one PostgreSQL: ask for projects, watch them become ready.";

const AFTER: &str = "Every flag can also be set in the environment, in .env, or in provost.toml; a flag goes over the \
environment, that over .env, that over provost.toml.\n\nExit codes: 0 ok · 1 it did not work · 2 settings or usage · \
6 database or address cannot be had · 130 second signal.\n\nStart here:\n  provost                 everything, with a \
PostgreSQL of its own\n  provost config          every setting and where it came from";

/// What `provost worker` calls its settings for short.
const WORKER_FLAGS: &[(&str, &str)] = &[
    ("token", "PROVOST_WORKER_TOKEN"),
    ("queues", "PROVOST_WORKER_QUEUES"),
    ("kinds", "PROVOST_WORKER_KINDS"),
    ("concurrency", "PROVOST_WORKER_CONCURRENCY"),
];

/// What to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    Serve,
    /// Run jobs that a server hands out.
    Worker,
    Migrate,
    /// Examine the database.
    Doctor {
        json: bool,
    },
    /// Measure.
    Bench(Options),
    Config,
    Example,
}

/// A command, and the settings that were given as flags, by their names in the environment.
pub struct Asked {
    pub command: Command,
    pub flags: BTreeMap<String, String>,
}

/// Reads argv; prints help or a usage error and ends the process itself.
pub fn read() -> Asked {
    let matches = clap().get_matches();
    let command = match matches.subcommand() {
        Some(("worker", _)) => Command::Worker,
        Some(("migrate", _)) => Command::Migrate,
        Some(("doctor", sub)) => Command::Doctor { json: sub.get_flag("json") },
        Some(("bench", sub)) => Command::Bench(Options::read(sub).unwrap_or_else(|mistake| {
            clap().error(clap::error::ErrorKind::ValueValidation, mistake).exit();
        })),
        Some(("config", sub)) if sub.get_flag("example") => Command::Example,
        Some(("config", _)) => Command::Config,
        _ => Command::Serve,
    };
    // Global flags are known to the innermost command that was named.
    let innermost = matches.subcommand().map_or(&matches, |(_, sub)| sub);
    let given = |setting: &crate::config::Setting| {
        let value = innermost.get_one::<String>(setting.env)?;
        Some((setting.env.to_owned(), value.clone()))
    };
    let mut flags: BTreeMap<String, String> = SETTINGS.iter().filter_map(given).collect();
    for (short, env) in WORKER_FLAGS.iter().filter(|_| command == Command::Worker) {
        flags.extend(innermost.get_one::<String>(short).map(|value| ((*env).to_owned(), value.clone())));
    }
    Asked { command, flags }
}

fn clap() -> Clap {
    let settings = SETTINGS.iter().map(|setting| {
        let default = setting.default.map(|value| format!(" [default: {value}]")).unwrap_or_default();
        Arg::new(setting.env)
            .long(setting.flag())
            .value_name(setting.value)
            .help(format!("{}{default} [env: {}]", setting.help, setting.env))
            .global(true)
            .num_args(1)
    });
    let example =
        Arg::new("example").long("example").action(ArgAction::SetTrue).help("Print a .env file with every setting");
    let invariants = Arg::new("invariants")
        .long("invariants")
        .action(ArgAction::SetTrue)
        .help("Ask every invariant (this is what it does anyway)");
    let json = Arg::new("json").long("json").action(ArgAction::SetTrue).help("Answer in JSON");
    Clap::new("provost")
        .version(env!("CARGO_PKG_VERSION"))
        .about(ABOUT)
        .after_help(AFTER)
        .args(settings)
        .subcommand(Clap::new("serve").about("Run the API, the dashboard, workers and chores (this is the default)"))
        .subcommand(
            Clap::new("worker")
                .about("Run jobs that a server hands out (--server), without a database of its own")
                .args(WORKER_FLAGS.iter().map(|(short, env)| {
                    Arg::new(*short).long(*short).value_name("VALUE").help(format!("The same as {env}")).num_args(1)
                })),
        )
        .subcommand(Clap::new("migrate").about("Bring the database's schema up to date, then end"))
        .subcommand(
            Clap::new("doctor")
                .about("Examine the database: is everything in it as it must be? Reads only; ends with 0 or 1")
                .args([invariants, json]),
        )
        .subcommand(bench::command())
        .subcommand(Clap::new("config").about("Show every setting, its value and where it came from").arg(example))
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_command_line_is_well_formed() {
        super::clap().debug_assert();
    }
}
