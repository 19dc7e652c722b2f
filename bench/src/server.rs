//! Servers in processes of their own: `provost serve` with one more handler that reports which job ran when.
//!
//! Standard input of the server is a socket. The handler writes to the socket; when this process ends, the socket closes and
//! the server exits, so no server outlives the measurement.

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
use super::starts::{KIND, RecordStart, Sink, Starts};
use crate::error::{BenchError, Result};
use provost::handlers::Handlers;

/// A job number and a time, each a little-endian u64.
const RECORD: usize = 16;
/// How long records are collected before they are written.
const FLUSH_INTERVAL: Duration = Duration::from_millis(1);
/// The longest time for a server to become ready.
const READY_TIMEOUT: Duration = Duration::from_secs(60);

/// Settings of a server; everything else has the default of `provost serve`.
#[derive(Clone, Debug)]
pub struct ServerOptions {
    pub database_url: String,
    /// Comma separated, as in `PROVOST_ROLES`.
    pub roles: &'static str,
    pub slots: usize,
}

/// A running server. Dropping the value kills it.
pub struct Server {
    child: Child,
    pid: u32,
    /// Host and port of the API, with the role `api`.
    pub host: Option<String>,
    reading: tokio::task::JoinHandle<()>,
}

impl Server {
    /// Starts a server and waits until it is ready.
    pub async fn start(options: &ServerOptions, starts: Arc<Starts>) -> Result<Self> {
        let (ours, theirs) = Socket::pair()?;
        ours.set_nonblocking(true)?;
        let mut child = command(options)?.stdin(Stdio::from(std::os::fd::OwnedFd::from(theirs))).spawn()?;
        let reading = tokio::spawn(collect(UnixStream::from_std(ours)?, starts));
        let out = child.stdout.take().ok_or_else(|| BenchError::new("a server has no output"))?;
        let mut lines = BufReader::new(out).lines();
        let host = tokio::time::timeout(READY_TIMEOUT, ready(&mut lines)).await;
        let host = host.map_err(|_| BenchError::new(format!("a server was not ready within {READY_TIMEOUT:?}")))??;
        // Keep reading: a closed pipe would fail later writes of the server.
        tokio::spawn(async move { while matches!(lines.next_line().await, Ok(Some(_))) {} });
        let pid = child.id().unwrap_or_default();
        Ok(Self { child, pid, host, reading })
    }

    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Whether the server has exited, which closes its socket.
    pub fn has_ended(&self) -> bool {
        self.reading.is_finished()
    }

    /// CPU seconds so far, where the system reports them.
    pub fn cpu(&self) -> Option<f64> {
        clock::cpu_of(self.pid)
    }

    /// SIGTERM, then the rest of the records. Fails if the server exited before, which invalidates the measurement.
    pub async fn stop(mut self) -> Result<()> {
        if let Some(status) = self.child.try_wait()? {
            return Err(BenchError::new(format!("a server exited during the measurement: {status}")));
        }
        if let Ok(pid) = i32::try_from(self.pid) {
            _ = nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::Signal::SIGTERM);
        }
        if tokio::time::timeout(Duration::from_secs(20), self.child.wait()).await.is_err() {
            self.child.kill().await?;
        }
        // The socket closes with the server; records written before are still read.
        _ = tokio::time::timeout(Duration::from_secs(5), &mut self.reading).await;
        Ok(())
    }
}

/// This program as a server, without settings from our environment.
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
        // Has no .env and no provost.toml.
        .current_dir(std::env::temp_dir())
        .stdout(Stdio::piped())
        .stderr(log()?)
        .kill_on_drop(true);
    Ok(command)
}

/// Where the log goes. The server always writes its log, because writing is part of its cost.
fn log() -> Result<Stdio> {
    match std::env::var_os("BENCH_SERVER_LOG") {
        Some(path) => Ok(std::fs::File::options().create(true).append(true).open(path)?.into()),
        None => Ok(Stdio::null()),
    }
}

/// Reads the output until the server is ready. Returns the address of the API.
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
    Err(BenchError::new("a server exited before it was ready; set BENCH_SERVER_LOG=FILE to keep its log"))
}

/// Reads the records of one server until it exits.
async fn collect(mut stream: UnixStream, starts: Arc<Starts>) {
    let mut buffer = Vec::with_capacity(64 * 1024);
    while matches!(stream.read_buf(&mut buffer).await, Ok(n) if n > 0) {
        let whole = buffer.len() - buffer.len() % RECORD;
        for record in buffer[..whole].chunks_exact(RECORD) {
            let word =
                |from: usize| record[from..from + 8].iter().rev().fold(0, |sum, byte| sum << 8 | u64::from(*byte));
            starts.note(word(0), word(8));
        }
        buffer.drain(..whole);
    }
}

/// The side of the server: the handler's records go to standard input, which is the socket.
#[derive(Clone)]
struct Reporter(Arc<(Mutex<Vec<u8>>, Condvar)>);

impl Sink for Reporter {
    fn note(&self, number: u64, at: u64) {
        let (records, some) = &*self.0;
        let mut records = records.lock().unwrap_or_else(PoisonError::into_inner);
        records.extend_from_slice(&number.to_le_bytes());
        records.extend_from_slice(&at.to_le_bytes());
        if records.len() == RECORD {
            some.notify_one();
        }
    }
}

impl Reporter {
    /// Writes collected records until the socket closes. The handler takes the times, so delayed writes do no harm.
    fn write_to(self, mut socket: Socket) {
        let (records, some) = &*self.0;
        loop {
            let waiting = records.lock().unwrap_or_else(PoisonError::into_inner);
            let waiting = some.wait_while(waiting, |it| it.is_empty()).unwrap_or_else(PoisonError::into_inner);
            drop(waiting);
            std::thread::sleep(FLUSH_INTERVAL);
            let taken = std::mem::take(&mut *records.lock().unwrap_or_else(PoisonError::into_inner));
            if socket.write_all(&taken).is_err() {
                return;
            }
        }
    }
}

/// Adds the reporting handler to the handlers of a server.
pub fn reporting(handlers: Handlers) -> Handlers {
    let Ok(descriptor) = std::io::stdin().as_fd().try_clone_to_owned() else { return handlers };
    let socket = Socket::from(descriptor);
    let Ok(mut watched) = socket.try_clone() else { return handlers };
    let reporter = Reporter(Arc::default());
    let writing = reporter.clone();
    std::thread::spawn(move || writing.write_to(socket));
    // Nothing is ever sent to the server: the read returns when the measuring process is gone.
    std::thread::spawn(move || {
        _ = watched.read(&mut [0]);
        std::process::exit(1);
    });
    handlers.with(KIND, RecordStart(reporter))
}
