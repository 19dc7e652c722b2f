//! Decides which process runs the server: the owner holds a lock until it exits; other processes adopt its server.

use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::OpenOptionsExt as _;
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::cluster::Cluster;
use super::error::{Error, Result, io};
use super::pidfile::PidFile;

/// Long enough for the owner to initialize or recover the cluster.
const OWNER_TIMEOUT: Duration = Duration::from_secs(120);

pub enum Claim {
    /// This process is the owner as long as the file stays open.
    Owner(File),
    /// Another process is the owner, and its server is ready.
    Running { pid: u32, port: u16 },
}

/// Becomes the owner, or waits for the server of the owner.
///
/// The lock distinguishes a server to adopt from an orphan: the kernel releases it when the owner dies, even by
/// kill -9, while `postmaster.pid` may say "ready" long after.
pub fn claim(cluster: &Cluster) -> Result<Claim> {
    let path = cluster.lock();
    let mut options = OpenOptions::new();
    let lock = options.create(true).append(true).mode(0o600).open(&path).map_err(io("open", &path))?;
    let deadline = Instant::now() + OWNER_TIMEOUT;
    while Instant::now() < deadline {
        match lock.try_lock() {
            Ok(()) => return Ok(Claim::Owner(lock)),
            Err(TryLockError::Error(e)) => return Err(io("lock", &path)(e)),
            Err(TryLockError::WouldBlock) => {}
        }
        if let Some(file) = PidFile::read(cluster.data()).filter(|f| f.ready && f.is_ours(cluster.data())) {
            return Ok(Claim::Running { pid: file.pid, port: file.port });
        }
        sleep(Duration::from_millis(50));
    }
    Err(Error::OwnerNotReady { lock: path })
}
