//! A newer version has migrated the schema, and this one goes on, or starts again.

use serde_json::json;

use crate::harness::{Database, Server};

/// What a migration that only adds does.
const EXPAND: &str = "ALTER TABLE provost.jobs ADD COLUMN added integer NOT NULL DEFAULT 0;
    ALTER TABLE provost.projects ADD COLUMN added text;
    ALTER TABLE provost.past_executions ADD COLUMN added jsonb;
    ALTER TABLE provost.events ADD COLUMN added bigint;
    ALTER TABLE provost.queues ADD COLUMN added boolean NOT NULL DEFAULT false;
    CREATE TABLE provost.added (id bigint PRIMARY KEY);
    INSERT INTO provost.schema_migrations (version, name, supports) VALUES (999, 'V999__added', 1);
    UPDATE provost.schema_functions SET program_version = '{999,0,0}'";

#[tokio::test]
async fn migration_under_load_refuses_no_request() {
    let database = Database::new().await;
    let server = Server::on(&database);
    let mut projects = Vec::new();
    for n in 0..40 {
        if n == 20 {
            database.run(EXPAND).await;
        }
        let project = server.post("/projects", json!({"name": format!("p{n}")})).await.expect(201);
        projects.push(project.json()["id"].as_str().unwrap().to_owned());
        for path in ["/projects", "/jobs", "/queues", "/events"] {
            server.get(path).await.expect(200);
        }
        server.post("/jobs", json!({"kind": "noop"})).await.expect(201);
    }
    for id in &projects {
        server.until(id, "ready").await;
    }
    // The way back: the version of before is started again.
    server.kill();
    let again = Server::on(&database);
    assert_eq!(again.get("/health").await.json()["schema_version"], 999);
    again.post(&format!("/projects/{}/pause", projects[0]), json!({})).await.expect(202);
    again.until(&projects[0], "paused").await;
    assert_eq!(database.text("SELECT DISTINCT program_version FROM schema_functions").await, "{999,0,0}");
    database.check_invariants().await;
}
