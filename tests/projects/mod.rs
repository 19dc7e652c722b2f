//! Projects that are real: databases in a PostgreSQL cluster.

mod canary;
mod clone;
mod clusters;
mod drift;
pub mod fences;
mod isolation;
mod keys;
mod lifecycle;
mod looks;
mod orphans;
mod plain_admin;
mod rotation;
mod undo;

use provost::store::Connector;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio_postgres::Client;

use crate::harness::{Database, Server, TenantCluster, connect, tenants, tenants_url};

/// A key for secrets.
const KEY: (&str, &str) = ("PROVOST_SECRET_KEY", "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");

/// A server whose template `db` makes databases in the cluster of this run.
pub struct Setup {
    pub server: Server,
    pub database: Database,
    pub folder: TempDir,
}

/// What every server of these tests needs.
pub fn settings() -> [(&'static str, &'static str); 2] {
    [KEY, ("TENANTS_URL", tenants_url())]
}

impl Setup {
    pub async fn new() -> Self {
        Self::with(&[]).await
    }

    pub async fn with(settings: &[(&str, &str)]) -> Self {
        Self::configured("", "", settings).await
    }

    /// With further lines about the cluster, and further tables.
    pub async fn configured(cluster: &str, tables: &str, settings: &[(&str, &str)]) -> Self {
        let database = Database::new().await;
        // All databases of a run are copies, so they would take each other's projects for their own orphans.
        database.run("UPDATE installation SET id = gen_random_uuid()").await;
        let folder = tempfile::tempdir().unwrap();
        let config = format!(
            "[clusters.test]\nurl_env = \"TENANTS_URL\"\n{cluster}\
             [templates.db]\nprovisioner = \"postgres\"\nsettings = {{ cluster = \"test\" }}\n\
             [templates.db.parameters]\ntype = \"object\"\n{tables}"
        );
        std::fs::write(folder.path().join("provost.toml"), config).unwrap();
        let data = folder.path().join("data");
        let data = [("PROVOST_DATA_DIR", data.to_str().unwrap())];
        let settings = [&self::settings()[..], &data, settings].concat();
        let server = Server::within(folder.path(), &database.url, &settings);
        Self { server, database, folder }
    }

    /// Creates a project and waits until it is ready.
    pub async fn ready(&self, name: &str, parameters: Value) -> String {
        let id = self.create(name, parameters).await;
        self.server.until(&id, "ready").await;
        id
    }

    pub async fn create(&self, name: &str, parameters: Value) -> String {
        let body = json!({"name": name, "template": "db", "parameters": parameters});
        let project = self.server.post("/projects", body).await.expect(201).json();
        project["id"].as_str().unwrap().to_owned()
    }

    /// The URL of a project, with its password.
    pub async fn url(&self, id: &str) -> String {
        let access = self.server.post(&format!("/projects/{id}/reveal"), json!({})).await.expect(200);
        assert_eq!(access.header("cache-control"), "no-store");
        access.json()["uri"].as_str().unwrap().to_owned()
    }

    /// A connection as the tenant.
    pub async fn tenant(&self, id: &str) -> Client {
        connect(&self.url(id).await).await
    }

    /// The names and states of the steps of the latest operation.
    pub async fn steps(&self, id: &str) -> Vec<(String, String)> {
        let steps = self.server.get(&format!("/projects/{id}/steps")).await.expect(200).json();
        let text = |step: &Value, key: &str| step[key].as_str().unwrap().to_owned();
        steps.as_array().unwrap().iter().map(|step| (text(step, "name"), text(step, "state"))).collect()
    }
}

/// A connection as superuser to the cluster of this run.
pub async fn admin() -> Client {
    connect(&tenants().superuser_url).await
}

/// The URL of a database of a cluster, for the login of Provost.
pub fn inside_as_admin(cluster: &TenantCluster, database: &str) -> String {
    cluster.admin_url.replacen("/postgres?", &format!("/{database}?"), 1)
}

/// The URL of a database of a cluster, for a superuser.
pub fn inside(cluster: &TenantCluster, database: &str) -> String {
    cluster.superuser_url.replacen("/postgres?", &format!("/{database}?"), 1)
}

/// The maintenance database of an installation, which exists since its first project.
pub async fn maintenance(setup: &Database, client: &Client) -> String {
    let marker = format!(r#"provost:{{"installation":"{}"}}"#, setup.text("SELECT id FROM installation").await);
    let statement = "SELECT datname::text FROM pg_database WHERE shobj_description(oid, 'pg_database') = $1";
    client.query_one(statement, &[&marker]).await.unwrap().get(0)
}

/// What exists of a project in the cluster: databases and roles.
pub async fn remains(client: &Client, url: &str) -> Vec<String> {
    let database = url.rsplit('/').next().unwrap();
    let statement = "SELECT datname::text FROM pg_database WHERE datname = $1
                     UNION ALL SELECT rolname::text FROM pg_roles WHERE starts_with(rolname, $1) ORDER BY 1";
    client.query(statement, &[&database]).await.unwrap().iter().map(|row| row.get(0)).collect()
}

/// Whether a connection to this URL succeeds.
pub async fn can_connect(url: &str) -> bool {
    let connector = Connector::parse(url).unwrap();
    connector.connect().await.is_ok()
}
