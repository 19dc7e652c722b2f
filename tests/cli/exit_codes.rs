//! Exit codes and error messages.

use serde_json::Value;

use super::{command, finish, run};
use crate::harness::{Database, Server};

#[tokio::test]
async fn wait_exits_with_0_1_or_7() {
    let database = Database::new().await;
    let server = Server::on(&database);
    let create = |name: &str, simulate: &str, more: &[&str]| {
        let parameter = format!("simulate={simulate}");
        run(&server, &[&["project", "create", name, "-p", &parameter, "--wait"], more].concat())
    };
    let ready = create("good", r#"{"outcome":"ready","duration_ms":10}"#, &["-o", "json"]).expect(0);
    assert_eq!(ready.json()["status"], "ready");
    let failed = create("bad", r#"{"outcome":"failed","duration_ms":10,"reason":"no quota"}"#, &[]).expect(1);
    assert!(failed.out.contains("failed") && failed.err.contains("no quota"), "{failed:?}");
    let slow = create("slow", r#"{"outcome":"ready","duration_ms":60000}"#, &["--timeout", "300ms"]).expect(7);
    assert!(slow.err.contains("not yet ready after 300ms"), "{slow:?}");
    run(&server, &["project", "wait", "good", "--timeout", "5s"]).expect(0);
    run(&server, &["project", "wait", "bad", "--timeout", "5s"]).expect(1);
    run(&server, &["project", "watch", "good"]).expect(0);
}

#[tokio::test]
async fn missing_object_exits_3_and_wrong_state_exits_5() {
    let database = Database::new().await;
    let server = Server::on(&database);
    server.ready("acme").await;
    run(&server, &["project", "get", "nobody"]).expect(3);
    run(&server, &["job", "get", "0198c0de-0000-7000-8000-000000000000"]).expect(3);
    run(&server, &["queue", "pause", "nowhere"]).expect(3);
    let refused = run(&server, &["project", "retry", "acme"]).expect(5);
    assert!(refused.out.is_empty());
    for part in [
        "error: project \"acme\" cannot be retried because it is ready",
        "Only a failed project can be retried.",
        "try:   provost project get acme",
        "code:  invalid_state   request: ",
    ] {
        assert!(refused.err.contains(part), "{part} in {}", refused.err);
    }
    let refused = run(&server, &["project", "retry", "acme", "-o", "json"]).expect(5);
    let problem: Value = serde_json::from_str(&refused.err).unwrap();
    assert_eq!((&problem["code"], &problem["current_status"]), (&"invalid_state".into(), &"ready".into()));
    assert!(refused.out.is_empty());
    run(&server, &["job", "create", "not a kind"]).expect(2);
    for args in [&["project", "delete", "", "--yes"][..], &["worker", "drain", ""], &["queue", "get", ".."]] {
        run(&server, args).expect(2);
    }
    run(&server, &["project", "create", "never", "--jq", ".["]).expect(2);
    run(&server, &["project", "get", "never"]).expect(3);
    run(&server, &["project", "get", "acme"]).expect(0);
}

#[tokio::test]
async fn wrong_token_exits_4() {
    let database = Database::new().await;
    let token = "a-token-for-this-test-only";
    let server = Server::with(&database.url, &[("PROVOST_ADMIN_TOKEN", token)]);
    let denied = run(&server, &["project", "list"]).expect(4);
    assert!(denied.err.contains("PROVOST_TOKEN"), "{denied:?}");
    run(&server, &["project", "list", "--token", "wrong-wrong-wrong-wrong"]).expect(4);
    run(&server, &["--token", token, "project", "list"]).expect(0);
    for name in ["PROVOST_TOKEN", "PROVOST_ADMIN_TOKEN"] {
        let mut command = command(&server.url, &["project", "list"]);
        command.env(name, token);
        finish(command).expect(0);
    }
}

#[test]
fn unreachable_server_exits_6_and_names_the_address() {
    let from_environment = finish(command("http://127.0.0.1:1", &["project", "list"])).expect(6);
    for part in ["http://127.0.0.1:1", "PROVOST_ADDRESS in the environment", "provost serve"] {
        assert!(from_environment.err.contains(part), "{from_environment:?}");
    }
    let from_flag =
        finish(command("http://127.0.0.1:2", &["project", "list", "--address", "http://127.0.0.1:1"])).expect(6);
    assert!(from_flag.err.contains("127.0.0.1:1\n") && from_flag.err.contains("from --address"), "{from_flag:?}");
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("provost.toml"), "address = \"http://127.0.0.1:1\"").unwrap();
    let mut from_file = command("", &["project", "list", "-o", "json"]);
    from_file.current_dir(folder.path());
    let from_file = finish(from_file).expect(6);
    let problem: Value = serde_json::from_str(&from_file.err).unwrap();
    assert!(problem["detail"].as_str().unwrap().contains("provost.toml"), "{problem}");
    // Client commands ignore invalid server settings.
    let mut command = command("http://127.0.0.1:1", &["project", "list"]);
    command.env("PROVOST_LEASE_TTL", "soon").env("DATABASE_URL", "nonsense");
    finish(command).expect(6);
}

#[tokio::test]
async fn delete_requires_confirmation_and_dry_run_sends_nothing() {
    let database = Database::new().await;
    let server = Server::on(&database);
    server.ready("kept").await;
    let refused = run(&server, &["project", "delete", "kept"]).expect(2);
    assert!(refused.err.contains("--yes"), "{refused:?}");
    let dry_run =
        run(&server, &["project", "delete", "kept", "--dry-run", "--reason", "cleanup", "-o", "json"]).expect(0);
    assert_eq!((&dry_run.json()["method"], &dry_run.json()["body"]["reason"]), (&"DELETE".into(), &"cleanup".into()));
    assert_eq!(run(&server, &["project", "list", "-o", "json"]).json()[0]["status"], "ready");
    run(&server, &["project", "delete", "kept", "--yes", "--wait"]).expect(0);
}

#[tokio::test]
async fn bulk_exits_8_if_some_are_refused_and_5_if_all_are() {
    let database = Database::new().await;
    let server = Server::on(&database);
    let id = |args: &[&str]| run(&server, args).expect(0).json()["id"].as_str().unwrap().to_owned();
    let waiting = id(&["job", "create", "noop", "--delay", "1h", "-o", "json"]);
    let done = id(&["job", "create", "noop", "--wait", "-o", "json"]);
    run(&server, &["job", "cancel", &waiting, &done]).expect(8);
    run(&server, &["job", "cancel", &waiting, &done]).expect(5);
}

#[tokio::test]
async fn migrate_dry_run_lists_pending_migrations() {
    let database = Database::bare().await;
    let migrate = |args: &[&str]| {
        let mut command = command("http://127.0.0.1:1", &[&["migrate"], args].concat());
        command.env("DATABASE_URL", &database.url);
        finish(command).expect(0)
    };
    let named = migrate(&["--dry-run", "-o", "json"]).json();
    assert!(named[0]["name"].as_str().unwrap().starts_with("V1__"), "{named}");
    let shown = migrate(&["--show-sql"]).out;
    assert!(shown.starts_with("-- V1__") && shown.contains("CREATE TABLE"), "{shown}");
    assert_eq!(migrate(&["--dry-run", "-o", "json"]).json(), named, "a dry run changes nothing");
    let done = migrate(&["-o", "json"]).json();
    assert_eq!(done["applied"].as_u64(), Some(named.as_array().unwrap().len() as u64));
    assert!(migrate(&["--dry-run"]).err.contains("up to date"));
    assert_eq!(migrate(&["--dry-run", "-o", "json"]).json(), Value::Array(Vec::new()));
}

#[test]
fn environment_token_is_withheld_from_a_server_in_dotenv() {
    use std::io::{Read, Write};
    let listener = std::net::TcpListener::bind("127.0.0.2:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(".env"), format!("PROVOST_ADDRESS={address}\n")).unwrap();
    let received = std::thread::spawn(move || {
        let has_token = |_| {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0; 4096];
            let n = stream.read(&mut request).unwrap();
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n[]").unwrap();
            String::from_utf8_lossy(&request[..n]).contains("the-token-of-the-environment")
        };
        [1, 2].map(has_token)
    });
    let list = |address: Option<&str>| {
        let mut command = command("", &["project", "list"]);
        command.current_dir(folder.path()).env("PROVOST_TOKEN", "the-token-of-the-environment");
        match address {
            Some(address) => command.env("PROVOST_ADDRESS", address),
            None => command.env_remove("PROVOST_ADDRESS"),
        };
        finish(command).expect(0)
    };
    assert!(list(None).err.contains("is not sent"));
    list(Some(&address));
    assert_eq!(received.join().unwrap(), [false, true]);
}

/// A project can work although the operation that was asked for has failed.
#[tokio::test]
async fn failed_operation_on_a_working_project_exits_1() {
    let database = Database::new().await;
    let server = Server::with(&database.url, &[("PROVOST_MAX_ATTEMPTS", "1")]);
    let id = server.ready("shop").await;
    // An update of a simulated project fails if its parameters are invalid.
    let refused = run(&server, &["project", "apply", "shop", "--set", "simulate={\"outcome\":\"sideways\"}", "--wait"]);
    let refused = refused.expect(1);
    assert!(refused.err.contains("is ready, and the operation update failed"), "{refused:?}");
    run(&server, &["project", "wait", &id]).expect(1);
    server.post(&format!("/projects/{id}/rotate"), serde_json::json!({})).await.expect(202);
    server.until(&id, "ready").await;
    run(&server, &["project", "wait", &id]).expect(0);
    // An undelete leads to the status before the deletion.
    run(&server, &["project", "pause", "shop", "--wait"]).expect(0);
    run(&server, &["project", "delete", "shop", "--grace", "1h", "--yes", "--wait"]).expect(0);
    run(&server, &["project", "undelete", "shop", "--wait"]).expect(0);
    // An update can be waited for, and a timeout is the timeout of a wait.
    server.ready("lab").await;
    run(&server, &["project", "update", "lab", "--set", "size=3", "--wait"]).expect(0);
    let wrong = "simulate={\"outcome\":\"sideways\"}";
    run(&server, &["project", "update", "lab", "--set", wrong, "--wait", "--timeout", "1m"]).expect(1);
    run(&server, &["project", "update", "lab", "--set", "size=4", "--timeout", "1m"]).expect(2);
}
