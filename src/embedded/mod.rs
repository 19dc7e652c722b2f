//! A private PostgreSQL for when `DATABASE_URL` is not set.
//!
//! It finds (or downloads) the binaries, makes a cluster once, runs `postgres` as a child that ends with us,
//! and gives up root for it. A second process of ours on the same folder adopts the server that runs.

#[cfg(not(unix))]
compile_error!("the embedded PostgreSQL needs Unix: build Provost for Linux or macOS");

mod claim;
mod cluster;
#[cfg(feature = "embedded-download")]
mod download;
mod error;
mod find;
mod pidfile;
mod process;
mod user;

use std::fs::File;
use std::path::PathBuf;

use self::claim::Claim;
use self::cluster::Cluster;
use self::pidfile::PidFile;
use self::process::Server;

pub use self::error::Error;

/// Where and how the private server runs.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The folder for everything of this server, usually `PROVOST_DATA_DIR/postgres`. It is created when missing.
    pub state_dir: PathBuf,
    /// `POSTGRES_BIN_DIR`: the one folder to take `postgres` and `initdb` from. `None` searches the usual places.
    pub bin_dir: Option<PathBuf>,
    /// The user that the server runs as when we are root; ignored otherwise.
    /// `None` takes the owner of existing data, then `postgres`, then `nobody`.
    pub run_as: Option<String>,
    /// Whether PostgreSQL may be downloaded when none is installed (needs the feature `embedded-download`).
    pub download: bool,
    /// Further settings, given to `postgres` as `-c name=value` after ours, so they win.
    pub settings: Vec<(String, String)>,
    /// The port on 127.0.0.1; `None` takes a free one. An adopted server keeps the port it has.
    pub port: Option<u16>,
}

/// A running private server. Dropping it stops the server, unless it was adopted.
pub struct Embedded {
    options: Options,
    url: String,
    pid: u32,
    port: u16,
    /// `None`: adopted, so it is not ours to stop.
    server: Option<Server>,
    /// Held as long as the server is ours. It stands after `server`, so it is let go only once that has stopped.
    _owner: Option<File>,
}

impl Embedded {
    /// Starts the private server, or adopts the one that another process of ours runs in the same folder.
    ///
    /// It blocks until the server accepts connections: well under a second when all is there, longer when the
    /// server must recover or be downloaded. It may be called from any thread, inside a runtime or not.
    ///
    /// # Errors
    /// Every [`Error`]: no binaries, no suitable user or folder, data of another major version, a port that is
    /// taken, or a server that does not come up. Each says what to do about it.
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

    /// Starts the server again, on the same port, when it has died; says whether that was needed.
    ///
    /// # Errors
    /// Those of [`Embedded::start`]; asking again later is right.
    pub fn revive(&mut self) -> Result<bool, Error> {
        let alive = match &mut self.server {
            Some(server) => !server.has_ended(),
            None => PidFile::read(&self.options.state_dir.join("data")).is_some_and(|file| file.pid == self.pid),
        };
        if alive {
            return Ok(false);
        }
        // The folder must be let go before it can be claimed again.
        (self.server, self._owner) = (None, None);
        let options = Options { port: Some(self.port), ..self.options.clone() };
        *self = Self::start(&options)?;
        Ok(true)
    }

    /// The connection URL, with the password in it: do not log it.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Whether another process of ours runs the server. It then ends with that process, not with us.
    #[must_use]
    pub fn adopted(&self) -> bool {
        self.server.is_none()
    }

    /// The process id of the postmaster.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Stops the server and waits until it is gone, at most about 30 seconds; does nothing to an adopted one.
    /// Close the pool first: open sessions are cut off.
    pub fn stop(self) {
        drop(self);
    }

    fn own(options: &Options, cluster: &Cluster, lock: File) -> Result<Self, Error> {
        process::end_orphan(cluster)?;
        let binaries = find::binaries(options, cluster)?;
        if cluster.made_by()?.is_none() {
            cluster.create(&binaries, options)?;
        }
        let server = Server::start(options, cluster, &binaries)?;
        let (options, url) = (options.clone(), cluster.url(server.port())?);
        Ok(Self { options, url, pid: server.pid(), port: server.port(), server: Some(server), _owner: Some(lock) })
    }
}
