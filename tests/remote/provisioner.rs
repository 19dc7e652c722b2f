//! The provisioner in `examples/provisioner` makes real folders, if Python is installed.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::{Database, Server, eventually};
use crate::programs::KEY;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/provisioner");
const TOKEN: &str = "a-worker-token-0123456789";

struct Provisioner(Child);

impl Drop for Provisioner {
    fn drop(&mut self) {
        _ = self.0.kill();
        _ = self.0.wait();
    }
}

fn provisioner(server: &Server, folders: &Path) -> Provisioner {
    let mut command = Command::new("python3");
    command.arg(format!("{FOLDER}/provisioner.py")).env("PROVOST_SERVER", &server.url);
    command.env("PROVOST_WORKER_TOKEN", TOKEN).env("FOLDERS", folders);
    Provisioner(command.stdout(Stdio::null()).spawn().unwrap())
}

fn has_python() -> bool {
    let version = Command::new("python3").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    let has = version.is_ok_and(|it| it.success());
    if !has {
        eprintln!("skipped: python3 is not installed, so examples/provisioner was not run");
    }
    has
}

fn server(database: &Database) -> Server {
    let settings = [KEY, ("PROVOST_WORKER_TOKEN", TOKEN), ("PROVOST_WORKER_QUEUES", "default")];
    Server::within(FOLDER.as_ref(), &database.url, &settings)
}

async fn create(server: &Server, size: i64) -> String {
    let body = json!({"name": "notes", "template": "folder", "parameters": {"size": size}});
    server.post("/projects", body).await.expect(201).json()["id"].as_str().unwrap().to_owned()
}

async fn steps(server: &Server, id: &str) -> Vec<String> {
    let steps = server.get(&format!("/projects/{id}/steps")).await.expect(200).json();
    let step = |it: &Value| format!("{} {}", it["name"].as_str().unwrap(), it["state"].as_str().unwrap());
    steps.as_array().unwrap().iter().map(step).collect()
}

#[tokio::test]
async fn python_provisioner_makes_and_removes_folders() {
    if !has_python() {
        return;
    }
    let (database, folders) = (Database::new().await, TempDir::new().unwrap());
    let server = server(&database);
    let _provisioner = provisioner(&server, folders.path());
    let own = server.ready("of the server itself").await;
    assert!(steps(&server, &own).await.contains(&"simulate done".to_owned()), "the server serves its own queue");

    let id = create(&server, 2).await;
    server.until(&id, "ready").await;
    let folder = folders.path().join(&id);
    assert_eq!(steps(&server, &id).await, ["folder done", "key done", "size done"]);
    let outputs = server.get(&format!("/projects/{id}/outputs")).await.json();
    assert_eq!(outputs, json!({"path": folder.to_str().unwrap(), "size": 2}));
    let key = std::fs::read_to_string(folder.join("key")).unwrap();
    let access = server.post(&format!("/projects/{id}/reveal"), json!({})).await.expect(200).json();
    assert_eq!(access["secrets"], json!({"key": key}));

    server.patch(&format!("/projects/{id}"), json!({"parameters": {"size": 5}})).await.expect(202);
    server.until(&id, "ready").await;
    assert_eq!(std::fs::read_to_string(folder.join("size")).unwrap(), "5");
    let refused = server.post(&format!("/projects/{id}/rotate"), json!({})).await.expect(409);
    assert!(refused.text.contains("rotate"), "{}", refused.text);

    let refused = create(&server, 1000).await;
    let failed = server.until(&refused, "failed").await;
    assert_eq!(failed["failure"]["code"], "too_large");
    assert_eq!(failed["failure"]["undone"], json!(["folder", "key", "size"]), "{failed}");
    assert!(!folders.path().join(&refused).exists());

    server.delete(&format!("/projects/{id}?grace=1h")).await.expect(202);
    server.until(&id, "pending_deletion").await;
    assert!(!folder.exists());
    server.post(&format!("/projects/{id}/undelete"), json!({})).await.expect(202);
    server.until(&id, "ready").await;
    assert_eq!(std::fs::read_to_string(folder.join("key")).unwrap(), key, "it is back");
    server.delete(&format!("/projects/{id}?grace=1h")).await.expect(202);
    server.until(&id, "pending_deletion").await;
    server.delete(&format!("/projects/{id}?grace=0s")).await.expect(202);
    server.until(&id, "deleted").await;
    assert_eq!(std::fs::read_dir(folders.path()).unwrap().count(), 0);
    database.check_invariants().await;
}

/// The first provisioner is killed in the middle of a step.
#[tokio::test]
async fn python_provisioner_resumes_after_a_crash() {
    if !has_python() {
        return;
    }
    let (database, folders) = (Database::new().await, TempDir::new().unwrap());
    let server = server(&database);
    // The step `key` cannot end: its secret waits for the table.
    let blocker = database.connection().await;
    blocker.batch_execute("BEGIN; LOCK TABLE secrets IN SHARE MODE").await.unwrap();
    let first = provisioner(&server, folders.path());
    let id = create(&server, 1).await;
    eventually("the step key is running", || async {
        (steps(&server, &id).await == ["folder done", "key running"]).then_some(())
    })
    .await;
    drop(first);
    blocker.batch_execute("ROLLBACK").await.unwrap();
    let _second = provisioner(&server, folders.path());
    server.until(&id, "ready").await;
    assert_eq!(steps(&server, &id).await, ["folder done", "key done", "size done"]);
    let again = server.get(&format!("/projects/{id}/steps")).await.json();
    assert_eq!((&again[0]["attempt"], &again[1]["attempt"]), (&json!(1), &json!(2)), "it resumes at the step key");
    database.check_invariants().await;
}

#[tokio::test]
async fn queue_of_a_remote_template_is_not_served_here() {
    let output = Server::command().arg("serve").current_dir(FOLDER).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(
        stderr.contains("templates.folder.queue (provost.toml) is \"folders\", which this process serves"),
        "{stderr}"
    );
}
