//! Looks at what exists: what they record, who takes them, and what they cost.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use provost::domain::Health;
use provost::signal::Wakeup;
use provost::store::observations::{LookRequest, Observation};
use provost::store::{Connector, Store};
use serde_json::{Value, json};

use super::drift::OFTEN;
use super::{Setup, admin, settings};
use crate::harness::{Server, connect, eventually};

impl Setup {
    /// The condition of this type.
    async fn condition(&self, id: &str, name: &str) -> Value {
        let project = self.server.get(&format!("/projects/{id}")).await.expect(200).json();
        let conditions = project["conditions"].as_array().cloned().unwrap_or_default();
        conditions.into_iter().find(|it| it["type"] == name).unwrap_or_default()
    }

    /// Waits until the condition `healthy` has this reason, and returns its status.
    async fn until_health_is(&self, id: &str, reason: &str) -> String {
        eventually(&format!("the reason of the health is {reason}"), async || {
            let condition = self.condition(id, "healthy").await;
            (condition["reason"] == reason).then(|| condition["status"].as_str().unwrap().to_owned())
        })
        .await
    }

    /// Everything that looks have recorded about the projects.
    async fn recorded(&self) -> String {
        let rows = "SELECT concat_ws('/', (SELECT string_agg(c::text, ' ' ORDER BY c::text) FROM conditions c),
                                     (SELECT string_agg(f::text, ' ' ORDER BY f::text) FROM findings f),
                                     (SELECT count(*) FROM events WHERE actor = 'observer'))";
        self.database.text(rows).await
    }

    /// The same database with a server that has other settings, and starts in another folder.
    fn restarted_in(self, folder: &Path, settings: &[(&str, &str)]) -> Self {
        let Self { server, database, folder: kept } = self;
        server.kill();
        let data = folder.join("data");
        let settings =
            [&[("PROVOST_DATA_DIR", data.to_str().unwrap()), ("PROVOST_LOG", "debug")][..], settings].concat();
        let server = Server::within(folder, &database.url, &settings);
        Self { server, database, folder: kept }
    }

    async fn until_a_look_is_left(&self, id: &str) {
        self.server.post(&format!("/projects/{id}/observe"), json!({})).await.expect(202);
        eventually("a look is left to others", async || {
            self.server.raw_log().contains("look left to other processes").then_some(())
        })
        .await;
    }
}

fn fsck(setup: &Setup, folder: &Path, settings: &[(&str, &str)]) -> (Option<i32>, String) {
    let mut command = Server::command();
    command.arg("fsck").envs(settings.iter().copied()).env("DATABASE_URL", &setup.database.url);
    let output = command.env("PROVOST_DATA_DIR", folder.join("data")).current_dir(folder).output().unwrap();
    (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
}

#[tokio::test]
async fn several_changes_of_one_object_are_one_finding() {
    let setup = Setup::with(OFTEN).await;
    let id = setup.ready("shop", json!({})).await;
    setup.until_in_sync(&id).await;
    let name = setup.url(&id).await.rsplit('/').next().unwrap().to_owned();
    let cluster = admin().await;
    cluster.batch_execute(&format!("ALTER ROLE {name}_c1 NOLOGIN CREATEDB")).await.unwrap();
    setup.until_differs(&id, "CREATEDB, the role may not log in, the password differs").await;
    assert_eq!(setup.differences(&id).await.len(), 1);
    cluster.batch_execute(&format!("ALTER ROLE {name}_c1 LOGIN NOCREATEDB")).await.unwrap();
    setup.until_in_sync(&id).await;
}

#[tokio::test]
async fn full_database_is_healthy() {
    let setup = Setup::with(OFTEN).await;
    let id = setup.ready("shop", json!({"connections": 1})).await;
    // The look itself needs the only connection for a moment.
    let url = setup.url(&id).await;
    let _tenant = eventually("the tenant is connected", async || {
        Connector::parse(&url).unwrap().connect().await.ok().map(|(client, connection)| {
            tokio::spawn(connection);
            client
        })
    })
    .await;
    assert_eq!(setup.until_health_is(&id, "no_connection_left").await, "true");
    assert_eq!(setup.differences(&id).await, Vec::<String>::new());
}

#[tokio::test]
async fn lost_key_is_unknown_and_not_unhealthy() {
    let setup = Setup::with(OFTEN).await;
    let id = setup.ready("shop", json!({})).await;
    setup.until_in_sync(&id).await;
    let folder = setup.folder.path().to_owned();
    let other = ("PROVOST_SECRET_KEY", "ff0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");
    let setup = setup.restarted_in(&folder, &[OFTEN[0], other, settings()[1]]);
    assert_eq!(setup.until_health_is(&id, "secret_unreadable").await, "unknown");
}

#[tokio::test]
async fn process_that_cannot_look_records_nothing() {
    let setup = Setup::with(OFTEN).await;
    let id = setup.ready("shop", json!({})).await;
    setup.until_in_sync(&id).await;
    let before = setup.recorded().await;
    let (own, elsewhere) = (setup.folder.path().to_owned(), tempfile::tempdir().unwrap());
    // It knows no cluster.
    let setup = setup.restarted_in(elsewhere.path(), &settings());
    setup.until_a_look_is_left(&id).await;
    assert_eq!(setup.recorded().await, before);
    // It has no key.
    let setup = setup.restarted_in(&own, &[settings()[1]]);
    setup.until_a_look_is_left(&id).await;
    assert_eq!(setup.recorded().await, before);
    // The project is in the embedded cluster of another host.
    setup.database.run("UPDATE projects SET template = 'postgres'").await;
    let setup = setup.restarted_in(elsewhere.path(), &settings());
    setup.until_a_look_is_left(&id).await;
    assert_eq!(setup.recorded().await, before);
    assert!(!elsewhere.path().join("data/tenants").exists(), "no cluster was started for a look");
}

#[tokio::test]
async fn looks_of_other_queues_and_templates_are_not_claimed() {
    let setup = Setup::new().await;
    let id = setup.ready("shop", json!({})).await;
    setup.server.kill();
    let pool = Connector::parse(&setup.database.url).unwrap().pool(1).unwrap();
    let store = Store::new(pool, Arc::new(Wakeup::default()));
    let claim = async |queue: &str, except: &[(String, i32)]| {
        setup.database.run("UPDATE projects SET observe_after = clock_timestamp()").await;
        let queues = [queue.to_owned()];
        let interval = Duration::from_secs(60);
        let request =
            LookRequest { limit: 9, interval, provisioner: "postgres", queues: &queues, except, due_at: None };
        store.claim_observations(&request).await.unwrap()
    };
    assert_eq!(claim("default", &[]).await.len(), 0);
    assert_eq!(claim("*", &[("db".to_owned(), 1)]).await.len(), 0);
    assert_eq!(claim("*", &[("db".to_owned(), 2)]).await.len(), 1);
    let claimed = claim("cluster:test", &[]).await.pop().unwrap();
    assert_eq!(claimed.id.to_string(), id);

    // A look that was overtaken by a later one is not recorded.
    let look = |at: time::OffsetDateTime, reason: &str| {
        let observation = Observation {
            health: Some(Health::Healthy),
            reason: reason.to_owned(),
            message: "it works".to_owned(),
            differences: Some(Vec::new()),
            provisioner: "postgres".to_owned(),
            cluster: "test".to_owned(),
        };
        let (store, of_look) = (&store, (claimed.id, claimed.version, at));
        async move { store.record_observation(of_look, &observation, "observer").await.unwrap() }
    };
    assert!(look(claimed.at, "later").await);
    assert!(!look(claimed.at - Duration::from_secs(1), "earlier").await);
    assert_eq!(setup.database.text("SELECT reason FROM conditions WHERE type = 'healthy'").await, "later");
}

#[tokio::test]
async fn look_without_news_writes_no_condition() {
    let setup = Setup::with(OFTEN).await;
    let id = setup.ready("shop", json!({})).await;
    setup.until_in_sync(&id).await;
    let rows = "SELECT string_agg(concat(ctid, xmin, xmax), ' ' ORDER BY type) FROM conditions";
    let before = setup.database.text(rows).await;
    let path = format!("/projects/{id}");
    for _ in 0..3 {
        let seen = setup.server.get(&path).await.json()["observed_at"].clone();
        eventually("another look", async || {
            (setup.server.get(&path).await.json()["observed_at"] != seen).then_some(())
        })
        .await;
    }
    assert_eq!(setup.database.text(rows).await, before);
}

#[tokio::test]
async fn fsck_elsewhere_changes_nothing() {
    let setup = Setup::new().await;
    let id = setup.ready("shop", json!({})).await;
    setup.server.post(&format!("/projects/{id}/observe"), json!({})).await.expect(202);
    setup.until_in_sync(&id).await;
    let before = setup.recorded().await;
    let elsewhere = tempfile::tempdir().unwrap();
    // The server takes the looks that fsck leaves.
    let ended = fsck(&setup, elsewhere.path(), &settings());
    assert_eq!(ended, (Some(0), "Every project is as it says.\n".to_owned()));
    assert_eq!(setup.recorded().await, before);
    // Nobody takes them.
    let Setup { server, database, folder } = setup;
    server.kill();
    let server = Server::with(&database.url, &[("PROVOST_ROLES", "api")]);
    let setup = Setup { server, database, folder };
    let (code, text) = fsck(&setup, elsewhere.path(), &settings());
    assert_eq!(code, Some(1));
    assert!(text.contains("projects: 1 could not be looked at"), "{text}");
    assert_eq!(setup.recorded().await, before);
    assert!(!elsewhere.path().join("data/tenants").exists());
}

/// A cluster that accepts connections and never answers. Returns its URL and the number of connections.
fn silent_cluster() -> (String, Arc<AtomicUsize>) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url =
        format!("postgres://admin:x@127.0.0.1:{}/postgres?sslmode=disable", listener.local_addr().unwrap().port());
    let count = Arc::new(AtomicUsize::default());
    let counter = count.clone();
    std::thread::spawn(move || {
        let mut open = Vec::new();
        for connection in listener.incoming() {
            counter.fetch_add(1, Ordering::SeqCst);
            open.push(connection);
        }
    });
    (url, count)
}

#[tokio::test]
async fn dead_cluster_costs_fsck_a_few_looks() {
    let setup = Setup::new().await;
    setup.ready("shop", json!({})).await;
    let Setup { server, database, folder } = setup;
    server.kill();
    let copies = "INSERT INTO projects (id, status, name, template, template_version, queue, parameters, labels, requested_at, created_at, updated_at)
                  SELECT uuid_v7(), 'ready', 'copy ' || n, template, template_version, queue, '{}', '{}', created_at, created_at, created_at
                  FROM projects, generate_series(1, 60) AS n";
    database.run(copies).await;
    let (url, connections) = silent_cluster();
    let server = Server::with(&database.url, &[("PROVOST_ROLES", "api")]);
    let setup = Setup { server, database, folder };
    let (code, text) = fsck(&setup, setup.folder.path(), &[settings()[0], ("TENANTS_URL", &url)]);
    assert_eq!(code, Some(1), "{text}");
    assert_eq!(text.matches("the cluster did not answer in time").count(), 61, "{text}");
    assert!(text.contains("cluster test: cannot be searched"), "{text}");
    let connections = connections.load(Ordering::SeqCst);
    assert!(connections < 10, "{connections} connections for 61 projects");
}

#[tokio::test]
async fn fsck_does_not_print_what_earlier_looks_found() {
    let setup = Setup::new().await;
    let id = setup.ready("shop", json!({})).await;
    setup.server.post(&format!("/projects/{id}/observe"), json!({})).await.expect(202);
    setup.until_in_sync(&id).await;
    let stale = format!(
        "INSERT INTO findings (kind, provisioner, cluster, object, message, first_seen_at, last_seen_at)
         SELECT 'residue', 'postgres', 'gone', 'database x', 'left behind', at, at FROM (SELECT clock_timestamp() AS at) AS clock;
         INSERT INTO inventories (cluster, due_at, taken_at, tried_at)
         SELECT 'gone', at, at, at FROM (SELECT clock_timestamp() - interval '1 day' AS at) AS clock;
         UPDATE projects SET name = 'shop' WHERE id = '{id}'"
    );
    setup.database.run(&stale).await;
    let ended = fsck(&setup, setup.folder.path(), &settings());
    assert_eq!(ended, (Some(0), "Every project is as it says.\n".to_owned()), "its cluster is in no settings anymore");
    let client = connect(&setup.database.url).await;
    let kept: i64 = client.query_one("SELECT count(*) FROM provost.findings", &[]).await.unwrap().get(0);
    assert_eq!(kept, 1);
}
