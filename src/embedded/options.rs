//! The options of the private server.

use std::path::PathBuf;

/// Where and how the private server runs.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The directory for everything of this server, usually `PROVOST_DATA_DIR/postgres`. It is created if missing.
    pub state_dir: PathBuf,
    /// `POSTGRES_BIN_DIR`: the directory of `postgres` and `initdb`. `None` searches the usual directories.
    pub bin_dir: Option<PathBuf>,
    /// The user that runs the server if this process is root; ignored otherwise.
    /// `None` takes the owner of existing data, then `postgres`, then `nobody`.
    pub run_as: Option<String>,
    /// Whether PostgreSQL may be downloaded if none is installed (requires the feature `embedded-download`).
    pub download: bool,
    /// Additional settings, passed to `postgres` as `-c name=value` after the built-in ones, so they win.
    pub settings: Vec<(String, String)>,
    /// The port on 127.0.0.1; `None` takes a free one. An adopted server keeps its port.
    pub port: Option<u16>,
}
