//! From the request to a database that works, and back to nothing.

use provost::store::Connector;
use serde_json::json;

use super::{Setup, admin, can_connect, remains};
use crate::harness::{connect, eventually};

const CREATE: [&str; 8] =
    ["reach", "lock_down", "owner_role", "database", "grants", "extensions", "credential", "verify"];
const DELETE: [&str; 6] = ["reach", "fence_out", "drop_database", "drop_credentials", "drop_owner", "verify_gone"];

#[tokio::test]
async fn database_works_and_is_gone_after_deletion() {
    let setup = Setup::new().await;
    let id = setup.ready("shop", json!({"extensions": ["pg_trgm"], "connections": 7})).await;
    assert_eq!(setup.steps(&id).await, CREATE.map(|name| (name.to_owned(), "done".to_owned())));

    let url = setup.url(&id).await;
    let tenant = setup.tenant(&id).await;
    tenant
        .batch_execute("CREATE TABLE t (n integer); INSERT INTO t SELECT similarity('abc', 'abd') * 10")
        .await
        .unwrap();
    let row = tenant
        .query_one("SELECT current_user::text, session_user::text, current_setting('statement_timeout')", &[])
        .await
        .unwrap();
    let (user, login): (String, String) = (row.get(0), row.get(1));
    assert_eq!(
        (user.ends_with("_owner"), login.ends_with("_c1"), row.get::<_, String>(2)),
        (true, true, "1min".into())
    );
    let outputs = setup.server.get(&format!("/projects/{id}/outputs")).await.expect(200).json();
    assert_eq!((&outputs["user"], outputs["port"].is_u64()), (&json!(login), true), "{outputs}");

    let cluster = admin().await;
    assert_eq!(remains(&cluster, &url).await.len(), 3);
    setup.server.delete(&format!("/projects/{id}")).await.expect(202);
    setup.server.until(&id, "deleted").await;
    assert_eq!(setup.steps(&id).await, DELETE.map(|name| (name.to_owned(), "done".to_owned())));
    assert_eq!(remains(&cluster, &url).await, Vec::<String>::new());
    assert!(!can_connect(&url).await);
    setup.server.post(&format!("/projects/{id}/reveal"), json!({})).await.expect(409);
    assert_eq!(setup.database.number("SELECT count(*) FROM secrets").await, 0);
    setup.database.check_invariants().await;
}

#[tokio::test]
async fn paused_database_blocks_access_until_it_is_resumed() {
    let setup = Setup::new().await;
    let id = setup.ready("shop", json!({})).await;
    let (url, tenant) = (setup.url(&id).await, setup.tenant(&id).await);
    setup.server.post(&format!("/projects/{id}/pause"), json!({})).await.expect(202);
    setup.server.until(&id, "paused").await;
    assert!(!can_connect(&url).await, "no login is accepted");
    assert!(tenant.simple_query("SELECT 1").await.is_err(), "open sessions are ended");
    setup.server.post(&format!("/projects/{id}/resume"), json!({})).await.expect(202);
    setup.server.until(&id, "ready").await;
    setup.tenant(&id).await.simple_query("SELECT 1").await.unwrap();
    setup.server.post(&format!("/projects/{id}/pause"), json!({})).await.expect(202);
    setup.server.until(&id, "paused").await;
    setup.server.delete(&format!("/projects/{id}")).await.expect(202);
    setup.server.until(&id, "deleted").await;
    assert_eq!(remains(&admin().await, &url).await, Vec::<String>::new());
}

#[tokio::test]
async fn reveal_is_recorded_and_password_is_stored_nowhere() {
    let setup = Setup::new().await;
    let id = setup.ready("shop", json!({})).await;
    let url = setup.url(&id).await;
    let password = url.split(':').nth(2).unwrap().split('@').next().unwrap().to_owned();
    assert_eq!(password.len(), 32);
    for path in ["", "/events", "/outputs", "/operations", "/steps", "/explain"] {
        let answer = setup.server.get(&format!("/projects/{id}{path}")).await.expect(200);
        assert!(!answer.text.contains(&password), "{path}");
    }
    let events = setup.server.get(&format!("/projects/{id}/events")).await.json();
    assert_eq!((&events[0]["reason"], &events[0]["actor"]), (&json!("credential revealed"), &json!("api")));
    for table in ["jobs", "events", "steps", "outputs", "secrets", "past_executions"] {
        let found = format!("SELECT count(*) FROM {table} AS t WHERE t::text LIKE '%{password}%'");
        assert_eq!(setup.database.number(&found).await, 0, "{table}");
    }
    assert!(!setup.server.raw_log().contains(&password));
}

#[tokio::test]
async fn update_changes_limits_and_adds_extensions() {
    let setup = Setup::new().await;
    let id = setup.ready("shop", json!({"connections": 3})).await;
    let path = format!("/projects/{id}");
    let parameters = json!({"connections": 9, "statement_timeout": "5s", "extensions": ["hstore"]});
    let answer = setup.server.patch(&path, json!({"parameters": parameters})).await.expect(202).json();
    assert_eq!((&answer["status"], &answer["operation"]), (&json!("updating"), &json!("update")));
    let project = setup.server.until(&id, "ready").await;
    assert_eq!((&project["parameters"], &project["failure"]), (&parameters, &json!(null)));
    let tenant = setup.tenant(&id).await;
    let timeout: String = tenant.query_one("SELECT current_setting('statement_timeout')", &[]).await.unwrap().get(0);
    assert_eq!(timeout, "5s");
    tenant.batch_execute("SELECT 'a=>1'::hstore").await.unwrap();
    let limit = "SELECT datconnlimit FROM pg_database WHERE datname = $1";
    let name = setup.url(&id).await.rsplit('/').next().unwrap().to_owned();
    assert_eq!(admin().await.query_one(limit, &[&name]).await.unwrap().get::<_, i32>(0), 9);
    // More connections than the first limit allowed.
    let mut open = Vec::new();
    for _ in 0..5 {
        open.push(setup.tenant(&id).await);
    }
    setup.server.patch(&path, json!({"parameters": {}, "name": "x"})).await.expect(422);
}

#[tokio::test]
async fn failed_update_leaves_a_working_project() {
    let setup = Setup::with(&[("PROVOST_MAX_ATTEMPTS", "1")]).await;
    let id = setup.ready("shop", json!({"connections": 3})).await;
    // The template of these tests has no schema, so the provisioner refuses the extension.
    let parameters = json!({"connections": 3, "extensions": ["plperlu"]});
    setup.server.patch(&format!("/projects/{id}"), json!({"parameters": parameters})).await.expect(202);
    let project = setup.server.until(&id, "ready").await;
    let failure = &project["failure"];
    assert_eq!((&failure["operation"], &failure["usable"]), (&json!("update"), &json!(true)), "{project}");
    assert!(failure["message"].as_str().unwrap().contains("plperlu"), "{failure}");
    assert_eq!(project["parameters"], json!({"connections": 3}), "the parameters are those that are in effect");
    setup.tenant(&id).await.simple_query("SELECT 1").await.unwrap();
    setup.database.check_invariants().await;
}

#[tokio::test]
async fn replaced_credential_stays_valid_until_the_next_replacement() {
    let setup = Setup::new().await;
    let id = setup.ready("shop", json!({})).await;
    let mut urls = vec![setup.url(&id).await];
    setup.tenant(&id).await.batch_execute("CREATE TABLE t ()").await.unwrap();
    for _ in 0..3 {
        setup.server.post(&format!("/projects/{id}/rotate"), json!({})).await.expect(202);
        setup.server.until(&id, "ready").await;
        urls.push(setup.url(&id).await);
        let tenant = setup.tenant(&id).await;
        tenant.batch_execute("ALTER TABLE t ADD COLUMN IF NOT EXISTS n integer").await.unwrap();
        let n = urls.len();
        assert!(can_connect(&urls[n - 2]).await, "the previous credential is valid");
        if n > 2 {
            assert!(!can_connect(&urls[n - 3]).await, "the one before is not");
        }
    }
    let different: std::collections::BTreeSet<&String> = urls.iter().collect();
    assert_eq!(different.len(), urls.len());
    setup.server.delete(&format!("/projects/{id}")).await.expect(202);
    setup.server.until(&id, "deleted").await;
    assert_eq!(remains(&admin().await, &urls[0]).await, Vec::<String>::new());
}

#[tokio::test]
async fn credential_is_replaced_while_all_connections_are_used() {
    let setup = Setup::new().await;
    let id = setup.ready("shop", json!({"connections": 1.0})).await;
    let url = setup.url(&id).await;
    // A session of Provost that is just ending counts where the admin is no superuser.
    let tenant = eventually("the only connection is free", async || {
        let (client, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls).await.ok()?;
        tokio::spawn(connection);
        Some(client)
    })
    .await;
    setup.server.post(&format!("/projects/{id}/rotate"), json!({})).await.expect(202);
    let project = setup.server.until(&id, "ready").await;
    assert_eq!(project["failure"], json!(null), "{project}");
    tenant.simple_query("SELECT 1").await.unwrap();
    drop(tenant);
    let url = setup.url(&id).await;
    assert!(url.contains("_c2:"));
    eventually("the only connection is free", async || can_connect(&url).await.then_some(())).await;
}

/// The names of credentials are prefixes of one another: c1 of c10.
#[tokio::test]
async fn only_sessions_of_the_retired_credential_end() {
    let setup = Setup::new().await;
    let id = setup.ready("shop", json!({})).await;
    let (first, cluster) = (setup.url(&id).await, admin().await);
    let database = first.rsplit('/').next().unwrap();
    cluster
        .batch_execute(&format!("CREATE ROLE {database}_c10 LOGIN PASSWORD 'x' IN ROLE {database}_owner"))
        .await
        .unwrap();
    let (old, tenth) = (setup.tenant(&id).await, {
        let (_, address) = first.split_once('@').unwrap();
        connect(&format!("postgres://{database}_c10:x@{address}")).await
    });
    setup
        .database
        .run(&format!("UPDATE outputs SET value = to_json('{database}_c10'::text) WHERE name = 'user'"))
        .await;
    setup.server.post(&format!("/projects/{id}/rotate"), json!({})).await.expect(202);
    let project = setup.server.until(&id, "ready").await;
    assert_eq!(project["failure"], json!(null), "{project}");
    assert!(setup.url(&id).await.contains("_c11:"));
    assert!(old.simple_query("SELECT 1").await.is_err());
    tenth.simple_query("SELECT 1").await.unwrap();
}

/// A rotation that ended half way leaves a credential that no client has.
#[tokio::test]
async fn rotation_keeps_the_credential_that_clients_use() {
    let setup = Setup::new().await;
    let id = setup.ready("shop", json!({})).await;
    let used = setup.url(&id).await;
    let database = used.rsplit('/').next().unwrap();
    let left = format!("CREATE ROLE {database}_c2 LOGIN PASSWORD 'x' IN ROLE {database}_owner");
    connect(crate::harness::tenants_url()).await.batch_execute(&left).await.unwrap();
    setup.server.post(&format!("/projects/{id}/rotate"), json!({})).await.expect(202);
    let project = setup.server.until(&id, "ready").await;
    assert_eq!(project["failure"], json!(null), "{project}");
    assert!(setup.url(&id).await.contains("_c3:"));
    assert!(can_connect(&used).await);
    let roles = remains(&admin().await, &used).await;
    assert!(!roles.iter().any(|it| it.ends_with("_c2")), "{roles:?}");
}

/// A pool opens a new session as soon as one ends.
#[tokio::test]
async fn session_does_not_outlive_its_credential() {
    let setup = Setup::new().await;
    let id = setup.ready("shop", json!({})).await;
    let first = setup.url(&id).await;
    let sessions = std::sync::Mutex::new(Vec::new());
    let pool = async {
        loop {
            if let Ok((client, connection)) = Connector::parse(&first).unwrap().connect().await {
                tokio::spawn(connection);
                while client.simple_query("SELECT 1").await.is_ok() {}
                sessions.lock().unwrap().push(client);
            }
        }
    };
    let rotations = async {
        for _ in 0..2 {
            setup.server.post(&format!("/projects/{id}/rotate"), json!({})).await.expect(202);
            let project = setup.server.until(&id, "ready").await;
            assert_eq!(project["failure"], json!(null), "{project}");
        }
    };
    tokio::select! { () = rotations => {}, () = pool => {} }
    let open = "SELECT count(*) FROM pg_stat_activity WHERE usename LIKE '%\\_c1' AND datname = $1";
    let database = first.rsplit('/').next().unwrap();
    assert_eq!(admin().await.query_one(open, &[&database]).await.unwrap().get::<_, i64>(0), 0);
    let unnamed = "SELECT count(*) FROM pg_stat_activity WHERE datname = $1 AND usename IS NULL AND backend_type = 'client backend'";
    assert_eq!(admin().await.query_one(unnamed, &[&database]).await.unwrap().get::<_, i64>(0), 0);
}

#[tokio::test]
async fn credential_is_replaced_although_its_role_owns_objects() {
    let setup = Setup::new().await;
    let id = setup.ready("shop", json!({})).await;
    let first = setup.url(&id).await;
    let tenant = setup.tenant(&id).await;
    tenant.batch_execute("CREATE SCHEMA mine; GRANT ALL ON SCHEMA mine TO PUBLIC").await.unwrap();
    tenant.batch_execute("SET ROLE none; CREATE TABLE mine.t (n integer)").await.unwrap();
    for _ in 0..2 {
        setup.server.post(&format!("/projects/{id}/rotate"), json!({})).await.expect(202);
        let project = setup.server.until(&id, "ready").await;
        assert_eq!(project["failure"], json!(null), "{project}");
    }
    assert!(!can_connect(&first).await);
    setup.tenant(&id).await.batch_execute("ALTER TABLE mine.t ADD COLUMN m integer").await.unwrap();
    assert_eq!(setup.database.number("SELECT count(*) FROM secrets").await, 2, "the first password is forgotten");
}

#[tokio::test]
async fn project_that_could_never_be_made_can_be_deleted() {
    let setup = Setup::with(&[("PROVOST_MAX_ATTEMPTS", "1")]).await;
    for parameters in [json!({"connections": 0}), json!({"extensions": ["plperlu"]}), json!({"nonsense": 1})] {
        let id = setup.create("bad", parameters).await;
        let project = setup.server.until(&id, "failed").await;
        assert_eq!(project["failure"]["code"], "invalid_parameters", "{project}");
        assert_eq!(project["failure"]["kept"], json!([]), "{project}");
        setup.server.delete(&format!("/projects/{id}")).await.expect(202);
        setup.server.until(&id, "deleted").await;
    }
    setup.database.check_invariants().await;
}
