//! Texts of `provost help`, and the commands about the program itself.

use std::path::Path;

use clap_complete::env::Shells;

use super::client::Global;
use super::exit::{Exit, MEANINGS, help};
use super::failure::Failure;
use super::output::{Output, array, print};
use super::tables::{COMPLETION_SCRIPT, EXIT_CODE, MAN_PAGE, VERSION};
use crate::wire::client::Body;

pub const ABOUT: &str = "A control plane in one binary and one PostgreSQL database";

pub const AFTER: &str = "Get started:
  provost                            Start a server with its own PostgreSQL
  provost dev                        Start a server with demo data
  provost project create my-first --wait
  provost serve --help               List the server settings
  provost config                     Show the settings in effect and their sources

Every setting can be a flag, an environment variable, a line of .env or a key of provost.toml, \
in this order of precedence.
Results go to stdout, everything else to stderr. See `provost help exit-codes` for exit codes.";

fn end(global: &Global, run: impl FnOnce(&Output) -> Result<(), Failure>) -> Exit {
    global.end(global.output().and_then(|output| run(&output)))
}

/// `provost version`.
pub fn version(global: &Global) -> Exit {
    let version = env!("CARGO_PKG_VERSION");
    end(global, |output| match output.format.is_for_people() {
        true => print(&format!("provost {version}")),
        false => output.row(&VERSION, &Body::default().with("version", Some(version)).text()),
    })
}

/// `provost exit-codes`.
pub fn exit_codes(global: &Global) -> Exit {
    let row = |(exit, meaning): (Exit, &str)| {
        Body::default().with("code", Some(exit as u8)).with("meaning", Some(meaning)).text()
    };
    end(global, |output| match output.format.is_for_people() {
        true => print(&help()),
        false => output.list(&EXIT_CODE, &array(MEANINGS.map(row))),
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
    end(global, |output| match output.format.is_for_people() {
        true => print(script.trim_end()),
        false => {
            let body = Body::default().with("shell", Some(shell)).with("script", Some(&script));
            output.row(&COMPLETION_SCRIPT, &body.text())
        }
    })
}

/// `provost man DIR`.
pub fn man(program: clap::Command, folder: &Path, global: &Global) -> Exit {
    let written = std::fs::create_dir_all(folder).and_then(|()| clap_mangen::generate_to(program, folder));
    let pages = written.and_then(|()| std::fs::read_dir(folder)).map(|entries| {
        let mut paths: Vec<String> = entries.flatten().map(|it| it.path().display().to_string()).collect();
        paths.retain(|path| path.rsplit('/').next().is_some_and(|name| name.starts_with("provost")));
        paths.sort();
        paths
    });
    end(global, |output| match pages {
        Ok(pages) => {
            let row = |path: &String| Body::default().with("path", Some(path)).text();
            output.list(&MAN_PAGE, &array(pages.iter().map(row)))
        }
        Err(error) => Err(Failure::new(Exit::Failure, format!("cannot write to {}: {error}", folder.display()))),
    })
}
