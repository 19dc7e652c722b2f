//! Attempts that end at any point, and attempts that do not know that they have ended.

use std::collections::BTreeSet;
#[cfg(feature = "chaos")]
use std::time::Duration;

use serde_json::json;
use uuid::Uuid;

use super::{Setup, admin, inside, inside_as_admin, maintenance, remains};
#[cfg(feature = "chaos")]
use crate::fences::Selection;
#[cfg(feature = "chaos")]
use crate::fences::flood::Flood;
use crate::harness::{Database, Server, connect, tenants};

/// The key of a project's advisory lock.
pub fn lock_key(id: &str) -> i64 {
    Uuid::parse_str(id).unwrap().as_u64_pair().1.cast_signed()
}

/// A few cells of the matrix that `cargo test --features chaos --test chaos -- fences` plays as a whole.
#[cfg(feature = "chaos")]
async fn sound(options: &str) {
    let selection = Selection::read(options.split(' ').map(str::to_owned));
    let report = crate::fences::run(&selection, false).await;
    let broken: Vec<_> = report.broken().collect();
    assert!(broken.is_empty(), "{broken:#?}");
    assert!(report.missed() < report.findings.len(), "no fault hit its place");
}

#[cfg(feature = "chaos")]
#[tokio::test]
async fn statements_that_outlive_their_client_change_nothing() {
    sound("--point during,inside --fault kill --step owner_role,database,copy,hand_over,fence_out,drop_database").await;
}

#[cfg(feature = "chaos")]
#[tokio::test]
async fn frozen_worker_changes_nothing_when_it_wakes() {
    sound("--point after --fault freeze --step database,credential,retire_old,admit,drop_credentials").await;
}

/// A short version of `cargo test --features chaos --test chaos -- flood`.
#[cfg(feature = "chaos")]
#[tokio::test]
async fn flood_of_hostile_names_loses_no_project() {
    let flood = Flood { names: 16, concurrency: 4, seed: 7, quiet: Duration::ZERO };
    let outcome = crate::fences::flood::run(&flood).await;
    assert!(outcome.wrong.is_empty(), "{:#?}", outcome.wrong);
    assert!(outcome.kills > 0 && outcome.refused > 0, "{} kills, {} refused", outcome.kills, outcome.refused);
}

/// Whether an attempt ends the session of an earlier one that still works on the same project. `mutant` breaks a guard.
pub async fn takeover_ends_the_earlier_session(mutant: Option<&str>) -> bool {
    let setup = Setup::new().await;
    setup.ready("first", json!({})).await;
    let Setup { server, database, folder } = setup;
    server.kill();
    let quiet =
        Server::within(folder.path(), &database.url, &[&super::settings()[..], &[("PROVOST_ROLES", "api")]].concat());
    let body = json!({"name": "contested", "template": "db"});
    let id = quiet.post("/projects", body).await.expect(201).json()["id"].as_str().unwrap().to_owned();
    // The earlier attempt: its client is gone, and its statement is not.
    let cluster = admin().await;
    let stale = connect(&inside_as_admin(tenants(), &maintenance(&database, &cluster).await)).await;
    stale.execute("SELECT pg_advisory_lock($1)", &[&lock_key(&id)]).await.unwrap();
    let pid: i32 = stale.query_one("SELECT pg_backend_pid()", &[]).await.unwrap().get(0);
    let statement = tokio::spawn(async move { stale.simple_query("SELECT pg_sleep(3600)").await.is_err() });
    let mut settings = super::settings().to_vec();
    settings.extend(mutant.map(|name| ("PROVOST_MUTANT", name)));
    let worker = Server::within(folder.path(), &database.url, &settings);
    worker.until(&id, "ready").await;
    let alive = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE pid = $1 AND query LIKE '%pg_sleep(3600)%')";
    let is_alive: bool = cluster.query_one(alive, &[&pid]).await.unwrap().get(0);
    if is_alive {
        cluster.execute("SELECT pg_terminate_backend($1)", &[&pid]).await.unwrap();
    }
    assert!(statement.await.unwrap());
    !is_alive
}

#[tokio::test]
async fn earlier_session_is_ended_before_anything_is_done() {
    assert!(takeover_ends_the_earlier_session(None).await);
}

/// The lock is held in another session than the one in the database of the project.
#[tokio::test]
async fn earlier_session_inside_the_database_is_ended() {
    let setup = Setup::new().await;
    let id = setup.ready("shop", json!({})).await;
    let url = setup.url(&id).await;
    let stale = connect(&inside_as_admin(tenants(), url.rsplit('/').next().unwrap())).await;
    stale.batch_execute("SET application_name = 'provost:earlier'").await.unwrap();
    let statement = tokio::spawn(async move { stale.simple_query("SELECT pg_sleep(3600)").await.is_err() });
    setup.server.post(&format!("/projects/{id}/rotate"), json!({})).await.expect(202);
    setup.server.until(&id, "ready").await;
    assert!(statement.await.unwrap());
}

#[tokio::test]
async fn removal_says_what_is_in_the_way() {
    let setup = Setup::with(&[("PROVOST_MAX_ATTEMPTS", "1")]).await;
    let id = setup.ready("stuck", json!({})).await;
    let tenant = setup.tenant(&id).await;
    tenant.batch_execute("BEGIN; CREATE TABLE t (); PREPARE TRANSACTION 'left-behind'").await.unwrap();
    setup.server.delete(&format!("/projects/{id}")).await.expect(202);
    let project = setup.server.until(&id, "failed").await;
    assert_eq!(
        (&project["failure"]["step"], &project["failure"]["code"]),
        (&json!("drop_database"), &json!("database_in_use"))
    );
    assert!(project["error_reason"].as_str().unwrap().contains("prepared transaction left-behind"), "{project}");
    let url = setup.url(&id).await;
    let name = url.rsplit('/').next().unwrap();
    let inside = connect(&inside(tenants(), name)).await;
    inside.batch_execute("ROLLBACK PREPARED 'left-behind'").await.unwrap();
    drop(inside);
    setup.server.delete(&format!("/projects/{id}")).await.expect(202);
    setup.server.until(&id, "deleted").await;
}

#[tokio::test]
async fn database_of_another_owner_is_not_touched() {
    let setup = Setup::new().await;
    let id = setup.ready("ours", json!({})).await;
    let url = setup.url(&id).await;
    let name = url.rsplit('/').next().unwrap();
    let cluster = admin().await;
    cluster.batch_execute(&format!("COMMENT ON DATABASE {name} IS 'somebody else'")).await.unwrap();
    setup.server.delete(&format!("/projects/{id}")).await.expect(202);
    let project = setup.server.until(&id, "failed").await;
    assert_eq!(project["failure"]["code"], "not_ours", "{project}");
    assert!(remains(&cluster, &url).await.contains(&name.to_owned()));
    cluster.batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)")).await.unwrap();
    setup.server.delete(&format!("/projects/{id}")).await.expect(202);
    setup.server.until(&id, "deleted").await;
}

/// Names that would do harm in a statement or a path. The names in the cluster are derived from ids alone.
#[tokio::test]
async fn hostile_names_never_reach_the_cluster() {
    let setup = Setup::new().await;
    let names =
        ["'; DROP DATABASE postgres; --", "\"quoted\"", "../../etc", "$(id)", "名前", "p_owner", "%s%n", "a\u{202e}b"];
    let mut ids = Vec::new();
    for name in names {
        ids.push(setup.create(name, json!({})).await);
    }
    let mut found = BTreeSet::new();
    for id in &ids {
        setup.server.until(id, "ready").await;
        let outputs = setup.server.get(&format!("/projects/{id}/outputs")).await.json();
        let database = outputs["database"].as_str().unwrap().to_owned();
        assert!(database.len() == 28 && database.starts_with("p_"), "{database}");
        assert!(database.bytes().all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'_'));
        found.insert(database);
    }
    assert_eq!(found.len(), names.len());
    for id in &ids {
        setup.server.delete(&format!("/projects/{id}")).await.expect(202);
    }
    for id in &ids {
        setup.server.until(id, "deleted").await;
    }
    _ = Database::at(&setup.database.url).await;
}

/// The cluster of the template was replaced by another one. What is absent there is not gone.
#[tokio::test]
async fn deletion_in_another_cluster_is_refused() {
    let setup = Setup::new().await;
    let id = setup.ready("ours", json!({})).await;
    let url = setup.url(&id).await;
    let Setup { server, database, folder } = setup;
    server.kill();
    // The cluster of the engine's own databases: any other one will do.
    let other = database.url.rsplit_once('/').unwrap().0.to_owned() + "/postgres";
    let [key, _] = super::settings();
    let moved =
        Server::within(folder.path(), &database.url, &[key, ("TENANTS_URL", &other), ("PROVOST_MAX_ATTEMPTS", "1")]);
    moved.delete(&format!("/projects/{id}")).await.expect(202);
    let project = moved.until(&id, "failed").await;
    assert_eq!(project["failure"]["code"], "wrong_cluster", "{project}");
    assert_eq!(remains(&admin().await, &url).await.len(), 3);
    moved.kill();
    let back = Server::within(folder.path(), &database.url, &super::settings());
    back.delete(&format!("/projects/{id}")).await.expect(202);
    back.until(&id, "deleted").await;
    assert_eq!(remains(&admin().await, &url).await, Vec::<String>::new());
}
