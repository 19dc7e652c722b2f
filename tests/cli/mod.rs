//! The command line against a running server.

mod bounds;
mod exit_codes;
mod follow;
mod nouns;
mod tree;

use std::process::Command;

use serde_json::Value;

use crate::harness::Server;

/// The result of a command.
#[derive(Debug)]
pub struct Finished {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Finished {
    /// Checks the exit code.
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

/// A command with the address of the server in its environment.
pub fn command(address: &str, args: &[&str]) -> Command {
    let mut command = Server::command();
    for name in ["NO_COLOR", "CLICOLOR_FORCE", "PROVOST_LISTEN"] {
        command.env_remove(name);
    }
    command.env("PROVOST_ADDRESS", address).args(args).stdin(std::process::Stdio::null());
    command
}

pub fn finish(mut command: Command) -> Finished {
    let output = command.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Finished { code: output.status.code().unwrap_or(-1), out: text(&output.stdout), err: text(&output.stderr) }
}

/// Runs a command against a server.
pub fn run(server: &Server, args: &[&str]) -> Finished {
    finish(command(&server.url, args))
}
