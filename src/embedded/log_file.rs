//! The log of the server. It also tells why the server ended.

use std::fs::{self, File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;

use super::cluster::Cluster;
use super::error::{Result, io};

const MAX_SIZE: u64 = 10 * 1024 * 1024;

pub struct LogFile {
    pub path: PathBuf,
    file: File,
}

impl LogFile {
    /// Opens the log for appending. A large log is rotated first; one old log is kept.
    pub fn open(cluster: &Cluster) -> Result<Self> {
        let path = cluster.state().join("postgres.log");
        if fs::metadata(&path).is_ok_and(|meta| meta.len() > MAX_SIZE) {
            fs::rename(&path, path.with_extension("log.old")).map_err(io("rename", &path))?;
        }
        let mut options = OpenOptions::new();
        let file = options.create(true).append(true).read(true).mode(0o600).open(&path).map_err(io("open", &path))?;
        Ok(Self { path, file })
    }

    pub fn writer(&self) -> Result<File> {
        self.file.try_clone().map_err(io("open", &self.path))
    }

    pub fn len(&self) -> u64 {
        self.file.metadata().map_or(0, |meta| meta.len())
    }

    /// The text after an offset, as far as it is readable.
    pub fn since(&self, offset: u64) -> String {
        let mut bytes = Vec::new();
        let mut file = &self.file;
        let _ = file.seek(SeekFrom::Start(offset)).and_then(|_| file.take(MAX_SIZE).read_to_end(&mut bytes));
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

/// The last lines of a text.
pub fn last_lines(text: &str, count: usize) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(count)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn last_lines_are_the_end_of_the_text() {
        assert_eq!(last_lines("a\nb\nc\n", 2), "b\nc");
        assert_eq!(last_lines("a\n", 2), "a");
        assert_eq!(last_lines("", 2), "");
    }
}
