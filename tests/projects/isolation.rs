//! What a tenant cannot do.

use serde_json::json;

use super::{Setup, admin, can_connect};

#[tokio::test]
async fn tenant_reaches_only_its_own_database() {
    let setup = Setup::new().await;
    let (a, b) = (setup.ready("a", json!({})).await, setup.ready("b", json!({})).await);
    let (url_a, url_b) = (setup.url(&a).await, setup.url(&b).await);
    let (base, own) = url_a.rsplit_once('/').unwrap();
    let other = url_b.rsplit('/').next().unwrap();
    assert!(can_connect(&url_a).await);
    for database in [other, "postgres", "template1"] {
        assert!(!can_connect(&format!("{base}/{database}")).await, "{database}");
    }
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
    ] {
        assert!(tenant.batch_execute(&statement).await.is_err(), "{statement}");
    }
    // PostgreSQL answers with a warning.
    _ = tenant.batch_execute(&format!("GRANT CONNECT ON DATABASE {own} TO PUBLIC")).await;
    let public = "SELECT count(*) FROM pg_database d, aclexplode(d.datacl) a WHERE d.datname = $1 AND a.grantee = 0";
    let granted: i64 = admin().await.query_one(public, &[&own]).await.unwrap().get(0);
    assert_eq!(granted, 0, "PUBLIC is shut out");
}

/// A tenant plants functions and settings that a session of ours would meet if it looked names up as tenants do.
#[tokio::test]
async fn what_a_tenant_plants_does_not_run_in_our_sessions() {
    let setup = Setup::new().await;
    let id = setup.ready("a", json!({})).await;
    let tenant = setup.tenant(&id).await;
    tenant
        .batch_execute(
            "CREATE TABLE public.trace (who text);
             GRANT ALL ON public.trace TO PUBLIC;
             CREATE FUNCTION public.trap(anyelement) RETURNS boolean LANGUAGE plpgsql AS
                 'BEGIN INSERT INTO public.trace SELECT session_user; RETURN false; END';
             CREATE FUNCTION public.pg_get_userbyid(oid) RETURNS name LANGUAGE plpgsql AS
                 'BEGIN INSERT INTO public.trace SELECT session_user; RETURN ''x''; END';
             CREATE FUNCTION public.format(text, text) RETURNS text LANGUAGE plpgsql AS
                 'BEGIN INSERT INTO public.trace SELECT session_user; RETURN ''SELECT 1''; END'",
        )
        .await
        .unwrap();
    for verb in ["pause", "resume"] {
        setup.server.post(&format!("/projects/{id}/{verb}"), json!({})).await.expect(202);
        setup.server.until(&id, if verb == "pause" { "paused" } else { "ready" }).await;
    }
    let tenant = setup.tenant(&id).await;
    let met: i64 = tenant.query_one("SELECT count(*) FROM public.trace", &[]).await.unwrap().get(0);
    assert_eq!(met, 0);
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
