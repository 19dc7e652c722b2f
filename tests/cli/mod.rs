//! The command line: the program itself against a server.

mod codes;
mod live;
mod nouns;
mod tree;

use std::process::Command;

use serde_json::Value;

use crate::harness::Server;

/// What a command came to.
#[derive(Debug)]
pub struct Ran {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Ran {
    /// The same, if it ended so.
    #[track_caller]
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{}{}", self.out, self.err);
        self
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|_| panic!("not JSON: {self:?}"))
    }
}

/// A command that is to run, with the address of a server in its environment.
pub fn command(address: &str, args: &[&str]) -> Command {
    let mut command = Server::command();
    for name in ["NO_COLOR", "CLICOLOR_FORCE", "PROVOST_LISTEN"] {
        command.env_remove(name);
    }
    command.env("PROVOST_ADDRESS", address).args(args).stdin(std::process::Stdio::null());
    command
}

pub fn ran(mut command: Command) -> Ran {
    let output = command.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ran { code: output.status.code().unwrap_or(-1), out: text(&output.stdout), err: text(&output.stderr) }
}

/// Runs a command to its end.
pub fn run(server: &Server, args: &[&str]) -> Ran {
    ran(command(&server.url, args))
}
