//! Who the server runs as. PostgreSQL refuses root, so as root it gets an unprivileged user.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

use nix::unistd::{Uid, User, geteuid};

use super::error::{Error, Result, io};

/// The user for initdb and postgres; `None` is ourselves.
pub struct RunAs(Option<User>);

impl RunAs {
    /// Chooses the user: ourselves, or as root the one asked for, the owner of the data, `postgres` or `nobody`.
    pub fn choose(asked: Option<&str>, data: &Path) -> Result<Self> {
        if !geteuid().is_root() {
            return Ok(Self(None));
        }
        let names = asked.map_or_else(|| vec!["postgres", "nobody"], |name| vec![name]);
        let by_name = || names.iter().find_map(|name| unprivileged(User::from_name(name)));
        // The owner of the data comes first, so a user `postgres` that is made later changes nothing.
        let owner = if asked.is_none() { owner(data) } else { None };
        let user = owner.or_else(by_name).ok_or_else(|| Error::NoUser { tried: names.join(", ") })?;
        Ok(Self(Some(user)))
    }

    /// Whether root is given up.
    pub fn is_other(&self) -> bool {
        self.0.is_some()
    }

    /// Makes a program run as this user; the standard library drops root's further groups along with it.
    pub fn apply(&self, command: &mut Command) {
        if let Some(user) = &self.0 {
            command.uid(user.uid.as_raw()).gid(user.gid.as_raw());
        }
    }

    /// Gives a file or folder to this user.
    pub fn give(&self, path: &Path) -> Result<()> {
        let Some(user) = &self.0 else { return Ok(()) };
        chown(path, Some(user.uid.as_raw()), Some(user.gid.as_raw())).map_err(io("change the owner of", path))
    }

    /// Checks that the user may pass through this folder and everything above it.
    pub fn check_reach(&self, folder: &Path) -> Result<()> {
        let Some(user) = &self.0 else { return Ok(()) };
        let mut path: Vec<&Path> = folder.ancestors().collect();
        path.reverse();
        for folder in path {
            let meta = fs::metadata(folder).map_err(io("look at", folder))?;
            if !may_enter(user, meta.uid(), meta.gid(), meta.mode()) {
                return Err(Error::OutOfReach { folder: folder.to_owned(), user: user.name.clone() });
            }
        }
        Ok(())
    }
}

fn unprivileged(found: nix::Result<Option<User>>) -> Option<User> {
    found.ok().flatten().filter(|user| !user.uid.is_root())
}

fn owner(data: &Path) -> Option<User> {
    unprivileged(User::from_uid(Uid::from_raw(fs::metadata(data).ok()?.uid())))
}

/// The first class that fits decides, as in the kernel: an owner without the bit is out even if others have it.
fn may_enter(user: &User, uid: u32, gid: u32, mode: u32) -> bool {
    let bit = match () {
        () if user.uid.as_raw() == uid => 0o100,
        () if user.gid.as_raw() == gid => 0o010,
        () => 0o001,
    };
    mode & bit != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_class_that_fits_decides() {
        let user = User { uid: Uid::from_raw(5), gid: 6.into(), ..template() };
        assert!(may_enter(&user, 0, 0, 0o711));
        assert!(!may_enter(&user, 0, 0, 0o700));
        assert!(may_enter(&user, 0, 6, 0o710));
        assert!(!may_enter(&user, 0, 6, 0o701));
        assert!(may_enter(&user, 5, 6, 0o100));
        assert!(!may_enter(&user, 5, 0, 0o011));
    }

    fn template() -> User {
        User::from_uid(Uid::from_raw(0)).ok().flatten().expect("root is a user everywhere")
    }
}
