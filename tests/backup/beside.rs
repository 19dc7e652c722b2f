//! A copy that runs while its original goes on.

use serde_json::json;

use crate::harness::{Database, Server};
use crate::projects::{Setup, admin, can_connect, remains, settings};

/// An operation that waited when the copy was made names the original in its payload.
#[tokio::test]
async fn separated_copy_leaves_the_original_alone() {
    let setup = Setup::new().await;
    let id = setup.ready("shop", json!({})).await;
    let url = setup.url(&id).await;
    let Setup { server, database, folder } = setup;
    drop(server);
    let with = |database: &Database, roles: &str| {
        let data = folder.path().join("data");
        let more = [("PROVOST_DATA_DIR", data.to_str().unwrap()), ("PROVOST_ROLES", roles)];
        Server::within(folder.path(), &database.url, &[&settings()[..], &more].concat())
    };
    let api = with(&database, "api");
    api.delete(&format!("/projects/{id}")).await.expect(202);
    drop(api);

    let copy = Database::copy_of(&database.text("SELECT current_database()").await).await;
    let separated = copy.text("SELECT separate_copy()").await;
    assert_eq!(copy.text("SELECT id FROM installation").await, separated);
    let beside = with(&copy, "api,worker,scheduler");
    let refused = beside.until(&id, "failed").await;
    assert_eq!(refused["failure"]["code"], "not_ours", "{refused}");
    assert!(can_connect(&url).await, "the database of the original is as it was");
    drop(beside);

    let original = with(&database, "api,worker,scheduler");
    original.until(&id, "deleted").await;
    assert!(remains(&admin().await, &url).await.is_empty());
}
