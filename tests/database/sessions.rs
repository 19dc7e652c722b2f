//! Sessions that are not what statements need: read-only ones, ones that the server ends, and ones with other settings.

use serde_json::json;

use crate::harness::{Database, Server, connect, eventually};

async fn name_of(database: &Database) -> String {
    database.text("SELECT current_database()").await
}

/// Ends every session of the database but the one of the test.
async fn end_sessions(database: &Database) {
    let others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";
    database.rows(others, &[]).await;
}

#[tokio::test]
async fn sessions_of_a_read_only_window_do_not_stay() {
    let database = Database::new().await;
    let server = Server::on(&database);
    server.ready("before").await;
    let name = name_of(&database).await;
    database.run(&format!("ALTER DATABASE {name} SET default_transaction_read_only = on")).await;
    end_sessions(&database).await;
    eventually("writes are refused with the reason", async || {
        let refused = server.post("/projects", json!({"name": "during"})).await;
        (refused.status == 503 && refused.code() == "read_only").then_some(())
    })
    .await;
    let ready = server.get("/readyz").await;
    assert!(ready.status == 503 && ready.text.starts_with("read_only: "), "{ready:?}");
    server.get("/projects").await.expect(200);
    database.run(&format!("ALTER DATABASE {name} RESET default_transaction_read_only")).await;
    eventually("writes are accepted", async || {
        (server.post("/projects", json!({"name": "after"})).await.status == 201).then_some(())
    })
    .await;
    eventually("the process is ready", async || (server.get("/readyz").await.status == 200).then_some(())).await;
    database.check_invariants().await;
}

/// Settings of the role and of the database that would break statements, or the migration.
#[tokio::test]
async fn settings_of_the_database_change_nothing() {
    let database = Database::bare().await;
    let name = name_of(&database).await;
    let version = database.number("SELECT current_setting('server_version_num')").await;
    let newer = if version >= 170_000 { &[("transaction_timeout", "'1s'")][..] } else { &[] };
    let settings = [
        ("search_path", "pg_catalog"),
        ("statement_timeout", "'1ms'"),
        ("lock_timeout", "'1ms'"),
        ("idle_session_timeout", "'300ms'"),
        ("idle_in_transaction_session_timeout", "'1ms'"),
        ("default_transaction_isolation", "serializable"),
        ("default_transaction_deferrable", "on"),
        ("standard_conforming_strings", "off"),
        ("timezone", "'Asia/Tokyo'"),
        ("datestyle", "'SQL, DMY'"),
        ("intervalstyle", "sql_standard"),
        ("bytea_output", "escape"),
        ("array_nulls", "off"),
        ("transform_null_equals", "on"),
        ("lc_messages", "'C'"),
        ("client_min_messages", "debug1"),
    ];
    let altered: Vec<String> = settings
        .iter()
        .chain(newer)
        .map(|(setting, value)| format!("ALTER DATABASE {name} SET {setting} = {value}"))
        .collect();
    // One by one, because the first ones already hold for a new session.
    for statement in altered {
        database.run(&statement).await;
    }
    let server = Server::on(&database);
    let id = server.ready("a").await;
    server.post("/workflows/demo/thumbnail", json!({})).await.expect(202);
    server.delete(&format!("/projects/{id}")).await.expect(202);
    server.until(&id, "deleted").await;
    // The listener does not reconnect, although its session is idle for longer than allowed by default.
    let listener = eventually("the server listens", async || {
        let health = server.get("/health").await.json();
        (health["listener"]["mode"] == "notify").then(|| health["listener"].clone())
    })
    .await;
    let idle = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '%LISTEN%' AND now() - state_change > interval '1 s'";
    let witness =
        connect(&format!("{}&options=-cidle_session_timeout%3D0%20-cstatement_timeout%3D0", database.url)).await;
    eventually("the listener was idle for a second", async || {
        (witness.query_one(idle, &[]).await.unwrap().get::<_, i64>(0) == 1).then_some(())
    })
    .await;
    let later = server.get("/health").await.json()["listener"].clone();
    assert_eq!(later["reconnects"], listener["reconnects"], "{later}");
}

/// A column type that changes makes plans of open sessions invalid.
#[tokio::test]
async fn changed_result_types_cost_no_request() {
    let database = Database::new().await;
    let server = Server::on(&database);
    server.ready("a").await;
    let statement = "ALTER TABLE provost.limits ADD COLUMN extra integer; ALTER TABLE provost.projects ALTER COLUMN name TYPE varchar(300)";
    // Many sessions have a plan.
    futures_util::future::join_all((0..32).map(|_| server.get("/projects"))).await;
    database.run(statement).await;
    for _ in 0..20 {
        server.get("/projects").await.expect(200);
        server.post("/projects", json!({"name": "b"})).await.expect(201);
    }
}

/// Without triggers, jobs would be accepted and never found.
#[tokio::test]
async fn sessions_without_triggers_are_refused() {
    let database = Database::new().await;
    let server = Server::on(&database);
    let name = name_of(&database).await;
    database.run(&format!("ALTER DATABASE {name} SET session_replication_role = replica")).await;
    end_sessions(&database).await;
    eventually("writes are refused with the reason", async || {
        let refused = server.post("/projects", json!({"name": "during"})).await;
        (refused.status == 503 && refused.code() == "wrong_settings").then_some(())
    })
    .await;
    let start =
        Server::command().env("DATABASE_URL", &database.url).env("PROVOST_DATABASE_WAIT", "0s").output().unwrap();
    assert!(!start.status.success());
    assert!(String::from_utf8_lossy(&start.stderr).contains("session_replication_role"), "{start:?}");
    database.run(&format!("ALTER DATABASE {name} RESET session_replication_role")).await;
    eventually("writes are accepted", async || {
        (server.post("/projects", json!({"name": "after"})).await.status == 201).then_some(())
    })
    .await;
}
