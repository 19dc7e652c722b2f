//! The processes of a run.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use provost::domain::OperationKind;
use provost::embedded::{Embedded, Options};
use provost::mutant::HoldPoint;
use reqwest::Method;
use serde_json::json;
use tempfile::TempDir;
use tokio_postgres::Client;

use super::statements::StatementProxy;
use super::truth::Truth;
use crate::harness::{Database, Server, connect, run_folder, send};

const KEY: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
/// How long anything may take. Only what is stuck takes this long.
pub const PATIENCE: Duration = Duration::from_secs(90);

/// A database of Provost, a cluster for tenants, and a server for the requests.
pub struct Stage {
    cluster: Embedded,
    state_dir: PathBuf,
    pub database: Database,
    folder: TempDir,
    pub proxy: StatementProxy,
    pub api: Server,
    mutant: String,
}

/// The queue of the operations in the cluster.
pub const QUEUE: &str = "cluster:test";

impl Stage {
    pub async fn new(mutant: Option<&str>) -> Self {
        let number = uuid::Uuid::now_v7().simple().to_string();
        let settings = [("fsync", "off"), ("max_connections", "200"), ("shared_buffers", "32MB")];
        let options = Options {
            state_dir: run_folder(&format!("fences-{}", &number[20..])),
            settings: settings.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec(),
            ..Options::default()
        };
        let cluster = Embedded::start(&options).unwrap_or_else(|error| panic!("tests need a PostgreSQL: {error}"));
        let (database, folder) = (Database::new().await, tempfile::tempdir().unwrap());
        let config = "[clusters.test]\nurl_env = \"TENANTS_URL\"\n\
                      [templates.db]\nprovisioner = \"postgres\"\nsettings = { cluster = \"test\" }\n\
                      [templates.db.parameters]\ntype = \"object\"\n";
        std::fs::write(folder.path().join("provost.toml"), config).unwrap();
        std::fs::create_dir(folder.path().join("orders")).unwrap();
        let proxy = StatementProxy::before(cluster.url());
        let url = proxy.url(cluster.url());
        let settings = [("PROVOST_ROLES", "api"), ("PROVOST_SECRET_KEY", KEY), ("TENANTS_URL", &url)];
        let settings = [&settings[..], &[("PROVOST_MAX_ATTEMPTS", "30")]].concat();
        let api = Server::within(folder.path(), &database.url, &settings);
        // A queue that exists gets no limit, so all cells can be held at the same time.
        api.post("/queues", json!({"name": QUEUE})).await.expect(201);
        Self {
            cluster,
            state_dir: options.state_dir,
            database,
            folder,
            proxy,
            api,
            mutant: mutant.unwrap_or_default().to_owned(),
        }
    }

    pub fn worker(&self) -> Server {
        let (url, orders) = (self.proxy.url(self.cluster.url()), self.orders().display().to_string());
        let settings = [
            ("PROVOST_SECRET_KEY", KEY),
            ("TENANTS_URL", &url),
            ("PROVOST_CHAOS_FAIL_POINTS", &orders),
            ("PROVOST_MUTANT", &self.mutant),
            ("PROVOST_WORKER_CONCURRENCY", "40"),
            ("PROVOST_LEASE_TTL", "4s"),
            ("PROVOST_SHUTDOWN_GRACE", "3s"),
        ];
        Server::within(self.folder.path(), &self.database.url, &settings)
    }

    fn orders(&self) -> PathBuf {
        self.folder.path().join("orders")
    }

    pub fn order(&self, id: &str, step: &str, point: HoldPoint) -> PathBuf {
        self.orders().join(format!("{id}.{step}.{}", point.as_str()))
    }

    /// The URL of the cluster, as admin.
    pub fn cluster_url(&self) -> &str {
        self.cluster.url()
    }

    pub fn cluster_log(&self) -> String {
        let bytes = std::fs::read(self.state_dir.join("postgres.log")).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    pub fn forget_orders(&self) {
        for entry in std::fs::read_dir(self.orders()).unwrap().flatten() {
            _ = std::fs::remove_file(entry.path());
        }
    }

    /// An immediate shutdown, which is like a crash, and a start with recovery.
    pub fn restart(&mut self) {
        _ = kill(Pid::from_raw(self.cluster.pid().cast_signed()), Signal::SIGQUIT);
        let deadline = Instant::now() + PATIENCE;
        while !self.cluster.revive().unwrap_or(false) {
            assert!(Instant::now() < deadline, "the cluster does not come back");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    pub fn truth(&self) -> Truth<'_> {
        Truth { server: &self.api, database: &self.database, cluster: self.cluster.url() }
    }

    pub async fn admin(&self) -> Client {
        connect(self.cluster.url()).await
    }

    /// Starts an operation. Returns the id of the project.
    pub async fn request(&self, operation: OperationKind, id: &str, connections: i32) -> String {
        let extensions: &[&str] = if connections == 9 { &["pg_trgm"] } else { &["pg_trgm", "hstore"] };
        let parameters = json!({"connections": connections, "extensions": extensions});
        let path = format!("/projects/{id}");
        let (method, path, body) = match operation {
            OperationKind::Create => (
                Method::POST,
                "/projects".to_owned(),
                json!({"name": "fenced", "template": "db", "parameters": parameters}),
            ),
            OperationKind::Clone => {
                (Method::POST, format!("{path}/clone"), json!({"name": "fenced", "parameters": parameters}))
            }
            OperationKind::Update => (Method::PATCH, path, json!({"parameters": parameters})),
            OperationKind::Delete => (Method::DELETE, format!("{path}?grace=0s"), json!({})),
            OperationKind::Retire => (Method::DELETE, format!("{path}?grace=1h"), json!({})),
            OperationKind::Restore => (Method::POST, format!("{path}/undelete"), json!({})),
            other => (Method::POST, format!("{path}/{other}"), json!({})),
        };
        let answer = send(self.api.request(method, &path).json(&body)).await;
        assert!((200..300).contains(&answer.status), "{operation} answers {}: {}", answer.status, answer.text);
        answer.json()["id"].as_str().unwrap_or(id).to_owned()
    }

    pub async fn status(&self, id: &str) -> String {
        let project = self.api.get(&format!("/projects/{id}")).await.json();
        project["status"].as_str().unwrap_or_default().to_owned()
    }
}
