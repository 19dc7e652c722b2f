//! What can go wrong, each with what to do about it.

use std::io;
use std::path::{Path, PathBuf};

pub(super) type Result<T, E = Error> = std::result::Result<T, E>;

/// Why the private PostgreSQL did not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No usable `postgres` and `initdb` were found, and none could be downloaded.
    #[error(
        "no PostgreSQL {wanted} was found in PATH or the usual folders, and {download}. Three ways on:\n  \
         1. install it: `apt-get install postgresql`, or on macOS `brew install postgresql@16`\n  \
         2. set DATABASE_URL to a PostgreSQL server of yours\n  \
         3. set POSTGRES_BIN_DIR to a folder with `postgres` and `initdb`"
    )]
    NoBinaries {
        /// The version that would do.
        wanted: String,
        /// Why the download did not help, in one line.
        download: String,
    },
    /// `POSTGRES_BIN_DIR` names a folder that will not do.
    #[error(
        "POSTGRES_BIN_DIR is {}, but {problem}. Three ways on:\n  \
         1. set it to a folder with `postgres` and `initdb`\n  \
         2. unset it, to use an installed PostgreSQL\n  \
         3. set DATABASE_URL to a PostgreSQL server of yours",
        dir.display()
    )]
    BinDir {
        /// The folder that was given.
        dir: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// We are root and there is no unprivileged user to run the server as.
    #[error("PostgreSQL does not run as root and needs an unprivileged user; none of these will do: {tried}")]
    NoUser {
        /// The user names that were looked up.
        tried: String,
    },
    /// The unprivileged user cannot enter a folder above the data.
    #[error(
        "the user {user}, which runs PostgreSQL because we are root, cannot enter {}. \
         Set PROVOST_DATA_DIR to a folder it can reach, such as /var/lib/provost",
        folder.display()
    )]
    OutOfReach {
        /// The folder that is closed.
        folder: PathBuf,
        /// The user that the server would run as.
        user: String,
    },
    /// The data was made by a major version that is not installed.
    #[error(
        "{} was made by PostgreSQL {made_by}, but only {found} was found. Install PostgreSQL {made_by}, \
         or set POSTGRES_BIN_DIR to its folder; or move the data folder away to start with an empty one",
        data.display()
    )]
    MajorVersion {
        /// The data folder.
        data: PathBuf,
        /// The major version that made it.
        made_by: u32,
        /// The major versions at hand.
        found: String,
    },
    /// `initdb` ended with an error.
    #[error("initdb failed: {0}")]
    InitDb(String),
    /// The port that was asked for belongs to another program.
    #[error("port {0} on 127.0.0.1 is taken by another program: choose another, or none to get a free one")]
    PortTaken(u16),
    /// The server ended, or did not become ready in time.
    #[error("PostgreSQL did not become ready; the end of {}:\n{tail}", log.display())]
    NotReady {
        /// The server's log file.
        log: PathBuf,
        /// Its last lines.
        tail: String,
    },
    /// Another process owns the folder, but its server does not become ready.
    #[error(
        "another Provost process holds {} but its PostgreSQL does not become ready: end that process, or wait",
        lock.display()
    )]
    OwnerNotReady {
        /// The lock file that it holds.
        lock: PathBuf,
    },
    /// A file, a folder or a program could not be used.
    #[error("cannot {doing} {}: {source}", path.display())]
    Io {
        /// What was tried, as a verb.
        doing: &'static str,
        /// What it was tried on.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Names what was tried on which path, for `map_err`.
pub(super) fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
    move |source| Error::Io { doing, path: path.to_owned(), source }
}
