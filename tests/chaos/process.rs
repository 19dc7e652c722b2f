//! A process of the run, with a proxy to what it depends on: a server to the database, a remote worker to a server.

use std::fs::OpenOptions;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use provost::mutant::FailPoint;

use crate::harness::Proxy;
use crate::postgres::Postgres;

pub struct Process {
    pub name: String,
    pub proxy: Proxy,
    command: MakeCommand,
    ready: Ready,
    keeper: Spawner,
    child: Mutex<Option<Child>>,
    log: PathBuf,
    /// The directory of its fail points.
    fail_points: PathBuf,
}

type MakeCommand = Box<dyn Fn() -> Command + Send + Sync>;

/// How to tell that it is ready.
pub enum Ready {
    /// It responds at this address.
    Responds(String),
    /// It has registered as a worker in the database.
    IsRegistered(Arc<Postgres>),
}

impl Process {
    /// The process inherits no settings of this program: only `arguments` and `settings`.
    pub fn new(
        name: String,
        folder: &Path,
        proxy: Proxy,
        ready: Ready,
        arguments: &'static [&'static str],
        settings: Vec<(&'static str, String)>,
    ) -> Self {
        let log = folder.join(format!("{name}.log"));
        let fail_points = folder.join(format!("{name}.fail-points"));
        std::fs::create_dir(&fail_points).unwrap();
        let ours = [
            ("PROVOST_SHUTDOWN_GRACE", "1s".into()),
            ("PROVOST_LOG", "warn".into()),
            ("PROVOST_LOG_FORMAT", "json".into()),
            ("PROVOST_CHAOS_NAME", name.clone()),
            ("PROVOST_CHAOS_LEDGER", folder.join("effects").display().to_string()),
            ("PROVOST_CHAOS_FAIL_POINTS", fail_points.display().to_string()),
        ];
        let settings: Vec<_> = ours.into_iter().chain(settings).collect();
        let (out, folder) = (log.clone(), folder.to_owned());
        let command = move || {
            let mut command = Command::new(env!("CARGO_BIN_EXE_provost"));
            let theirs = |key: &str| key.starts_with("PROVOST_") || key == "DATABASE_URL" || key == "POSTGRES_BIN_DIR";
            for (key, _) in std::env::vars().filter(|(key, _)| theirs(key)) {
                command.env_remove(key);
            }
            command.args(arguments).envs(settings.iter().map(|(key, value)| (*key, value)));
            let log = OpenOptions::new().create(true).append(true).open(&out).unwrap();
            command.current_dir(&folder).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
            command
        };
        let (command, keeper, child) = (Box::new(command), Spawner::new(), Mutex::default());
        Self { name, proxy, command, ready, keeper, child, log, fail_points }
    }

    pub fn start(&self) {
        let mut child = self.child.lock().unwrap();
        assert!(child.is_none(), "{} runs already", self.name);
        *child = Some(self.keeper.spawn((self.command)()));
    }

    pub fn signal(&self, signal: Signal) {
        if let Some(child) = self.child.lock().unwrap().as_ref() {
            _ = kill(Pid::from_raw(child.id().cast_signed()), signal);
        }
    }

    /// SIGKILL.
    pub fn kill(&self) {
        if let Some(mut child) = self.child.lock().unwrap().take() {
            _ = child.kill();
            _ = child.wait();
        }
    }

    /// Lets it exit at this fail point. Returns the exit code, or `None` if it did not reach the point.
    pub async fn die_at(&self, point: FailPoint, timeout: Duration) -> Option<Option<i32>> {
        let order = self.fail_points.join(point.as_str());
        std::fs::write(&order, "").unwrap();
        let mut ended = self.ended(timeout).await;
        if std::fs::remove_file(&order).is_err() && ended.is_none() {
            // If the file is gone, the process has just reached the point.
            ended = self.ended(timeout).await;
        }
        ended.map(|status| status.code())
    }

    /// Sends SIGTERM and returns the exit code; kills the process if it does not end in time.
    pub async fn stop(&self, timeout: Duration) -> Option<i32> {
        self.signal(Signal::SIGTERM);
        let ended = self.ended(timeout).await;
        if ended.is_none() {
            self.kill();
        }
        ended?.code()
    }

    /// Waits for its exit status.
    async fn ended(&self, timeout: Duration) -> Option<ExitStatus> {
        let deadline = Instant::now() + timeout;
        while Instant::now() < deadline {
            if let Some(status) = self.exited() {
                return Some(status);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        None
    }

    fn exited(&self) -> Option<ExitStatus> {
        let mut child = self.child.lock().unwrap();
        let status = child.as_mut()?.try_wait().ok().flatten()?;
        *child = None;
        Some(status)
    }

    /// Whether it exited by itself, which it must not.
    pub fn has_died(&self) -> bool {
        self.exited().is_some()
    }

    pub fn is_running(&self) -> bool {
        self.child.lock().unwrap().is_some()
    }

    /// Waits until it is ready.
    pub async fn until_ready(&self, http: &reqwest::Client, timeout: Duration) -> bool {
        let deadline = Instant::now() + timeout;
        while Instant::now() < deadline {
            if self.is_ready(http).await {
                return true;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        false
    }

    async fn is_ready(&self, http: &reqwest::Client) -> bool {
        match &self.ready {
            Ready::Responds(url) => {
                let response = http.get(format!("{url}/readyz")).timeout(Duration::from_secs(2)).send().await;
                response.is_ok_and(|it| it.status() == 200)
            }
            Ready::IsRegistered(postgres) => {
                let Some(pid) = self.child.lock().unwrap().as_ref().map(Child::id) else { return false };
                postgres.knows_worker(pid).await
            }
        }
    }

    pub fn log(&self) -> String {
        std::fs::read(&self.log).map(|it| String::from_utf8_lossy(&it).into_owned()).unwrap_or_default()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A thread that starts processes and lives as long as the node. With the parent-death signal, the processes end with
/// the thread, so at the latest with this program.
struct Spawner(Sender<(Command, Sender<Child>)>);

impl Spawner {
    fn new() -> Self {
        let (sender, requests) = channel::<(Command, Sender<Child>)>();
        std::thread::spawn(move || {
            for (mut command, reply) in requests {
                let prepare = || Ok(nix::sys::prctl::set_pdeathsig(Signal::SIGKILL)?);
                // SAFETY: between fork and exec this makes one system call; it takes no lock and allocates nothing.
                unsafe { command.pre_exec(prepare) };
                _ = reply.send(command.spawn().unwrap());
            }
        });
        Self(sender)
    }

    fn spawn(&self, command: Command) -> Child {
        let (reply, child) = channel();
        self.0.send((command, reply)).unwrap();
        child.recv().unwrap()
    }
}
