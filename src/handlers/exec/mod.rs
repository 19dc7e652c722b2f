//! Runs programs that the operator configures: each command in `provost.toml` is a kind of jobs. A job supplies data,
//! never a part of the command line: its payload is the program's stdin.

mod cleanup;
mod config;
mod limits;
mod output;
mod process_group;
mod work_dir;

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

use super::{Handler, HandlerFuture, Job, fallible};
use crate::domain::Outcome;

pub use cleanup::finish as finish_cleanup;
pub use config::read as read_commands;
use limits::Limits;
use output::OutputCapture;
use process_group::{Pipes, ProcessGroup};
use work_dir::WorkDir;

/// How long the last output may take to arrive after the program has ended.
const OUTPUT_TIMEOUT: Duration = Duration::from_secs(2);
/// How long the cleanup may take in addition.
const CLEANUP_TIMEOUT: Duration = Duration::from_secs(2);

#[derive(Clone, Debug)]
pub struct Command {
    pub name: String,
    pub kind: String,
    program: PathBuf,
    /// The arguments, beginning with the program's own name.
    argv: Vec<String>,
    /// Environment variables of the worker that the program may see.
    env: Vec<String>,
    /// Further variables with their values.
    set: Vec<(String, String)>,
    /// The time between SIGTERM and SIGKILL.
    grace: Duration,
    work_dir: PathBuf,
    /// The maximum number of output bytes to keep.
    output: usize,
    limits: Limits,
    /// The user and group to run as, if not the worker's.
    user: Option<(u32, u32)>,
    /// Exit codes that fail the job permanently.
    refuse_on: Vec<i32>,
    /// The JSON Schema of payloads, as text and compiled. A remote worker validates payloads itself, because the server
    /// may not know the schema.
    schema: Option<(String, Validator)>,
}

impl Command {
    /// The command line, for display.
    pub fn line(&self) -> String {
        self.argv.join(" ")
    }
}

pub struct RunCommand(pub Command);

impl Handler for RunCommand {
    fn run<'a>(&'a self, job: &'a Job) -> HandlerFuture<'a> {
        fallible(self.work(job))
    }

    fn schema(&self) -> Option<&str> {
        self.0.schema.as_ref().map(|(text, _)| text.as_str())
    }

    fn grace(&self) -> Duration {
        self.0.grace + OUTPUT_TIMEOUT + CLEANUP_TIMEOUT
    }
}

impl RunCommand {
    async fn work(&self, job: &Job) -> Result<Outcome, Outcome> {
        let command = &self.0;
        self.check(&job.payload)?;
        let error_outcome =
            |what: &str, error: std::io::Error| Outcome::failed(format!("{}: {what}: {error}", command.name));
        // Dropped last, after every process in it has ended.
        let work_dir =
            WorkDir::new(command, job).map_err(|error| error_outcome("cannot create a working directory", error))?;
        let (mut group, pipes) =
            ProcessGroup::start(command, job, &work_dir).map_err(|error| error_outcome("cannot start", error))?;
        let output = OutputCapture::new(&job.log, command.output);
        let status = self
            .run_to_end(&mut group, pipes, job, &output)
            .await
            .map_err(|error| error_outcome("cannot monitor the process", error))?;
        let outcome = self.outcome(status, &output, &work_dir);
        if let Err(error) = work_dir.remove().await {
            job.log.note(format!("the working directory cannot be removed: {error}"));
        }
        outcome
    }

    /// Waits for the program and its output, and kills what is left of its group.
    async fn run_to_end(
        &self,
        group: &mut ProcessGroup,
        pipes: Pipes,
        job: &Job,
        output: &OutputCapture<'_>,
    ) -> std::io::Result<ExitStatus> {
        let ended = async {
            self.wait(group, job).await?;
            group.kill();
            Ok::<_, std::io::Error>(())
        };
        let io = join3(
            feed(pipes.stdin, &job.payload),
            output.read("stdout", pipes.stdout),
            output.read("stderr", pipes.stderr),
        );
        match select(pin!(ended), pin!(io)).await {
            Either::Left((ended, io)) => {
                // A process that left the group may hold the pipes open.
                _ = timeout(OUTPUT_TIMEOUT, io).await;
                ended?;
            }
            Either::Right((_, ended)) => ended.await?,
        }
        group.reap().await
    }

    /// Waits until the program has ended. After `job.stop`, the whole group has the grace to end.
    async fn wait(&self, group: &ProcessGroup, job: &Job) -> std::io::Result<()> {
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
            let path = error.instance_path();
            Outcome::fatal(format!("the payload does not match its schema: payload{path}: {error}"))
        })
    }

    fn outcome(&self, status: ExitStatus, output: &OutputCapture, work_dir: &WorkDir) -> Result<Outcome, Outcome> {
        if status.success() {
            // The work is done, so a retry would not improve the result.
            let result = work_dir.result().map_err(Outcome::fatal)?;
            return Ok(Outcome::Done { result, next: Vec::new() });
        }
        let last = output.last_error();
        let detail = if last.is_empty() { String::new() } else { format!(": {last}") };
        match (status.code(), status.signal()) {
            (Some(code), _) if self.0.refuse_on.contains(&code) => {
                Err(Outcome::fatal(format!("Exit code {code}{detail}")))
            }
            (Some(code), _) => Err(Outcome::failed(format!("Exit code {code}{detail}"))),
            (None, signal) => {
                let signal = signal.unwrap_or_default();
                let name = Signal::try_from(signal).map_or("unknown", Signal::as_str);
                Err(Outcome::failed(format!("Killed by signal {signal} ({name}){detail}")))
            }
        }
    }
}

/// Writes the payload to stdin and closes it. The program need not read it.
async fn feed(mut stdin: impl AsyncWrite + Unpin, payload: &str) {
    _ = stdin.write_all(payload.as_bytes()).await;
    _ = stdin.shutdown().await;
}
