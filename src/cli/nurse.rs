//! Looks after the private PostgreSQL: one that died (or went with the process that owned it) is started again. A thread
//! of its own, because starting may take a while, and signals and requests must not wait for it.

use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use slog::{Logger, error, warn};

use crate::embedded::Embedded;
use crate::log::chain;

/// How often to see whether it still lives.
const LOOK: Duration = Duration::from_secs(1);

/// The one who holds the private PostgreSQL.
pub struct Nurse {
    dismiss: Sender<()>,
    thread: JoinHandle<()>,
}

impl Nurse {
    pub fn of(mut private: Embedded, log: Logger) -> Self {
        let (dismiss, dismissed) = channel();
        let thread = std::thread::spawn(move || {
            while dismissed.recv_timeout(LOOK) == Err(RecvTimeoutError::Timeout) {
                look_after(&mut private, &log);
            }
            private.stop();
        });
        Self { dismiss, thread }
    }

    /// Stops the private PostgreSQL and waits until it is gone. Close every connection first.
    pub fn stop(self) {
        drop(self.dismiss);
        // A panic there was logged when it happened.
        _ = self.thread.join();
    }
}

fn look_after(private: &mut Embedded, log: &Logger) {
    match private.revive() {
        Ok(false) => {}
        Ok(true) => warn!(log, "the private PostgreSQL had died and was started again"),
        Err(trouble) => {
            error!(log, "the private PostgreSQL has died and cannot be started again yet"; "error" => chain(&trouble));
        }
    }
}
