//! The state directory: owner and modes, the password, and the cluster that initdb creates once.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use rand::distr::{Alphanumeric, SampleString as _};

use super::error::{Error, Result, io};
use super::options::Options;
use super::parent_death::die_with_parent;
use super::user::RunAs;

/// A state directory that is ready to use.
///
/// As root, the directory itself belongs to root, so that the user of the server cannot place links where root
/// writes. Only `data` and `password` belong to that user.
pub struct Cluster {
    state: PathBuf,
    data: PathBuf,
    run_as: RunAs,
}

impl Cluster {
    /// Creates the state directory if needed, and checks that the user of the server can access it.
    pub fn open(options: &Options) -> Result<Self> {
        let dir = &options.state_dir;
        let state = std::path::absolute(dir).map_err(io("find", dir))?;
        let run_as = RunAs::choose(options.run_as.as_deref(), &state.join("data"))?;
        create_dirs(&state, &run_as)?;
        let state = fs::canonicalize(&state).map_err(io("find", &state))?;
        let mode = if run_as.is_other() { 0o711 } else { 0o700 };
        fs::set_permissions(&state, Permissions::from_mode(mode)).map_err(io("set the mode of", &state))?;
        Ok(Self { data: state.join("data"), state, run_as })
    }

    /// Initializes the cluster, first in `data.new`, so that a killed initdb never leaves an incomplete `data`.
    pub fn create(&self, initdb: &Path, options: &Options) -> Result<()> {
        let fresh = self.state.join("data.new");
        remove_leftover(&fresh)?;
        DirBuilder::new().mode(0o700).create(&fresh).map_err(io("create", &fresh))?;
        self.run_as.give(&fresh)?;
        self.write_password()?;
        let output = self.initdb(initdb, &fresh, options).output().map_err(io("run", initdb))?;
        if !output.status.success() {
            let message = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            return Err(Error::InitDb(if message.is_empty() { output.status.to_string() } else { message }));
        }
        fs::rename(&fresh, &self.data).map_err(io("create", &self.data))?;
        sync(&self.state)
    }

    /// The major version of the data; `None` if there is no cluster.
    pub fn major_version(&self) -> Result<Option<u32>> {
        let path = self.data.join("PG_VERSION");
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(io("read", &path)(e)),
        };
        let major = text.trim().parse().map_err(|e| std::io::Error::new(ErrorKind::InvalidData, e));
        major.map(Some).map_err(io("parse", &path))
    }

    /// The connection URL. It uses the database `postgres`, which initdb creates; the server is private anyway.
    pub fn url(&self, port: u16) -> Result<String> {
        let path = self.password();
        let password = fs::read_to_string(&path).map_err(io("read", &path))?;
        let password = password.trim();
        Ok(format!("postgres://postgres:{password}@127.0.0.1:{port}/postgres?sslmode=disable"))
    }

    /// A command that runs as the user of the server, in `/`, without the secrets of this process.
    pub fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        for (name, _) in std::env::vars_os().filter(|(name, _)| is_private(&name.to_string_lossy())) {
            command.env_remove(name);
        }
        // Messages must be in English, because some are searched for in the log.
        command.env("LC_ALL", "C").current_dir("/").stdin(Stdio::null());
        self.run_as.apply(&mut command);
        command
    }

    pub fn state(&self) -> &Path {
        &self.state
    }

    pub fn data(&self) -> &Path {
        &self.data
    }

    pub fn lock(&self) -> PathBuf {
        self.state.join("lock")
    }

    fn password(&self) -> PathBuf {
        self.state.join("password")
    }

    fn write_password(&self) -> Result<()> {
        let path = self.password();
        let _ = fs::remove_file(&path);
        let mut options = OpenOptions::new();
        let mut file = options.create_new(true).write(true).mode(0o600).open(&path).map_err(io("create", &path))?;
        let password = Alphanumeric.sample_string(&mut rand::rng(), 32);
        file.write_all(password.as_bytes()).and_then(|()| file.sync_all()).map_err(io("write", &path))?;
        self.run_as.give(&path)
    }

    fn initdb(&self, initdb: &Path, fresh: &Path, options: &Options) -> Command {
        let mut command = self.command(initdb);
        command.arg("-D").arg(fresh).arg("--pwfile").arg(self.password());
        command.args(["-U", "postgres", "-A", "scram-sha-256", "-E", "UTF8", "--no-locale", "--data-checksums"]);
        if options.settings.iter().any(|(name, value)| name == "fsync" && value == "off") {
            command.arg("--no-sync");
        }
        // If this process is killed, initdb must not keep writing to data.new.
        die_with_parent(&mut command, Signal::SIGKILL);
        command
    }
}

/// Provost's secrets, and variables such as PGDATA that would change what PostgreSQL does.
fn is_private(name: &str) -> bool {
    name.starts_with("PROVOST_") || name.starts_with("PG") || name == "DATABASE_URL"
}

/// Creates the missing parts of a path, accessible to the user of the server whatever the umask is.
fn create_dirs(folder: &Path, run_as: &RunAs) -> Result<()> {
    let mut missing: Vec<&Path> = folder.ancestors().take_while(|f| !f.exists()).collect();
    let existing = missing.last().map_or(folder, |first| first.parent().unwrap_or(folder));
    let existing = fs::canonicalize(existing).map_err(io("find", existing))?;
    // The mode of the state directory is set later; its parents must be accessible already.
    run_as.check_access(if missing.is_empty() { existing.parent().unwrap_or(&existing) } else { &existing })?;
    missing.reverse();
    for folder in missing {
        fs::create_dir_all(folder).map_err(io("create", folder))?;
        if run_as.is_other() {
            fs::set_permissions(folder, Permissions::from_mode(0o755)).map_err(io("set the mode of", folder))?;
        }
    }
    Ok(())
}

/// Removes the remains of a killed initdb. Its last child may still write for a moment, hence the retries.
fn remove_leftover(folder: &Path) -> Result<()> {
    let deadline = Instant::now() + Duration::from_secs(5);
    loop {
        match fs::remove_dir_all(folder) {
            Ok(()) => return Ok(()),
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(()),
            Err(e) if Instant::now() > deadline => return Err(io("remove", folder)(e)),
            Err(_) => sleep(Duration::from_millis(50)),
        }
    }
}

/// Makes a rename durable.
fn sync(folder: &Path) -> Result<()> {
    File::open(folder).and_then(|f| f.sync_all()).map_err(io("sync", folder))
}
