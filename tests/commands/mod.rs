//! Jobs that run programs: input, output, stopping, and hostile payloads and programs.

mod config;
mod hostile;
mod run;
mod stop;

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::{Database, Server, TIMEOUT, eventually};
use crate::jobs::text;

/// A directory with a `provost.toml`, and a directory for the working directories of commands, which must be empty in
/// the end.
pub struct Place {
    folder: TempDir,
}

impl Place {
    /// `{work}` stands for the directory of the commands.
    pub fn with(commands: &str) -> Self {
        let folder = TempDir::new().unwrap();
        // Commands may run as another user.
        std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o755)).unwrap();
        let place = Self { folder };
        std::fs::create_dir(place.work()).unwrap();
        let commands = commands.replace("{work}", place.work().to_str().unwrap());
        std::fs::write(place.path().join("provost.toml"), commands).unwrap();
        place
    }

    /// One command, `it`, which runs this shell script, with further keys.
    pub fn script(script: &str, more: &str) -> Self {
        let script = serde_json::to_string(script).unwrap();
        Self::with(&format!("[commands.it]\nargv = [\"sh\", \"-c\", {script}]\nwork_dir = \"{{work}}\"\n{more}\n"))
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn work(&self) -> PathBuf {
        self.path().join("work")
    }

    pub fn server(&self, database: &Database, settings: &[(&str, &str)]) -> Server {
        Server::within(self.path(), &database.url, settings)
    }

    /// A remote worker started in this directory.
    pub fn worker(&self, server: &Server) -> Worker {
        let mut command = Server::command();
        command.args(["worker", "--server", &server.url]).current_dir(self.path()).env("PROVOST_LOG_FORMAT", "json");
        command.env("PROVOST_SHUTDOWN_GRACE", "200ms");
        Worker::started(command)
    }

    /// The existing working directories.
    pub fn folders(&self) -> Vec<PathBuf> {
        std::fs::read_dir(self.work()).unwrap().map(|it| it.unwrap().path()).collect()
    }

    pub async fn is_tidy(&self) {
        eventually("no working directory is left", || async { self.folders().is_empty().then_some(()) }).await;
    }
}

/// A worker process, killed with SIGKILL when dropped.
pub struct Worker(Child);

impl Worker {
    pub fn started(mut command: Command) -> Self {
        Self(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
    }

    pub fn signal(&self, name: &str) {
        assert!(Command::new("kill").args([&format!("-{name}"), &self.0.id().to_string()]).status().unwrap().success());
    }

    pub fn exit_code(&mut self) -> i32 {
        let deadline = Instant::now() + TIMEOUT;
        loop {
            if let Some(status) = self.0.try_wait().unwrap() {
                return status.code().unwrap_or(-1);
            }
            assert!(Instant::now() < deadline, "the worker did not end");
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        _ = self.0.kill();
        _ = self.0.wait();
    }
}

/// Enqueues a job for `it` and returns its id.
pub async fn enqueue(server: &Server, payload: Value, more: Value) -> String {
    let mut body = json!({"kind": "command.it", "payload": payload, "max_attempts": 1});
    body.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap_or_default());
    crate::jobs::enqueue(server, body).await
}

/// Runs `it` once and returns the finished job.
pub async fn run(server: &Server, payload: Value) -> Value {
    let id = enqueue(server, payload, json!({})).await;
    let has_ended = || async {
        let job = crate::jobs::job(server, &id).await;
        ["completed", "failed", "canceled"].contains(&text(&job, "state").as_str()).then_some(job)
    };
    eventually("the command has ended", has_ended).await
}

/// The log lines of a job, like `stdout one`.
pub async fn lines(server: &Server, job: &str) -> Vec<String> {
    let logs = server.get(&format!("/jobs/{job}/logs?limit=1000")).await.expect(200).json();
    let format_line = |line: &Value| format!("{} {}", text(line, "stream"), text(line, "content"));
    logs["logs"].as_array().unwrap().iter().map(format_line).collect()
}

/// The number of processes with this word on their command line, zombies included.
pub fn alive(word: &str) -> usize {
    let has = |path: PathBuf| {
        std::fs::read(path.join("cmdline")).is_ok_and(|line| String::from_utf8_lossy(&line).contains(word))
    };
    std::fs::read_dir("/proc").unwrap().filter(|entry| has(entry.as_ref().unwrap().path())).count()
}

/// The number of zombie children of a process.
pub fn zombies(parent: u32) -> usize {
    let is_one = |path: PathBuf| {
        let stat = std::fs::read_to_string(path.join("stat")).unwrap_or_default();
        stat.rsplit(") ").next().is_some_and(|rest| rest.starts_with(&format!("Z {parent} ")))
    };
    std::fs::read_dir("/proc").unwrap().filter(|entry| is_one(entry.as_ref().unwrap().path())).count()
}

/// A word that is on no other command line.
pub fn mark() -> String {
    uuid::Uuid::new_v4().simple().to_string()
}
