//! Errors of the private PostgreSQL, and what to do about them.

use std::io;
use std::path::{Path, PathBuf};

pub(super) type Result<T, E = Error> = std::result::Result<T, E>;

/// Why the private PostgreSQL cannot start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No usable `postgres` and `initdb` were found, and none could be downloaded.
    #[error(
        "PostgreSQL {version} was not found in PATH or the usual directories, and {download}. You can:\n  \
         1. install it: `apt-get install postgresql`, or on macOS `brew install postgresql@16`\n  \
         2. set DATABASE_URL to an existing PostgreSQL server\n  \
         3. set POSTGRES_BIN_DIR to a directory with `postgres` and `initdb`"
    )]
    NoBinaries {
        /// The required version.
        version: String,
        /// Why the download failed, in one line.
        download: String,
    },
    /// The directory in `POSTGRES_BIN_DIR` is unusable.
    #[error(
        "POSTGRES_BIN_DIR is {}, but {problem}. You can:\n  \
         1. set it to a directory with `postgres` and `initdb`\n  \
         2. unset it, to use an installed PostgreSQL\n  \
         3. set DATABASE_URL to an existing PostgreSQL server",
        dir.display()
    )]
    BinDir { dir: PathBuf, problem: String },
    /// This process is root, and there is no unprivileged user for the server.
    #[error("PostgreSQL does not run as root and requires an unprivileged user; none of these exists: {tried}")]
    NoUser { tried: String },
    /// The unprivileged user cannot access a parent directory of the data.
    #[error(
        "user {user}, which runs PostgreSQL because Provost runs as root, cannot access {}. \
         Set PROVOST_DATA_DIR to a directory that it can access, such as /var/lib/provost",
        folder.display()
    )]
    NoAccess { folder: PathBuf, user: String },
    /// The major version of the data is not installed.
    #[error(
        "{} contains data of PostgreSQL {version}, but only {found} was found. Install PostgreSQL {version}, \
         or set POSTGRES_BIN_DIR to its directory; or move the data away to start with an empty database",
        data.display()
    )]
    MajorVersion {
        data: PathBuf,
        /// The major version of the data.
        version: u32,
        /// The installed versions.
        found: String,
    },
    /// `initdb` failed.
    #[error("initdb failed: {0}")]
    InitDb(String),
    /// Another program uses the requested port.
    #[error("port {0} on 127.0.0.1 is in use by another program: choose another port, or none for a free one")]
    PortInUse(u16),
    /// The server ended, or did not become ready in time.
    #[error("PostgreSQL did not become ready; last lines of {}:\n{tail}", log.display())]
    NotReady {
        log: PathBuf,
        /// The last lines of the log.
        tail: String,
    },
    /// Another process owns the directory, but its server does not become ready.
    #[error(
        "another Provost process holds {}, but its PostgreSQL does not become ready: stop that process, or wait",
        lock.display()
    )]
    OwnerNotReady { lock: PathBuf },
    /// A file, a directory or a program cannot be used.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// The failed action, as a verb.
        action: &'static str,
        path: PathBuf,
        source: io::Error,
    },
}

/// Adds the action and the path to an I/O error, for `map_err`.
pub(super) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
    move |source| Error::Io { action, path: path.to_owned(), source }
}
