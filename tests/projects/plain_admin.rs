//! A cluster whose admin is no superuser: PUBLIC may enter `postgres` and `template1`, and nothing can be done about it.

use serde_json::json;

use super::fences::lock_key;
use super::{Setup, can_connect, inside, maintenance, remains};
use crate::harness::{connect, plain_tenants};

async fn setup() -> Setup {
    Setup::with(&[("TENANTS_URL", &plain_tenants().admin_url)]).await
}

/// The databases of all tests are copies of one, with one installation.
async fn use_own_installation(setup: &Setup) {
    setup.database.run("UPDATE installation SET id = gen_random_uuid()").await;
}

#[tokio::test]
async fn plain_admin_performs_every_operation() {
    let setup = setup().await;
    let id = setup.ready("shop", json!({"extensions": ["pg_trgm"], "connections": 3})).await;
    let url = setup.url(&id).await;
    setup
        .tenant(&id)
        .await
        .batch_execute("CREATE TABLE t (n integer); SET ROLE none; CREATE TEMP TABLE u ()")
        .await
        .unwrap();
    let path = format!("/projects/{id}");
    setup.server.patch(&path, json!({"parameters": {"connections": 9, "extensions": ["hstore"]}})).await.expect(202);
    for (verb, status) in
        [("", "ready"), ("pause", "paused"), ("resume", "ready"), ("rotate", "ready"), ("rotate", "ready")]
    {
        if !verb.is_empty() {
            setup.server.post(&format!("{path}/{verb}"), json!({})).await.expect(202);
        }
        let project = setup.server.until(&id, status).await;
        assert_eq!(project["failure"], json!(null), "{verb}: {project}");
    }
    assert!(!can_connect(&url).await, "the first credential is retired");
    setup.tenant(&id).await.batch_execute("ALTER TABLE t ADD COLUMN m hstore").await.unwrap();
    setup.server.delete(&path).await.expect(202);
    setup.server.until(&id, "deleted").await;
    assert_eq!(remains(&connect(&plain_tenants().superuser_url).await, &url).await, Vec::<String>::new());
}

#[tokio::test]
async fn tenant_cannot_take_the_lock_of_another_project() {
    let setup = setup().await;
    let (a, b) = (setup.ready("a", json!({})).await, setup.ready("b", json!({})).await);
    let url = setup.url(&a).await;
    let (base, own) = url.rsplit_once('/').unwrap();
    let mut sessions = Vec::new();
    for database in [own, "postgres", "template1"] {
        let session = connect(&format!("{base}/{database}")).await;
        session.execute("SELECT pg_advisory_lock($1)", &[&lock_key(&b)]).await.unwrap();
        sessions.push(session);
    }
    let cluster = connect(&plain_tenants().superuser_url).await;
    let locks = maintenance(&setup.database, &cluster).await;
    assert!(!can_connect(&format!("{base}/{locks}")).await);
    setup.server.post(&format!("/projects/{b}/pause"), json!({})).await.expect(202);
    setup.server.until(&b, "paused").await;
    for session in sessions {
        session.simple_query("SELECT 1").await.unwrap();
    }
}

/// Somebody has opened the database with the locks, and a tenant is inside.
#[tokio::test]
async fn opened_maintenance_database_is_closed_again() {
    let setup = setup().await;
    use_own_installation(&setup).await;
    let (a, b) = (setup.ready("a", json!({})).await, setup.ready("b", json!({})).await);
    let (url, cluster) = (setup.url(&a).await, connect(&plain_tenants().superuser_url).await);
    let locks = maintenance(&setup.database, &cluster).await;
    let (base, own) = url.rsplit_once('/').unwrap();
    let grants = [
        format!("GRANT CONNECT ON DATABASE {locks} TO PUBLIC"),
        format!("GRANT ALL ON DATABASE {locks} TO {own}_owner"),
    ];
    for grant in grants {
        cluster.batch_execute(&grant).await.unwrap();
        let intruder = connect(&format!("{base}/{locks}")).await;
        intruder.execute("SELECT pg_advisory_lock($1)", &[&lock_key(&b)]).await.unwrap();
        for (verb, status) in [("pause", "paused"), ("resume", "ready")] {
            setup.server.post(&format!("/projects/{b}/{verb}"), json!({})).await.expect(202);
            setup.server.until(&b, status).await;
        }
        assert!(intruder.simple_query("SELECT 1").await.is_err(), "the holder of the lock was put out");
        assert!(!can_connect(&format!("{base}/{locks}")).await, "and has no way back");
    }
}

#[tokio::test]
async fn maintenance_database_of_another_role_is_refused() {
    let setup = Setup::with(&[("TENANTS_URL", &plain_tenants().admin_url), ("PROVOST_MAX_ATTEMPTS", "1")]).await;
    use_own_installation(&setup).await;
    let id = setup.ready("a", json!({})).await;
    let cluster = connect(&plain_tenants().superuser_url).await;
    let locks = maintenance(&setup.database, &cluster).await;
    cluster.batch_execute(&format!("ALTER DATABASE {locks} OWNER TO postgres")).await.unwrap();
    setup.server.post(&format!("/projects/{id}/pause"), json!({})).await.expect(202);
    let project = setup.server.until(&id, "ready").await;
    assert_eq!(project["failure"]["code"], "not_ours", "{project}");
    let superuser = connect(&inside(plain_tenants(), &locks)).await;
    superuser.batch_execute(&format!("ALTER DATABASE {locks} OWNER TO provost_admin")).await.unwrap();
    setup.server.delete(&format!("/projects/{id}")).await.expect(202);
    setup.server.until(&id, "deleted").await;
}

/// An earlier attempt was killed after it had created the database with the locks.
#[tokio::test]
async fn unfinished_maintenance_database_is_completed() {
    let setup = setup().await;
    use_own_installation(&setup).await;
    let id = setup.ready("a", json!({})).await;
    let (url, cluster) = (setup.url(&id).await, connect(&plain_tenants().superuser_url).await);
    let locks = maintenance(&setup.database, &cluster).await;
    let unfinished = format!("GRANT CONNECT ON DATABASE {locks} TO PUBLIC; COMMENT ON DATABASE {locks} IS NULL;");
    cluster.batch_execute(&unfinished).await.unwrap();
    cluster.batch_execute(&format!("ALTER DATABASE {locks} ALLOW_CONNECTIONS false")).await.unwrap();
    setup.server.post(&format!("/projects/{id}/pause"), json!({})).await.expect(202);
    setup.server.until(&id, "paused").await;
    setup.server.post(&format!("/projects/{id}/resume"), json!({})).await.expect(202);
    setup.server.until(&id, "ready").await;
    assert_eq!(maintenance(&setup.database, &cluster).await, locks);
    let (base, _) = url.rsplit_once('/').unwrap();
    assert!(!can_connect(&format!("{base}/{locks}")).await);
}
