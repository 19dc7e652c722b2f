//! Runs a program of the operator's choice, one kind for each that `provost.toml` names. A job brings data and never a word
//! of the command line: its payload is the program's stdin.

mod entry;
mod folder;
mod group;
mod limits;
mod output;
mod reaper;

use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::pin::pin;
use std::process::ExitStatus;
use std::time::Duration;

use futures_util::future::{Either, join3, select};
use jsonschema::Validator;
use nix::sys::signal::Signal;
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

use super::{Handler, Job, Working};
use crate::domain::Outcome;

pub use entry::read as read_commands;
use folder::Folder;
use group::Group;
use limits::Limits;
use output::Output;
pub use reaper::finish as finish_commands;

/// How long the last lines may take to arrive when the program has ended: by then nobody of its group writes any more.
const LAST_LINES: Duration = Duration::from_secs(2);
/// How long it may take besides to tidy up.
const TIDYING: Duration = Duration::from_secs(2);

/// A program that jobs may run, as the operator described it.
#[derive(Clone, Debug)]
pub struct Command {
    pub name: String,
    /// The jobs that run it.
    pub kind: String,
    program: PathBuf,
    /// What it is called with, its own name first.
    argv: Vec<String>,
    /// The variables of the worker's environment that it may see.
    env: Vec<String>,
    /// Those that it gets besides.
    set: Vec<(String, String)>,
    /// From SIGTERM to SIGKILL.
    grace: Duration,
    work_dir: PathBuf,
    /// The most bytes of its output that are kept.
    output: usize,
    limits: Limits,
    /// Another user and group for it to run as.
    user: Option<(u32, u32)>,
    /// The exit codes after which another try would go no better.
    refuse_on: Vec<i32>,
    /// The JSON Schema of its payloads, as text and compiled: those who enqueue may not know it, if this is a worker elsewhere.
    schema: Option<(String, Validator)>,
}

impl Command {
    /// The command line, for people to read.
    pub fn line(&self) -> String {
        self.argv.join(" ")
    }
}

/// The handler of one command.
pub struct Exec(pub Command);

impl Handler for Exec {
    fn run<'a>(&'a self, job: &'a Job) -> Working<'a> {
        Box::pin(async move { self.work(job).await.unwrap_or_else(|outcome| outcome) })
    }

    fn schema(&self) -> Option<&str> {
        self.0.schema.as_ref().map(|(text, _)| text.as_str())
    }

    fn grace(&self) -> Duration {
        self.0.grace + LAST_LINES + TIDYING
    }
}

impl Exec {
    async fn work(&self, job: &Job) -> Result<Outcome, Outcome> {
        let command = &self.0;
        self.check(&job.payload)?;
        let broken = |what: &str, error: std::io::Error| Outcome::failed(format!("{}: {what}: {error}", command.name));
        // Dropped last: whoever is at work in it has ended before it is removed.
        let folder = Folder::new(command, job).map_err(|error| broken("no working directory", error))?;
        let (mut group, pipes) =
            Group::start(command, job, &folder).map_err(|error| broken("cannot be started", error))?;
        let output = Output::new(&job.log, command.output);
        let ended = async {
            self.until_over(&group, job).await?;
            group.kill();
            Ok(())
        };
        let talk = join3(
            feed(pipes.stdin, &job.payload),
            output.read("stdout", pipes.stdout),
            output.read("stderr", pipes.stderr),
        );
        let over: std::io::Result<()> = match select(pin!(ended), pin!(talk)).await {
            Either::Left((over, talk)) => {
                // Somebody who left the group may hold the pipes open for ever.
                _ = timeout(LAST_LINES, talk).await;
                over
            }
            Either::Right((_, ended)) => ended.await,
        };
        let status = match over {
            Ok(()) => group.reap().await,
            Err(error) => Err(error),
        };
        let status = status.map_err(|error| broken("was lost sight of", error))?;
        let outcome = self.judge(status, &output, &folder);
        if let Err(error) = folder.remove().await {
            job.log.note(format!("the working directory could not be removed: {error}"));
        }
        outcome
    }

    /// Waits until the program has ended; when it is asked to, everybody of its group has its grace.
    async fn until_over(&self, group: &Group, job: &Job) -> std::io::Result<()> {
        tokio::select! {
            ended = group.ended() => return ended,
            () = job.stop.cancelled() => group.terminate(),
        }
        timeout(self.0.grace, group.all_ended()).await.unwrap_or(Ok(()))
    }

    fn check(&self, payload: &str) -> Result<(), Outcome> {
        let Some((_, validator)) = &self.0.schema else { return Ok(()) };
        let payload: serde_json::Value = super::payload::read(payload)?;
        validator.validate(&payload).map_err(|error| {
            Outcome::refused(format!(
                "the job's payload does not fit its schema: payload{}: {error}",
                error.instance_path()
            ))
        })
    }

    fn judge(&self, status: ExitStatus, output: &Output, folder: &Folder) -> Result<Outcome, Outcome> {
        if status.success() {
            // The work is done; to do it again would bring no better result.
            let result = folder.result().map_err(Outcome::refused)?;
            return Ok(Outcome::Done { result, next: Vec::new() });
        }
        let last = output.last_error();
        let said = if last.is_empty() { String::new() } else { format!(": {last}") };
        match (status.code(), status.signal()) {
            (Some(code), _) if self.0.refuse_on.contains(&code) => {
                Err(Outcome::refused(format!("Exit code {code}{said}")))
            }
            (Some(code), _) => Err(Outcome::failed(format!("Exit code {code}{said}"))),
            (None, signal) => {
                let signal = signal.unwrap_or_default();
                let name = Signal::try_from(signal).map_or("unknown", Signal::as_str);
                Err(Outcome::failed(format!("Killed by signal {signal} ({name}){said}")))
            }
        }
    }
}

/// Gives the program its payload, and then the end of it. Whoever does not want to read it need not.
async fn feed(mut stdin: impl AsyncWrite + Unpin, payload: &str) {
    _ = stdin.write_all(payload.as_bytes()).await;
    _ = stdin.shutdown().await;
}
