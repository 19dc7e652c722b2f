//! The main job, whole: a project goes from a POST to ready.

use crate::harness::{Database, Server};

#[tokio::test]
async fn a_project_goes_from_a_post_to_ready() {
    let database = Database::new().await;
    let server = Server::on(&database);
    let id = server.create("first").await;
    server.until(&id, "ready").await;
    assert_eq!(server.history(&id).await, ["creating", "provisioning", "ready"]);
    database.check_invariants().await;
}
