//! Behind PgBouncer, which gives each transaction any session.

use serde_json::json;

use crate::harness::{Bouncer, Database, Server, connect, eventually, tenants_url};

/// What earlier clients have left behind in the sessions of the server.
async fn leftovers(database: &Database) -> Vec<String> {
    let sql = "SELECT 'lock ' || l.objid FROM pg_locks l JOIN pg_database d ON d.oid = l.database
               WHERE l.locktype = 'advisory' AND d.datname = current_database()";
    database.rows(sql, &[]).await.iter().map(|row| row.get(0)).collect()
}

#[tokio::test]
async fn server_works_behind_a_pooler_of_transactions() {
    let database = Database::bare().await;
    let bouncer = Bouncer::before(&database.url, "transaction");
    let url = bouncer.url(&database.url);
    let first = Server::with(&url, &[]);
    // A second process, beside the first one: no lock is left.
    let second = Server::with(&url, &[]);
    for server in [&first, &second] {
        let health = server.get("/health").await.json();
        assert_eq!((&health["listener"]["mode"], &health["pooler"]), (&json!("poll"), &json!(true)), "{health}");
    }
    let created = (0..30).map(|n| {
        let server = if n % 2 == 0 { &first } else { &second };
        async move { server.post("/projects", json!({"name": format!("p{n}")})).await.expect(201).json()["id"].clone() }
    });
    for id in futures_util::future::join_all(created).await {
        first.until(id.as_str().unwrap(), "ready").await;
    }
    let run = second.post("/workflows/demo/thumbnail", json!({})).await.expect(202).json();
    let path = format!("/workflows/{}", run["workflow_id"].as_str().unwrap());
    eventually("the workflow ends", async || (first.get(&path).await.json()["state"] == "completed").then_some(()))
        .await;
    // Clients of the same pooler find sessions as they were.
    for _ in 0..16 {
        let other = connect(&url).await;
        let row = "SELECT current_setting('search_path') || ' ' || current_setting('statement_timeout')";
        let found = other.simple_query(row).await.unwrap();
        let found = found.iter().find_map(|it| match it {
            tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0),
            _ => None,
        });
        assert_eq!(found, Some("\"$user\", public 0"));
        let prepared = other.simple_query("SELECT name FROM pg_prepared_statements").await.unwrap();
        assert!(!prepared.iter().any(|it| matches!(it, tokio_postgres::SimpleQueryMessage::Row(_))));
    }
    assert_eq!(leftovers(&database).await, Vec::<String>::new());
    let doctor = Server::command().args(["doctor", "--invariants"]).env("DATABASE_URL", &url).output().unwrap();
    assert!(doctor.status.success(), "{}", String::from_utf8_lossy(&doctor.stdout));
}

async fn listens(server: &Server) {
    eventually("the server listens", async || {
        (server.get("/health").await.json()["listener"]["mode"] == "notify").then_some(())
    })
    .await;
}

#[tokio::test]
async fn direct_url_brings_notifications_behind_a_pooler() {
    let database = Database::new().await;
    let bouncer = Bouncer::before(&database.url, "transaction");
    let server = Server::with(&bouncer.url(&database.url), &[("PROVOST_DATABASE_DIRECT_URL", &database.url)]);
    listens(&server).await;
    server.ready("a").await;
    database.check_invariants().await;
}

#[tokio::test]
async fn sessions_of_a_pooler_can_be_used_as_such() {
    let database = Database::bare().await;
    let bouncer = Bouncer::before(&database.url, "session");
    let server = Server::with(
        &bouncer.url(&database.url),
        &[("PROVOST_DATABASE_POOLING", "session"), ("PROVOST_DATABASE_POOL", "2")],
    );
    listens(&server).await;
    server.ready("a").await;
    database.check_invariants().await;
}

/// Operations on projects lock a session in their cluster.
#[tokio::test]
async fn cluster_behind_a_pooler_is_refused() {
    let database = Database::new().await;
    let bouncer = Bouncer::before(tenants_url(), "transaction");
    let folder = tempfile::tempdir().unwrap();
    let config = "[clusters.main]\nurl_env = \"CLUSTER_URL\"\n[templates.db]\nprovisioner = \"postgres\"\nsettings = { cluster = \"main\" }";
    std::fs::write(folder.path().join("provost.toml"), config).unwrap();
    let (key, url) = ("PROVOST_SECRET_KEY", bouncer.url(tenants_url()));
    let settings = [(key, "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"), ("CLUSTER_URL", &*url)];
    let server = Server::within(folder.path(), &database.url, &settings);
    let created = server.post("/projects", json!({"name": "a", "template": "db"})).await.expect(201).json();
    let failed = server.until(created["id"].as_str().unwrap(), "failed").await;
    assert_eq!(failed["failure"]["code"], "pooler", "{failed}");
}

/// Behind a pooler, the types of all parameters must be known without the protocol's own way to prepare.
#[tokio::test]
async fn every_statement_has_parameters_of_known_types() {
    let client = Database::new().await.connection().await;
    for statement in provost::store::sql::ALL {
        let prepared = client.prepare(statement.text).await.unwrap();
        for kind in prepared.params() {
            assert!(tokio_postgres::types::Type::from_oid(kind.oid()).is_some(), "{}: {kind}", statement.name);
        }
    }
}
