//! The running server: start it, wait until it is ready, make it end with us, stop it.

use std::fs::{self, File, OpenOptions};
use std::io::{self as stdio, ErrorKind, Read as _, Seek as _, SeekFrom};
use std::net::TcpListener;
use std::os::unix::fs::OpenOptionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::mpsc::{Sender, channel};
use std::thread::{self, JoinHandle, sleep};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::Options;
use super::cluster::Cluster;
use super::error::{Error, Result, io};
use super::find::Binaries;
use super::pidfile::PidFile;

/// A private server on this machine only. The socket folder is empty because Debian's is not ours to write to,
/// and 50 connections are plenty for one process and its tools.
const SETTINGS: [&str; 4] =
    ["listen_addresses=127.0.0.1", "unix_socket_directories=", "logging_collector=off", "max_connections=100"];

/// A fast shutdown, then one without a checkpoint, then none at all; each with its patience in seconds.
/// The second outlasts the 5 seconds after which a postmaster kills children that hang.
const STOPPING: [(Signal, u64); 3] = [(Signal::SIGINT, 20), (Signal::SIGQUIT, 7), (Signal::SIGKILL, 5)];

/// A server that lives but is not ready is recovering; ending it would only make it begin again.
const READY_WITHIN: Duration = Duration::from_secs(300);
const RETRY_FOR: Duration = Duration::from_secs(60);
/// A port that was asked for and is not free belongs to a stranger, so waiting longer is of little use.
const RETRY_PORT_FOR: Duration = Duration::from_secs(10);
const TRIES_WITHOUT_REASON: u32 = 3;
const LOG_LIMIT: u64 = 10 * 1024 * 1024;
const PAUSE: Duration = Duration::from_millis(20);

/// A server that is our child. Dropping it stops it.
pub struct Server {
    child: Child,
    port: u16,
    _keeper: Keeper,
}

impl Server {
    /// Starts the server and waits until it is ready, trying again while what stands in its way may pass.
    pub fn start(options: &Options, cluster: &Cluster, binaries: &Binaries) -> Result<Self> {
        let log = Log::open(cluster)?;
        let begun = Instant::now();
        let mut tries = 0;
        loop {
            tries += 1;
            let port = options.port.map_or_else(|| free_port(cluster.state()), Ok)?;
            let mark = log.len();
            let mut server = Self::spawn(options, cluster, binaries, port, &log)?;
            if server.wait_ready(cluster) {
                return Ok(server);
            }
            let why = server.why_not_ready(&log.since(mark));
            drop(server);
            if why.resting_for_ever(options, begun.elapsed(), tries) {
                return Err(why.into_error(options, &log, mark));
            }
            sleep(Duration::from_millis(200));
        }
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    fn spawn(options: &Options, cluster: &Cluster, binaries: &Binaries, port: u16, log: &Log) -> Result<Self> {
        let program = binaries.tool("postgres");
        let mut command = cluster.command(&program);
        command.arg("-D").arg(cluster.data()).args(["-p", &port.to_string()]);
        for setting in SETTINGS {
            command.args(["-c", setting]);
        }
        for (name, value) in &options.settings {
            command.arg("-c").arg(format!("{name}={value}"));
        }
        command.stdout(log.writer()?).stderr(log.writer()?);
        // A Ctrl-C in the terminal goes to the whole group, and must not stop the server before we have drained.
        command.process_group(0);
        die_with_us(&mut command, Signal::SIGINT);
        let (child, keeper) = Keeper::spawn(command).map_err(io("run", &program))?;
        Ok(Self { child, port, _keeper: keeper })
    }

    /// Waits until the server is ready; false when it ended, or took too long.
    fn wait_ready(&mut self, cluster: &Cluster) -> bool {
        let begun = (Instant::now(), SystemTime::now());
        while begun.0.elapsed() < READY_WITHIN && !self.has_ended() {
            if PidFile::read(cluster.data()).is_some_and(|file| file.ready && self.wrote(&file, begun.1)) {
                return true;
            }
            sleep(PAUSE);
        }
        false
    }

    /// Whether the file is this server's own. An old one may bear the same pid, after a restart of the container.
    /// The two seconds are pg_ctl's: clocks are rounded.
    fn wrote(&self, file: &PidFile, spawned: SystemTime) -> bool {
        let spawned = spawned.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        file.pid == self.pid() && file.started + 2 >= spawned
    }

    fn why_not_ready(&mut self, said: &str) -> Exit {
        if self.has_ended() { Exit::from_log(said) } else { Exit::Late }
    }

    pub fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if !self.has_ended() {
            stop(self.pid(), || self.has_ended());
        }
    }
}

/// Ends a server that a dead owner left behind. We hold the lock, so nobody else can be using it as its owner.
///
/// On Linux it is already on its way out. Elsewhere it would run on for ever.
pub fn end_orphan(cluster: &Cluster) -> Result<()> {
    let Some(file) = PidFile::read(cluster.data()) else {
        return Ok(());
    };
    if file.is_ours(cluster.data()) {
        stop(file.pid, || !file.is_ours(cluster.data()));
    } else if file.is_stranger() {
        // The server would refuse to start for ever over a pid that now belongs to somebody else. Removing the
        // file is safe: remains of the old server are still found by their shared memory.
        let path = cluster.data().join("postmaster.pid");
        match fs::remove_file(&path) {
            // The old server has just removed it itself.
            Err(e) if e.kind() == ErrorKind::NotFound => {}
            done => done.map_err(io("remove", &path))?,
        }
    }
    Ok(())
}

/// Lets a program be signalled when the thread that starts it ends, which it does even by kill -9.
/// It must be asked for after the change of user, which would clear it: that is when `pre_exec` runs.
#[cfg(target_os = "linux")]
pub fn die_with_us(command: &mut Command, signal: Signal) {
    let us = nix::unistd::getpid();
    let ask = move || {
        nix::sys::prctl::set_pdeathsig(signal)?;
        // If we died before that line nobody will send the signal any more.
        if nix::unistd::getppid() == us { Ok(()) } else { Err(nix::errno::Errno::ESRCH.into()) }
    };
    // SAFETY: between fork and exec it makes two system calls; it takes no lock and allocates nothing.
    unsafe { command.pre_exec(ask) };
}

/// Other systems have no such signal; there the next owner ends the orphan.
#[cfg(not(target_os = "linux"))]
pub fn die_with_us(_: &mut Command, _: Signal) {}

fn stop(pid: u32, mut ended: impl FnMut() -> bool) {
    for (signal, seconds) in STOPPING {
        let _ = kill(Pid::from_raw(pid.cast_signed()), signal);
        let deadline = Instant::now() + Duration::from_secs(seconds);
        while Instant::now() < deadline {
            if ended() {
                return;
            }
            sleep(PAUSE);
        }
    }
}

fn free_port(state: &Path) -> Result<u16> {
    let port = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    Ok(port.map_err(io("find a free port for", state))?.port())
}

/// A thread that starts the server and lives as long as it: the parent-death signal is tied to the thread, not to
/// the process, so a server that a short-lived thread starts (a test's, a runtime's) would end with that thread.
struct Keeper {
    release: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Keeper {
    fn spawn(mut command: Command) -> stdio::Result<(Child, Self)> {
        let (tell, told) = channel();
        let (release, released) = channel::<()>();
        let body = move || {
            let _ = tell.send(command.spawn());
            // Nothing is ever sent: this returns when the other end is dropped.
            let _ = released.recv();
        };
        let thread = thread::Builder::new().name("postgres-keeper".to_owned()).spawn(body)?;
        let keeper = Self { release: Some(release), thread: Some(thread) };
        let child = told.recv().map_err(stdio::Error::other)??;
        Ok((child, keeper))
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.release.take();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Why a server is not ready.
#[derive(Debug, PartialEq, Eq, Clone, Copy)]
enum Exit {
    PortTaken,
    /// An old server, or a child of one, is not quite gone.
    OldServer,
    /// It lives, but has used up its time.
    Late,
    Other,
}

impl Exit {
    fn from_log(text: &str) -> Self {
        let has = |words: &[&str]| words.iter().any(|word| text.contains(word));
        match () {
            () if has(&["Address already in use", "could not create any TCP/IP sockets"]) => Self::PortTaken,
            () if has(&["postmaster.pid\" already exists", "is still in use"]) => Self::OldServer,
            () => Self::Other,
        }
    }

    fn resting_for_ever(self, options: &Options, after: Duration, tries: u32) -> bool {
        match self {
            Self::PortTaken if options.port.is_some() => after > RETRY_PORT_FOR,
            Self::PortTaken | Self::OldServer => after > RETRY_FOR,
            Self::Late => true,
            Self::Other => tries >= TRIES_WITHOUT_REASON,
        }
    }

    fn into_error(self, options: &Options, log: &Log, mark: u64) -> Error {
        match (self, options.port) {
            (Self::PortTaken, Some(port)) => Error::PortTaken(port),
            _ => Error::NotReady { log: log.path.clone(), tail: last_lines(&log.since(mark), 8) },
        }
    }
}

/// The server's log, which is also how it tells us why it ended.
struct Log {
    path: PathBuf,
    file: File,
}

impl Log {
    /// Opens the log to append. A long one is set aside first, so at most two of them pile up.
    fn open(cluster: &Cluster) -> Result<Self> {
        let path = cluster.state().join("postgres.log");
        if fs::metadata(&path).is_ok_and(|meta| meta.len() > LOG_LIMIT) {
            fs::rename(&path, path.with_extension("log.old")).map_err(io("rename", &path))?;
        }
        let mut options = OpenOptions::new();
        let file = options.create(true).append(true).read(true).mode(0o600).open(&path).map_err(io("open", &path))?;
        Ok(Self { path, file })
    }

    fn writer(&self) -> Result<File> {
        self.file.try_clone().map_err(io("open", &self.path))
    }

    fn len(&self) -> u64 {
        self.file.metadata().map_or(0, |meta| meta.len())
    }

    /// What was written after that point, as far as it can be read.
    fn since(&self, mark: u64) -> String {
        let mut bytes = Vec::new();
        let mut file = &self.file;
        let _ = file.seek(SeekFrom::Start(mark)).and_then(|_| file.take(LOG_LIMIT).read_to_end(&mut bytes));
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

fn last_lines(text: &str, count: usize) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(count)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_tells_what_may_pass() {
        let port = "LOG:  could not bind IPv4 address \"127.0.0.1\": Address already in use";
        let lock = "FATAL:  lock file \"postmaster.pid\" already exists\nHINT:  Is another postmaster running?";
        let memory = "FATAL:  pre-existing shared memory block (key 1, ID 2) is still in use";
        let typo = "FATAL:  unrecognized configuration parameter \"fsink\"";
        assert_eq!(Exit::from_log(port), Exit::PortTaken);
        assert_eq!(Exit::from_log(lock), Exit::OldServer);
        assert_eq!(Exit::from_log(memory), Exit::OldServer);
        assert_eq!(Exit::from_log(typo), Exit::Other);
    }

    #[test]
    fn only_the_end_of_the_log_is_shown() {
        assert_eq!(last_lines("a\nb\nc\n", 2), "b\nc");
        assert_eq!(last_lines("a\n", 2), "a");
        assert_eq!(last_lines("", 2), "");
    }
}
