//! What belongs to no project: it is adopted, quarantined or removed on request.

use reqwest::Method;
use serde_json::json;

use super::drift::OFTEN;
use super::{Setup, admin, can_connect, remains};
use crate::harness::send;

#[tokio::test]
async fn orphan_is_adopted_quarantined_and_removed() {
    let setup = Setup::with(OFTEN).await;
    let id = setup.ready("shop", json!({})).await;
    let path = format!("/projects/{id}");
    setup.tenant(&id).await.batch_execute("CREATE TABLE t AS SELECT 7 AS n").await.unwrap();
    let old_url = setup.url(&id).await;

    setup.forced(&id).await;
    let finding = setup.orphan(&id).await;
    assert!(can_connect(&old_url).await, "nothing happens by itself");
    setup.server.post(&format!("/drift/{finding}/adopt"), json!({"name": "found"})).await.expect(202);
    let project = setup.server.until(&id, "ready").await;
    assert_eq!((&project["name"], &project["operation"]), (&json!("found"), &json!("adopt")));
    let n: i32 = setup.tenant(&id).await.query_one("SELECT n FROM t", &[]).await.unwrap().get(0);
    assert_eq!(n, 7);
    setup.until_in_sync(&id).await;
    assert_eq!(setup.server.post(&format!("/drift/{finding}/remove"), json!({})).await.status, 404, "settled");

    setup.forced(&id).await;
    let finding = setup.orphan(&id).await;
    setup.server.post(&format!("/drift/{finding}/quarantine"), json!({"grace": "30d"})).await.expect(202);
    setup.server.until(&id, "pending_deletion").await;
    assert!(!can_connect(&old_url).await);
    let names = remains(&admin().await, &old_url.replace("/p_", "/z_")).await;
    assert_eq!(names.len(), 1, "it was renamed: {names:?}");
    setup.server.post(&format!("{path}/undelete"), json!({})).await.expect(202);
    setup.server.until(&id, "failed").await;
    assert!(!can_connect(&old_url).await, "what was shut out before stays so");
    setup.server.post(&format!("{path}/retry"), json!({})).await.expect(200);
    setup.server.until(&id, "ready").await;
    let n: i32 = setup.tenant(&id).await.query_one("SELECT n FROM t", &[]).await.unwrap().get(0);
    assert_eq!(n, 7);

    setup.forced(&id).await;
    let finding = setup.orphan(&id).await;
    let remove = setup.server.request(Method::POST, &format!("/dashboard/drift/{finding}/remove"));
    let remove = remove.header("content-type", "application/x-www-form-urlencoded").body("confirmed=1");
    let page = send(remove).await.expect(303);
    assert!(page.header("set-cookie").contains("orphan-removed"), "{:?}", page.headers);
    setup.server.until(&id, "deleted").await;
    assert_eq!(remains(&admin().await, &old_url).await, Vec::<String>::new());
    setup.database.check_invariants().await;
}

impl Setup {
    /// Forgets a project that was given up.
    async fn forgotten(&self, id: &str) {
        self.forced(id).await;
        // As after a restore of an older backup of our database.
        for (table, column) in
            [("steps", "project_id"), ("outputs", "project_id"), ("events", "entity_id"), ("jobs", "project_id")]
        {
            self.database.run(&format!("DELETE FROM {table} WHERE {column} = '{id}'")).await;
        }
        self.database.run(&format!("DELETE FROM projects WHERE id = '{id}'")).await;
    }
}

#[tokio::test]
async fn orphan_without_a_record_becomes_a_project() {
    let other = "[clusters.away]\nurl_env = \"AWAY_URL\"\n\
                 [templates.away]\nprovisioner = \"postgres\"\nsettings = { cluster = \"away\" }\n";
    let setup = Setup::configured("", other, &[OFTEN[0], ("AWAY_URL", "postgres://nobody@127.0.0.1:1/x")]).await;
    let id = setup.ready("shop", json!({})).await;
    setup.forgotten(&id).await;
    let finding = setup.orphan(&id).await;
    let adopt = format!("/drift/{finding}/adopt");
    let refused = setup.server.post(&adopt, json!({"template": "away"})).await.expect(422);
    assert!(refused.text.contains("those that do: db"), "{}", refused.text);
    // The template is that of the cluster, although another one has the same provisioner and comes first.
    setup.server.post(&adopt, json!({"name": "found"})).await.expect(202);
    let project = setup.server.until(&id, "ready").await;
    assert_eq!((&project["template"], &project["queue"]), (&json!("db"), &json!("cluster:test")), "{project}");
    setup.tenant(&id).await.simple_query("SELECT 1").await.unwrap();
}

/// What is quarantined is kept, also where nothing is known of the project.
#[tokio::test]
async fn orphan_without_a_record_is_quarantined() {
    let setup = Setup::with(OFTEN).await;
    let id = setup.ready("shop", json!({})).await;
    let url = setup.url(&id).await;
    setup.forgotten(&id).await;
    let finding = setup.orphan(&id).await;
    setup.server.post(&format!("/drift/{finding}/quarantine"), json!({"grace": "30d"})).await.expect(202);
    setup.server.until(&id, "pending_deletion").await;
    let names = remains(&admin().await, &url.replace("/p_", "/z_")).await;
    assert_eq!(names.len(), 1, "it was renamed: {names:?}");
}
