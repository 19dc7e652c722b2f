//! One server process: API, worker and scheduler, with a network of its own to the database and perhaps a clock of its own.

use std::fs::{File, OpenOptions};
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::mpsc::{Sender, channel};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use provost::mutant::Moment;

use crate::options::Options;
use crate::proxy::Proxy;

pub struct Node {
    pub name: String,
    pub url: String,
    pub proxy: Proxy,
    command: Box<dyn Fn() -> Command + Send + Sync>,
    keeper: Keeper,
    child: Mutex<Option<Child>>,
    log: PathBuf,
    /// Where it looks whether it is to die.
    deaths: PathBuf,
    /// Where its clock is told to jump to, if it can.
    clock: Option<PathBuf>,
}

/// What makes the clock of one process jump.
pub fn faketime() -> Option<PathBuf> {
    let places =
        ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib", "/usr/local/lib"];
    let files = places.iter().map(|place| Path::new(place).join("faketime/libfaketimeMT.so.1"));
    files.into_iter().find(|file| file.exists())
}

impl Node {
    pub fn new(number: usize, options: &Options, folder: &Path, database: &str, jumps: bool) -> Self {
        let proxy = Proxy::before(database);
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let name = format!("node-{number}");
        let log = folder.join(format!("{name}.log"));
        let clock = faketime().filter(|_| jumps).map(|library| (library, folder.join(format!("{name}.clock"))));
        if let Some((_, file)) = &clock {
            std::fs::write(file, "+0\n").unwrap();
        }
        let deaths = folder.join(format!("{name}.deaths"));
        std::fs::create_dir(&deaths).unwrap();
        let settings = [
            ("DATABASE_URL", proxy.url(database)),
            ("PROVOST_LISTEN", format!("127.0.0.1:{port}")),
            ("PROVOST_LEASE_TTL", format!("{}ms", options.lease.as_millis())),
            ("PROVOST_POLL_INTERVAL", "500ms".into()),
            ("PROVOST_WORKER_CONCURRENCY", options.slots().to_string()),
            ("PROVOST_SHUTDOWN_GRACE", "1s".into()),
            ("PROVOST_DATABASE_WAIT", "2m".into()),
            ("PROVOST_LOG", "warn".into()),
            ("PROVOST_LOG_FORMAT", "json".into()),
            ("PROVOST_CHAOS_LEDGER", folder.join("effects").display().to_string()),
            ("PROVOST_CHAOS_DEATHS", deaths.display().to_string()),
            ("PROVOST_MUTANT", options.mutant.clone().unwrap_or_default()),
        ];
        let (out, fake) = (log.clone(), clock.clone());
        let command = move || {
            let mut command = Command::new(env!("CARGO_BIN_EXE_provost"));
            let ours = |key: &str| key.starts_with("PROVOST_") || key == "DATABASE_URL" || key == "POSTGRES_BIN_DIR";
            for (key, _) in std::env::vars().filter(|(key, _)| ours(key)) {
                command.env_remove(key);
            }
            command.envs(settings.iter().map(|(key, value)| (*key, value))).current_dir(std::env::temp_dir());
            if let Some((library, file)) = &fake {
                command.env("LD_PRELOAD", library).env("FAKETIME_TIMESTAMP_FILE", file);
                command.envs([("FAKETIME_CACHE_DURATION", "1"), ("FAKETIME_DONT_FAKE_MONOTONIC", "1")]);
            }
            let log = OpenOptions::new().create(true).append(true).open(&out).unwrap();
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
            command
        };
        Self {
            name,
            url: format!("http://127.0.0.1:{port}"),
            proxy,
            command: Box::new(command),
            keeper: Keeper::new(),
            child: Mutex::default(),
            log,
            deaths,
            clock: clock.map(|(_, file)| file),
        }
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

    /// kill -9.
    pub fn kill(&self) {
        if let Some(mut child) = self.child.lock().unwrap().take() {
            _ = child.kill();
            _ = child.wait();
        }
    }

    /// Has it die at that moment: the code that it ended with, or nothing if it did not come to it.
    pub async fn die_at(&self, moment: Moment, patience: Duration) -> Option<Option<i32>> {
        let order = self.deaths.join(moment.as_str());
        std::fs::write(&order, "").unwrap();
        let mut ended = self.ended(patience).await;
        if std::fs::remove_file(&order).is_err() && ended.is_none() {
            // An order that cannot be taken back was taken at this very instant.
            ended = self.ended(patience).await;
        }
        ended.map(|status| status.code())
    }

    /// SIGTERM, and its exit code; killed if it does not end in time.
    pub async fn stop(&self, patience: Duration) -> Option<i32> {
        self.signal(Signal::SIGTERM);
        let ended = self.ended(patience).await;
        if ended.is_none() {
            self.kill();
        }
        ended?.code()
    }

    /// How it ended, if it does in time.
    async fn ended(&self, patience: Duration) -> Option<std::process::ExitStatus> {
        let deadline = Instant::now() + patience;
        while Instant::now() < deadline {
            if let Some(status) = self.exited() {
                return Some(status);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        None
    }

    fn exited(&self) -> Option<std::process::ExitStatus> {
        let mut child = self.child.lock().unwrap();
        let status = child.as_mut()?.try_wait().ok().flatten()?;
        *child = None;
        Some(status)
    }

    /// Whether it ended by itself, which it never should.
    pub fn has_died(&self) -> bool {
        self.exited().is_some()
    }

    pub fn is_running(&self) -> bool {
        self.child.lock().unwrap().is_some()
    }

    /// Waits until it answers.
    pub async fn until_ready(&self, http: &reqwest::Client, patience: Duration) -> bool {
        let deadline = Instant::now() + patience;
        while Instant::now() < deadline {
            let asked = http.get(format!("{}/readyz", self.url)).timeout(Duration::from_secs(2)).send().await;
            if asked.is_ok_and(|answer| answer.status() == 200) {
                return true;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        false
    }

    pub fn can_jump(&self) -> bool {
        self.clock.is_some()
    }

    pub fn jump(&self, seconds: i64) {
        if let Some(file) = &self.clock {
            std::fs::write(file, format!("{seconds:+}\n")).unwrap();
        }
    }

    pub fn log(&self) -> String {
        std::fs::read(&self.log).map(|it| String::from_utf8_lossy(&it).into_owned()).unwrap_or_default()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A thread that starts processes and lives as long as the node: they end with it, thus at the latest with this program,
/// however that ends.
struct Keeper(Sender<(Command, Sender<Child>)>);

impl Keeper {
    fn new() -> Self {
        let (ask, asked) = channel::<(Command, Sender<Child>)>();
        std::thread::spawn(move || {
            for (mut command, answer) in asked {
                let ask = || Ok(nix::sys::prctl::set_pdeathsig(Signal::SIGKILL)?);
                // SAFETY: between fork and exec it makes one system call; it takes no lock and allocates nothing.
                unsafe { command.pre_exec(ask) };
                _ = answer.send(command.spawn().unwrap());
            }
        });
        Self(ask)
    }

    fn spawn(&self, command: Command) -> Child {
        let (answer, answered) = channel();
        self.0.send((command, answer)).unwrap();
        answered.recv().unwrap()
    }
}

/// The effects that workers wrote down.
pub fn create_ledger(folder: &Path) -> PathBuf {
    let path = folder.join("effects");
    File::create(&path).unwrap();
    path
}
