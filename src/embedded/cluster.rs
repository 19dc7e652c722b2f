//! The folder on disk: its owner and modes, the password, and the cluster that initdb makes once.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use rand::distr::{Alphanumeric, SampleString as _};

use super::Options;
use super::error::{Error, Result, io};
use super::find::Binaries;
use super::process::die_with_us;
use super::user::RunAs;

/// A state folder that is ready to use, and who works in it.
///
/// The folder itself stays ours even as root, so the server's user cannot put links where root writes.
/// Only `data` and `password` belong to that user.
pub struct Cluster {
    state: PathBuf,
    data: PathBuf,
    run_as: RunAs,
}

impl Cluster {
    /// Creates the state folder where needed and checks that the server's user can reach it.
    pub fn open(options: &Options) -> Result<Self> {
        let asked = &options.state_dir;
        let state = std::path::absolute(asked).map_err(io("find", asked))?;
        let run_as = RunAs::choose(options.run_as.as_deref(), &state.join("data"))?;
        create_folders(&state, &run_as)?;
        let state = fs::canonicalize(&state).map_err(io("find", &state))?;
        let mode = if run_as.is_other() { 0o711 } else { 0o700 };
        fs::set_permissions(&state, Permissions::from_mode(mode)).map_err(io("set the mode of", &state))?;
        Ok(Self { data: state.join("data"), state, run_as })
    }

    /// Makes the cluster with initdb: first in `data.new`, so a kill in the middle leaves no half-made `data`.
    pub fn create(&self, binaries: &Binaries, options: &Options) -> Result<()> {
        let fresh = self.state.join("data.new");
        remove_leftover(&fresh)?;
        DirBuilder::new().mode(0o700).create(&fresh).map_err(io("create", &fresh))?;
        self.run_as.give(&fresh)?;
        self.write_password()?;
        let initdb = binaries.tool("initdb");
        let output = self.initdb(&initdb, &fresh, options).output().map_err(io("run", &initdb))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            return Err(Error::InitDb(if said.is_empty() { output.status.to_string() } else { said }));
        }
        fs::rename(&fresh, &self.data).map_err(io("create", &self.data))?;
        sync(&self.state)
    }

    /// The major version that made the data; `None` when there is no cluster yet.
    pub fn made_by(&self) -> Result<Option<u32>> {
        let path = self.data.join("PG_VERSION");
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(io("read", &path)(e)),
        };
        let major = text.trim().parse().map_err(|e| std::io::Error::new(ErrorKind::InvalidData, e));
        major.map(Some).map_err(io("understand", &path))
    }

    /// The connection URL. It uses the database `postgres`, the only one that initdb makes: the whole server is
    /// private, so one of our own name would add a step and no safety.
    pub fn url(&self, port: u16) -> Result<String> {
        let path = self.password();
        let password = fs::read_to_string(&path).map_err(io("read", &path))?;
        let password = password.trim();
        Ok(format!("postgres://postgres:{password}@127.0.0.1:{port}/postgres?sslmode=disable"))
    }

    /// A program that runs as the server's user, away from our folder and without our secrets.
    pub fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        for (name, _) in std::env::vars_os().filter(|(name, _)| is_private(&name.to_string_lossy())) {
            command.env_remove(name);
        }
        // Messages are in English, because some are looked for in the log.
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
        // No stray writer may be left in data.new when we are killed.
        die_with_us(&mut command, Signal::SIGKILL);
        command
    }
}

/// Our own secrets are none of the server's business, and PGDATA and the like would change what it does.
fn is_private(name: &str) -> bool {
    name.starts_with("PROVOST_") || name.starts_with("PG") || name == "DATABASE_URL"
}

/// Creates what is missing of a folder's path, open enough for the server's user whatever our umask says.
fn create_folders(folder: &Path, run_as: &RunAs) -> Result<()> {
    let mut missing: Vec<&Path> = folder.ancestors().take_while(|f| !f.exists()).collect();
    let there = missing.last().map_or(folder, |first| first.parent().unwrap_or(folder));
    let there = fs::canonicalize(there).map_err(io("find", there))?;
    // The state folder itself gets its mode later; only what stands above it has to be open already.
    run_as.check_reach(if missing.is_empty() { there.parent().unwrap_or(&there) } else { &there })?;
    missing.reverse();
    for folder in missing {
        fs::create_dir_all(folder).map_err(io("create", folder))?;
        if run_as.is_other() {
            fs::set_permissions(folder, Permissions::from_mode(0o755)).map_err(io("set the mode of", folder))?;
        }
    }
    Ok(())
}

/// Removes what a killed initdb left. Its last child may still write for a moment, hence the second tries.
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

/// Makes a rename last through a power cut.
fn sync(folder: &Path) -> Result<()> {
    File::open(folder).and_then(|f| f.sync_all()).map_err(io("sync", folder))
}
