//! The layout around every page: navigation, top bar, counts, one-time message.

use actix_web::HttpRequest;
use time::OffsetDateTime;

use crate::web::access::SESSION;
use crate::web::app::App;
use crate::web::assets;
use crate::web::error::ApiError;
use crate::web::ui::{Counts, FLASH, Flash, Link, Preferences, Stamp, Theme, Zone, flash, stamp};

/// Everything that `ui/layout.html` shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shell {
    /// The `<title>` and the last breadcrumb.
    pub title: String,
    pub nav: Nav,
    /// The breadcrumbs before the title, outermost first.
    pub crumbs: Vec<Link>,
    pub theme: Theme,
    pub zone: Zone,
    pub poll_seconds: u32,
    /// Whether the page polls. Confirmation pages, help and sign in do not.
    pub live: bool,
    /// Whether single-key shortcuts are on; WCAG 2.1.4 requires a switch.
    pub shortcuts: bool,
    pub signed_in: bool,
    pub asset_version: String,
    pub version: String,
    /// False if this request found the database down: shows the banner at once.
    pub db_ok: bool,
    /// Shown once, outside `<main>`, so that a poll does not remove it.
    pub flash: Option<Flash>,
    pub project_count: Option<String>,
    /// Jobs that are not finished.
    pub job_count: Option<String>,
    /// Workflows that are running.
    pub workflow_count: Option<String>,
    pub dead_count: Option<String>,
    /// Outside `<main>`, so that it does not change the fragment's `ETag`.
    pub server_time: Stamp,
}

impl Shell {
    /// A live page outside the navigation, without counts.
    pub fn new(app: &App, request: &HttpRequest) -> Self {
        let Preferences { poll, theme, zone, shortcuts, .. } = Preferences::of(request);
        Self {
            title: String::new(),
            nav: Nav::Elsewhere,
            crumbs: Vec::new(),
            theme,
            zone,
            poll_seconds: poll,
            live: true,
            shortcuts,
            signed_in: app.config.admin_token.is_some() && request.cookie(SESSION).is_some(),
            asset_version: assets::VERSION.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            db_ok: true,
            flash: request.cookie(FLASH).and_then(|cookie| flash::flash(cookie.value())),
            project_count: None,
            job_count: None,
            workflow_count: None,
            dead_count: None,
            server_time: stamp(OffsetDateTime::now_utc()),
        }
    }

    /// A live page in a section of the navigation, with counts from the database.
    pub async fn load(app: &App, request: &HttpRequest, nav: Nav) -> Result<Self, ApiError> {
        Ok(Self::new(app, request).at(nav).with_counts(&Counts::load(app).await?))
    }

    pub fn at(self, nav: Nav) -> Self {
        Self { nav, ..self }
    }

    pub fn without_polling(self) -> Self {
        Self { live: false, ..self }
    }

    pub fn without_database(self) -> Self {
        Self { db_ok: false, ..self }
    }

    pub fn with_counts(self, counts: &Counts) -> Self {
        counts.add_to(self)
    }

    /// Adds a breadcrumb.
    pub fn crumb(mut self, label: &str, href: impl Into<String>) -> Self {
        self.crumbs.push(Link::to(href, label));
        self
    }

    pub fn titled(self, title: &str) -> Self {
        Self { title: title.to_owned(), ..self }
    }

    pub fn has_dead(&self) -> bool {
        self.dead_count.as_deref().is_some_and(|count| count != "0")
    }
}

/// The sections of the navigation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nav {
    Projects,
    Clusters,
    Drift,
    Metrics,
    Jobs,
    Queues,
    Workers,
    DeadLetters,
    Limits,
    Schedules,
    Workflows,
    Settings,
    Help,
    /// A page outside the navigation, such as an error page.
    Elsewhere,
}

impl Nav {
    /// Whether this is the section at `/dashboard/{path}`.
    pub fn is(self, path: &str) -> bool {
        let own = match self {
            Nav::Projects => "projects",
            Nav::Clusters => "clusters",
            Nav::Drift => "drift",
            Nav::Metrics => "metrics",
            Nav::Jobs => "jobs",
            Nav::Queues => "queues",
            Nav::Workers => "workers",
            Nav::DeadLetters => "dead-letters",
            Nav::Limits => "limits",
            Nav::Schedules => "schedules",
            Nav::Workflows => "workflows",
            Nav::Settings => "settings",
            Nav::Help => "help",
            Nav::Elsewhere => "",
        };
        own == path
    }
}
