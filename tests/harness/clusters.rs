//! The PostgreSQL servers in which projects get their databases. The environment can select others:
//! `TENANTS_BIN_DIR`, the programs of another version; `TENANTS_SUPERUSER_URL`, a server that runs already; and
//! `TENANTS_ADMIN=plain`, an admin with no more rights than `CREATEDB CREATEROLE`.

use std::sync::OnceLock;

use provost::embedded::Embedded;

use super::connect;
use super::database::start_cluster;

/// A login without superuser rights.
const PLAIN: &str = "provost_admin";

static TENANTS: OnceLock<TenantCluster> = OnceLock::new();
static PLAIN_TENANTS: OnceLock<TenantCluster> = OnceLock::new();

/// A server for databases of projects.
pub struct TenantCluster {
    /// The URL that Provost uses.
    pub admin_url: String,
    /// The URL for what a test looks up or changes itself.
    pub superuser_url: String,
    _server: Option<Embedded>,
}

/// The cluster of this run.
pub fn tenants() -> &'static TenantCluster {
    TENANTS.get_or_init(|| {
        let is_plain = std::env::var("TENANTS_ADMIN").is_ok_and(|it| it == "plain");
        match std::env::var("TENANTS_SUPERUSER_URL") {
            Ok(url) => TenantCluster::at(url, None, is_plain),
            Err(_) => TenantCluster::started("tenants", is_plain),
        }
    })
}

/// A cluster whose admin is no superuser.
pub fn plain_tenants() -> &'static TenantCluster {
    PLAIN_TENANTS.get_or_init(|| TenantCluster::started("plain-tenants", true))
}

/// The URL that Provost uses for the cluster of this run.
pub fn tenants_url() -> &'static str {
    &tenants().admin_url
}

impl TenantCluster {
    fn started(purpose: &str, is_plain: bool) -> Self {
        let server = start_cluster(purpose, "200", std::env::var_os("TENANTS_BIN_DIR").map(Into::into));
        Self::at(server.url().to_owned(), Some(server), is_plain)
    }

    fn at(superuser_url: String, server: Option<Embedded>, is_plain: bool) -> Self {
        let admin_url = if is_plain { plain_admin(&superuser_url) } else { superuser_url.clone() };
        Self { admin_url, superuser_url, _server: server }
    }

    /// Whether Provost's login cannot shut PUBLIC out of `postgres` and `template1`.
    pub fn is_plain(&self) -> bool {
        self.admin_url != self.superuser_url
    }
}

/// Creates the login, and returns its URL.
fn plain_admin(superuser_url: &str) -> String {
    let (_, address) = superuser_url.split_once('@').expect("a URL with a login");
    let (url, address) = (superuser_url.to_owned(), address.to_owned());
    // The callers are inside a runtime, and not asynchronous.
    let created = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let statement = format!(
                "DO $$ BEGIN CREATE ROLE {PLAIN}; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
                 ALTER ROLE {PLAIN} LOGIN PASSWORD '{PLAIN}' NOSUPERUSER CREATEDB CREATEROLE"
            );
            connect(&url).await.batch_execute(&statement).await.unwrap();
        });
    });
    created.join().unwrap();
    format!("postgres://{PLAIN}:{PLAIN}@{address}")
}
