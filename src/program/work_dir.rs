//! The working directory of one attempt: created at its start, removed at its end.

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

use super::{CLEANUP_TIMEOUT, Conditions, cleanup};
use crate::domain::parameters::inspect;

const MAX_RESULT: u64 = 1024 * 1024;
const RESULT: &str = "result.json";

/// Dropping it removes the directory in the background.
pub struct WorkDir {
    path: PathBuf,
    /// The directory itself, even if the program replaced what its path points to.
    opened: OwnedFd,
    has_inputs: bool,
    is_removed: bool,
}

impl WorkDir {
    pub fn new(conditions: &Conditions, inputs: Option<&str>) -> Result<Self> {
        let path = conditions.work_dir.join(format!("provost-{}", Uuid::new_v4()));
        DirBuilder::new().mode(0o700).create(&path)?;
        let opened = File::open(&path)?.into();
        let work_dir = Self { path, opened, has_inputs: inputs.is_some(), is_removed: false };
        if let Some(inputs) = inputs {
            let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(work_dir.inputs_path())?;
            file.write_all(inputs.as_bytes())?;
        }
        if let Some((user, group)) = conditions.user {
            if work_dir.has_inputs {
                chown(work_dir.inputs_path(), Some(user), Some(group))?;
            }
            chown(&work_dir.path, Some(user), Some(group))?;
        }
        Ok(work_dir)
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The path of the file with the inputs, if there are any.
    pub fn inputs(&self) -> Option<PathBuf> {
        self.has_inputs.then(|| self.inputs_path())
    }

    fn inputs_path(&self) -> PathBuf {
        self.path.join("inputs.json")
    }

    /// The JSON result that the program wrote, if any, or why it is invalid. The program is not trusted: a link could
    /// lead to files that it cannot read itself, and a pipe would block.
    pub fn result(&self) -> std::result::Result<Option<String>, String> {
        let unreadable = |error: std::io::Error| format!("{RESULT} cannot be read: {error}");
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file: File = match openat(&self.opened, RESULT, flags, Mode::empty()) {
            Ok(file) => file.into(),
            Err(Errno::NOENT) => return Ok(None),
            Err(Errno::LOOP) => return Err(format!("{RESULT} must be a file, not a link")),
            Err(error) => return Err(unreadable(error.into())),
        };
        let metadata = file.metadata().map_err(&unreadable)?;
        if !metadata.is_file() || metadata.nlink() != 1 {
            return Err(format!("{RESULT} must be a file without other links"));
        }
        let mut bytes = Vec::new();
        file.take(MAX_RESULT + 1).read_to_end(&mut bytes).map_err(unreadable)?;
        if bytes.len() as u64 > MAX_RESULT {
            return Err(format!("{RESULT} must have at most {MAX_RESULT} bytes; got {}", metadata.len()));
        }
        let text = String::from_utf8(bytes).map_err(|error| format!("{RESULT} is not UTF-8: {error}"))?;
        let json: std::result::Result<&RawValue, _> = serde_json::from_str(&text);
        let json = json.map_err(|error| format!("{RESULT} is not JSON: {error}"))?.get();
        // Check the depth before a recursive parser runs. What that parser rejects could not be read later.
        inspect(json).map_err(|error| format!("{RESULT} {error}"))?;
        serde_json::from_str::<Value>(json).map_err(|error| format!("{RESULT} cannot be stored: {error}"))?;
        Ok(Some(json.to_owned()))
    }

    pub async fn remove(mut self) -> Result<()> {
        let removed = tokio::fs::remove_dir_all(&self.path).await;
        self.is_removed = true;
        if removed.is_ok() {
            return removed;
        }
        let answer = cleanup::remove(self.path.clone());
        timeout(CLEANUP_TIMEOUT, answer).await.ok().and_then(std::result::Result::ok).unwrap_or(removed)
    }
}

impl Drop for WorkDir {
    fn drop(&mut self) {
        if !self.is_removed {
            drop(cleanup::remove(self.path.clone()));
        }
    }
}
