//! The working directory of one run: there when it begins, gone when it has ended.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{Read, Result, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, chown};
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags, openat};
use rustix::io::Errno;
use serde_json::Value;
use serde_json::value::RawValue;
use tokio::time::timeout;
use uuid::Uuid;

use super::{Command, TIDYING, reaper};
use crate::domain::parameters::inspect;
use crate::handlers::Job;

/// The most bytes of a result.
const MAX_RESULT: u64 = 1024 * 1024;
const RESULT: &str = "result.json";

/// Whoever drops it has it removed.
pub struct Folder {
    path: PathBuf,
    /// The folder itself, whatever stands at its path when the program has ended.
    opened: OwnedFd,
    has_inputs: bool,
    is_gone: bool,
}

impl Folder {
    pub fn new(command: &Command, job: &Job) -> Result<Self> {
        let path = command.work_dir.join(format!("provost-{}", Uuid::new_v4()));
        DirBuilder::new().mode(0o700).create(&path)?;
        let opened = File::open(&path)?.into();
        let folder = Self { path, opened, has_inputs: job.inputs.is_some(), is_gone: false };
        if let Some(inputs) = &job.inputs {
            let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(folder.inputs_path())?;
            file.write_all(inputs.as_bytes())?;
        }
        if let Some((user, group)) = command.user {
            if folder.has_inputs {
                chown(folder.inputs_path(), Some(user), Some(group))?;
            }
            chown(&folder.path, Some(user), Some(group))?;
        }
        Ok(folder)
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where it finds what those answered that its job depended on.
    pub fn inputs(&self) -> Option<PathBuf> {
        self.has_inputs.then(|| self.inputs_path())
    }

    fn inputs_path(&self) -> PathBuf {
        self.path.join("inputs.json")
    }

    /// The JSON text that the program left as its result, if it left any; or why that is none. The program is not trusted: a
    /// link could lead to what it may not read itself, a pipe would hold us up.
    pub fn result(&self) -> std::result::Result<Option<String>, String> {
        let unread = |error: std::io::Error| format!("{RESULT} cannot be read: {error}");
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file: File = match openat(&self.opened, RESULT, flags, Mode::empty()) {
            Ok(file) => file.into(),
            Err(Errno::NOENT) => return Ok(None),
            Err(Errno::LOOP) => return Err(format!("{RESULT} is a link; it must be a file")),
            Err(error) => return Err(unread(error.into())),
        };
        let about = file.metadata().map_err(&unread)?;
        if !about.is_file() || about.nlink() != 1 {
            return Err(format!("{RESULT} must be a file, and no link to another"));
        }
        let mut bytes = Vec::new();
        file.take(MAX_RESULT + 1).read_to_end(&mut bytes).map_err(unread)?;
        if bytes.len() as u64 > MAX_RESULT {
            return Err(format!("{RESULT} has {} bytes; at most {MAX_RESULT} are kept", about.len()));
        }
        let text = String::from_utf8(bytes).map_err(|error| format!("{RESULT} is not UTF-8: {error}"))?;
        let json: std::result::Result<&RawValue, _> = serde_json::from_str(&text);
        let json = json.map_err(|error| format!("{RESULT} is not JSON: {error}"))?.get();
        // What is too deep must not be walked by a parser that recurses; what it would not accept then, nobody could read later.
        inspect(json).map_err(|error| format!("{RESULT} {error}"))?;
        serde_json::from_str::<Value>(json).map_err(|error| format!("{RESULT} cannot be stored: {error}"))?;
        Ok(Some(json.to_owned()))
    }

    /// Removes it, however much is in it.
    pub async fn remove(mut self) -> Result<()> {
        let removed = tokio::fs::remove_dir_all(&self.path).await;
        self.is_gone = true;
        if removed.is_ok() {
            return removed;
        }
        let answer = reaper::remove(self.path.clone());
        timeout(TIDYING, answer).await.ok().and_then(std::result::Result::ok).unwrap_or(removed)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if !self.is_gone {
            drop(reaper::remove(self.path.clone()));
        }
    }
}
