//! What a tenant cannot do.

use provost::provision::postgres::sql;
use serde_json::json;

use super::{Setup, admin, can_connect};
use crate::harness::{connect, tenants};

#[tokio::test]
async fn tenant_reaches_only_its_own_database() {
    let setup = Setup::new().await;
    let (a, b) = (setup.ready("a", json!({})).await, setup.ready("b", json!({})).await);
    let (url_a, url_b) = (setup.url(&a).await, setup.url(&b).await);
    let (base, own) = url_a.rsplit_once('/').unwrap();
    let other = url_b.rsplit('/').next().unwrap();
    assert!(can_connect(&url_a).await);
    let closed = if tenants().is_plain() { &[other][..] } else { &[other, "postgres", "template1"] };
    for database in closed {
        assert!(!can_connect(&format!("{base}/{database}")).await, "{database}");
    }
    // Provost's own tables are in another server, which knows no tenant.
    let (login, _) = base.rsplit_once('@').unwrap();
    let (address, ours) = setup.database.url.split_once('@').unwrap().1.split_once('/').unwrap();
    let ours = ours.split('?').next().unwrap();
    assert!(!can_connect(&format!("{login}@{address}/{ours}")).await, "Provost's own database");
    let tenant = setup.tenant(&a).await;
    for statement in [
        format!("DROP DATABASE {own}"),
        format!("DROP DATABASE {other}"),
        format!("ALTER DATABASE {own} RENAME TO mine"),
        format!("ALTER DATABASE {own} CONNECTION LIMIT 1000"),
        format!("ALTER DATABASE {own} SET statement_timeout = 0"),
        format!("COMMENT ON DATABASE {own} IS 'mine'"),
        "CREATE ROLE friend LOGIN".to_owned(),
        "CREATE DATABASE more".to_owned(),
        "CREATE EXTENSION dblink".to_owned(),
        "SELECT pg_read_file('/etc/passwd')".to_owned(),
        "COPY (SELECT 1) TO PROGRAM 'true'".to_owned(),
        "SELECT * FROM pg_authid".to_owned(),
        "SET ROLE postgres".to_owned(),
        format!("SET ROLE {other}_owner"),
        "ALTER SYSTEM SET fsync = off".to_owned(),
        format!("ALTER DATABASE {own} OWNER TO {own}_owner"),
        format!("ALTER DATABASE {own} ALLOW_CONNECTIONS false"),
        format!("ALTER DATABASE {own} SET search_path = public"),
        format!("GRANT {own}_owner TO {other}_c1"),
        format!("ALTER ROLE {own}_owner LOGIN"),
        format!("ALTER ROLE {own}_c1 CONNECTION LIMIT 1000"),
        format!("ALTER ROLE {other}_c1 PASSWORD 'mine'"),
        "CREATE EVENT TRIGGER trap ON ddl_command_end EXECUTE FUNCTION pg_catalog.suppress_redundant_updates_trigger()"
            .to_owned(),
        "SET session_preload_libraries = 'trap'".to_owned(),
    ] {
        assert!(tenant.batch_execute(&statement).await.is_err(), "{statement}");
    }
    // PostgreSQL answers with a warning.
    for role in ["PUBLIC".to_owned(), format!("{other}_owner"), format!("{other}_c1")] {
        _ = tenant.batch_execute(&format!("GRANT CONNECT ON DATABASE {own} TO {role}")).await;
    }
    let (login, _) = url_b.rsplit_once('/').unwrap();
    assert!(!can_connect(&format!("{login}/{own}")).await, "a tenant cannot let another one in");
    let public = "SELECT count(*) FROM pg_database d, aclexplode(d.datacl) a WHERE d.datname = $1 AND a.grantee = 0";
    let granted: i64 = admin().await.query_one(public, &[&own]).await.unwrap().get(0);
    assert_eq!(granted, 0, "PUBLIC is shut out");
}

/// The functions of the catalog that our statements call, with the types of their arguments.
const CALLED: [(&str, &str, &str); 9] = [
    ("pg_get_userbyid", "oid", "name"),
    ("format", "text, text", "text"),
    ("format", "text, text, text", "text"),
    ("starts_with", "name, text", "boolean"),
    ("pg_has_role", "oid, text", "boolean"),
    ("shobj_description", "oid, name", "text"),
    ("unnest", "text[]", "text"),
    ("current_setting", "text", "text"),
    ("nameeq", "name, text", "boolean"),
];

/// Objects that a session of ours would meet if it looked names up as tenants do. Each makes a role when a superuser meets it.
fn traps(role: &str) -> String {
    let body = format!(
        "BEGIN IF (SELECT rolcreaterole FROM pg_catalog.pg_roles WHERE rolname = session_user) THEN EXECUTE ''CREATE ROLE {role}''; END IF; RETURN NULL; END"
    );
    let function = |(name, arguments, result): &(&str, &str, &str)| {
        format!("CREATE FUNCTION public.{name}({arguments}) RETURNS {result} LANGUAGE plpgsql AS '{body}';\n")
    };
    let functions: String = CALLED.iter().map(function).collect();
    let views = ["pg_roles", "pg_database", "pg_namespace", "pg_extension", "pg_stat_activity", "pg_shdepend"];
    let view =
        |name: &&str| format!("CREATE VIEW public.{name} AS SELECT public.unnest(ARRAY['x']) AS rolname, 1 AS oid;\n");
    let views: String = views.iter().map(view).collect();
    format!(
        "{functions}{views}
         CREATE OPERATOR public.= (FUNCTION = public.nameeq, LEFTARG = name, RIGHTARG = text);
         CREATE FUNCTION public.on_change() RETURNS trigger LANGUAGE plpgsql AS '{body}';
         CREATE TABLE public.own (n integer);
         CREATE TRIGGER trap BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON public.own EXECUTE FUNCTION public.on_change();
         SET ROLE none;
         ALTER ROLE CURRENT_USER SET search_path = public, pg_catalog;
         ALTER ROLE CURRENT_USER SET role = 'none'"
    )
}

#[tokio::test]
async fn what_a_tenant_plants_does_not_run_in_our_sessions() {
    let setup = Setup::new().await;
    let id = setup.ready("a", json!({})).await;
    let url = setup.url(&id).await;
    let trapped = format!("trapped_{}", url.rsplit('/').next().unwrap());
    let cluster = admin().await;
    let met = async || {
        let found = "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)";
        cluster.query_one(found, &[&trapped]).await.unwrap().get::<_, bool>(0)
    };
    setup.tenant(&id).await.batch_execute(&traps(&trapped)).await.unwrap();
    let path = format!("/projects/{id}");
    for (verb, status) in [("pause", "paused"), ("resume", "ready"), ("rotate", "ready"), ("rotate", "ready")] {
        setup.server.post(&format!("{path}/{verb}"), json!({})).await.expect(202);
        let project = setup.server.until(&id, status).await;
        assert_eq!(project["failure"], json!(null), "{verb}: {project}");
    }
    let parameters = json!({"connections": 4, "extensions": ["pg_trgm"]});
    setup.server.patch(&path, json!({ "parameters": parameters })).await.expect(202);
    let project = setup.server.until(&id, "ready").await;
    assert_eq!(project["failure"], json!(null), "{project}");
    assert!(!met().await, "before the deletion");
    // The traps work: a session that looks names up as tenants do is caught.
    let name = url.rsplit('/').next().unwrap();
    let careless = connect(&crate::harness::tenants_url().replace("/postgres?", &format!("/{name}?"))).await;
    careless
        .batch_execute("SET search_path = public, pg_catalog; SELECT starts_with('a'::name, 'b'::text)")
        .await
        .unwrap();
    assert!(met().await, "the traps catch nothing");
    cluster.batch_execute(&format!("DROP ROLE {trapped}")).await.unwrap();
    drop(careless);
    setup.server.delete(&path).await.expect(202);
    setup.server.until(&id, "deleted").await;
    assert!(!met().await, "while it was deleted");
    assert_eq!(super::remains(&cluster, &url).await, Vec::<String>::new());
}

/// A tenant that connects to a new database while PUBLIC may, keeps its session.
#[tokio::test]
async fn new_database_is_closed_until_public_is_shut_out() {
    let setup = Setup::new().await;
    let url = setup.url(&setup.ready("a", json!({})).await).await;
    let (base, own) = url.rsplit_once('/').unwrap();
    let (new, cluster) = (format!("{own}_new"), admin().await);
    let created = cluster.query_one(sql::CREATE_DATABASE, &[&new, &5]).await.unwrap();
    cluster.batch_execute(created.get(0)).await.unwrap();
    let public = "SELECT has_database_privilege('public', $1::text, 'CONNECT')";
    assert!(cluster.query_one(public, &[&new]).await.unwrap().get::<_, bool>(0), "PUBLIC may connect to what is new");
    assert!(!can_connect(&format!("{base}/{new}")).await);
    for row in cluster.query(sql::MARK_DATABASE, &[&new, &"a mark"]).await.unwrap() {
        cluster.batch_execute(row.get(0)).await.unwrap();
        assert!(!can_connect(&format!("{base}/{new}")).await, "{}", row.get::<_, &str>(0));
    }
    cluster.batch_execute(&format!("DROP DATABASE {new}")).await.unwrap();
}

#[tokio::test]
async fn grants_of_a_tenant_do_not_keep_another_project() {
    let setup = Setup::new().await;
    let (a, b) = (setup.ready("a", json!({})).await, setup.ready("b", json!({})).await);
    let url_b = setup.url(&b).await;
    let other = url_b.rsplit('/').next().unwrap();
    let tenant = setup.tenant(&a).await;
    tenant
        .batch_execute(&format!(
            "CREATE TABLE t (n integer); GRANT SELECT ON t TO {other}_owner; GRANT ALL ON t TO {other}_c1"
        ))
        .await
        .unwrap();
    setup.server.delete(&format!("/projects/{b}")).await.expect(202);
    setup.server.until(&b, "deleted").await;
    assert_eq!(super::remains(&admin().await, &url_b).await, Vec::<String>::new());
    setup.tenant(&a).await.batch_execute("INSERT INTO t VALUES (1)").await.unwrap();
}
