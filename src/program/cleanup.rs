//! Removes directories of dropped attempts, on a thread of its own because dropping must not block.

use std::ffi::OsStr;
use std::fs::remove_dir_all;
use std::io::{Error, ErrorKind, Result};
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use nix::fcntl::AT_FDCWD;
use nix::sys::stat::{FchmodatFlags, Mode as Bits, fchmodat};
use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, openat, statat};
use tokio::sync::oneshot;

/// Killed processes may still write for a moment, so removal is retried this often, with this pause.
const ATTEMPTS: u32 = 10;
const PAUSE: Duration = Duration::from_millis(20);
/// How long the exit of the process waits for pending removals.
const EXIT_TIMEOUT: Duration = Duration::from_secs(1);
/// Directories deeper than this are not removed: each level costs a file descriptor and stack.
const MAX_DEPTH: usize = 128;

/// The thread starts with the first removal and ends with the process.
static REQUESTS: OnceLock<Sender<Request>> = OnceLock::new();

enum Request {
    Remove(PathBuf, oneshot::Sender<Result<()>>),
    /// Replies once all earlier requests are done.
    Flush(Sender<()>),
}

/// Removes a directory and everything in it in the background. The result need not be awaited.
pub fn remove(path: PathBuf) -> oneshot::Receiver<Result<()>> {
    let (answer, answered) = oneshot::channel();
    let requests = REQUESTS.get_or_init(|| {
        let (requests, received) = channel();
        // Without a thread, the request fails and the directory stays.
        _ = thread::Builder::new().name("command-reaper".to_owned()).spawn(move || work(&received));
        requests
    });
    _ = requests.send(Request::Remove(path, answer));
    answered
}

/// Waits, for a limited time, until pending removals are done. Call this before the process exits.
pub fn finish() {
    let Some(requests) = REQUESTS.get() else { return };
    let (done, all_done) = channel();
    if requests.send(Request::Flush(done)).is_ok() {
        _ = all_done.recv_timeout(EXIT_TIMEOUT);
    }
}

fn work(requests: &Receiver<Request>) {
    for request in requests {
        match request {
            Request::Remove(path, answer) => _ = answer.send(remove_with_retries(&path)),
            Request::Flush(done) => _ = done.send(()),
        }
    }
}

fn remove_with_retries(path: &Path) -> Result<()> {
    let mut removed = remove_all(path);
    for _ in 1..ATTEMPTS {
        // Only a directory that was written to meanwhile is worth a retry.
        if !removed.as_ref().is_err_and(|error| error.kind() == ErrorKind::DirectoryNotEmpty) {
            break;
        }
        thread::sleep(PAUSE);
        removed = remove_all(path);
    }
    removed
}

/// Removes a directory, including subdirectories that its owner cannot write to.
fn remove_all(path: &Path) -> Result<()> {
    match remove_dir_all(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            make_writable(AT_FDCWD, path, MAX_DEPTH)?;
            remove_dir_all(path)
        }
        other => other,
    }
}

/// Gives the owner full access to a directory and all directories in it. Walks by open descriptors, so that no link can
/// redirect it.
fn make_writable(parent: impl AsFd, name: &Path, levels: usize) -> Result<()> {
    let stat = statat(&parent, name, AtFlags::SYMLINK_NOFOLLOW)?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::Directory {
        return Ok(());
    }
    let Some(levels) = levels.checked_sub(1) else { return Err(Error::other("the directory is nested too deeply")) };
    if stat.st_mode & 0o700 != 0o700 {
        fchmodat(&parent, name, Bits::S_IRWXU, FchmodatFlags::NoFollowSymlink)?;
    }
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let folder = openat(&parent, name, flags, Mode::empty())?;
    for entry in Dir::read_from(&folder)? {
        let entry = entry?;
        let name = entry.file_name();
        if name != c"." && name != c".." {
            make_writable(&folder, Path::new(OsStr::from_bytes(name.to_bytes())), levels)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs::{Permissions, create_dir, create_dir_all, metadata, set_permissions, write};
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn mode(path: &Path) -> u32 {
        metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn locked_directories_are_removed_but_not_links() {
        let place = tempfile::TempDir::new().unwrap();
        let (folder, elsewhere) = (place.path().join("folder"), place.path().join("elsewhere"));
        let inner = folder.join("a/b");
        create_dir_all(&inner).unwrap();
        create_dir(&elsewhere).unwrap();
        write(inner.join("file"), "").unwrap();
        symlink(&elsewhere, inner.join("link")).unwrap();
        for (path, mode) in [(&inner.join("file"), 0o400), (&inner, 0o500), (&folder.join("a"), 0), (&elsewhere, 0o500)]
        {
            set_permissions(path, Permissions::from_mode(mode)).unwrap();
        }
        make_writable(AT_FDCWD, &folder, MAX_DEPTH).unwrap();
        assert_eq!((mode(&folder.join("a")), mode(&inner), mode(&elsewhere)), (0o700, 0o700, 0o500));
        assert_eq!(mode(&inner.join("file")), 0o400, "a file need not be writable to be removed");
        remove_all(&folder).unwrap();
        assert!(!folder.exists() && elsewhere.exists());
        remove_all(&folder).unwrap();
    }

    #[test]
    fn too_deep_directory_is_an_error() {
        let place = tempfile::TempDir::new().unwrap();
        create_dir_all(place.path().join("a/b/c")).unwrap();
        assert!(make_writable(AT_FDCWD, place.path(), 4).is_ok());
        assert!(make_writable(AT_FDCWD, place.path(), 3).is_err());
    }
}
