//! Supervises the private PostgreSQL and restarts it if it dies. It runs on its own thread, because a restart may take
//! a while and must not block signals or requests.

use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use slog::{Logger, error, warn};

use crate::embedded::Embedded;
use crate::log::chain;

const CHECK_INTERVAL: Duration = Duration::from_secs(1);

pub struct PostgresSupervisor {
    stop: Sender<()>,
    thread: JoinHandle<()>,
}

impl PostgresSupervisor {
    pub fn start(mut private: Embedded, log: Logger) -> Self {
        let (stop, stopped) = channel();
        let thread = std::thread::spawn(move || {
            while stopped.recv_timeout(CHECK_INTERVAL) == Err(RecvTimeoutError::Timeout) {
                match private.revive() {
                    Ok(false) => {}
                    Ok(true) => warn!(log, "restarted the private PostgreSQL after it died"),
                    Err(error) => error!(log, "cannot restart the private PostgreSQL"; "error" => chain(&error)),
                }
            }
            private.stop();
        });
        Self { stop, thread }
    }

    /// Stops PostgreSQL and waits for it. Close all connections first.
    pub fn stop(self) {
        drop(self.stop);
        // A panic of the thread was already logged.
        _ = self.thread.join();
    }
}
