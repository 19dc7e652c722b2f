//! The state backend `http` of Terraform: what its client sends, byte for byte, and the example with a real Terraform.

use std::collections::BTreeMap;
use std::process::{Command, Stdio};

use reqwest::Method;
use serde_json::{Value, json};

use super::{CANARY, KEY, Setup};
use crate::harness::{Answer, Database, Server, eventually, send};

/// A user of a state: the address, and user and password if any.
pub struct Client<'a> {
    server: &'a Server,
    path: String,
    login: Option<(String, String)>,
}

impl<'a> Client<'a> {
    pub fn of(server: &'a Server, project: &str) -> Self {
        Self { server, path: format!("/projects/{project}/terraform/state"), login: None }
    }

    /// The client of a program, from its environment.
    pub fn of_run(server: &'a Server, environment: &BTreeMap<String, String>) -> Self {
        let path = environment["TF_HTTP_ADDRESS"].split_once("/projects/").unwrap().1;
        let login = (environment["TF_HTTP_USERNAME"].clone(), environment["TF_HTTP_PASSWORD"].clone());
        Self { server, path: format!("/projects/{path}"), login: Some(login) }
    }

    /// The same user, with the state of another project.
    pub fn at(&self, project: &str) -> Self {
        Self { login: self.login.clone(), ..Self::of(self.server, project) }
    }

    pub async fn send(&self, method: &str, query: &str, body: &str) -> Answer {
        let request =
            self.server.request(Method::from_bytes(method.as_bytes()).unwrap(), &format!("{}{query}", self.path));
        let request = match &self.login {
            Some((user, password)) => request.basic_auth(user, Some(password)),
            None => request,
        };
        let request = request.header("content-type", "application/json");
        // The MD5 of the only state whose sum is sent.
        let request = if body == STATE { request.header("content-md5", STATE_MD5) } else { request };
        send(request.body(body.to_owned())).await
    }

    pub async fn lock(&self, id: &str) -> Answer {
        self.send("LOCK", "", &info(id)).await
    }

    pub async fn put(&self, lock: &str, serial: u64, content: &str) -> Answer {
        let query = if lock.is_empty() { String::new() } else { format!("?ID={lock}") };
        self.send("POST", &query, &state(serial, "origin", content)).await
    }
}

/// What Terraform sends to lock.
fn info(id: &str) -> String {
    format!(
        "{{\"ID\":\"{id}\",\"Operation\":\"OperationTypeApply\",\"Info\":\"\",\"Who\":\"ann@laptop\",\
         \"Version\":\"1.11.4\",\"Created\":\"2026-01-01T00:00:00Z\",\"Path\":\"\"}}"
    )
}

fn state(serial: u64, lineage: &str, content: &str) -> String {
    json!({"version": 4, "serial": serial, "lineage": lineage, "outputs": {"a": {"value": content}}}).to_string()
}

const STATE: &str = "{\n  \"version\": 4,\n  \"serial\": 1,\n  \"lineage\": \"origin\",\n  \"outputs\": {}\n}\n";
const STATE_MD5: &str = "WlhhQDzXDAZ7Wuaub0r/bg==";

/// A server with a project that makes nothing, and its id.
async fn simple() -> (Setup, String) {
    let it = Setup::new(&[("provision", "true"), ("deprovision", "true")], "").await;
    let id = it.ready("shop", json!({})).await;
    (it, id)
}

async fn reasons(server: &Server, id: &str) -> Vec<String> {
    let events = server.get(&format!("/projects/{id}/events")).await.expect(200).json();
    let reason = |it: &Value| it["reason"].as_str().unwrap_or_default().to_owned();
    events.as_array().unwrap().iter().map(reason).collect()
}

#[tokio::test]
async fn state_is_versioned_and_checked() {
    let (it, id) = simple().await;
    let client = Client::of(&it.server, &id);
    client.send("GET", "", "").await.expect(404);
    client.send("POST", "", STATE).await.expect(200);
    let read = client.send("GET", "", "").await.expect(200);
    assert_eq!((read.text.as_str(), read.header("content-md5")), (STATE, STATE_MD5));
    assert_eq!(read.header("cache-control"), "no-store");
    client.put("", 2, CANARY).await.expect(200);
    client.put("", 2, CANARY).await.expect(200);
    for (serial, lineage, why) in [(1, "origin", "serial 2"), (2, "origin", "serial 2"), (3, "other", "lineage")] {
        let refused = client.send("POST", "", &state(serial, lineage, "new")).await.expect(409);
        assert_eq!(refused.code(), "state_refused");
        assert!(refused.text.contains(why), "{}", refused.text);
    }
    for (body, status) in
        [("", 400), ("{", 400), ("[]", 422), ("{\"serial\": 3}", 422), ("{\"serial\": -1, \"lineage\": \"x\"}", 422)]
    {
        client.send("POST", "", body).await.expect(status);
    }
    let wrong = it.server.request(Method::POST, &client.path).header("content-md5", STATE_MD5);
    let wrong = send(wrong.body(state(3, "origin", "changed on its way"))).await.expect(400);
    assert_eq!(wrong.code(), "invalid_header");

    client.send("DELETE", "", "").await.expect(200);
    client.send("DELETE", "", "").await.expect(200);
    client.send("GET", "", "").await.expect(404);
    assert_eq!(client.send("GET", "?version=1", "").await.expect(200).text, STATE, "every version is kept");
    client.send("POST", "", &state(1, "other", "anew")).await.expect(200);
    let versions = it.server.get(&format!("/projects/{id}/terraform/versions")).await.expect(200).json();
    let serials: Vec<_> =
        versions.as_array().unwrap().iter().map(|it| (it["serial"].as_i64(), it["deleted"].as_bool())).collect();
    let expected =
        [(1, false), (2, true), (2, false), (1, false)].map(|(serial, deleted)| (Some(serial), Some(deleted)));
    assert_eq!(serials, expected);

    let stored =
        "SELECT count(*)::text FROM secrets WHERE encode(ciphertext, 'escape') LIKE '%canary%' OR name LIKE '%canary%'";
    assert_eq!(it.database.text(stored).await, "0");
    it.server.post(&format!("/projects/{id}/reveal"), json!({})).await.expect(409);
    it.server.delete(&format!("/projects/{id}")).await.expect(202);
    it.server.until(&id, "deleted").await;
    client.lock("late").await.expect(409);
    client.send("POST", "", STATE).await.expect(409);
    let left = "SELECT (SELECT count(*) FROM secrets) + (SELECT count(*) FROM terraform_states) + (SELECT count(*) FROM terraform_locks)";
    assert_eq!(it.database.number(left).await, 0);
    it.database.check_invariants().await;
}

#[tokio::test]
async fn lock_is_exclusive_until_it_is_removed() {
    let (it, id) = simple().await;
    let client = Client::of(&it.server, &id);
    client.lock("one").await.expect(200);
    client.lock("one").await.expect(200);
    for held in [
        client.lock("two").await,
        client.put("", 1, "").await,
        client.put("two", 1, "").await,
        client.send("UNLOCK", "", &info("two")).await,
        client.send("DELETE", "", "").await,
    ] {
        assert_eq!((held.status, held.json()), (423, serde_json::from_str(&info("one")).unwrap()), "who holds it");
    }
    client.put("one", 1, "").await.expect(200);
    client.send("UNLOCK", "", &info("one")).await.expect(200);
    client.send("UNLOCK", "", &info("one")).await.expect(200);
    assert_eq!(reasons(&it.server, &id).await.iter().filter(|it| it.contains("Terraform")).count(), 0);
    let gone = client.put("one", 2, "").await.expect(409);
    assert!(gone.text.contains("no longer held"), "{}", gone.text);
    // What `force-unlock` of Terraform and of OpenTofu send.
    for (body, n) in [("", 1), ("{\"ID\":\"one\"}", 2)] {
        client.lock("one").await.expect(200);
        client.send("UNLOCK", "", body).await.expect(200);
        client.lock("two").await.expect(200);
        client.send("UNLOCK", "", &info("two")).await.expect(200);
        let reasons = reasons(&it.server, &id).await;
        let forced = "Terraform state unlocked by force; the lock was held by ann@laptop";
        assert_eq!(reasons.iter().filter(|it| *it == forced).count(), n, "{reasons:?}");
    }
    for body in ["{", "{}", "{\"ID\": 7}"] {
        let refused = client.send("LOCK", "", body).await;
        assert!([400, 422].contains(&refused.status), "{body}: {}", refused.text);
    }
    it.database.check_invariants().await;
}

#[tokio::test]
async fn only_the_state_accepts_basic_authentication() {
    let token = "an-admin-token-0123456789";
    let it =
        Setup::with(&[("provision", "true"), ("deprovision", "true")], "", &[("PROVOST_ADMIN_TOKEN", token)]).await;
    let body = json!({"name": "shop", "template": "it"});
    let made =
        send(it.server.request(Method::POST, "/projects").bearer_auth(token).json(&body)).await.expect(201).json();
    let path = format!("/projects/{}", made["id"].as_str().unwrap());
    let with = |path: String, password: &'static str| {
        send(it.server.request(Method::GET, &path).basic_auth("me", Some(password)))
    };
    with(format!("{path}/terraform/state"), token).await.expect(404);
    with(format!("/api/v1{path}/terraform/state"), token).await.expect(404);
    with(format!("{path}/terraform/state"), "another-token-0123456789").await.expect(401);
    with(path.clone(), token).await.expect(401);
    with(format!("{path}/terraform/versions"), token).await.expect(401);
}

/// Writes its environment down and waits for a file.
const HOLDS: &str =
    "env >$R/env.part; mv $R/env.part $R/env.$PROVOST_ATTEMPT; while [ ! -e $R/go ]; do sleep 0.05; done";

async fn environment(it: &Setup, attempt: u32) -> BTreeMap<String, String> {
    let text = it.until_made(&format!("env.{attempt}")).await;
    text.lines().filter_map(|line| line.split_once('=')).map(|(k, v)| (k.to_owned(), v.to_owned())).collect()
}

#[tokio::test]
async fn lock_of_a_program_ends_with_its_worker() {
    let mut it = Setup::new(&[("provision", HOLDS), ("deprovision", "true")], "").await;
    let id = it.create("shop", json!({})).await;
    let first = environment(&it, 1).await;
    for (name, value) in
        [("TF_HTTP_LOCK_METHOD", "LOCK"), ("TF_HTTP_UNLOCK_METHOD", "UNLOCK"), ("TF_IN_AUTOMATION", "1")]
    {
        assert_eq!(first[name], value);
    }
    assert_eq!(first["TF_HTTP_ADDRESS"], format!("{}/projects/{id}/terraform/state", it.server.url));
    let program = Client::of_run(&it.server, &first);
    program.lock("one").await.expect(200);
    program.put("one", 1, "").await.expect(200);
    Client::of(&it.server, &id).lock("two").await.expect(423);
    let other = it.server.ready("other").await;
    let elsewhere = Client { path: format!("/projects/{other}/terraform/state"), ..Client::of_run(&it.server, &first) };
    for method in ["GET", "DELETE", "UNLOCK"] {
        assert_eq!(elsewhere.send(method, "", "").await.expect(409).code(), "lease_lost", "{method}");
    }

    it.server.kill();
    it.server = it.place.server(&it.database, &[KEY]);
    let second = environment(&it, 2).await;
    let lost = reasons(&it.server, &id).await;
    assert!(
        lost.iter().any(|it| it.starts_with("Terraform state unlocked because the worker of execution")),
        "{lost:?}"
    );
    let late = Client::of_run(&it.server, &first);
    for answer in [late.put("one", 2, "late").await, late.lock("one").await, late.send("GET", "", "").await] {
        assert_eq!(answer.expect(409).code(), "lease_lost", "an ended attempt changes nothing");
    }
    let program = Client::of_run(&it.server, &second);
    program.lock("two").await.expect(200);
    program.put("two", 2, "").await.expect(200);
    std::fs::write(it.place.path().join("made/go"), "").unwrap();
    it.server.until(&id, "ready").await;
    let ended = reasons(&it.server, &id).await;
    assert!(ended.iter().any(|it| it.ends_with("ended: completed")), "{ended:?}");
    assert_eq!(it.database.number("SELECT count(*) FROM terraform_locks").await, 0);
    let versions = it.server.get(&format!("/projects/{id}/terraform/versions")).await.json();
    assert_eq!(versions[0]["execution_id"], second["TF_HTTP_USERNAME"].as_str());
    it.database.check_invariants().await;
}

#[tokio::test]
async fn lock_of_a_program_ends_with_a_forced_project() {
    let it = Setup::new(&[("provision", HOLDS), ("deprovision", "true")], "").await;
    let id = it.create("shop", json!({})).await;
    let first = environment(&it, 1).await;
    Client::of_run(&it.server, &first).lock("one").await.expect(200);
    it.server.post(&format!("/projects/{id}/force"), json!({"reason": "enough"})).await.expect(200);
    assert_eq!(it.database.number("SELECT count(*) FROM terraform_locks").await, 0);
    assert_eq!(Client::of_run(&it.server, &first).put("one", 1, "").await.expect(409).code(), "lease_lost");
    it.database.check_invariants().await;
}

pub fn has_terraform() -> bool {
    let version = Command::new("terraform").arg("version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    let has = version.is_ok_and(|it| it.success());
    if !has {
        eprintln!("skipped: terraform is not installed, so examples/terraform was not run");
    }
    has
}

#[tokio::test]
async fn terraform_example_runs() {
    if !has_terraform() {
        return;
    }
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/terraform");
    let database = Database::new().await;
    let server = Server::within(folder.as_ref(), &database.url, &[KEY]);
    let body = json!({"name": "shop", "template": "terraform", "parameters": {"size": 2}});
    let id = server.post("/projects", body).await.expect(201).json()["id"].as_str().unwrap().to_owned();
    server.until(&id, "ready").await;
    assert_eq!(server.get(&format!("/projects/{id}/outputs")).await.json(), json!({"size": 2}));
    let access = server.post(&format!("/projects/{id}/reveal"), json!({})).await.expect(200).json();
    assert!(access["secrets"]["key"].as_str().unwrap().starts_with("key-of-"), "{access}");
    let versions = server.get(&format!("/projects/{id}/terraform/versions")).await.json();
    assert!(versions[0]["execution_id"].is_string(), "{versions}");
    server.delete(&format!("/projects/{id}")).await.expect(202);
    eventually("it is deleted", || async {
        let project = server.get(&format!("/projects/{id}")).await.json();
        assert_ne!(project["status"], "failed", "{project}");
        (project["status"] == "deleted").then_some(())
    })
    .await;
    database.check_invariants().await;
}
