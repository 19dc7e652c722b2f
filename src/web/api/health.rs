//! `/health` for people, `/healthz` and `/readyz` for orchestrators and load balancers.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use actix_web::HttpResponse;
use actix_web::web::Data;
use time::OffsetDateTime;

use crate::domain::Outage;
use crate::signal::ListenMode;
use crate::store::StoreError;
use crate::store::database::DatabaseInfo;
use crate::store::processes::Fleet;
use crate::store::status::Trouble;
use crate::store::workers::WorkerSummary;
use crate::web::app::App;
use crate::wire::{FleetHealth, Health, ListenerHealth, RoleHealth, ServiceHealth, TroubleHealth, WorkersHealth};

/// A database that takes longer to respond counts as down.
const DATABASE_TIMEOUT: Duration = Duration::from_millis(1500);

/// The state of the process's dependencies.
pub struct HealthCheck {
    /// The response of the database and its response time; `None` while the database is down.
    pub database: Option<(DatabaseInfo, Duration)>,
    pub workers: Option<WorkerSummary>,
    pub fleet: Option<Fleet>,
}

/// How long a process may be silent before it does not count. It registers every 10 s.
const MAX_PROCESS_AGE: Duration = Duration::from_secs(35);
/// How long a job must be due before its queue counts as unserved.
const UNSERVED_AFTER: Duration = Duration::from_secs(30);

impl Fleet {
    /// What is missing, as sentences.
    pub fn lacks(&self) -> Vec<String> {
        let scheduler =
            "No process has the role scheduler: schedules do not fire, and jobs of lost workers are not taken back.";
        let unserved = |queue: &String| format!("No worker runs what is due in queue {queue}.");
        let scheduler = (self.schedulers == 0).then(|| scheduler.to_owned());
        scheduler.into_iter().chain(self.unserved_queues.iter().map(unserved)).collect()
    }
}

/// What all processes together lack.
pub async fn fleet(app: &App) -> Result<Fleet, StoreError> {
    app.store.fleet(MAX_PROCESS_AGE, app.max_heartbeat_age(), UNSERVED_AFTER).await
}

/// Checks the database and counts the workers.
pub async fn check_health(app: &App) -> HealthCheck {
    let started = Instant::now();
    let pong = tokio::time::timeout(DATABASE_TIMEOUT, app.store.ping()).await.ok().and_then(Result::ok);
    let took = started.elapsed();
    let workers = match pong {
        Some(_) => tokio::time::timeout(DATABASE_TIMEOUT, app.store.summarize_workers(app.max_heartbeat_age()))
            .await
            .ok()
            .and_then(Result::ok),
        None => None,
    };
    let fleet = match workers {
        Some(_) => tokio::time::timeout(DATABASE_TIMEOUT, fleet(app)).await.ok().and_then(Result::ok),
        None => None,
    };
    HealthCheck { database: pong.map(|pong| (pong, took)), workers, fleet }
}

/// Get the health of the process and its dependencies.
#[utoipa::path(get, path = "/health", tag = "operations",
    responses((status = 200, body = Health), (status = 503, body = Health, description = "The database is not responding")))]
pub async fn health(app: Data<App>) -> HttpResponse {
    let state = check_health(&app).await;
    let listener = app.process_status.listener();
    let services = app.process_status.services();
    let lacks_something = state.fleet.as_ref().is_some_and(|it| !it.lacks().is_empty());
    let is_degraded =
        listener.mode == ListenMode::Poll || lacks_something || services.values().any(|it| it.state == "restarting");
    let trouble = trouble(&app, &state);
    let status = match (&trouble, app.process_status.is_draining()) {
        (Some(_), _) => "unavailable",
        (None, true) => "draining",
        (None, false) if is_degraded => "degraded",
        (None, false) => "ok",
    };
    let is_usable = trouble.is_none();
    let body = Health {
        status: status.to_owned(),
        db: if state.database.is_some() { "ok" } else { "down" }.to_owned(),
        db_ms: state.database.as_ref().map(|(_, took)| (took.as_secs_f64() * 1e6).round() / 1e3),
        trouble: trouble.map(|it| TroubleHealth {
            code: it.outage.to_string(),
            advice: it.outage.advice().to_owned(),
            cause: it.cause,
            since: it.since,
        }),
        pooler: app.store.status().is_pooled(),
        written_at: app.store.status().written_at(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        schema_version: state.database.as_ref().map(|(pong, _)| pong.schema_version),
        listener: ListenerHealth {
            mode: listener.mode.as_str().to_owned(),
            since: listener.since,
            last_heard_at: listener.last_notified_at,
            reconnects: listener.reconnects,
        },
        workers: state.workers.map(|it| WorkersHealth { online: it.online, slots: it.slots, busy: it.busy }),
        roles: roles(&app),
        fleet: state.fleet.map(|it| FleetHealth { schedulers: it.schedulers, unserved_queues: it.unserved_queues }),
        services: services
            .into_iter()
            .map(|(name, it)| {
                let health = ServiceHealth {
                    state: it.state.to_owned(),
                    since: it.since,
                    restarts: it.restarts,
                    last_error: it.last_error,
                };
                (name.to_owned(), health)
            })
            .collect(),
    };
    match is_usable {
        true => HttpResponse::Ok().json(body),
        false => HttpResponse::ServiceUnavailable().insert_header(("Retry-After", "2")).json(body),
    }
}

fn roles(app: &App) -> BTreeMap<String, RoleHealth> {
    let (acts, roles) = (app.process_status.acts(), &app.config.roles);
    let all = [("api", roles.api), ("worker", roles.worker), ("scheduler", roles.scheduler)];
    let health = |role: &str| RoleHealth { acted_at: acts.get(role).copied() };
    all.into_iter().filter(|(_, has)| *has).map(|(role, _)| (role.to_owned(), health(role))).collect()
}

/// Why the database cannot be used: it does not respond, or the last statement that wanted to change something was refused.
pub fn trouble(app: &App, state: &HealthCheck) -> Option<Trouble> {
    let known = app.store.status().trouble();
    match state.database {
        Some(_) => known,
        None => Some(known.unwrap_or_else(|| Trouble {
            outage: Outage::NoConnection,
            cause: format!("no answer within {DATABASE_TIMEOUT:?}"),
            since: OffsetDateTime::now_utc(),
            last: OffsetDateTime::now_utc(),
        })),
    }
}

/// Liveness: the process is running. Independent of the database, so that a database outage does not cause restarts.
#[utoipa::path(get, path = "/healthz", tag = "operations", responses((status = 200, body = String, example = "ok")))]
pub async fn alive() -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain; charset=utf-8").body("ok\n")
}

/// Readiness: the database responds and accepts changes, and the process is not shutting down. Otherwise the body begins with a code.
#[utoipa::path(get, path = "/readyz", tag = "operations",
    responses((status = 200, body = String), (status = 503, body = String)))]
pub async fn ready(app: Data<App>) -> HttpResponse {
    let state = check_health(&app).await;
    let text = match (app.process_status.is_draining(), trouble(&app, &state)) {
        (true, _) => "draining\n".to_owned(),
        (false, Some(it)) => format!("{}: {}\n", it.outage, it.outage.advice()),
        (false, None) => return HttpResponse::Ok().content_type("text/plain; charset=utf-8").body("ready\n"),
    };
    HttpResponse::ServiceUnavailable()
        .insert_header(("Retry-After", "2"))
        .content_type("text/plain; charset=utf-8")
        .body(text)
}
