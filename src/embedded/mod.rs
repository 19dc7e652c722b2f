//! A private PostgreSQL, used if `DATABASE_URL` is not set.
//!
//! It finds or downloads the binaries, initializes a cluster once, and runs `postgres` as a child process, never as
//! root. A second Provost process on the same directory adopts the running server.

#[cfg(not(unix))]
compile_error!("the embedded PostgreSQL needs Unix: build Provost for Linux or macOS");

mod claim;
mod cluster;
#[cfg(feature = "embedded-download")]
mod download;
mod error;
mod find;
mod log_file;
mod options;
mod parent_death;
mod pidfile;
mod process;
mod user;

use std::fs::File;

use self::claim::Claim;
use self::cluster::Cluster;
use self::pidfile::PidFile;
use self::process::Server;

pub use self::error::Error;
pub use self::options::Options;

/// A running private server. Dropping it stops the server, unless it is adopted.
pub struct Embedded {
    options: Options,
    url: String,
    pid: u32,
    port: u16,
    /// `None` if adopted.
    server: Option<Server>,
    /// The lock of the owner. It follows `server` so that it is released only after the server has stopped.
    _owner: Option<File>,
}

impl Embedded {
    /// Starts the private server, or adopts the one that another Provost process runs in the same directory.
    ///
    /// It blocks until the server accepts connections: usually under a second, longer if the server must recover or
    /// be downloaded. It may be called from any thread, inside a runtime or not.
    ///
    /// # Errors
    /// Any [`Error`]: no binaries, no suitable user or directory, data of another major version, a port in use, or
    /// a server that does not become ready. Each message says what to do.
    pub fn start(options: &Options) -> Result<Self, Error> {
        let cluster = Cluster::open(options)?;
        match claim::claim(&cluster)? {
            Claim::Owner(lock) => Self::own(options, &cluster, lock),
            Claim::Running { pid, port } => {
                let (options, url) = (options.clone(), cluster.url(port)?);
                Ok(Self { options, url, pid, port, server: None, _owner: None })
            }
        }
    }

    /// Restarts the server on the same port if it has died. Returns whether it had died.
    ///
    /// # Errors
    /// Those of [`Embedded::start`]. The caller may retry.
    pub fn revive(&mut self) -> Result<bool, Error> {
        let alive = match &mut self.server {
            Some(server) => !server.has_ended(),
            None => PidFile::read(&self.options.state_dir.join("data")).is_some_and(|file| file.pid == self.pid),
        };
        if alive {
            return Ok(false);
        }
        // The lock must be released before it can be taken again.
        (self.server, self._owner) = (None, None);
        let options = Options { port: Some(self.port), ..self.options.clone() };
        *self = Self::start(&options)?;
        Ok(true)
    }

    /// The connection URL. It contains the password: do not log it.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Whether another Provost process runs the server. The server then ends with that process.
    #[must_use]
    pub fn adopted(&self) -> bool {
        self.server.is_none()
    }

    /// The port on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The process id of the postmaster.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Stops the server and waits for it, at most about 30 seconds. An adopted server keeps running.
    /// Close the pool first: open sessions are terminated.
    pub fn stop(self) {
        drop(self);
    }

    fn own(options: &Options, cluster: &Cluster, lock: File) -> Result<Self, Error> {
        process::end_orphan(cluster)?;
        let binaries = find::binaries(options, cluster)?;
        if cluster.major_version()?.is_none() {
            cluster.create(&binaries.tool("initdb"), options)?;
        }
        let server = Server::start(options, cluster, &binaries)?;
        let (options, url) = (options.clone(), cluster.url(server.port())?);
        Ok(Self { options, url, pid: server.pid(), port: server.port(), server: Some(server), _owner: Some(lock) })
    }
}
