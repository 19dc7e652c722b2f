//! The user that runs the server. PostgreSQL refuses to run as root.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

use nix::unistd::{Uid, User, geteuid};

use super::error::{Error, Result, io};

/// The user of initdb and postgres; `None` is the current user.
pub struct RunAs(Option<User>);

impl RunAs {
    /// The current user; as root, the configured user, the owner of the data, `postgres` or `nobody`.
    pub fn choose(configured: Option<&str>, data: &Path) -> Result<Self> {
        if !geteuid().is_root() {
            return Ok(Self(None));
        }
        let names = configured.map_or_else(|| vec!["postgres", "nobody"], |name| vec![name]);
        let by_name = || names.iter().find_map(|name| unprivileged(User::from_name(name)));
        // The owner of the data comes first, so that a user `postgres` created later changes nothing.
        let owner = if configured.is_none() { owner(data) } else { None };
        let user = owner.or_else(by_name).ok_or_else(|| Error::NoUser { tried: names.join(", ") })?;
        Ok(Self(Some(user)))
    }

    /// Whether it is another user than the current one.
    pub fn is_other(&self) -> bool {
        self.0.is_some()
    }

    /// Makes a program run as this user. The standard library also drops root's supplementary groups.
    pub fn apply(&self, command: &mut Command) {
        if let Some(user) = &self.0 {
            command.uid(user.uid.as_raw()).gid(user.gid.as_raw());
        }
    }

    /// Makes this user the owner of a file or directory.
    pub fn give(&self, path: &Path) -> Result<()> {
        let Some(user) = &self.0 else { return Ok(()) };
        chown(path, Some(user.uid.as_raw()), Some(user.gid.as_raw())).map_err(io("change the owner of", path))
    }

    /// Checks that the user can access a directory and all its parents.
    pub fn check_access(&self, folder: &Path) -> Result<()> {
        let Some(user) = &self.0 else { return Ok(()) };
        let mut path: Vec<&Path> = folder.ancestors().collect();
        path.reverse();
        for folder in path {
            let meta = fs::metadata(folder).map_err(io("read", folder))?;
            if !may_enter(user, meta.uid(), meta.gid(), meta.mode()) {
                return Err(Error::NoAccess { folder: folder.to_owned(), user: user.name.clone() });
            }
        }
        Ok(())
    }
}

fn unprivileged(user: nix::Result<Option<User>>) -> Option<User> {
    user.ok().flatten().filter(|user| !user.uid.is_root())
}

fn owner(data: &Path) -> Option<User> {
    unprivileged(User::from_uid(Uid::from_raw(fs::metadata(data).ok()?.uid())))
}

/// The first matching class decides, as in the kernel: an owner without the bit has no access even if others have it.
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
    fn first_matching_class_decides() {
        let user = User { uid: Uid::from_raw(5), gid: 6.into(), ..template() };
        assert!(may_enter(&user, 0, 0, 0o711));
        assert!(!may_enter(&user, 0, 0, 0o700));
        assert!(may_enter(&user, 0, 6, 0o710));
        assert!(!may_enter(&user, 0, 6, 0o701));
        assert!(may_enter(&user, 5, 6, 0o100));
        assert!(!may_enter(&user, 5, 0, 0o011));
    }

    fn template() -> User {
        User::from_uid(Uid::from_raw(0)).ok().flatten().expect("root exists")
    }
}
