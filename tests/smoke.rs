//! The main path: a posted project becomes ready.

use crate::harness::{Database, Server};

#[tokio::test]
async fn posted_project_becomes_ready() {
    let database = Database::new().await;
    let server = Server::on(&database);
    let id = server.create("first").await;
    server.until(&id, "ready").await;
    assert_eq!(server.history(&id).await, ["creating", "provisioning", "ready"]);
    database.check_invariants().await;
}
