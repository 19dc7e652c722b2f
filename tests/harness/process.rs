//! A process of ours, and what it says.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::PATIENCE;

/// Lines, as they come.
pub type Lines = Arc<Mutex<Vec<String>>>;

/// A running process. Dropping it kills it with -9.
pub struct Process {
    child: Child,
    log: Lines,
}

impl Process {
    /// Starts it; with what it says on its standard output.
    pub fn of(mut command: Command) -> (Self, Lines) {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (log, out) = (collect(child.stderr.take().unwrap()), collect(child.stdout.take().unwrap()));
        (Self { child, log }, out)
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// A signal by its name, like TERM.
    pub fn signal(&self, name: &str) {
        let done = Command::new("kill").args([&format!("-{name}"), &self.pid().to_string()]).status().unwrap();
        assert!(done.success());
    }

    /// SIGTERM, then its exit code.
    pub fn stop(&mut self) -> i32 {
        self.signal("TERM");
        self.exit_code()
    }

    /// Waits until the process ends by itself.
    pub fn exit_code(&mut self) -> i32 {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code().unwrap_or(-1);
            }
            assert!(Instant::now() < deadline, "it did not end: {:#?}", self.log.lock().unwrap());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// The lines of the log so far, as JSON; other lines are skipped.
    pub fn log(&self) -> Vec<Value> {
        self.log.lock().unwrap().iter().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    /// Everything the process ever said on stderr.
    pub fn raw_log(&self) -> String {
        self.log.lock().unwrap().join("\n")
    }

    /// Whether it said this word on stderr.
    pub fn says(&self, word: &str) -> bool {
        self.log.lock().unwrap().iter().any(|line| line.contains(word))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

fn collect(stream: impl Read + Send + 'static) -> Lines {
    let lines = Lines::default();
    let into = lines.clone();
    std::thread::spawn(move || {
        BufReader::new(stream).lines().map_while(Result::ok).for_each(|line| into.lock().unwrap().push(line));
    });
    lines
}
