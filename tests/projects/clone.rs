//! Clones: a project as a copy of another one.

#[cfg(feature = "chaos")]
use provost::domain::OperationKind;
use provost::store::Connector;
use reqwest::Method;
use serde_json::{Value, json};

use super::{Setup, admin, can_connect, inside, remains};
#[cfg(feature = "chaos")]
use crate::fences::Stage;
use crate::harness::{connect, eventually, send, tenants};

const STEPS: [&str; 9] =
    ["reach", "lock_down", "owner_role", "copy", "hand_over", "grants", "extensions", "credential", "verify"];

/// What a tenant may have in a database.
const CONTENT: &str = "
    CREATE EXTENSION hstore; CREATE SCHEMA \"My Schema\"; CREATE DOMAIN \"My Schema\".small AS integer CHECK (VALUE < 10);
    CREATE TABLE \"My Schema\".notes (id bigserial PRIMARY KEY, n \"My Schema\".small, tags hstore);
    INSERT INTO \"My Schema\".notes (n) SELECT generate_series(1, 9);
    CREATE VIEW public.all_notes AS SELECT * FROM \"My Schema\".notes;
    CREATE MATERIALIZED VIEW counted AS SELECT count(*) FROM \"My Schema\".notes;
    CREATE FUNCTION add(a integer, b integer) RETURNS integer LANGUAGE sql AS 'SELECT a + b';
    CREATE PROCEDURE nothing() LANGUAGE sql AS 'SELECT 1';
    CREATE AGGREGATE total (integer) (SFUNC = int4pl, STYPE = integer);
    ALTER DEFAULT PRIVILEGES IN SCHEMA \"My Schema\" GRANT SELECT ON TABLES TO PUBLIC;
    ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
    ALTER TABLE \"My Schema\".notes ENABLE ROW LEVEL SECURITY;
    CREATE POLICY mine ON \"My Schema\".notes TO CURRENT_USER, SESSION_USER USING (true);
    SELECT lo_create(0)";

/// What in this database depends on roles of other projects.
const FOREIGN: &str = "
    SELECT pg_describe_object(d.classid, d.objid, d.objsubid) FROM pg_shdepend d JOIN pg_roles r ON r.oid = d.refobjid
    WHERE d.refclassid = 'pg_authid'::regclass AND d.dbid = (SELECT b.oid FROM pg_database b WHERE b.datname = current_database())
      AND r.rolname LIKE 'p\\_%' AND NOT starts_with(r.rolname, current_database())";

#[tokio::test]
async fn clone_has_the_data_and_none_of_the_roles_of_its_source() {
    let setup = Setup::new().await;
    let source = setup.ready("shop", json!({"connections": 7})).await;
    let tenant = setup.tenant(&source).await;
    tenant.batch_execute(CONTENT).await.unwrap();
    // Grants to the login itself, on objects that it does not own.
    let login: String = tenant.query_one("SELECT session_user::text", &[]).await.unwrap().get(0);
    let grants = format!(
        "GRANT SELECT ON counted TO {login}; GRANT USAGE ON SCHEMA \"My Schema\" TO {login}; GRANT EXECUTE ON FUNCTION add TO {login}"
    );
    tenant.batch_execute(&grants).await.unwrap();
    let database = setup.url(&source).await.rsplit('/').next().unwrap().to_owned();
    // Only a superuser can revoke what a superuser has granted.
    if !tenants().is_plain() {
        let superuser = connect(&inside(tenants(), &database)).await;
        superuser.batch_execute(&format!("CREATE TABLE theirs (); GRANT SELECT ON theirs TO {login}")).await.unwrap();
    }

    let path = format!("/projects/{source}/clone");
    let body = json!({"name": "copy", "labels": {"env": "test"}});
    let clone = setup.server.post(&path, body).await.expect(201).json();
    assert_eq!((&clone["source_id"], &clone["operation"]), (&json!(source), &json!("clone")));
    assert_eq!((&clone["parameters"]["connections"], &clone["labels"]), (&json!(7), &json!({"env": "test"})));
    let id = clone["id"].as_str().unwrap().to_owned();
    setup.server.until(&id, "ready").await;
    assert_eq!(setup.steps(&id).await, STEPS.map(|name| (name.to_owned(), "done".to_owned())));
    let outputs = setup.server.get(&format!("/projects/{id}/outputs")).await.expect(200).json();
    assert!(outputs["source_blocked_ms"].is_u64(), "{outputs}");

    let copy = setup.tenant(&id).await;
    let row = copy.query_one("SELECT count(*), sum(n)::bigint, add(1, 2) FROM \"My Schema\".notes", &[]).await.unwrap();
    assert_eq!((row.get(0), row.get(1), row.get::<_, i32>(2)), (9_i64, 45_i64, 3));
    copy.batch_execute("ALTER TABLE \"My Schema\".notes ADD COLUMN more text; DROP VIEW all_notes; DROP TABLE IF EXISTS x; REFRESH MATERIALIZED VIEW counted").await.unwrap();
    let inside = connect(&inside(tenants(), setup.url(&id).await.rsplit('/').next().unwrap())).await;
    let foreign: Vec<String> = inside.query(FOREIGN, &[]).await.unwrap().iter().map(|row| row.get(0)).collect();
    assert_eq!(foreign, Vec::<String>::new());
    let defaults =
        "SELECT count(*) FROM pg_default_acl WHERE pg_get_userbyid(defaclrole) = current_database() || '_owner'";
    assert_eq!(inside.query_one(defaults, &[]).await.unwrap().get::<_, i64>(0), 2);
    drop(inside);

    // Neither gets into the other, and the source is as it was.
    let (theirs, ours) = (setup.url(&source).await, setup.url(&id).await);
    let other = format!("{}/{}", theirs.rsplit_once('/').unwrap().0, ours.rsplit('/').next().unwrap());
    assert!(!can_connect(&other).await, "the source enters its clone");
    setup
        .tenant(&source)
        .await
        .batch_execute("TABLE all_notes; SELECT total(n) FROM \"My Schema\".notes")
        .await
        .unwrap();
    let events = setup.server.get(&format!("/projects/{source}/events")).await.json();
    let is_told = |it: &Value| it["reason"] == json!(format!("cloned into project {id}"));
    assert!(events.as_array().unwrap().iter().any(is_told), "{events}");

    // The source can be deleted while the clone lives on, and the other way round.
    setup.server.delete(&format!("/projects/{source}")).await.expect(202);
    setup.server.until(&source, "deleted").await;
    assert_eq!(remains(&admin().await, &theirs).await, Vec::<String>::new());
    setup.tenant(&id).await.batch_execute("TABLE \"My Schema\".notes").await.unwrap();
    setup.server.delete(&format!("/projects/{id}")).await.expect(202);
    setup.server.until(&id, "deleted").await;
    assert_eq!(remains(&admin().await, &ours).await, Vec::<String>::new());
    setup.database.check_invariants().await;
}

#[tokio::test]
async fn pool_that_reconnects_does_not_stop_a_clone() {
    let setup = Setup::new().await;
    let source = setup.ready("shop", json!({})).await;
    let url = setup.url(&source).await;
    let pool = async {
        loop {
            // A refused or ended session is opened again at once.
            if let Ok((client, connection)) = Connector::parse(&url).unwrap().connect().await {
                tokio::spawn(connection);
                while client.simple_query("SELECT 1").await.is_ok() {}
            }
        }
    };
    let clone = async {
        let clone = setup.server.post(&format!("/projects/{source}/clone"), json!({"name": "copy"})).await.expect(201);
        let id = clone.json()["id"].as_str().unwrap().to_owned();
        setup.server.until(&id, "ready").await;
        id
    };
    let id = tokio::select! { id = clone => id, () = pool => unreachable!() };
    let operations = setup.server.get(&format!("/projects/{id}/operations")).await.json();
    assert_eq!(operations[0]["attempt"], 1, "{operations}");
}

#[tokio::test]
async fn only_a_ready_or_paused_project_is_cloned() {
    let setup = Setup::new().await;
    let source = setup.ready("shop", json!({})).await;
    let path = format!("/projects/{source}");
    setup.server.post(&format!("{path}/pause"), json!({})).await.expect(202);
    setup.server.until(&source, "paused").await;
    let body = json!({"name": "copy", "expires_in": "1h"});
    let request = || setup.server.request(Method::POST, &format!("{path}/clone")).header("idempotency-key", "once");
    let clone = send(request().json(&body)).await.expect(201).json();
    let again = send(request().json(&body)).await.expect(201).json();
    assert_eq!(clone["id"], again["id"]);
    setup.server.until(clone["id"].as_str().unwrap(), "ready").await;

    setup.server.post(&format!("{path}/clone"), json!({"name": "x", "template": "simulated"})).await.expect(422);
    setup.server.post(&format!("{path}/clone"), json!({"name": ""})).await.expect(422);
    setup.server.delete(&path).await.expect(202);
    setup.server.until(&source, "deleted").await;
    let refused = setup.server.post(&format!("{path}/clone"), body).await.expect(409);
    assert!(refused.text.contains("Only a ready or paused project can be cloned"), "{}", refused.text);
    setup.server.post("/projects/00000000-0000-7000-8000-000000000000/clone", json!({"name": "x"})).await.expect(404);
}

/// The source is deleted after the copy, and before the clone has its objects: nothing in the clone is lost.
#[tokio::test]
async fn deletion_of_the_source_spares_what_the_clone_has() {
    let setup = Setup::new().await;
    let source = setup.ready("shop", json!({})).await;
    setup.tenant(&source).await.batch_execute("CREATE TABLE t (n integer); INSERT INTO t VALUES (1)").await.unwrap();
    let database = setup.url(&source).await.rsplit('/').next().unwrap().to_owned();
    // A copy whose objects still belong to the roles of the source.
    let cluster = admin().await;
    let copy = format!("copy_{}", &database[2..]);
    eventually("no session is in the source", async || {
        cluster.batch_execute(&format!("CREATE DATABASE {copy} TEMPLATE {database}")).await.ok()
    })
    .await;
    setup.server.delete(&format!("/projects/{source}")).await.expect(202);
    eventually("the deletion says what is in the way", async || {
        let steps = setup.server.get(&format!("/projects/{source}/steps")).await.json().to_string();
        (steps.contains(&copy) && steps.contains("role_in_use")).then_some(())
    })
    .await;
    let inside = connect(&inside(tenants(), &copy)).await;
    assert_eq!(inside.query_one("SELECT sum(n)::bigint FROM t", &[]).await.unwrap().get::<_, i64>(0), 1);
    drop(inside);
    cluster.batch_execute(&format!("DROP DATABASE {copy} WITH (FORCE)")).await.unwrap();
    setup.server.until(&source, "deleted").await;
}

/// A clone that is stopped during the copy, by a cancellation or by force, no longer blocks its source. In a cluster of its own, because
/// the lock that holds the copy holds every other creation too.
#[cfg(feature = "chaos")]
#[tokio::test]
async fn stopped_copy_opens_the_source_again() {
    let stage = Stage::new(None).await;
    let _worker = stage.worker();
    let source = stage.request(OperationKind::Create, "", 9).await;
    let reached = async |id: &str, status: &str| {
        let what = format!("the project is {status}");
        eventually(&what, async || (stage.status(id).await == status).then_some(())).await;
    };
    reached(&source, "ready").await;
    let access = stage.api.post(&format!("/projects/{source}/reveal"), json!({})).await.expect(200).json();
    let url = access["uri"].as_str().unwrap().to_owned();
    for (verb, status) in [("cancel", "failed"), ("force", "deleted")] {
        let (cluster, observer) = (stage.admin().await, stage.admin().await);
        // The copy waits for this lock, and holds the one of its source.
        cluster.batch_execute("BEGIN; LOCK TABLE pg_database IN SHARE MODE").await.unwrap();
        let clone = stage.request(OperationKind::Clone, &source, 9).await;
        let copying =
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE 'CREATE DATABASE%'";
        eventually("the copy waits", async || {
            (observer.query_one(copying, &[]).await.unwrap().get::<_, i64>(0) == 1).then_some(())
        })
        .await;
        let login = tokio::spawn({
            let url = url.clone();
            async move { can_connect(&url).await }
        });
        stage.api.post(&format!("/projects/{clone}/{verb}"), json!({"reason": "not needed"})).await;
        reached(&clone, status).await;
        assert!(login.await.unwrap(), "{verb}: the login waited and works");
        cluster.batch_execute("ROLLBACK").await.unwrap();
    }
}

/// More relations than PostgreSQL has room to lock in one transaction.
#[tokio::test]
async fn clone_with_many_relations_is_handed_over() {
    let setup = Setup::new().await;
    let source = setup.ready("shop", json!({"statement_timeout": "10min"})).await;
    let many = "DO $$ BEGIN FOR n IN 1..1300 LOOP
                    EXECUTE format('CREATE TABLE t%s (a int PRIMARY KEY, b int UNIQUE, c int UNIQUE, d int UNIQUE)', n);
                    EXECUTE format('CREATE POLICY p ON t%s TO CURRENT_USER USING (true)', n);
                    IF n % 300 = 0 THEN COMMIT; END IF;
                END LOOP; END $$";
    setup.tenant(&source).await.batch_execute(many).await.unwrap();
    let clone =
        setup.server.post(&format!("/projects/{source}/clone"), json!({"name": "copy"})).await.expect(201).json();
    let id = clone["id"].as_str().unwrap();
    setup.server.until(id, "ready").await;
    setup.tenant(id).await.batch_execute("ALTER TABLE t1300 ADD COLUMN e int").await.unwrap();
}
