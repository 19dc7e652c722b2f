//! The program itself: how it starts, with which database, what it says when it cannot, what it logs.

use std::process::Command;

use serde_json::{Value, json};

use crate::harness::{Database, Server, eventually};

/// The number of migrations that this program knows.
fn newest() -> i64 {
    1 + provost::store::schema::LATER.len() as i64
}

/// Runs the program to its end.
fn run(command: &mut Command) -> (i32, String) {
    let output = command.output().unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    (output.status.code().unwrap_or(-1), said)
}

#[tokio::test]
async fn several_processes_may_migrate_an_empty_database_at_once() {
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
async fn migrating_at_the_very_same_moment_is_done_once() {
    for _ in 0..3 {
        let database = Database::bare().await;
        let connector = provost::store::Connector::parse(&database.url).unwrap();
        let all = futures_util::future::join_all((0..12).map(|_| provost::store::migrate(&connector))).await;
        let applied: usize = all.into_iter().map(|done| done.unwrap().applied).sum();
        assert_eq!(applied as i64, database.number("SELECT count(*) FROM provost.schema_migrations").await);
    }
}

#[tokio::test]
async fn newer_schema_is_refused_and_left_unchanged() {
    let database = Database::new().await;
    database.run("INSERT INTO schema_migrations (version, name) VALUES (999, 'later')").await;
    let (code, said) = run(Server::command().env("DATABASE_URL", &database.url));
    assert_eq!(code, 6, "{said}");
    assert!(said.contains("version 999") && said.contains("newer provost"), "{said}");
    assert_eq!(database.number("SELECT count(*) FROM schema_migrations").await, newest() + 1);
}

#[tokio::test]
async fn without_a_database_url_it_starts_its_own_and_keeps_what_it_was_told() {
    let folder = tempfile::tempdir().unwrap();
    // PostgreSQL runs as another user when we are root, who must be able to pass through.
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
    let during = server.create_as("while it dies", json!({"outcome": "ready", "duration_ms": 500})).await;
    assert!(Command::new("kill").args(["-9", &postmaster]).status().unwrap().success());
    eventually("the private PostgreSQL is started again", || async {
        let new = std::fs::read_to_string(&pidfile).is_ok_and(|text| text.lines().next() != Some(&postmaster));
        (new && server.get("/health").await.json()["status"] == "ok").then_some(())
    })
    .await;
    server.until(&during, "ready").await;

    assert_eq!(server.stop(), 0);
    assert!(!pidfile.exists(), "the private PostgreSQL stopped with it, in good order");
}

#[test]
fn all_mistakes_in_the_settings_are_told_at_once_and_no_secret_is_repeated() {
    let mut command = Server::command();
    command.env("PROVOST_LISTEN", "0.0.0.0:0").env("PROVOST_ADMIN_TOKEN", "hunter2").env("PROVOST_LEASE_TTL", "soon");
    command.env("PROVOST_LAESE_TTL", "3s").arg("--poll-interval").arg("never");
    let (code, said) = run(&mut command);
    assert_eq!(code, 2, "{said}");
    for word in ["PROVOST_ADMIN_TOKEN", "PROVOST_LEASE_TTL", "PROVOST_LAESE_TTL", "PROVOST_POLL_INTERVAL"] {
        assert!(said.contains(word), "{word} is missing in: {said}");
    }
    assert!(!said.contains("hunter2"), "{said}");
}

#[test]
fn beyond_loopback_it_does_not_start_without_a_token() {
    let (code, said) = run(Server::command().env("PROVOST_LISTEN", "0.0.0.0:0"));
    assert_eq!(code, 2);
    assert!(said.contains("PROVOST_ADMIN_TOKEN"), "{said}");
}

#[test]
fn a_database_that_cannot_be_had_is_told_with_three_ways_on() {
    let mut command = Server::command();
    command.env("DATABASE_URL", "postgres://me:sesame@127.0.0.1:1/nowhere").env("PROVOST_DATABASE_WAIT", "0s");
    let (code, said) = run(&mut command);
    assert_eq!(code, 6, "{said}");
    assert!(said.contains("127.0.0.1:1/nowhere") && said.matches("\n  - ").count() == 3, "{said}");
    assert!(!said.contains("sesame"), "{said}");
}

#[test]
fn a_folder_without_postgresql_is_told_with_three_ways_on() {
    let folder = tempfile::tempdir().unwrap();
    #[cfg(unix)]
    std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let mut command = Server::command();
    command.env("PROVOST_DATA_DIR", folder.path()).env("POSTGRES_BIN_DIR", folder.path());
    let (code, said) = run(&mut command);
    assert_eq!(code, 6, "{said}");
    assert!(said.contains("Three ways on") && said.contains("DATABASE_URL"), "{said}");
}

#[tokio::test]
async fn an_address_that_is_taken_is_told() {
    let database = Database::new().await;
    let first = Server::on(&database);
    let mut command = Server::command();
    command.env("DATABASE_URL", &database.url).env("PROVOST_LISTEN", first.url.trim_start_matches("http://"));
    let (code, said) = run(&mut command);
    assert_eq!(code, 6, "{said}");
    assert!(said.contains("cannot be listened on"), "{said}");
}

#[test]
fn the_effective_settings_can_be_shown_with_their_sources() {
    let mut command = Server::command();
    command.env("DATABASE_URL", "postgres://me:sesame@db/x").env("PROVOST_LOG", "warn");
    let (code, said) = run(command.args(["config", "--lease-ttl", "9s"]));
    assert_eq!(code, 0, "{said}");
    let line = |name: &str| said.lines().find(|line| line.starts_with(name)).unwrap_or_default().to_owned();
    assert!(line("PROVOST_LEASE_TTL").contains("9s") && line("PROVOST_LEASE_TTL").ends_with("flag"), "{said}");
    assert!(line("PROVOST_LOG ").contains("warn") && line("PROVOST_LOG ").ends_with("environment"), "{said}");
    assert!(line("DATABASE_URL").contains("••••") && !said.contains("sesame"), "{said}");
}

#[tokio::test]
async fn the_log_tells_each_request_and_each_transition_and_no_secret() {
    let database = Database::new().await;
    let token = "a-token-for-this-test-only";
    let server = Server::with(&database.url, &[("PROVOST_ADMIN_TOKEN", token)]);
    let request =
        server.request(reqwest::Method::POST, "/projects").bearer_auth(token).header("x-request-id", "told-by-me");
    let answer = crate::harness::send(request.json(&json!({"name": "logged"}))).await.expect(201);
    let id = answer.json()["id"].as_str().unwrap().to_owned();

    let asked = eventually("the request is logged", || async {
        server.log().into_iter().find(|line| line["request_id"] == "told-by-me")
    })
    .await;
    assert_eq!(
        (&asked["method"], &asked["path"], &asked["status"]),
        (&json!("POST"), &json!("/projects"), &json!(201))
    );
    assert!(asked["duration_ms"].is_number());

    let ready = eventually("the project's last transition is logged", || async {
        server.log().into_iter().find(|line| line["project_id"] == id.as_str() && line["new_state"] == "ready")
    })
    .await;
    assert_eq!(ready["previous_state"], "provisioning");
    for field in ["job_id", "execution_id", "worker_id"] {
        assert!(ready[field].as_str().is_some_and(|it| !it.is_empty()), "{field} in {ready}");
    }
    let claimed = server
        .log()
        .into_iter()
        .filter(|line| line["project_id"] == id.as_str())
        .map(|it: Value| it["new_state"].clone());
    assert_eq!(claimed.collect::<Vec<_>>(), ["active", "provisioning", "completed", "ready"]);
    let password = database.url.split(':').nth(2).and_then(|rest| rest.split('@').next()).unwrap().to_owned();
    for secret in [token, &password] {
        assert!(!server.raw_log().contains(secret));
    }
}
