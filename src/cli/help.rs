//! What the program says of itself.

use clap_complete::env::Shells;

use super::Exit;
use super::args::program;
use super::client::{Context, Global};
use super::failure::Failure;
use super::output::{Format, Noun, Show, column, quoted, say};

pub const ABOUT: &str = "A control plane in one binary and one PostgreSQL: ask for projects, watch them become ready.";

pub const AFTER: &str = "Start here:
  provost                           everything, with a PostgreSQL of its own
  provost dev                       the same, with something to look at
  provost project create my-first --wait
  provost serve --help              every setting of a server
  provost config                    which of them are in force, and where they came from

Every setting is a flag, a variable of the environment, a line of .env or one of provost.toml; a flag goes over the \
environment, that over .env, that over provost.toml.
Data go to stdout, everything else to stderr. `provost help exit-codes` lists what it ends with.";

pub const EXIT_CODES: &str = "What the program ends with:

    0  it is done
    1  the thing failed: the project that was waited for, an invariant, a measurement
    2  usage: a flag, a field or a setting that cannot be accepted
    3  there is no such thing
    4  not signed in, or not allowed
    5  conflict: the thing is in a state in which that is not possible, or has changed meanwhile
    6  the server or its database cannot be reached
    7  time is up, and what was waited for has not happened
    8  of many, some were done and some were not
  130  interrupted";

static VERSION: Noun = Noun { name: "version", key: "version", columns: &[column("VERSION", "version", Show::Exact)] };
static SCRIPT: Noun = Noun { name: "completion", key: "shell", columns: &[column("SHELL", "shell", Show::Exact)] };
static CODES: Noun = Noun {
    name: "exit-code",
    key: "code",
    columns: &[column("CODE", "code", Show::Exact), column("MEANING", "meaning", Show::Text)],
};
static PAGE: Noun = Noun { name: "page", key: "path", columns: &[column("PATH", "path", Show::Exact)] };

/// Ends a command of this file.
fn answered(global: &Global, answer: impl FnOnce(&super::output::Output) -> Result<(), Failure>) -> Exit {
    match global.output() {
        Ok(output) => answer(&output).map_or_else(|failure| Context::beforehand(global, failure), |()| Exit::Success),
        Err(failure) => Context::beforehand(global, failure),
    }
}

/// `provost version`.
pub fn version(global: &Global) -> Exit {
    let version = env!("CARGO_PKG_VERSION");
    answered(global, |output| match output.format {
        Format::Table | Format::Wide => say(&format!("provost {version}")),
        _ => output.row(&VERSION, &format!("{{\"version\":{}}}", quoted(version))),
    })
}

/// `provost exit-codes`.
pub fn exit_codes(global: &Global) -> Exit {
    let lines = EXIT_CODES.lines().filter_map(|line| line.trim_start().split_once("  "));
    let rows: Vec<String> =
        lines.map(|(code, meaning)| format!("{{\"code\":{code},\"meaning\":{}}}", quoted(meaning))).collect();
    answered(global, |output| match output.format {
        Format::Table | Format::Wide => say(EXIT_CODES),
        _ => output.list(&CODES, &format!("[{}]", rows.join(","))),
    })
}

/// `provost completion SHELL`.
pub fn completion(shell: &str, global: &Global) -> Exit {
    let mut script = Vec::new();
    if let Some(completer) = Shells::builtins().completer(shell) {
        // Writing to memory cannot fail.
        _ = completer.write_registration("COMPLETE", "provost", "provost", "provost", &mut script);
    }
    let script = String::from_utf8_lossy(&script).into_owned();
    answered(global, |output| match output.format {
        Format::Table | Format::Wide => say(script.trim_end()),
        _ => output.row(&SCRIPT, &format!("{{\"shell\":{},\"script\":{}}}", quoted(shell), quoted(&script))),
    })
}

/// `provost man DIR`.
pub fn man(folder: &std::path::Path, global: &Global) -> Exit {
    let written = std::fs::create_dir_all(folder).and_then(|()| clap_mangen::generate_to(program(), folder));
    let pages = written.and_then(|()| std::fs::read_dir(folder)).map(|entries| {
        let mut paths: Vec<String> = entries.flatten().map(|it| it.path().display().to_string()).collect();
        paths.retain(|path| path.rsplit('/').next().is_some_and(|name| name.starts_with("provost")));
        paths.sort();
        paths
    });
    answered(global, |output| match pages {
        Ok(pages) => {
            let rows: Vec<String> = pages.iter().map(|path| format!("{{\"path\":{}}}", quoted(path))).collect();
            output.list(&PAGE, &format!("[{}]", rows.join(",")))
        }
        Err(error) => Err(Failure::new(Exit::Failure, format!("{} cannot be written to: {error}", folder.display()))),
    })
}
