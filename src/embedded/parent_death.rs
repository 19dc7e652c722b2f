//! Ends child processes together with this process.

use std::io;
use std::process::{Child, Command};
use std::sync::mpsc::{Sender, channel};
use std::thread::{self, JoinHandle};

use nix::sys::signal::Signal;

/// Signals the program when the thread that started it ends, even by kill -9.
///
/// The request runs in `pre_exec`, after the change of user, which would clear it.
#[cfg(target_os = "linux")]
pub fn die_with_parent(command: &mut Command, signal: Signal) {
    use std::os::unix::process::CommandExt as _;
    let parent = nix::unistd::getpid();
    let request = move || {
        nix::sys::prctl::set_pdeathsig(signal)?;
        // If the parent died before that line, no signal will be sent.
        if nix::unistd::getppid() == parent { Ok(()) } else { Err(nix::errno::Errno::ESRCH.into()) }
    };
    // SAFETY: between fork and exec it makes two system calls; it takes no lock and allocates nothing.
    unsafe { command.pre_exec(request) };
}

/// Other systems have no such signal. There the next owner ends the orphan.
#[cfg(not(target_os = "linux"))]
pub fn die_with_parent(_: &mut Command, _: Signal) {}

/// A thread that starts a child and lives as long as it. The parent-death signal is tied to the thread, not to the
/// process, so a child started by a short-lived thread (of a test, of a runtime) would end with that thread.
pub struct ParentThread {
    release: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl ParentThread {
    pub fn spawn(mut command: Command) -> io::Result<(Child, Self)> {
        let (child_sender, child) = channel();
        let (release, released) = channel::<()>();
        let body = move || {
            let _ = child_sender.send(command.spawn());
            // Returns when the sender is dropped.
            let _ = released.recv();
        };
        let thread = thread::Builder::new().name("postgres-keeper".to_owned()).spawn(body)?;
        let parent = Self { release: Some(release), thread: Some(thread) };
        let child = child.recv().map_err(io::Error::other)??;
        Ok((child, parent))
    }
}

impl Drop for ParentThread {
    fn drop(&mut self) {
        self.release.take();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
