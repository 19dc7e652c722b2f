//! `/dashboard/settings`.

use actix_web::cookie::time::Duration;
use actix_web::http::StatusCode;
use actix_web::http::header::LOCATION;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use time::OffsetDateTime;

use crate::config::Effective;
use crate::domain::ProjectStatus;
use crate::web::api::health::{HealthCheck, check_health};
use crate::web::app::App;
use crate::web::dashboard::settings::health::{Component, components};
use crate::web::error::ApiError;
use crate::web::extract::Body;
use crate::web::ui::{
    AsStamp, Choice, Counts, FLASH, FieldError, Form, Level, Nav, PROJECT_STATUSES, Preferences, Rendering, Shell,
    StateBadge, Theme, Zone, cookie, mark_database_down, or_error_page, poll_seconds, respond,
};

#[derive(Debug, Template)]
#[template(path = "settings/page.html", blocks = ["main"], whitespace = "minimize")]
struct SettingsPage {
    shell: Shell,
    display: DisplayForm,
    components: Vec<Component>,
    /// The services of this process.
    services: Vec<Service>,
    started_at: OffsetDateTime,
    /// Names and versions.
    stack: Vec<(&'static str, String)>,
    /// The effective configuration; secrets are masked.
    config: Vec<Effective>,
}

/// The display settings as typed.
#[derive(Debug, Clone)]
struct DisplayForm {
    poll: String,
    status: String,
    theme: Theme,
    zone: Zone,
    shortcuts: bool,
    errors: Vec<FieldError>,
}

impl DisplayForm {
    fn error(&self, field: &str) -> Option<&str> {
        FieldError::find(&self.errors, field)
    }

    /// The default filters of the project list.
    fn statuses(&self) -> Vec<Choice> {
        let states = PROJECT_STATUSES.into_iter().filter(|status| *status != ProjectStatus::Deleted);
        let choices = states.map(|status| Choice::new(status.as_str(), status.badge().label, &self.status));
        std::iter::once(Choice::new("", "All", &self.status)).chain(choices).collect()
    }
}

#[derive(Debug)]
struct Service {
    name: &'static str,
    level: Level,
    status: String,
    since: OffsetDateTime,
}

/// Also works while the database is down, to show the health of the server.
pub async fn show(app: Data<App>, request: HttpRequest) -> HttpResponse {
    let Preferences { poll, status, theme, zone, shortcuts } = Preferences::of(&request);
    let status = status.map_or("", ProjectStatus::as_str).to_owned();
    let display = DisplayForm { poll: poll.to_string(), status, theme, zone, shortcuts, errors: Vec::new() };
    page(&app, &request, display, StatusCode::OK).await
}

/// `POST`: stores the display settings in a cookie.
pub async fn save(app: Data<App>, request: HttpRequest, body: Body) -> HttpResponse {
    let answer = match Form::read(&body) {
        Ok(form) => match preferences(&form) {
            Ok(preferences) => Ok(saved(&preferences)),
            Err(display) => Ok(page(&app, &request, display, StatusCode::UNPROCESSABLE_ENTITY).await),
        },
        Err(error) => Err::<HttpResponse, ApiError>(error),
    };
    or_error_page(&app, &request, answer)
}

fn saved(preferences: &Preferences) -> HttpResponse {
    HttpResponse::SeeOther()
        .insert_header((LOCATION, "/dashboard/settings"))
        .cookie(preferences.cookie())
        .cookie(cookie(FLASH, "saved".to_owned(), Duration::minutes(1)))
        .finish()
}

fn preferences(form: &Form) -> Result<Preferences, DisplayForm> {
    let (poll, text) = (poll_seconds(form.get("poll")), form.get("status"));
    let (theme, zone) = (Theme::from_name(form.get("theme")), Zone::from_name(form.get("zone")));
    let shortcuts = form.get("shortcuts") == "on";
    let status = ProjectStatus::parse(text);
    let checks = [
        ("poll", poll.is_some(), "The poll interval must be a whole number of seconds from 1 to 30."),
        ("status", status.is_some() || text.is_empty(), "Choose a status from the list."),
        ("theme", theme.is_some(), "Choose one of the themes."),
        ("zone", zone.is_some(), "Choose one of the time zones."),
    ];
    let invalid = checks.into_iter().filter(|(_, valid, _)| !valid);
    let errors: Vec<FieldError> = invalid.map(|(field, _, message)| FieldError::new(field, message)).collect();
    match (poll, theme, zone, errors.is_empty()) {
        (Some(poll), Some(theme), Some(zone), true) => Ok(Preferences { poll, status, theme, zone, shortcuts }),
        _ => Err(DisplayForm {
            poll: form.get("poll").to_owned(),
            status: text.to_owned(),
            theme: theme.unwrap_or_default(),
            zone: zone.unwrap_or_default(),
            shortcuts,
            errors,
        }),
    }
}

async fn page(app: &App, request: &HttpRequest, display: DisplayForm, status: StatusCode) -> HttpResponse {
    let health = check_health(app).await;
    let shell = Shell::new(app, request).at(Nav::Settings);
    let shell = match Counts::load(app).await {
        Ok(counts) if health.database.is_some() => shell.with_counts(&counts),
        _ => shell.without_database(),
    };
    let page = SettingsPage {
        shell: shell.titled("Settings"),
        display,
        components: components(app, &health),
        services: services(app),
        started_at: app.started_at,
        stack: stack(&health),
        config: app.config.effective.clone(),
    };
    let mut response = respond(request, Rendering::new(&page, page.as_main()).with_status(status));
    if health.database.is_none() {
        mark_database_down(&mut response);
    }
    response
}

fn services(app: &App) -> Vec<Service> {
    let services = app.process_status.services().into_iter().map(|(name, it)| Service {
        name,
        level: if it.state == "running" { Level::Ok } else { Level::Warn },
        status: match it.last_error {
            Some(error) if it.state != "running" => format!("{}: {error}", it.state),
            _ => it.state.to_owned(),
        },
        since: it.since,
    });
    services.collect()
}

fn stack(health: &HealthCheck) -> Vec<(&'static str, String)> {
    let postgres = health.database.as_ref().map_or("unknown".to_owned(), |(pong, _)| pong.server_version.clone());
    let host = nix::unistd::gethostname().ok().and_then(|name| name.into_string().ok()).unwrap_or_default();
    vec![
        ("Provost", env!("CARGO_PKG_VERSION").to_owned()),
        ("PostgreSQL", postgres),
        ("Rust", env!("BUILT_WITH").to_owned()),
        ("System", format!("{} {}", std::env::consts::OS, std::env::consts::ARCH)),
        ("Host", host),
        ("Process", std::process::id().to_string()),
    ]
}
