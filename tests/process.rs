//! The process: startup, databases, configuration errors and logs.

use std::process::Command;

use serde_json::{Value, json};

use crate::harness::{Database, Server, eventually};

/// The number of migrations that this program knows.
fn newest() -> i64 {
    1 + provost::store::schema::LATER.len() as i64
}

/// Runs the program and returns its exit code and output.
fn run(command: &mut Command) -> (i32, String) {
    let output = command.output().unwrap();
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    (output.status.code().unwrap_or(-1), text)
}

#[tokio::test]
async fn five_processes_migrate_an_empty_database_at_once() {
    let database = Database::bare().await;
    let start = |_| {
        let url = database.url.clone();
        std::thread::spawn(move || Server::with(&url, &[]))
    };
    let servers: Vec<Server> = (0..5).map(start).collect::<Vec<_>>().into_iter().map(|it| it.join().unwrap()).collect();
    assert_eq!(database.number("SELECT count(*) FROM provost.schema_migrations").await, newest());
    let id = servers[0].create("shared").await;
    servers[4].until(&id, "ready").await;
}

#[tokio::test]
async fn concurrent_migrations_apply_each_version_once() {
    for _ in 0..3 {
        let database = Database::bare().await;
        let connector = provost::store::Connector::parse(&database.url).unwrap();
        let all = futures_util::future::join_all((0..12).map(|_| provost::store::migrate(&connector))).await;
        let applied: usize = all.into_iter().map(|done| done.unwrap().applied).sum();
        assert_eq!(applied as i64, database.number("SELECT count(*) FROM provost.schema_migrations").await);
    }
}

#[tokio::test]
async fn newer_schema_is_refused() {
    let database = Database::new().await;
    database.run("INSERT INTO schema_migrations (version, name, supports) VALUES (999, 'later', 998)").await;
    let (code, output) = run(Server::command().env("DATABASE_URL", &database.url));
    assert_eq!(code, 6, "{output}");
    assert!(
        output.contains("version 999") && output.contains("version 998") && output.contains("newer provost"),
        "{output}"
    );
    assert_eq!(database.number("SELECT count(*) FROM schema_migrations").await, newest() + 1);
}

#[tokio::test]
async fn database_without_utf8_is_refused_unchanged() {
    for encoding in ["LATIN1", "SQL_ASCII"] {
        let database = Database::encoded_as(encoding).await;
        for arguments in [&["serve"][..], &["migrate"], &["migrate", "--dry-run"]] {
            let (code, output) = run(Server::command().args(arguments).env("DATABASE_URL", &database.url));
            assert_eq!(code, 6, "{arguments:?}: {output}");
            let says = [encoding, "needs UTF8", "CREATE DATABASE"].iter().all(|it| output.contains(it));
            assert!(says, "{arguments:?}: {output}");
        }
        assert_eq!(database.text("SELECT to_regnamespace('provost')").await, "", "nothing was created");
    }
}

#[tokio::test]
async fn private_postgres_keeps_data_and_restarts_after_a_crash() {
    let folder = tempfile::tempdir().unwrap();
    // As root, PostgreSQL runs as another user, which needs access to the folder.
    #[cfg(unix)]
    std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let start = || {
        let mut command = Server::command();
        command.env("PROVOST_DATA_DIR", folder.path()).env("PROVOST_LEASE_TTL", "1s").env("PROVOST_LOG_FORMAT", "json");
        Server::started(command)
    };
    let server = start();
    let id = server.create_as("kept", json!({"outcome": "ready", "duration_ms": 1500})).await;
    server.kill();

    let mut server = start();
    server.until(&id, "ready").await;

    let pidfile = folder.path().join("postgres/data/postmaster.pid");
    let postmaster = std::fs::read_to_string(&pidfile).unwrap().lines().next().unwrap().to_owned();
    let during = server.create_as("during the crash", json!({"outcome": "ready", "duration_ms": 500})).await;
    assert!(Command::new("kill").args(["-9", &postmaster]).status().unwrap().success());
    eventually("the private PostgreSQL restarts", || async {
        let new = std::fs::read_to_string(&pidfile).is_ok_and(|text| text.lines().next() != Some(&postmaster));
        (new && server.get("/health").await.json()["status"] == "ok").then_some(())
    })
    .await;
    server.until(&during, "ready").await;

    assert_eq!(server.stop(), 0);
    assert!(!pidfile.exists(), "the private PostgreSQL was shut down cleanly");
}

#[test]
fn all_invalid_settings_are_listed_without_secrets() {
    let mut command = Server::command();
    command.env("PROVOST_LISTEN", "0.0.0.0:0").env("PROVOST_ADMIN_TOKEN", "hunter2").env("PROVOST_LEASE_TTL", "soon");
    command.env("PROVOST_LAESE_TTL", "3s").arg("--poll-interval").arg("never");
    let (code, output) = run(&mut command);
    assert_eq!(code, 2, "{output}");
    for word in ["PROVOST_ADMIN_TOKEN", "PROVOST_LEASE_TTL", "PROVOST_LAESE_TTL", "PROVOST_POLL_INTERVAL"] {
        assert!(output.contains(word), "{word} is missing in: {output}");
    }
    assert!(!output.contains("hunter2"), "{output}");
}

#[test]
fn public_address_without_token_is_refused() {
    let (code, output) = run(Server::command().env("PROVOST_LISTEN", "0.0.0.0:0"));
    assert_eq!(code, 2);
    assert!(output.contains("PROVOST_ADMIN_TOKEN"), "{output}");
}

#[test]
fn unreachable_database_is_reported_with_three_remedies() {
    let mut command = Server::command();
    command.env("DATABASE_URL", "postgres://me:sesame@127.0.0.1:1/nowhere").env("PROVOST_DATABASE_WAIT", "0s");
    let (code, output) = run(&mut command);
    assert_eq!(code, 6, "{output}");
    assert!(output.contains("127.0.0.1:1/nowhere") && output.matches("\n  - ").count() == 3, "{output}");
    assert!(!output.contains("sesame"), "{output}");
}

#[test]
fn missing_postgres_is_reported_with_three_remedies() {
    let folder = tempfile::tempdir().unwrap();
    #[cfg(unix)]
    std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let mut command = Server::command();
    command.env("PROVOST_DATA_DIR", folder.path()).env("POSTGRES_BIN_DIR", folder.path());
    let (code, output) = run(&mut command);
    assert_eq!(code, 6, "{output}");
    assert!(output.contains("You can:") && output.contains("DATABASE_URL"), "{output}");
}

#[tokio::test]
async fn address_in_use_is_reported() {
    let database = Database::new().await;
    let first = Server::on(&database);
    let mut command = Server::command();
    command.env("DATABASE_URL", &database.url).env("PROVOST_LISTEN", first.url.trim_start_matches("http://"));
    let (code, output) = run(&mut command);
    assert_eq!(code, 6, "{output}");
    assert!(output.contains("cannot listen on"), "{output}");
}

#[test]
fn config_shows_values_and_sources() {
    let mut command = Server::command();
    command.env("DATABASE_URL", "postgres://me:sesame@db/x").env("PROVOST_LOG", "warn");
    let (code, output) = run(command.args(["config", "--lease-ttl", "9s"]));
    assert_eq!(code, 0, "{output}");
    let line = |name: &str| output.lines().find(|line| line.starts_with(name)).unwrap_or_default().to_owned();
    assert!(line("PROVOST_LEASE_TTL").contains("9s") && line("PROVOST_LEASE_TTL").ends_with("flag"), "{output}");
    assert!(line("PROVOST_LOG ").contains("warn") && line("PROVOST_LOG ").ends_with("environment"), "{output}");
    assert!(line("DATABASE_URL").contains("••••") && !output.contains("sesame"), "{output}");
}

#[tokio::test]
async fn log_has_requests_and_transitions_but_no_secrets() {
    let database = Database::new().await;
    let token = "a-token-for-this-test-only";
    let server = Server::with(&database.url, &[("PROVOST_ADMIN_TOKEN", token)]);
    let request =
        server.request(reqwest::Method::POST, "/projects").bearer_auth(token).header("x-request-id", "test-request-1");
    let answer = crate::harness::send(request.json(&json!({"name": "logged"}))).await.expect(201);
    let id = answer.json()["id"].as_str().unwrap().to_owned();

    let request = eventually("the request is logged", || async {
        server.log().into_iter().find(|line| line["request_id"] == "test-request-1")
    })
    .await;
    assert_eq!(
        (&request["method"], &request["path"], &request["status"]),
        (&json!("POST"), &json!("/projects"), &json!(201))
    );
    assert!(request["duration_ms"].is_number());

    let ready = eventually("the project's last transition is logged", || async {
        server.log().into_iter().find(|line| line["project_id"] == id.as_str() && line["new_state"] == "ready")
    })
    .await;
    assert_eq!(ready["previous_state"], "provisioning");
    for field in ["job_id", "execution_id", "worker_id"] {
        assert!(ready[field].as_str().is_some_and(|it| !it.is_empty()), "{field} in {ready}");
    }
    let transitions = server
        .log()
        .into_iter()
        .filter(|line| line["project_id"] == id.as_str())
        .map(|it: Value| it["new_state"].clone());
    assert_eq!(transitions.collect::<Vec<_>>(), ["active", "provisioning", "completed", "ready"]);
    let password = database.url.split(':').nth(2).and_then(|rest| rest.split('@').next()).unwrap().to_owned();
    for secret in [token, &password] {
        assert!(!server.raw_log().contains(secret));
    }
}
