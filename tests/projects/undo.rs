//! What is given back, and what is never removed, when an operation ends half way.

use serde_json::json;

use super::{Setup, admin, can_connect, remains};
use crate::harness::{Proxy, eventually, tenants_url};

fn deadline_passes(id: &str) -> String {
    format!("UPDATE projects SET deadline_at = clock_timestamp() WHERE id = '{id}'")
}

#[tokio::test]
async fn undeleted_project_stays_paused_and_can_be_resumed() {
    let setup = Setup::new().await;
    let id = setup.ready("shop", json!({})).await;
    let (path, url) = (format!("/projects/{id}"), setup.url(&id).await);
    setup.tenant(&id).await.batch_execute("CREATE TABLE t AS SELECT 7 AS n").await.unwrap();
    setup.server.post(&format!("{path}/pause"), json!({})).await.expect(202);
    setup.server.until(&id, "paused").await;

    setup.server.delete(&format!("{path}?grace=1h")).await.expect(202);
    setup.server.until(&id, "pending_deletion").await;
    setup.server.post(&format!("{path}/undelete"), json!({})).await.expect(202);
    setup.server.until(&id, "paused").await;
    assert!(!can_connect(&url).await, "it was paused before");
    setup.server.post(&format!("{path}/resume"), json!({})).await.expect(202);
    setup.server.until(&id, "ready").await;
    let n: i32 = setup.tenant(&id).await.query_one("SELECT n FROM t", &[]).await.unwrap().get(0);
    assert_eq!(n, 7);
}

/// Something in the cluster that a step waits for, so that an operation can be ended in the middle.
async fn held_lock(database: &str) -> tokio_postgres::Client {
    let client = admin().await;
    client.batch_execute(&format!("BEGIN; COMMENT ON DATABASE {database} IS 'held'")).await.unwrap();
    client
}

#[tokio::test]
async fn canceled_deletion_of_a_paused_project_keeps_it_closed() {
    let setup = Setup::new().await;
    let id = setup.ready("shop", json!({})).await;
    let (path, url) = (format!("/projects/{id}"), setup.url(&id).await);
    setup.server.post(&format!("{path}/pause"), json!({})).await.expect(202);
    setup.server.until(&id, "paused").await;
    let lock = held_lock(url.rsplit('/').next().unwrap()).await;
    setup.server.delete(&format!("{path}?grace=1h")).await.expect(202);
    eventually("the database is about to be renamed", async || {
        let steps = setup.server.get(&format!("{path}/steps")).await.json();
        (steps[2]["state"] == "running").then_some(())
    })
    .await;
    setup.server.post(&format!("{path}/cancel"), json!({})).await.expect(202);
    // The attempt loses its session, so it can undo nothing.
    let end = "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%' || $1 || '%'";
    admin().await.query_one(end, &[&url.rsplit('/').next().unwrap()]).await.unwrap();
    lock.batch_execute("ROLLBACK").await.unwrap();
    setup.server.until(&id, "paused").await;
    assert!(!can_connect(&url).await);
    setup.server.post(&format!("{path}/resume"), json!({})).await.expect(202);
    setup.server.until(&id, "ready").await;
    assert!(can_connect(&url).await);
}

#[tokio::test]
async fn deletion_that_ends_at_its_deadline_gives_the_access_back() {
    let setup = Setup::new().await;
    let id = setup.ready("shop", json!({})).await;
    let (path, url) = (format!("/projects/{id}"), setup.url(&id).await);
    let lock = held_lock(url.rsplit('/').next().unwrap()).await;
    setup.server.delete(&format!("{path}?grace=1h")).await.expect(202);
    eventually("the project is fenced out", async || (!can_connect(&url).await).then_some(())).await;
    eventually("the database is about to be renamed", async || {
        let steps = setup.server.get(&format!("{path}/steps")).await.json();
        (steps[2]["state"] == "running").then_some(())
    })
    .await;
    setup.database.run(&deadline_passes(&id)).await;
    eventually("the operation is reversed", async || {
        let operations = setup.server.get(&format!("{path}/operations")).await.json();
        (operations[0]["operation"] == "restore").then_some(())
    })
    .await;
    lock.batch_execute("ROLLBACK").await.unwrap();
    let project = setup.server.until(&id, "ready").await;
    assert!(can_connect(&url).await, "{project}");
    let failure = &project["failure"];
    assert_eq!((&failure["operation"], &failure["usable"]), (&json!("retire"), &json!(true)), "{project}");
    setup.database.check_invariants().await;
}

/// A database that has worked is never dropped by an undo.
#[tokio::test]
async fn retry_of_a_project_that_worked_is_not_undone() {
    let setup = Setup::with(&[("PROVOST_MAX_ATTEMPTS", "1")]).await;
    let id = setup.ready("shop", json!({})).await;
    let (path, url) = (format!("/projects/{id}"), setup.url(&id).await);
    setup.tenant(&id).await.batch_execute("CREATE TABLE t AS SELECT 7 AS n").await.unwrap();
    let database = url.rsplit('/').next().unwrap();
    // The owner role is in use elsewhere, so neither the deletion nor the next creation can end.
    let foreign = format!("ALTER ROLE {database}_owner RENAME TO {database}_gone");
    admin().await.batch_execute(&foreign).await.unwrap();
    let comment = format!("COMMENT ON ROLE {database}_gone IS 'theirs'");
    admin().await.batch_execute(&comment).await.unwrap();
    setup.server.delete(&format!("{path}?grace=0s")).await.expect(202);
    setup.server.until(&id, "failed").await;
    setup.server.post(&format!("{path}/retry"), json!({})).await.expect(200);
    let failed = setup.server.until(&id, "failed").await;
    assert_eq!(failed["failure"]["undone"], json!([]), "{failed}");
    assert!(remains(&admin().await, &url).await.contains(&database.to_owned()));
    // A deletion that did not begin to remove anything leaves the grace time.
    let back =
        format!("COMMENT ON ROLE {database}_gone IS NULL; ALTER ROLE {database}_gone RENAME TO {database}_owner");
    admin().await.batch_execute(&back).await.unwrap();
    setup.server.post(&format!("{path}/retry"), json!({})).await.expect(200);
    setup.server.until(&id, "ready").await;
    let n: i32 = setup.tenant(&id).await.query_one("SELECT n FROM t", &[]).await.unwrap().get(0);
    assert_eq!(n, 7);
}

/// A copy of Provost's database knows the same projects. With an installation of its own, it does not touch them.
#[tokio::test]
async fn another_installation_does_not_touch_the_projects() {
    let setup = Setup::with(&[("PROVOST_MAX_ATTEMPTS", "1")]).await;
    let id = setup.ready("shop", json!({"connections": 3})).await;
    let (path, url) = (format!("/projects/{id}"), setup.url(&id).await);
    setup.database.run("UPDATE installation SET id = gen_random_uuid()").await;
    for (verb, status) in [("pause", "ready"), ("rotate", "ready")] {
        setup.server.post(&format!("{path}/{verb}"), json!({})).await.expect(202);
        let project = setup.server.until(&id, status).await;
        assert_eq!(project["failure"]["code"], "not_ours", "{project}");
        assert!(can_connect(&url).await, "{verb}");
    }
    setup.server.patch(&path, json!({"parameters": {"connections": 9}})).await.expect(202);
    setup.server.until(&id, "ready").await;
    setup.server.delete(&format!("{path}?grace=0s")).await.expect(202);
    setup.server.until(&id, "failed").await;
    assert!(can_connect(&url).await, "the deletion did not touch anything");
    let limit = "SELECT datconnlimit FROM pg_database WHERE datname = $1";
    let database = url.rsplit('/').next().unwrap();
    assert_eq!(admin().await.query_one(limit, &[&database]).await.unwrap().get::<_, i32>(0), 3);
}

/// What did not reach the cluster has changed nothing, so nothing is taken back, and nothing follows.
#[tokio::test]
async fn deletion_that_did_not_reach_the_cluster_changes_nothing() {
    let proxy = Proxy::before(tenants_url());
    let through = proxy.url(tenants_url());
    let setup = Setup::with(&[("TENANTS_URL", &through)]).await;
    let id = setup.ready("shop", json!({})).await;
    let path = format!("/projects/{id}");
    proxy.cut();
    setup.server.delete(&format!("{path}?grace=1h")).await.expect(202);
    eventually("an attempt fails", async || {
        let steps = setup.server.get(&format!("{path}/steps")).await.json();
        (steps[0]["code"] == "cluster_unreachable").then_some(())
    })
    .await;
    let explained = setup.server.get(&format!("{path}/explain")).await.json();
    assert!(["waiting_for_outage", "working"].contains(&explained["reason"].as_str().unwrap()), "{explained}");
    setup.database.run(&deadline_passes(&id)).await;
    let project = setup.server.until(&id, "ready").await;
    assert_eq!(project["failure"]["operation"], "retire", "{project}");
    let operations = setup.server.get(&format!("{path}/operations")).await.json();
    assert_eq!(operations[0]["operation"], "retire", "{operations}");
    proxy.repair();
    setup.tenant(&id).await.simple_query("SELECT 1").await.unwrap();
}
