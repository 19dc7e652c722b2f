//! One private PostgreSQL per run, one database per test, cloned from a migrated template.

use std::path::PathBuf;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use provost::embedded::{Embedded, Options};
use provost::store::Connector;
use provost::store::invariants::{Finding, examine};
use tokio::sync::OnceCell;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, NoTls, Row};

use super::variant;

static CLUSTER: OnceLock<Embedded> = OnceLock::new();
static TEMPLATE: OnceCell<()> = OnceCell::const_new();
static NEXT: AtomicU32 = AtomicU32::new(0);

/// The URL of the run's PostgreSQL. The server ends with this process.
pub fn cluster_url() -> &'static str {
    CLUSTER.get_or_init(|| start_cluster("postgres", "400", None)).url()
}

/// Starts a PostgreSQL, of the usual version or with the programs of a folder.
pub fn start_cluster(purpose: &str, connections: &str, bin_dir: Option<PathBuf>) -> Embedded {
    start_cluster_with(purpose, &[("max_connections", connections)], bin_dir)
}

/// The same with further settings. A cluster that exists in the folder of this purpose is started as it is.
pub fn start_cluster_with(purpose: &str, more: &[(&str, &str)], bin_dir: Option<PathBuf>) -> Embedded {
    let settings = [
        ("fsync", "off"),
        ("synchronous_commit", "off"),
        ("shared_buffers", "64MB"),
        ("max_prepared_transactions", "5"),
    ];
    let settings = settings.iter().chain(more).map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let options =
        Options { state_dir: run_folder(purpose), bin_dir, settings: settings.collect(), ..Options::default() };
    Embedded::start(&options).unwrap_or_else(|error| panic!("tests need a PostgreSQL: {error}"))
}

/// A folder of this run. Folders of runs that are over are removed.
pub fn run_folder(purpose: &str) -> PathBuf {
    let prefix = format!("provost-tests-{purpose}-");
    for entry in std::fs::read_dir(std::env::temp_dir()).into_iter().flatten().flatten() {
        let pid = entry.file_name().to_str().and_then(|name| name.strip_prefix(&prefix)?.parse::<u32>().ok());
        if pid.is_some_and(|pid| !PathBuf::from(format!("/proc/{pid}")).exists()) {
            _ = std::fs::remove_dir_all(entry.path());
        }
    }
    std::env::temp_dir().join(format!("{prefix}{}", std::process::id()))
}

/// A database of one test.
pub struct Database {
    pub url: String,
    client: Client,
}

impl Database {
    /// Migrated and empty.
    pub async fn new() -> Self {
        TEMPLATE.get_or_init(make_template).await;
        Self::create(" TEMPLATE provost_template").await
    }

    /// Without any schema.
    pub async fn bare() -> Self {
        Self::create("").await
    }

    /// Without any schema, with another encoding than the usual one.
    pub async fn encoded_as(encoding: &str) -> Self {
        Self::create(&format!(" TEMPLATE template0 ENCODING '{encoding}' LOCALE 'C'")).await
    }

    /// A copy of another database, whose connections are terminated first.
    pub async fn copy_of(name: &str) -> Self {
        let admin = connect(cluster_url()).await;
        let cut = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = $1";
        while admin.query_one(cut, &[&name]).await.unwrap().get::<_, i64>(0) > 0 {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        Self::create(&format!(" TEMPLATE {name}")).await
    }

    async fn create(template: &str) -> Self {
        let name = format!("test_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let admin = connect(cluster_url()).await;
        // Half the work of copying through the log, which PostgreSQL 15 and newer prefer for its durability.
        let version: i32 =
            admin.query_one("SELECT current_setting('server_version_num')::int", &[]).await.unwrap().get(0);
        let strategy = if version >= 150_000 { " STRATEGY file_copy" } else { "" };
        let owner = match variant::role() {
            Some("provost_owner") => " OWNER provost_owner",
            _ => "",
        };
        admin.batch_execute(&format!("CREATE DATABASE {name}{owner}{template}{strategy}")).await.unwrap();
        Self::at(&url_of(&name)).await
    }

    /// An existing database.
    pub async fn at(url: &str) -> Self {
        let client = connect(url).await;
        client.batch_execute("SET search_path = provost").await.unwrap();
        Self { url: url.to_owned(), client }
    }

    /// Rows of any statement.
    pub async fn rows(&self, sql: &str, params: &[&(dyn ToSql + Sync)]) -> Vec<Row> {
        self.client.query(sql, params).await.unwrap_or_else(|error| panic!("{sql}: {error:?}"))
    }

    /// The first column of the only row, as text.
    pub async fn text(&self, sql: &str) -> String {
        let rows = self.client.simple_query(sql).await.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
        let first = rows.iter().find_map(|message| match message {
            tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
            _ => None,
        });
        first.unwrap_or_default()
    }

    /// A number.
    pub async fn number(&self, sql: &str) -> i64 {
        self.text(sql).await.parse().unwrap_or_else(|_| panic!("{sql} is not a number"))
    }

    /// Runs statements that return no rows.
    pub async fn run(&self, sql: &str) {
        self.client.batch_execute(sql).await.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
    }

    /// Runs a script in `psql`: whether it succeeded, and its output, errors with their SQLSTATE.
    pub fn psql(&self, script: &str) -> (bool, String) {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let dirs =
            std::env::var_os("POSTGRES_BIN_DIR").map(PathBuf::from).into_iter().chain(std::env::split_paths(&path));
        let psql = dirs.map(|dir| dir.join("psql")).find(|file| file.is_file());
        let done = std::process::Command::new(psql.expect("these tests need psql, the client of PostgreSQL"))
            .args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-v", "VERBOSITY=verbose", "-c", script, &self.url])
            .env("PGOPTIONS", "-c client_min_messages=warning")
            .output()
            .unwrap();
        let printed = [done.stdout, done.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
        (done.status.success(), printed.trim().to_owned())
    }

    /// Blocks each update of a table that meets a condition on `NEW` until the gate opens, so a test decides when work ends.
    /// The worker needs a lease longer than the test.
    pub async fn gate(&self, table: &str, condition: &str) -> Gate {
        self.run(&format!(
            "CREATE FUNCTION public.gate() RETURNS trigger LANGUAGE plpgsql AS
                'BEGIN PERFORM pg_advisory_xact_lock(7); RETURN NEW; END';
             CREATE TRIGGER gate BEFORE UPDATE ON {table} FOR EACH ROW WHEN ({condition}) EXECUTE FUNCTION public.gate()"
        ))
        .await;
        let client = self.connection().await;
        client.batch_execute("SELECT pg_advisory_lock(7)").await.unwrap();
        Gate { client }
    }

    /// Forbids or allows new connections. Open connections stay.
    pub async fn forbid_connections(&self, forbid: bool) {
        let name = self.text("SELECT current_database()").await;
        let admin = connect(cluster_url()).await;
        admin.batch_execute(&format!("ALTER DATABASE {name} ALLOW_CONNECTIONS {}", !forbid)).await.unwrap();
    }

    /// A further connection, with our schema as its search path.
    pub async fn connection(&self) -> Client {
        let client = connect(&self.url).await;
        client.batch_execute("SET search_path = provost").await.unwrap();
        client
    }

    /// Asserts the invariants of `provost doctor`, which hold in every idle database.
    pub async fn check_invariants(&self) {
        let broken = self.broken().await;
        assert!(broken.is_empty(), "broken invariants: {broken:#?}");
    }

    /// The invariants that do not hold.
    pub async fn broken(&self) -> Vec<Finding> {
        self.examined().await.into_iter().filter(Finding::is_broken).collect()
    }

    /// The findings of all invariants.
    pub async fn examined(&self) -> Vec<Finding> {
        examine(&Connector::parse(&self.url).unwrap()).await.unwrap_or_else(|error| panic!("{error:?}"))
    }
}

/// Holds a lock that updates wait for.
pub struct Gate {
    client: Client,
}

impl Gate {
    /// Waits until an update waits for the lock.
    pub async fn is_reached(&self, database: &Database) {
        let waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
                       AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
        super::eventually("an update waits at the gate", async || (database.number(waiting).await > 0).then_some(()))
            .await;
    }

    pub async fn open(self) {
        self.client.batch_execute("SELECT pg_advisory_unlock(7)").await.unwrap();
    }
}

async fn make_template() {
    let admin = connect(cluster_url()).await;
    let owner = match variant::role() {
        Some(role) => {
            admin.batch_execute(&format!("CREATE ROLE {role} LOGIN PASSWORD '{role}'")).await.unwrap();
            if role == "provost_owner" { " OWNER provost_owner" } else { "" }
        }
        None => "",
    };
    admin.batch_execute(&format!("CREATE DATABASE provost_template{owner}")).await.unwrap();
    let url = url_of("provost_template");
    let connector = Connector::parse(&if owner.is_empty() { url } else { variant::with_role(&url) }).unwrap();
    provost::store::migrate(&connector).await.unwrap();
    if variant::role() == Some("provost_runtime") {
        provost::store::grant(&connector, "provost_runtime", false).await.unwrap();
    }
}

/// On a busy machine, a connection may take longer than the 2 s that a server allows by default.
const PATIENT: &str = "&connect_timeout=60";

fn url_of(name: &str) -> String {
    cluster_url().replacen("/postgres?", &format!("/{name}?"), 1) + PATIENT
}

pub async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}
