//! A server on which every project page has content.

use serde_json::json;
use tokio::sync::OnceCell;

use crate::harness::{Database, Server};

/// One slow worker slot: one project is provisioned while the others wait.
const SETTINGS: &[(&str, &str)] = &[("PROVOST_WORKER_CONCURRENCY", "1"), ("PROVOST_PROJECT_DEADLINE", "1h")];

/// A server with projects in every status, and their ids.
pub struct ProjectFixtures {
    pub database: Database,
    pub server: Server,
    pub ready: String,
    pub failed: String,
    pub provisioning: String,
    pub deleting: String,
    pub deleted: String,
}

impl ProjectFixtures {
    /// The server that all read-only tests share.
    pub async fn shared() -> Self {
        static SHARED: OnceCell<ProjectFixtures> = OnceCell::const_new();
        let shared = SHARED.get_or_init(async || Self::new().await.with_an_hour_of_history().await).await;
        Self {
            database: Database::at(&shared.database.url).await,
            server: Server::at(&shared.server.url),
            ready: shared.ready.clone(),
            failed: shared.failed.clone(),
            provisioning: shared.provisioning.clone(),
            deleting: shared.deleting.clone(),
            deleted: shared.deleted.clone(),
        }
    }

    pub async fn new() -> Self {
        let database = Database::new().await;
        let server = Server::with(&database.url, SETTINGS);
        let deleted = server.ready("preview-pr-1841").await;
        server.delete(&format!("/projects/{deleted}")).await.expect(202);
        server.until(&deleted, "deleted").await;
        for name in ["crm-sandbox", "billing-eu", "analytics-warehouse", "acme-production"] {
            server.ready(name).await;
        }
        let deleting = server.ready("preview-pr-1902").await;
        for (name, reason) in [
            ("search-index-rebuild", "image_pull_failed: the registry did not answer within 30 s"),
            ("billing-us", "quota_exceeded: the region us-east-1 has no free capacity"),
        ] {
            let id = server.create_as(name, json!({"outcome": "failed", "duration_ms": 400, "reason": reason})).await;
            server.until(&id, "failed").await;
        }
        let failed = database.text("SELECT id FROM projects WHERE name = 'billing-us'").await;
        server.post(&format!("/projects/{failed}/retry"), json!({})).await.expect(200);
        server.until(&failed, "failed").await;
        let ready = labelled(&server).await;
        let provisioning = server.create_as("tenant-globex", json!({"duration_ms": 3_600_000})).await;
        server.until(&provisioning, "provisioning").await;
        server.create("tenant-initech").await;
        server.create("data-lake-staging").await;
        server.delete(&format!("/projects/{deleting}")).await.expect(202);
        Self { database, server, ready, failed, provisioning, deleting, deleted }
    }

    /// Every page, with a name.
    pub fn pages(&self) -> Vec<(&'static str, String)> {
        let project = |id: &str| format!("/dashboard/projects/{id}");
        vec![
            ("projects", "/dashboard/projects".to_owned()),
            ("no-match", "/dashboard/projects?status=ready&search=nothing".to_owned()),
            ("project-ready", project(&self.ready)),
            ("project-failed", project(&self.failed)),
            ("project-moving", project(&self.provisioning)),
            ("project-deleting", project(&self.deleting)),
            ("project-deleted", project(&self.deleted)),
            ("delete", project(&format!("{}/delete", self.ready))),
            ("delete-blocked", project(&format!("{}/delete", self.provisioning))),
            ("metrics", "/dashboard/metrics".to_owned()),
            ("settings", "/dashboard/settings".to_owned()),
            ("help", "/dashboard/help".to_owned()),
            ("login", "/dashboard/login".to_owned()),
            ("not-found", "/dashboard/nowhere".to_owned()),
        ]
    }
}

async fn labelled(server: &Server) -> String {
    let body = json!({
        "name": "shop-checkout", "labels": {"env": "production", "team": "payments", "region": "eu-central-1"},
        "parameters": {"simulate": {"outcome": "ready", "duration_ms": 700}, "size": "medium"},
    });
    let id = server.post("/projects", body).await.expect(201).json()["id"].as_str().unwrap().to_owned();
    server.until(&id, "ready").await;
    id
}

impl ProjectFixtures {
    /// Adds an hour of mostly successful provisioning.
    pub async fn with_an_hour_of_history(self) -> Self {
        self.database
            .run(
                "INSERT INTO provision_stats (minute, outcome, reason, bucket, n, total_ms, last_at)
                 SELECT date_trunc('minute', now() - m * interval '1 minute'), 'ready', '', histogram_bucket(ms), n, ms * n, now() - m * interval '1 minute'
                 FROM generate_series(1, 55) AS m,
                      LATERAL (SELECT 1 + (m * 7 % 4) + CASE WHEN m BETWEEN 18 AND 27 THEN 4 ELSE 0 END AS n,
                                      2300 + (m * 137 % 900) + CASE WHEN m BETWEEN 18 AND 27 THEN 1800 ELSE 0 END AS ms) AS s
                 UNION ALL
                 SELECT date_trunc('minute', now() - m * interval '1 minute'), 'ready', '', histogram_bucket(ms), 1, ms, now() - m * interval '1 minute'
                 FROM generate_series(1, 55) AS m, LATERAL (SELECT 5200 + (m * 211 % 1700) AS ms) AS s
                 UNION ALL
                 SELECT date_trunc('minute', now() - m * interval '1 minute'), 'failed',
                        (ARRAY['quota_exceeded: the region us-east-1 has no free capacity', 'image_pull_failed: the registry did not answer within 30 s', 'network_timeout: no route to the provider''s API'])[1 + m % 5 % 3],
                        histogram_bucket(1500), 1 + m % 2, 1500 * (1 + m % 2), now() - m * interval '1 minute'
                 FROM generate_series(2, 55, 6) AS m",
            )
            .await;
        self
    }
}
