//! Removes what runs leave behind that were dropped: on a thread of its own, since whoever drops them must not wait.

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

/// Those who were killed a moment ago may still write something: so often, and with these pauses, it is tried again.
const TRIES: u32 = 10;
const PAUSE: Duration = Duration::from_millis(20);
/// How long the end of the process waits for what is still to be removed.
const AT_THE_END: Duration = Duration::from_secs(1);
/// Folders further down are left alone: each level costs a file descriptor and some of the stack.
const DEEPEST: usize = 128;

/// The thread is there from the first folder on, and ends with the process.
static ORDERS: OnceLock<Sender<Order>> = OnceLock::new();

enum Order {
    Remove(PathBuf, oneshot::Sender<Result<()>>),
    /// Whoever waits at the other end hears that everything before has been done.
    Answer(Sender<()>),
}

/// Has a folder removed with all that is in it. Nobody need wait for the answer.
pub fn remove(path: PathBuf) -> oneshot::Receiver<Result<()>> {
    let (answer, answered) = oneshot::channel();
    let orders = ORDERS.get_or_init(|| {
        let (orders, received) = channel();
        // Without a thread the answer is that nobody answers, and the folder stays.
        _ = thread::Builder::new().name("command-reaper".to_owned()).spawn(move || work(&received));
        orders
    });
    _ = orders.send(Order::Remove(path, answer));
    answered
}

/// Waits until what was dropped has been removed, and not for long. Afterwards the process may end.
pub fn finish() {
    let Some(orders) = ORDERS.get() else { return };
    let (done, all_done) = channel();
    if orders.send(Order::Answer(done)).is_ok() {
        _ = all_done.recv_timeout(AT_THE_END);
    }
}

fn work(orders: &Receiver<Order>) {
    for order in orders {
        match order {
            Order::Remove(path, answer) => _ = answer.send(remove_patiently(&path)),
            Order::Answer(done) => _ = done.send(()),
        }
    }
}

fn remove_patiently(path: &Path) -> Result<()> {
    let mut removed = remove_all(path);
    for _ in 1..TRIES {
        // Anything else than a folder in which something was just written would be the same the next time.
        if !removed.as_ref().is_err_and(|error| error.kind() == ErrorKind::DirectoryNotEmpty) {
            break;
        }
        thread::sleep(PAUSE);
        removed = remove_all(path);
    }
    removed
}

/// Removes a folder, those in it included that its owner may not write to.
fn remove_all(path: &Path) -> Result<()> {
    match remove_dir_all(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            open_up(AT_FDCWD, path, DEEPEST)?;
            remove_dir_all(path)
        }
        other => other,
    }
}

/// Gives the owner of a folder and of all folders in it every right to them. It goes from one to the next by what it holds
/// open, so that no link leads it elsewhere, whoever puts one there meanwhile.
fn open_up(parent: impl AsFd, name: &Path, levels: usize) -> Result<()> {
    let about = statat(&parent, name, AtFlags::SYMLINK_NOFOLLOW)?;
    if FileType::from_raw_mode(about.st_mode) != FileType::Directory {
        return Ok(());
    }
    let Some(levels) = levels.checked_sub(1) else { return Err(Error::other("it is too deep")) };
    if about.st_mode & 0o700 != 0o700 {
        fchmodat(&parent, name, Bits::S_IRWXU, FchmodatFlags::NoFollowSymlink)?;
    }
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let folder = openat(&parent, name, flags, Mode::empty())?;
    for entry in Dir::read_from(&folder)? {
        let entry = entry?;
        let name = entry.file_name();
        if name != c"." && name != c".." {
            open_up(&folder, Path::new(OsStr::from_bytes(name.to_bytes())), levels)?;
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
    fn folders_are_opened_up_and_links_are_not_followed() {
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
        open_up(AT_FDCWD, &folder, DEEPEST).unwrap();
        assert_eq!((mode(&folder.join("a")), mode(&inner), mode(&elsewhere)), (0o700, 0o700, 0o500));
        assert_eq!(mode(&inner.join("file")), 0o400, "a file need not be open to be removed");
        remove_all(&folder).unwrap();
        assert!(!folder.exists() && elsewhere.exists());
        remove_all(&folder).unwrap();
    }

    #[test]
    fn what_is_too_deep_is_left_alone() {
        let place = tempfile::TempDir::new().unwrap();
        create_dir_all(place.path().join("a/b/c")).unwrap();
        assert!(open_up(AT_FDCWD, place.path(), 4).is_ok());
        assert!(open_up(AT_FDCWD, place.path(), 3).is_err());
    }
}
