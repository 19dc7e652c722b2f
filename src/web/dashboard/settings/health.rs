//! The health of the parts of this server.

use time::OffsetDateTime;

use crate::signal::ListenMode;
use crate::web::api::health::HealthCheck;
use crate::web::app::App;
use crate::web::ui::{Level, duration};

/// One component.
#[derive(Debug)]
pub struct Component {
    pub name: &'static str,
    pub level: Level,
    pub text: String,
    pub detail: Option<String>,
    /// When the last message of the component arrived.
    pub seen_at: Option<OffsetDateTime>,
}

fn component(name: &'static str, level: Level, text: impl Into<String>, detail: Option<String>) -> Component {
    Component { name, level, text: text.into(), detail, seen_at: None }
}

pub fn components(app: &App, health: &HealthCheck) -> Vec<Component> {
    vec![api(app), database(app, health), listener(app), workers(health)]
}

fn api(app: &App) -> Component {
    let draining = app.process_status.is_draining();
    let (level, text) = if draining { (Level::Warn, "shutting down") } else { (Level::Ok, "up") };
    component("API", level, text, Some(format!("at {}", app.host)))
}

fn database(app: &App, health: &HealthCheck) -> Component {
    let address = &app.database_address;
    let Some((pong, took)) = &health.database else {
        return component("Database", Level::Bad, "not responding", Some(format!("at {address}")));
    };
    let detail = format!("PostgreSQL {} at {address}, schema {}", pong.server_version, pong.schema_version);
    component("Database", Level::Ok, format!("responded in {}", duration(took.as_secs_f64())), Some(detail))
}

fn listener(app: &App) -> Component {
    let status = app.process_status.listener();
    let (level, text) = match status.mode {
        ListenMode::Notify => (Level::Ok, "LISTEN/NOTIFY connected"),
        ListenMode::Poll => (Level::Warn, "no notifications; polling"),
    };
    let detail = format!("reconnects: {}", status.reconnects);
    Component { seen_at: status.last_notified_at, ..component("Listener", level, text, Some(detail)) }
}

fn workers(health: &HealthCheck) -> Component {
    match health.workers {
        Some(it) if it.online > 0 => {
            let detail = format!("{} of {} slots busy", it.busy, it.slots);
            component("Workers", Level::Ok, format!("{} online", it.online), Some(detail))
        }
        Some(_) => component("Workers", Level::Bad, "none online", Some("jobs wait until a worker starts".to_owned())),
        None => component("Workers", Level::Warn, "unknown", Some("the database is not responding".to_owned())),
    }
}
