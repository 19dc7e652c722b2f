//! Whole servers as processes of their own: `provost serve` with one more handler, which tells us what ran and when.
//!
//! Their standard input is a socket. What runs in a server is written to it; when we are gone, it ends, and so does the
//! server: nothing is left behind, however we end.

use std::io::{Read as _, Write as _};
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream as Socket;
use std::process::Stdio;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader, Lines};
use tokio::net::UnixStream;
use tokio::process::{Child, ChildStdout, Command};

use super::clock;
use super::marks::{KIND, Mark, Marks, Sink};
use crate::error::{BenchError, Result};
use provost::handlers::Handlers;

/// A number and a moment, each a little-endian u64.
const RECORD: usize = 16;
/// How long marks are gathered before they are written.
const GATHER: Duration = Duration::from_millis(1);
/// The longest that a server may take until it is ready.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a server is to be like. All else is as `provost serve` has it by default.
#[derive(Clone, Debug)]
pub struct ServerOptions {
    pub database_url: String,
    /// Comma separated, as in `PROVOST_ROLES`.
    pub roles: &'static str,
    pub slots: usize,
}

/// A running server. Dropping it kills it.
pub struct Server {
    child: Child,
    pid: u32,
    /// Where it answers, as host and port, if it has the role `api`.
    pub host: Option<String>,
    reading: tokio::task::JoinHandle<()>,
}

impl Server {
    /// Starts one and waits until it says that it is ready.
    pub async fn start(options: &ServerOptions, marks: Arc<Marks>) -> Result<Self> {
        let (ours, theirs) = Socket::pair()?;
        ours.set_nonblocking(true)?;
        let mut child = command(options)?.stdin(Stdio::from(std::os::fd::OwnedFd::from(theirs))).spawn()?;
        let reading = tokio::spawn(collect(UnixStream::from_std(ours)?, marks));
        let out = child.stdout.take().ok_or_else(|| BenchError::new("a server has no output"))?;
        let mut lines = BufReader::new(out).lines();
        let host = tokio::time::timeout(PATIENCE, ready(&mut lines)).await;
        let host = host.map_err(|_| BenchError::new(format!("a server was not ready within {PATIENCE:?}")))??;
        // It may say more than that it is ready, and nobody can speak into a pipe that is closed.
        tokio::spawn(async move { while matches!(lines.next_line().await, Ok(Some(_))) {} });
        let pid = child.id().unwrap_or_default();
        Ok(Self { child, pid, host, reading })
    }

    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Whether it has ended: its socket ends with it.
    pub fn has_ended(&self) -> bool {
        self.reading.is_finished()
    }

    /// Seconds of CPU so far, where the system tells.
    pub fn cpu(&self) -> Option<f64> {
        clock::cpu_of(self.pid)
    }

    /// SIGTERM, then the end of its marks. A server that had ended by itself makes whatever was measured worthless.
    pub async fn stop(mut self) -> Result<()> {
        if let Some(status) = self.child.try_wait()? {
            return Err(BenchError::new(format!("a server ended by itself while it was measured: {status}")));
        }
        if let Ok(pid) = i32::try_from(self.pid) {
            _ = nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::Signal::SIGTERM);
        }
        if tokio::time::timeout(Duration::from_secs(20), self.child.wait()).await.is_err() {
            self.child.kill().await?;
        }
        // The socket ends with the server; what it wrote before is still read.
        _ = tokio::time::timeout(Duration::from_secs(5), &mut self.reading).await;
        Ok(())
    }
}

/// This very program, with nothing of our environment that would be a setting.
fn command(options: &ServerOptions) -> Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    for (key, _) in std::env::vars_os() {
        if key.to_str().is_some_and(|key| key.starts_with("PROVOST_") || key == "DATABASE_URL") {
            command.env_remove(key);
        }
    }
    command
        .arg("serve")
        .env("DATABASE_URL", &options.database_url)
        .env("PROVOST_LISTEN", "127.0.0.1:0")
        .env("PROVOST_ROLES", options.roles)
        .env("PROVOST_WORKER_CONCURRENCY", options.slots.to_string())
        .env("PROVOST_LOG_FORMAT", "json")
        // No .env and no provost.toml is read there.
        .current_dir(std::env::temp_dir())
        .stdout(Stdio::piped())
        .stderr(log()?)
        .kill_on_drop(true);
    Ok(command)
}

/// Where the log goes: it is written as always, but read only by somebody who looks for a mistake.
fn log() -> Result<Stdio> {
    match std::env::var_os("BENCH_SERVER_LOG") {
        Some(path) => Ok(std::fs::File::options().create(true).append(true).open(path)?.into()),
        None => Ok(Stdio::null()),
    }
}

/// Reads what a server says until it is ready; where it answers.
async fn ready(lines: &mut Lines<BufReader<ChildStdout>>) -> Result<Option<String>> {
    let mut host = None;
    while let Some(line) = lines.next_line().await? {
        if let Some(url) = line.trim().strip_prefix("Dashboard") {
            let url = url.trim().trim_start_matches("http://");
            host = Some(url.trim_end_matches("/dashboard").to_owned());
        }
        if line.starts_with("Ready") {
            return Ok(host);
        }
    }
    Err(BenchError::new("a server ended before it was ready; BENCH_SERVER_LOG=FILE keeps what it says"))
}

/// Reads the marks of one server until it ends.
async fn collect(mut stream: UnixStream, marks: Arc<Marks>) {
    let mut buffer = Vec::with_capacity(64 * 1024);
    while matches!(stream.read_buf(&mut buffer).await, Ok(n) if n > 0) {
        let whole = buffer.len() - buffer.len() % RECORD;
        for record in buffer[..whole].chunks_exact(RECORD) {
            let word =
                |from: usize| record[from..from + 8].iter().rev().fold(0, |sum, byte| sum << 8 | u64::from(*byte));
            marks.note(word(0), word(8));
        }
        buffer.drain(..whole);
    }
}

/// The other side, within a server: its handler's marks go to standard input, which is our socket.
#[derive(Clone)]
struct Reporter(Arc<(Mutex<Vec<u8>>, Condvar)>);

impl Sink for Reporter {
    fn note(&self, number: u64, at: u64) {
        let (gathered, some) = &*self.0;
        let mut gathered = gathered.lock().unwrap_or_else(PoisonError::into_inner);
        gathered.extend_from_slice(&number.to_le_bytes());
        gathered.extend_from_slice(&at.to_le_bytes());
        if gathered.len() == RECORD {
            some.notify_one();
        }
    }
}

impl Reporter {
    /// Writes what has gathered, for ever. Its moments were taken by the handler, so a little later does no harm.
    fn write_to(self, mut socket: Socket) {
        let (gathered, some) = &*self.0;
        loop {
            let waiting = gathered.lock().unwrap_or_else(PoisonError::into_inner);
            let waiting = some.wait_while(waiting, |it| it.is_empty()).unwrap_or_else(PoisonError::into_inner);
            drop(waiting);
            std::thread::sleep(GATHER);
            let taken = std::mem::take(&mut *gathered.lock().unwrap_or_else(PoisonError::into_inner));
            if socket.write_all(&taken).is_err() {
                return;
            }
        }
    }
}

/// What `bench serve` adds to the handlers of `serve`: the one that reports to whoever started it.
pub fn reporting(handlers: Handlers) -> Handlers {
    let Ok(descriptor) = std::io::stdin().as_fd().try_clone_to_owned() else { return handlers };
    let socket = Socket::from(descriptor);
    let Ok(mut watched) = socket.try_clone() else { return handlers };
    let reporter = Reporter(Arc::default());
    let writing = reporter.clone();
    std::thread::spawn(move || writing.write_to(socket));
    // Nothing is ever sent to us: this returns when whoever started us is gone.
    std::thread::spawn(move || {
        _ = watched.read(&mut [0]);
        std::process::exit(1);
    });
    handlers.with(KIND, Mark(reporter))
}
