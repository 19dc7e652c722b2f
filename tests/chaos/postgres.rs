//! The database of the run, with full durability, and the times of its outages.

use std::path::PathBuf;
use std::sync::Mutex;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use provost::embedded::{Embedded, Options};
use tokio_postgres::{Client, NoTls};

/// A response that takes longer counts as none.
const SLOW: Duration = Duration::from_millis(500);

pub struct Postgres {
    pub url: String,
    state_dir: PathBuf,
    server: Mutex<Embedded>,
    /// The outages, in seconds since 1970 by the clock of the database.
    outages: Mutex<Vec<(f64, f64)>>,
}

pub fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64()
}

impl Postgres {
    pub fn start(folder: &std::path::Path) -> Self {
        let state_dir = folder.join("postgres");
        // fsync, synchronous_commit and full_page_writes keep their default: on.
        let settings = [("max_connections", "200"), ("log_lock_waits", "on"), ("log_line_prefix", "%m [%p] %a ")];
        let options = Options {
            state_dir: state_dir.clone(),
            settings: settings.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec(),
            ..Options::default()
        };
        let server = Embedded::start(&options).unwrap_or_else(|error| panic!("chaos needs a PostgreSQL: {error}"));
        Self { url: server.url().to_owned(), state_dir, server: Mutex::new(server), outages: Mutex::default() }
    }

    /// An immediate shutdown, which is like a crash, and a start with recovery. Blocks.
    pub fn crash(&self) {
        let mut server = self.server.lock().unwrap();
        _ = kill(Pid::from_raw(server.pid().cast_signed()), Signal::SIGQUIT);
        let deadline = Instant::now() + Duration::from_secs(60);
        // Wait until it has ended.
        while !server.revive().unwrap_or(false) {
            assert!(Instant::now() < deadline, "PostgreSQL does not come back");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    pub async fn connect(&self) -> Result<Client, tokio_postgres::Error> {
        let (client, connection) = tokio_postgres::connect(&self.url, NoTls).await?;
        tokio::spawn(connection);
        client.batch_execute("SET search_path = provost; SET application_name = 'chaos'").await?;
        Ok(client)
    }

    /// Terminates each connection of the servers with this probability; returns how many.
    pub async fn terminate(&self, chance: f64) -> i64 {
        let Ok(client) = self.connect().await else { return 0 };
        let sql = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'provost' AND random() <= $1";
        client.query_one(sql, &[&chance]).await.map_or(0, |row| row.get(0))
    }

    /// Whether the worker of this process has registered.
    pub async fn knows_worker(&self, pid: u32) -> bool {
        let Ok(client) = self.connect().await else { return false };
        let sql = "SELECT EXISTS (SELECT FROM workers WHERE pid = $1)";
        client.query_one(sql, &[&pid.cast_signed()]).await.is_ok_and(|row| row.get(0))
    }

    /// Probes the database ten times a second and records outages. Never returns.
    pub async fn watch(&self) {
        let (mut client, mut good) = (None, now());
        loop {
            let probe = async {
                if client.is_none() {
                    client = self.connect().await.ok();
                }
                client.as_ref()?.simple_query("SELECT 1").await.ok()
            };
            let responded = tokio::time::timeout(SLOW, probe).await.ok().flatten().is_some();
            if !responded {
                client = None;
            } else {
                if now() - good > SLOW.as_secs_f64() {
                    self.outages.lock().unwrap().push((good, now()));
                }
                good = now();
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    pub fn outages(&self) -> Vec<(f64, f64)> {
        self.outages.lock().unwrap().clone()
    }

    pub fn log(&self) -> String {
        let read = |name: &str| std::fs::read(self.state_dir.join(name)).unwrap_or_default();
        String::from_utf8_lossy(&[read("postgres.log.old"), read("postgres.log")].concat()).into_owned()
    }
}
