//! What exists against what the projects say: health, differences, orphans.

use reqwest::Method;
use serde_json::{Value, json};

use super::{Setup, admin};
use crate::harness::{Proxy, Server, eventually, send, tenants_url};

/// A look several times a second.
pub const OFTEN: &[(&str, &str)] = &[("PROVOST_OBSERVE_INTERVAL", "200ms")];

impl Setup {
    /// The differences of a project, as `kind: message`.
    pub async fn differences(&self, id: &str) -> Vec<String> {
        let drift = self.server.get(&format!("/drift?project={id}")).await.expect(200).json();
        let text = |it: &Value| format!("{}: {}", it["kind"].as_str().unwrap(), it["message"].as_str().unwrap());
        drift["findings"].as_array().unwrap().iter().map(text).collect()
    }

    pub async fn until_differs(&self, id: &str, words: &str) {
        let what = format!("a difference with the words {words:?}");
        eventually(&what, async || self.differences(id).await.iter().any(|it| it.contains(words)).then_some(())).await;
    }

    pub async fn until_in_sync(&self, id: &str) {
        let what = "nothing differs, and the project is healthy";
        let path = format!("/projects/{id}");
        eventually(what, async || {
            let is_healthy = self.server.get(&path).await.expect(200).json()["health"] == "healthy";
            (is_healthy && self.differences(id).await.is_empty()).then_some(())
        })
        .await;
    }

    /// The id of the finding about the orphan of this project.
    pub async fn orphan(&self, id: &str) -> String {
        eventually("the orphan is found", async || {
            let drift = self.server.get(&format!("/drift?project={id}")).await.expect(200).json();
            let finding = drift["findings"].as_array().unwrap().iter().find(|it| it["kind"] == "orphaned").cloned();
            finding.map(|it| it["id"].as_str().unwrap().to_owned())
        })
        .await
    }

    pub async fn forced(&self, id: &str) {
        let body = json!({"reason": "gone wrong"});
        self.server.post(&format!("/projects/{id}/force"), body).await.expect(200);
    }
}

#[tokio::test]
async fn changes_by_hand_are_named_until_they_are_reversed() {
    let setup = Setup::with(OFTEN).await;
    let id = setup.ready("shop", json!({"connections": 7})).await;
    setup.until_in_sync(&id).await;
    let url = setup.url(&id).await;
    let name = url.rsplit('/').next().unwrap().to_owned();
    let cluster = admin().await;
    // A grant to PUBLIC would not last: every creation in the cluster revokes it.
    for (change, words, reversal) in [
        (
            format!("ALTER DATABASE {name} CONNECTION LIMIT 99"),
            "changed: the connection limit is 99, not 7",
            format!("ALTER DATABASE {name} CONNECTION LIMIT 7"),
        ),
        (
            format!("GRANT CONNECT ON DATABASE {name} TO pg_monitor"),
            "added: role pg_monitor may connect",
            format!("REVOKE CONNECT ON DATABASE {name} FROM pg_monitor"),
        ),
        (
            format!("ALTER ROLE {name}_c1 CREATEDB"),
            "changed: the role has the attributes CREATEDB",
            format!("ALTER ROLE {name}_c1 NOCREATEDB"),
        ),
        (
            format!("ALTER ROLE {name}_c1 RESET role"),
            "changed: the login does not act as the owner role",
            format!("ALTER ROLE {name}_c1 SET role = {name}_owner"),
        ),
        (
            format!("CREATE ROLE {name}_c7 IN ROLE {name}_owner"),
            "added: the project does not know this role",
            format!("DROP ROLE {name}_c7"),
        ),
        (
            format!("ALTER DATABASE {name} RENAME TO {name}x"),
            &format!("changed: the database was renamed to {name}x"),
            format!("ALTER DATABASE {name}x RENAME TO {name}"),
        ),
    ] {
        // The observer may be connected at the moment.
        eventually("the change is made", async || cluster.batch_execute(&change).await.is_ok().then_some(())).await;
        setup.until_differs(&id, words).await;
        eventually("the change is reversed", async || cluster.batch_execute(&reversal).await.is_ok().then_some(()))
            .await;
        setup.until_in_sync(&id).await;
    }
    cluster.batch_execute(&format!("ALTER ROLE {name}_c1 PASSWORD 'another'")).await.unwrap();
    setup.until_differs(&id, "changed: the password differs").await;
    let project = setup.server.get(&format!("/projects/{id}")).await.expect(200).json();
    assert_eq!((&project["status"], &project["health"]), (&json!("ready"), &json!("unhealthy")), "{project}");
    setup.server.post(&format!("/projects/{id}/rotate"), json!({})).await.expect(202);
    setup.until_in_sync(&id).await;
    setup.database.check_invariants().await;
}

#[tokio::test]
async fn dropped_database_is_missing_and_can_be_deleted() {
    let setup = Setup::with(OFTEN).await;
    let id = setup.ready("shop", json!({})).await;
    setup.until_in_sync(&id).await;
    let name = setup.url(&id).await.rsplit('/').next().unwrap().to_owned();
    admin().await.batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)")).await.unwrap();
    setup.until_differs(&id, "missing: the database does not exist").await;
    let events = setup.server.get(&format!("/projects/{id}/events")).await.expect(200).json();
    let says = |words: &str| {
        events.as_array().unwrap().iter().any(|it| it["reason"].as_str().is_some_and(|text| text.starts_with(words)))
    };
    assert!(says("condition healthy is false: "), "{events}");
    setup.server.delete(&format!("/projects/{id}")).await.expect(202);
    setup.server.until(&id, "deleted").await;
    assert_eq!(setup.differences(&id).await, Vec::<String>::new());
    setup.database.check_invariants().await;
}

#[tokio::test]
async fn paused_project_that_admits_its_tenant_is_named() {
    let setup = Setup::with(OFTEN).await;
    let id = setup.ready("shop", json!({})).await;
    setup.server.post(&format!("/projects/{id}/pause"), json!({})).await.expect(202);
    setup.server.until(&id, "paused").await;
    setup.until_in_sync(&id).await;
    let name =
        setup.server.get(&format!("/projects/{id}/outputs")).await.json()["database"].as_str().unwrap().to_owned();
    admin().await.batch_execute(&format!("ALTER ROLE {name}_c1 LOGIN")).await.unwrap();
    setup.until_differs(&id, "changed: the role may log in, although the project is paused").await;
}

#[tokio::test]
async fn unreachable_cluster_is_unknown_and_not_absent() {
    let proxy = Proxy::before(tenants_url());
    let through = proxy.url(tenants_url());
    let setup = Setup::with(&[OFTEN[0], ("TENANTS_URL", &through)]).await;
    let id = setup.ready("shop", json!({})).await;
    setup.until_in_sync(&id).await;
    proxy.cut();
    let path = format!("/projects/{id}");
    let health = async |word: &str| (setup.server.get(&path).await.expect(200).json()["health"] == word).then_some(());
    eventually("the health is unknown", async || health("unknown").await).await;
    assert_eq!(setup.differences(&id).await, Vec::<String>::new(), "nothing is known to differ");
    setup.server.delete(&path).await.expect(202);
    eventually("an attempt fails", async || {
        let steps = setup.server.get(&format!("{path}/steps")).await.expect(200).json();
        steps.as_array().unwrap().iter().any(|it| it["state"] == "failed").then_some(())
    })
    .await;
    // The outage uses no attempt.
    eventually("it tries again", async || {
        let operations = setup.server.get(&format!("{path}/operations")).await.expect(200).json();
        (operations[0]["attempt"].as_i64() > Some(4)).then_some(())
    })
    .await;
    let explained = setup.server.get(&format!("{path}/explain")).await.expect(200).json();
    assert_eq!(explained["status"], "deleting", "{explained}");
    proxy.repair();
    eventually("it is deleted", async || (setup.server.get(&path).await.json()["status"] == "deleted").then_some(()))
        .await;
    setup.database.check_invariants().await;
}

#[tokio::test]
async fn fsck_compares_every_project() {
    let setup = Setup::new().await;
    let id = setup.ready("shop", json!({})).await;
    let fsck = || {
        let mut command = Server::command();
        command
            .arg("fsck")
            .envs(super::settings())
            .env("DATABASE_URL", &setup.database.url)
            .current_dir(setup.folder.path());
        let output = command.output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    assert_eq!(fsck(), (Some(0), "Every project is as it says.\n".to_owned()));
    let name = setup.url(&id).await.rsplit('/').next().unwrap().to_owned();
    admin().await.batch_execute(&format!("ALTER DATABASE {name} CONNECTION LIMIT 99")).await.unwrap();
    let (code, text) = fsck();
    let expected = format!("shop: database {name}: the connection limit is 99, not 20\n\n1 difference.\n");
    assert_eq!((code, text), (Some(1), expected));
}

#[tokio::test]
async fn only_projects_that_exist_are_observed() {
    let setup = Setup::new().await;
    let id = setup.ready("shop", json!({})).await;
    let observe = async || send(setup.server.request(Method::POST, &format!("/projects/{id}/observe"))).await;
    observe().await.expect(202);
    setup.server.delete(&format!("/projects/{id}")).await.expect(202);
    setup.server.until(&id, "deleted").await;
    observe().await.expect(409);
    let unknown = setup.server.post(&format!("/drift/{id}/adopt"), json!({"template": "db"})).await;
    assert_eq!(unknown.status, 404, "{}", unknown.text);
}
