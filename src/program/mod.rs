//! Programs that the operator configures. Each run has a process group and a working directory of its own. A caller supplies data,
//! never a part of the command line.

mod cleanup;
mod limits;
mod output;
mod process_group;
pub mod settings;
mod work_dir;

use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::pin::pin;
use std::process::ExitStatus;
use std::time::Duration;

use futures_util::future::{Either, join3, select};
use nix::sys::signal::Signal;
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;
use zeroize::Zeroizing;

use crate::lines::Log;
use crate::signal::Stop;

pub use cleanup::finish as finish_cleanup;
use limits::Limits;
use output::{Kept, OutputCapture, keep};
use process_group::{Pipes, ProcessGroup};
use work_dir::WorkDir;

/// How long the last output may take to arrive after the program has ended.
const OUTPUT_TIMEOUT: Duration = Duration::from_secs(2);
/// How long the cleanup may take in addition.
const CLEANUP_TIMEOUT: Duration = Duration::from_secs(2);

/// A program with its arguments, and the conditions under which it runs.
#[derive(Clone, Debug)]
pub struct Program {
    path: PathBuf,
    /// The arguments, beginning with the program's own name.
    argv: Vec<String>,
    conditions: Conditions,
}

/// What several programs can have in common.
#[derive(Clone, Debug)]
pub struct Conditions {
    /// Environment variables of the worker that the program may see.
    env: Vec<String>,
    /// Further variables with their values.
    set: Vec<(String, String)>,
    /// The time between the first signal and SIGKILL.
    grace: Duration,
    first_signal: FirstSignal,
    /// The parent of the working directories.
    work_dir: PathBuf,
    /// The maximum number of output bytes to keep in the log.
    output: usize,
    limits: Limits,
    /// The user and group to run as, if not the worker's.
    user: Option<(u32, u32)>,
}

/// The signal that asks a program to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FirstSignal {
    Terminate,
    /// Like Ctrl-C. Terraform and others then end in an orderly way.
    Interrupt,
}

/// One run of a program.
pub struct Invocation<'a> {
    pub stdin: &'a str,
    /// JSON text for the file that `PROVOST_INPUTS` names.
    pub inputs: Option<&'a str>,
    pub variables: Vec<(&'static str, String)>,
    pub stdout: Stdout,
    pub log: &'a Log,
    /// Once it is canceled, the program is asked to end.
    pub stop: &'a Stop,
}

/// What happens to stdout. What is written to stderr always goes to the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stdout {
    ToLog,
    /// Returned, up to this number of bytes, and not logged.
    Keep(usize),
}

/// Why a program did not run, or its end is unknown.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    #[error("cannot create a working directory: {0}")]
    WorkDir(#[source] std::io::Error),
    #[error("cannot start: {0}")]
    Start(#[source] std::io::Error),
    #[error("cannot monitor the process: {0}")]
    Monitor(#[source] std::io::Error),
}

/// A program that has ended.
pub struct Ended {
    status: ExitStatus,
    last_error: String,
    /// The JSON result that the program left in its working directory, if any, or why it is invalid.
    pub result: Result<Option<String>, String>,
    /// `None` if the program wrote more than [`Stdout::Keep`] allows.
    pub stdout: Option<Zeroizing<Vec<u8>>>,
}

impl Ended {
    /// The exit code; `None` if a signal ended the program.
    pub fn code(&self) -> Option<i32> {
        self.status.code()
    }

    /// How a program without success ended, as a sentence, with its last line on stderr.
    pub fn reason(&self) -> String {
        let detail = if self.last_error.is_empty() { String::new() } else { format!(": {}", self.last_error) };
        match self.status.code() {
            Some(code) => format!("Exit code {code}{detail}"),
            None => {
                let signal = self.status.signal().unwrap_or_default();
                let name = Signal::try_from(signal).map_or("unknown", Signal::as_str);
                format!("Killed by signal {signal} ({name}){detail}")
            }
        }
    }
}

impl Program {
    /// The command line, for display.
    pub fn line(&self) -> String {
        self.argv.join(" ")
    }

    /// How long the program and its cleanup may take after `stop`.
    pub fn grace(&self) -> Duration {
        self.conditions.grace + OUTPUT_TIMEOUT + CLEANUP_TIMEOUT
    }

    /// Runs the program to its end. Dropping the future kills its group.
    pub async fn run(&self, run: Invocation<'_>) -> Result<Ended, RunError> {
        // Dropped last, after every process in it has ended.
        let work_dir = WorkDir::new(&self.conditions, run.inputs).map_err(RunError::WorkDir)?;
        let (mut group, pipes) = ProcessGroup::start(self, &run, &work_dir).map_err(RunError::Start)?;
        let output = OutputCapture::new(run.log, self.conditions.output);
        let (status, stdout) = self.run_to_end(&mut group, pipes, &run, &output).await.map_err(RunError::Monitor)?;
        let result = if status.success() { work_dir.result() } else { Ok(None) };
        if let Err(error) = work_dir.remove().await {
            run.log.note(format!("the working directory cannot be removed: {error}"));
        }
        Ok(Ended { status, last_error: output.last_error(), result, stdout: stdout.complete() })
    }

    /// Waits for the program and its output, and kills what is left of its group.
    async fn run_to_end(
        &self,
        group: &mut ProcessGroup,
        pipes: Pipes,
        run: &Invocation<'_>,
        output: &OutputCapture<'_>,
    ) -> std::io::Result<(ExitStatus, Kept)> {
        let ended = async {
            self.wait(group, run.stop).await?;
            group.kill();
            Ok::<_, std::io::Error>(())
        };
        let mut kept = Kept::default();
        let stdout = async {
            match run.stdout {
                Stdout::ToLog => output.read("stdout", pipes.stdout).await,
                Stdout::Keep(limit) => keep(pipes.stdout, limit, &mut kept).await,
            }
        };
        {
            let io = join3(feed(pipes.stdin, run.stdin), stdout, output.read("stderr", pipes.stderr));
            match select(pin!(ended), pin!(io)).await {
                Either::Left((ended, io)) => {
                    // A process that left the group may hold the pipes open.
                    _ = timeout(OUTPUT_TIMEOUT, io).await;
                    ended?;
                }
                Either::Right((_, ended)) => ended.await?,
            }
        }
        Ok((group.reap().await?, kept))
    }

    /// Waits until the program has ended. After `stop`, the whole group has the grace to end.
    async fn wait(&self, group: &ProcessGroup, stop: &Stop) -> std::io::Result<()> {
        tokio::select! {
            ended = group.ended() => return ended,
            () = stop.cancelled() => group.ask_to_end(self.conditions.first_signal),
        }
        timeout(self.conditions.grace, group.all_ended()).await.unwrap_or(Ok(()))
    }
}

/// Writes the data to stdin and closes it. The program need not read it.
async fn feed(mut stdin: impl AsyncWrite + Unpin, data: &str) {
    _ = stdin.write_all(data.as_bytes()).await;
    _ = stdin.shutdown().await;
}
