//! A child process and its output.

use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, LazyLock, Mutex, mpsc};
use std::time::{Duration, Instant};

use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::Signal;
use serde_json::Value;

use super::TIMEOUT;

/// Lines of output so far.
pub type Lines = Arc<Mutex<Vec<String>>>;

type Spawn = (Command, mpsc::Sender<std::io::Result<Child>>);

/// The thread that starts all processes. The kernel kills a child when the thread that started it ends, so that thread
/// must live as long as the test run. Processes shared by several tests are never dropped and end this way.
static SPAWNER: LazyLock<Mutex<mpsc::Sender<Spawn>>> = LazyLock::new(|| {
    let (sender, requests) = mpsc::channel::<Spawn>();
    std::thread::spawn(move || {
        for (mut command, reply) in requests {
            // SAFETY: prctl is async-signal-safe and touches no memory of the parent.
            unsafe { command.pre_exec(|| set_pdeathsig(Signal::SIGKILL).map_err(Into::into)) };
            _ = reply.send(command.spawn());
        }
    });
    Mutex::new(sender)
});

/// A running process. Dropping it kills it with SIGKILL.
pub struct Process {
    child: Child,
    log: Lines,
}

impl Process {
    /// Starts a command. Returns the process and its standard output.
    pub fn of(mut command: Command) -> (Self, Lines) {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let (reply, child) = mpsc::channel();
        SPAWNER.lock().unwrap().send((command, reply)).unwrap();
        let mut child = child.recv().unwrap().unwrap();
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

    /// Waits until the process ends. Returns its exit code.
    pub fn exit_code(&mut self) -> i32 {
        let deadline = Instant::now() + TIMEOUT;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code().unwrap_or(-1);
            }
            assert!(Instant::now() < deadline, "the process did not end: {:#?}", self.log.lock().unwrap());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// The JSON lines of the log so far.
    pub fn log(&self) -> Vec<Value> {
        self.log.lock().unwrap().iter().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    /// Standard error so far.
    pub fn raw_log(&self) -> String {
        self.log.lock().unwrap().join("\n")
    }

    /// Whether standard error contains this text.
    pub fn stderr_contains(&self, text: &str) -> bool {
        self.log.lock().unwrap().iter().any(|line| line.contains(text))
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
