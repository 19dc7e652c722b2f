//! The server process: starts it, waits until it is ready, and stops it.

use std::fs;
use std::io::ErrorKind;
use std::net::TcpListener;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Child;
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::cluster::Cluster;
use super::error::{Error, Result, io};
use super::find::Binaries;
use super::log_file::{LogFile, last_lines};
use super::options::Options;
use super::parent_death::{ParentThread, die_with_parent};
use super::pidfile::PidFile;

/// The server listens on the loopback address only. There is no socket, because Debian's socket directory may not be
/// writable.
const SETTINGS: [&str; 4] =
    ["listen_addresses=127.0.0.1", "unix_socket_directories=", "logging_collector=off", "max_connections=100"];

/// Fast shutdown, immediate shutdown, kill; each with a timeout in seconds. The second exceeds the 5 seconds after which
/// a postmaster kills hanging children.
const STOP_SIGNALS: [(Signal, u64); 3] = [(Signal::SIGINT, 20), (Signal::SIGQUIT, 7), (Signal::SIGKILL, 5)];

/// A running server that is not ready is recovering. Stopping it would only restart the recovery.
const READY_TIMEOUT: Duration = Duration::from_secs(300);
const RETRY_FOR: Duration = Duration::from_secs(60);
/// A requested port that is in use belongs to another program, so a longer wait rarely helps.
const RETRY_PORT_FOR: Duration = Duration::from_secs(10);
const MAX_UNEXPLAINED_STARTS: u32 = 3;
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// A server that is a child of this process. Dropping it stops the server.
pub struct Server {
    child: Child,
    port: u16,
    _parent: ParentThread,
}

impl Server {
    /// Starts the server and waits until it is ready. Retries while the obstacle may be temporary.
    pub fn start(options: &Options, cluster: &Cluster, binaries: &Binaries) -> Result<Self> {
        let log = LogFile::open(cluster)?;
        let begun = Instant::now();
        let mut starts = 0;
        loop {
            starts += 1;
            let port = options.port.map_or_else(|| free_port(cluster.state()), Ok)?;
            let offset = log.len();
            let mut server = Self::spawn(options, cluster, binaries, port, &log)?;
            if server.wait_ready(cluster) {
                return Ok(server);
            }
            let reason = server.why_not_ready(&log.since(offset));
            drop(server);
            if reason.is_permanent(options, begun.elapsed(), starts) {
                return Err(reason.into_error(options, &log, offset));
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

    fn spawn(options: &Options, cluster: &Cluster, binaries: &Binaries, port: u16, log: &LogFile) -> Result<Self> {
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
        // Ctrl-C signals the whole process group, and must not stop the server before Provost has drained.
        command.process_group(0);
        die_with_parent(&mut command, Signal::SIGINT);
        let (child, parent) = ParentThread::spawn(command).map_err(io("run", &program))?;
        Ok(Self { child, port, _parent: parent })
    }

    /// Waits until the server is ready. Returns false if it ended or timed out.
    fn wait_ready(&mut self, cluster: &Cluster) -> bool {
        let begun = (Instant::now(), SystemTime::now());
        while begun.0.elapsed() < READY_TIMEOUT && !self.has_ended() {
            if PidFile::read(cluster.data()).is_some_and(|file| file.ready && self.wrote(&file, begun.1)) {
                return true;
            }
            sleep(POLL_INTERVAL);
        }
        false
    }

    /// Whether this server wrote the file. After a restart of the container, an old file may contain the same pid.
    /// Like pg_ctl, allow two seconds for rounded clocks.
    fn wrote(&self, file: &PidFile, spawned: SystemTime) -> bool {
        let spawned = spawned.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        file.pid == self.pid() && file.started + 2 >= spawned
    }

    fn why_not_ready(&mut self, log: &str) -> NotReady {
        if self.has_ended() { NotReady::from_log(log) } else { NotReady::TimedOut }
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

/// Stops the server of a dead owner. The caller holds the lock, so no living owner uses it.
///
/// On Linux the server is already stopping. On other systems it would keep running.
pub fn end_orphan(cluster: &Cluster) -> Result<()> {
    let Some(file) = PidFile::read(cluster.data()) else {
        return Ok(());
    };
    if file.is_ours(cluster.data()) {
        stop(file.pid, || !file.is_ours(cluster.data()));
    } else if file.is_unrelated() {
        // The server would refuse to start, because the pid now belongs to another process. Removing the file is
        // safe: remains of the old server are still detected by their shared memory.
        let path = cluster.data().join("postmaster.pid");
        match fs::remove_file(&path) {
            // The old server has just removed it.
            Err(e) if e.kind() == ErrorKind::NotFound => {}
            done => done.map_err(io("remove", &path))?,
        }
    }
    Ok(())
}

fn stop(pid: u32, mut ended: impl FnMut() -> bool) {
    for (signal, seconds) in STOP_SIGNALS {
        let _ = kill(Pid::from_raw(pid.cast_signed()), signal);
        let deadline = Instant::now() + Duration::from_secs(seconds);
        while Instant::now() < deadline {
            if ended() {
                return;
            }
            sleep(POLL_INTERVAL);
        }
    }
}

fn free_port(state: &Path) -> Result<u16> {
    let port = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    Ok(port.map_err(io("find a free port for", state))?.port())
}

/// Why the server is not ready.
#[derive(Debug, PartialEq, Eq, Clone, Copy)]
enum NotReady {
    PortInUse,
    /// An old server, or a child of it, is still stopping.
    OldServer,
    TimedOut,
    Other,
}

impl NotReady {
    fn from_log(text: &str) -> Self {
        let has = |words: &[&str]| words.iter().any(|word| text.contains(word));
        match () {
            () if has(&["Address already in use", "could not create any TCP/IP sockets"]) => Self::PortInUse,
            () if has(&["postmaster.pid\" already exists", "is still in use"]) => Self::OldServer,
            () => Self::Other,
        }
    }

    fn is_permanent(self, options: &Options, elapsed: Duration, starts: u32) -> bool {
        match self {
            Self::PortInUse if options.port.is_some() => elapsed > RETRY_PORT_FOR,
            Self::PortInUse | Self::OldServer => elapsed > RETRY_FOR,
            Self::TimedOut => true,
            Self::Other => starts >= MAX_UNEXPLAINED_STARTS,
        }
    }

    fn into_error(self, options: &Options, log: &LogFile, offset: u64) -> Error {
        match (self, options.port) {
            (Self::PortInUse, Some(port)) => Error::PortInUse(port),
            _ => Error::NotReady { log: log.path.clone(), tail: last_lines(&log.since(offset), 8) },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_reveals_temporary_obstacles() {
        let port = "LOG:  could not bind IPv4 address \"127.0.0.1\": Address already in use";
        let lock = "FATAL:  lock file \"postmaster.pid\" already exists\nHINT:  Is another postmaster running?";
        let memory = "FATAL:  pre-existing shared memory block (key 1, ID 2) is still in use";
        let typo = "FATAL:  unrecognized configuration parameter \"fsink\"";
        assert_eq!(NotReady::from_log(port), NotReady::PortInUse);
        assert_eq!(NotReady::from_log(lock), NotReady::OldServer);
        assert_eq!(NotReady::from_log(memory), NotReady::OldServer);
        assert_eq!(NotReady::from_log(typo), NotReady::Other);
    }
}
