//! `/metrics`, as JSON and in the Prometheus text format.

use actix_web::http::header::ACCEPT;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use crate::domain::ProjectStatus;
use crate::signal::ListenMode;
use crate::web::api::description;
use crate::web::api::health::fleet;
use crate::web::api::response::json;
use crate::web::app::App;
use crate::web::error::ApiResult;
use crate::wire::{CountsByStatus, Metrics};

const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Count projects by status. If the `Accept` header requests text, the response is the same as `/metrics/prometheus`.
#[utoipa::path(get, path = "/metrics", tag = "operations", responses((status = 200, body = Metrics), description::Read))]
pub async fn metrics(app: Data<App>, request: HttpRequest) -> ApiResult {
    let accept = request.headers().get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let wants_text = ["application/openmetrics-text", "text/plain"].iter().any(|kind| accept.contains(kind));
    // Many HTTP clients send `application/json, text/plain, */*` by default and expect JSON.
    if wants_text && !accept.contains("application/json") {
        return prometheus(app).await;
    }
    let counts = app.store.count_projects().await?;
    let failed_total = counts.get(&ProjectStatus::Failed).copied().unwrap_or_default();
    let counts = counts.into_iter().map(|(status, n)| (status.to_string(), n)).collect();
    json(Metrics { counts_by_status: CountsByStatus(counts), failed_total })
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StatusLabel {
    status: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct QueueStateLabels {
    queue: String,
    state: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ClassLabel {
    class: String,
}

/// Get all metrics in the OpenMetrics text format. While the database is down, `provost_database_up` is 0 and the metrics that are read
/// from it are missing.
#[utoipa::path(get, path = "/metrics/prometheus", tag = "operations",
    responses((status = 200, body = String, content_type = "application/openmetrics-text")))]
pub async fn prometheus(app: Data<App>) -> ApiResult {
    let mut registry = app.telemetry.registry();
    let (up, listening) = (Gauge::<i64>::default(), Gauge::<i64>::default());
    registry.register("database_up", "Whether the database responds", up.clone());
    registry.register("listener_notify", "1 while notifications arrive, 0 while workers only poll", listening.clone());
    listening.set(i64::from(app.process_status.listener().mode == ListenMode::Notify));
    if let Ok(counts) = app.store.count_projects().await {
        up.set(1);
        let projects = Family::<StatusLabel, Gauge>::default();
        for (status, n) in counts {
            projects.get_or_create(&StatusLabel { status: status.as_str() }).set(n);
        }
        registry.register("projects", "Projects by status", projects);
        register_fleet(&app, &mut registry).await;
        register_jobs(&app, &mut registry).await;
    }
    let mut text = String::new();
    _ = prometheus_client::encoding::text::encode(&mut text, &registry);
    Ok(HttpResponse::Ok().content_type(OPENMETRICS).body(text))
}

/// Adds what all processes together have and lack.
async fn register_fleet(app: &App, registry: &mut Registry) {
    let Ok(fleet) = fleet(app).await else { return };
    let (schedulers, unserved) = (Gauge::<i64>::default(), Gauge::<i64>::default());
    schedulers.set(fleet.schedulers);
    unserved.set(i64::try_from(fleet.unserved_queues.len()).unwrap_or(i64::MAX));
    registry.register("schedulers", "Processes with the role scheduler", schedulers);
    registry.register(
        "unserved_queues",
        "Queues in which a job has been due for 30 s and no worker runs its kind",
        unserved,
    );
}

/// Adds the metrics that are read from counters in the database, unless the database fails.
async fn register_jobs(app: &App, registry: &mut Registry) {
    let (jobs, removed) = (Family::<QueueStateLabels, Gauge>::default(), Family::<ClassLabel, Gauge>::default());
    let Ok(depth) = app.store.queue_depths(None, None).await else { return };
    for row in depth {
        jobs.get_or_create(&QueueStateLabels { queue: row.queue, state: row.state.as_str() }).inc_by(row.n);
    }
    registry.register("jobs", "Jobs by queue and state", jobs);
    let Ok(classes) = app.store.retention_stats().await else { return };
    for row in classes {
        removed.get_or_create(&ClassLabel { class: row.class }).set(row.removed);
    }
    registry.register("removed_rows", "Rows removed by retention, by class, across all processes", removed);
}
