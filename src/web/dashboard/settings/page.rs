//! `/dashboard/settings`: what this browser shows, and how this installation is.

use actix_web::http::StatusCode;
use actix_web::http::header::LOCATION;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};

use crate::domain::ProjectStatus;
use crate::signal::ListenMode;
use crate::web::api::health::{Checkup, checkup};
use crate::web::app::App;
use crate::web::dashboard::settings::view::{ConfigRow, DisplayForm, Fact, HealthLine, ServiceLine, SettingsPage};
use crate::web::dashboard::ui::{
    Counts, FLASH, FieldError, Form, Level, Nav, Preferences, Rendering, Shell, Theme, Zone, cookie, duration,
    mark_database_down, or_error_page, poll_seconds, respond, stamp,
};
use crate::web::error::ApiError;
use crate::web::extract::Body;

/// `GET`. Shown also while the database is down: that is when people look here.
pub async fn show(app: Data<App>, request: HttpRequest) -> HttpResponse {
    let Preferences { poll, status, theme, zone, shortcuts } = Preferences::of(&request);
    let status = status.map_or("", ProjectStatus::as_str).to_owned();
    let display = DisplayForm { poll: poll.to_string(), status, theme, zone, shortcuts, errors: Vec::new() };
    page(&app, &request, display, StatusCode::OK).await
}

/// `POST`: keeps the settings in a cookie.
pub async fn save(app: Data<App>, request: HttpRequest, body: Body) -> HttpResponse {
    let answer = match Form::read(&body) {
        Ok(form) => match preferences(&form) {
            Ok(chosen) => Ok(saved(&chosen)),
            Err(display) => Ok(page(&app, &request, display, StatusCode::UNPROCESSABLE_ENTITY).await),
        },
        Err(error) => Err::<HttpResponse, ApiError>(error),
    };
    or_error_page(&app, &request, answer)
}

fn saved(chosen: &Preferences) -> HttpResponse {
    HttpResponse::SeeOther()
        .insert_header((LOCATION, "/dashboard/settings"))
        .cookie(chosen.cookie())
        .cookie(cookie(FLASH, "saved".to_owned(), actix_web::cookie::time::Duration::minutes(1)))
        .finish()
}

fn preferences(form: &Form) -> Result<Preferences, DisplayForm> {
    let (poll, status) = (poll_seconds(form.get("poll")), form.get("status"));
    let (theme, zone) = (Theme::from_name(form.get("theme")), Zone::from_name(form.get("zone")));
    let shortcuts = form.get("shortcuts") == "on";
    let known = ProjectStatus::parse(status);
    let mut errors = Vec::new();
    let mut wrong =
        |field: &str, message: &str| errors.push(FieldError { field: field.into(), message: message.into() });
    if poll.is_none() {
        wrong("poll", "The poll interval must be a whole number of seconds from 1 to 30.");
    }
    if known.is_none() && !status.is_empty() {
        wrong("status", "Choose one of the statuses.");
    }
    if theme.is_none() {
        wrong("theme", "Choose one of the themes.");
    }
    if zone.is_none() {
        wrong("zone", "Choose one of the time zones.");
    }
    match (poll, theme, zone, errors.is_empty()) {
        (Some(poll), Some(theme), Some(zone), true) => Ok(Preferences { poll, status: known, theme, zone, shortcuts }),
        _ => Err(DisplayForm {
            poll: form.get("poll").to_owned(),
            status: status.to_owned(),
            theme: theme.unwrap_or_default(),
            zone: zone.unwrap_or_default(),
            shortcuts,
            errors,
        }),
    }
}

async fn page(app: &App, request: &HttpRequest, display: DisplayForm, status: StatusCode) -> HttpResponse {
    let found = checkup(app).await;
    let shell = Shell::new(app, request).at(Nav::Settings);
    let shell = match Counts::load(app).await {
        Ok(counts) if found.database.is_some() => shell.with_counts(&counts),
        _ => shell.without_database(),
    };
    let page = SettingsPage {
        shell: shell.titled("Settings"),
        display,
        health: vec![api(app), database(app, &found), listener(app), workers(&found)],
        services: services(app),
        started: stamp(app.started_at),
        stack: stack(&found),
        config: app
            .config
            .effective
            .iter()
            .map(|it| ConfigRow { name: it.name.into(), value: it.value.clone(), source: it.source.into() })
            .collect(),
    };
    let mut response = respond(request, Rendering::new(&page, page.as_main()).with_status(status));
    if found.database.is_none() {
        mark_database_down(&mut response);
    }
    response
}

fn line(name: &str, level: Level, text: impl Into<String>, detail: Option<String>) -> HealthLine {
    HealthLine { name: name.to_owned(), level, text: text.into(), detail, at: None, at_label: String::new() }
}

fn api(app: &App) -> HealthLine {
    let (level, text) =
        if app.process_status.is_draining() { (Level::Warn, "stopping") } else { (Level::Ok, "answering") };
    line("API", level, text, Some(format!("at {}", app.host)))
}

fn database(app: &App, found: &Checkup) -> HealthLine {
    match &found.database {
        Some((pong, took)) => line(
            "Database",
            Level::Ok,
            format!("answered in {}", duration(took.as_secs_f64())),
            Some(format!(
                "PostgreSQL {} at {}, schema {}",
                pong.server_version, app.database_address, pong.schema_version
            )),
        ),
        None => line("Database", Level::Bad, "does not answer", Some(format!("at {}", app.database_address))),
    }
}

fn listener(app: &App) -> HealthLine {
    let status = app.process_status.listener();
    let (level, text) = match status.mode {
        ListenMode::Notify => (Level::Ok, "notify: work is started at once"),
        ListenMode::Poll => (Level::Warn, "poll: notifications do not arrive, work is found by looking"),
    };
    let detail = format!("reconnected {} times", status.reconnects);
    HealthLine {
        at: status.heard.map(stamp),
        at_label: "last heard".to_owned(),
        ..line("Listener", level, text, Some(detail))
    }
}

fn workers(found: &Checkup) -> HealthLine {
    match found.workers {
        Some(it) if it.online > 0 => line(
            "Workers",
            Level::Ok,
            format!("{} online", it.online),
            Some(format!("{} of {} slots busy", it.busy, it.slots)),
        ),
        Some(_) => {
            line("Workers", Level::Bad, "none online", Some("nothing is provisioned until one comes".to_owned()))
        }
        None => line("Workers", Level::Warn, "unknown", Some("the database does not answer".to_owned())),
    }
}

fn services(app: &App) -> Vec<ServiceLine> {
    let services = app.process_status.services().into_iter().map(|(name, it)| ServiceLine {
        name: name.to_owned(),
        level: if it.state == "running" { Level::Ok } else { Level::Warn },
        status: match it.last_error {
            Some(error) if it.state != "running" => format!("{}: {error}", it.state),
            _ => it.state.to_owned(),
        },
        since: Some(stamp(it.since)),
    });
    services.collect()
}

fn stack(found: &Checkup) -> Vec<Fact> {
    let fact = |label: &str, value: String| Fact { label: label.to_owned(), value };
    let postgres = found.database.as_ref().map_or("unknown".to_owned(), |(pong, _)| pong.server_version.clone());
    let host = nix::unistd::gethostname().ok().and_then(|name| name.into_string().ok()).unwrap_or_default();
    vec![
        fact("Provost", env!("CARGO_PKG_VERSION").to_owned()),
        fact("PostgreSQL", postgres),
        fact("Rust", env!("BUILT_WITH").to_owned()),
        fact("System", format!("{} {}", std::env::consts::OS, std::env::consts::ARCH)),
        fact("Host", host),
        fact("Process", std::process::id().to_string()),
    ]
}
