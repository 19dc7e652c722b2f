//! What every page shares: the reader's preferences, the frame, and how a page is sent as a document or as a fragment.

use actix_web::cookie::{Cookie, time::Duration as Age};
use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, ETAG, IF_NONE_MATCH, VARY};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use time::OffsetDateTime;

use crate::domain::{ProjectStatus, moment};
use crate::web::access::SESSION;
use crate::web::app::App;
use crate::web::assets;
use crate::web::dashboard::ui::counts::Counts;
use crate::web::dashboard::ui::flash::flash;
use crate::web::dashboard::ui::form;
use crate::web::dashboard::ui::form::FLASH;
use crate::web::dashboard::ui::layout_view::{Crumb, Nav, Shell, Stamp, Theme, Zone};
use crate::wire::hash::sha256_hex;

/// The cookie of the preferences.
const PREFERENCES: &str = "provost_preferences";

/// What this browser was told to show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preferences {
    /// Seconds between polls.
    pub poll: u32,
    /// The filter that a plain list starts with.
    pub status: Option<ProjectStatus>,
    pub theme: Theme,
    pub zone: Zone,
    pub shortcuts: bool,
}

impl Default for Preferences {
    fn default() -> Self {
        Self { poll: 2, status: None, theme: Theme::System, zone: Zone::Browser, shortcuts: true }
    }
}

impl Preferences {
    /// From the cookie; whatever cannot be read is as if never set.
    pub fn of(request: &HttpRequest) -> Self {
        let cookie = request.cookie(PREFERENCES);
        let pairs: Vec<(String, String)> =
            cookie.and_then(|it| serde_urlencoded::from_str(it.value()).ok()).unwrap_or_default();
        let get = |name: &str| pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        let usual = Self::default();
        Self {
            poll: get("poll").and_then(poll_seconds).unwrap_or(usual.poll),
            status: get("status").and_then(ProjectStatus::parse),
            theme: get("theme").and_then(Theme::from_name).unwrap_or_default(),
            zone: get("zone").and_then(Zone::from_name).unwrap_or_default(),
            shortcuts: get("shortcuts") != Some("off"),
        }
    }

    /// The cookie, for a year.
    pub fn cookie(&self) -> Cookie<'static> {
        let poll = self.poll.to_string();
        let pairs = [
            ("poll", poll.as_str()),
            ("status", self.status.map_or("", ProjectStatus::as_str)),
            ("theme", self.theme.name()),
            ("zone", self.zone.name()),
            ("shortcuts", if self.shortcuts { "on" } else { "off" }),
        ];
        form::cookie(PREFERENCES, serde_urlencoded::to_string(pairs).unwrap_or_default(), Age::days(365))
    }
}

/// A poll interval that is allowed: 1 to 30 seconds.
pub fn poll_seconds(text: &str) -> Option<u32> {
    text.trim().parse().ok().filter(|seconds| (1..=30).contains(seconds))
}

/// The frame of a page while it is made.
pub struct Frame {
    shell: Shell,
}

impl Frame {
    pub fn of(app: &App, request: &HttpRequest) -> Self {
        let Preferences { poll, theme, zone, shortcuts, .. } = Preferences::of(request);
        let shell = Shell {
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
            flash: request.cookie(FLASH).and_then(|cookie| flash(cookie.value())),
            project_count: None,
            job_count: None,
            workflow_count: None,
            dead_count: None,
            server_time: stamp(OffsetDateTime::now_utc()),
        };
        Self { shell }
    }

    pub fn at(mut self, nav: Nav) -> Self {
        self.shell.nav = nav;
        self
    }

    /// A page that does not poll.
    pub fn still(mut self) -> Self {
        self.shell.live = false;
        self
    }

    pub fn counting(mut self, counts: &Counts) -> Self {
        counts.note(&mut self.shell);
        self
    }

    pub fn without_database(mut self) -> Self {
        self.shell.db_ok = false;
        self
    }

    /// Below another page.
    pub fn below(mut self, label: &str, href: impl Into<String>) -> Self {
        self.shell.crumbs.push(Crumb { label: label.to_owned(), href: href.into() });
        self
    }

    pub fn shell(self, title: &str) -> Shell {
        Shell { title: title.to_owned(), ..self.shell }
    }
}

/// A page in both renderings.
pub struct Shown<'a> {
    document: Box<dyn Fn() -> askama::Result<String> + 'a>,
    main: Box<dyn Fn() -> askama::Result<String> + 'a>,
    status: StatusCode,
    at_rest: bool,
    pause: Option<&'static str>,
}

impl<'a> Shown<'a> {
    pub fn new(page: &'a impl Template, main: impl Template + 'a) -> Self {
        Self {
            document: Box::new(|| page.render()),
            main: Box::new(move || main.render()),
            status: StatusCode::OK,
            at_rest: false,
            pause: None,
        }
    }

    pub fn with_status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    /// Nothing on it will ever change again, so nobody need ask.
    pub fn resting_for_ever(mut self, yes: bool) -> Self {
        self.at_rest = yes;
        self
    }

    /// It costs more than others to make, so it should be asked for again no sooner than after so many milliseconds.
    pub fn asked_again_after(mut self, pause: Option<&'static str>) -> Self {
        self.pause = pause;
        self
    }
}

/// The whole document, or for a live poll the inside of `main`: same URL, two representations. The fragment has an
/// ETag of its own, so that an unchanged page costs a few bytes and no mutation.
pub fn respond(request: &HttpRequest, page: Shown<'_>) -> HttpResponse {
    let live = is_live(request);
    let body = match if live { (page.main)() } else { (page.document)() } {
        Ok(body) => body,
        // The templates only write Strings into a String.
        Err(error) => return HttpResponse::InternalServerError().body(error.to_string()),
    };
    let mut response = HttpResponse::build(page.status);
    response.insert_header((VARY, "X-Live, Cookie")).insert_header((CACHE_CONTROL, "private, no-cache"));
    if page.at_rest {
        response.insert_header(("X-Poll-Stop", "1"));
    }
    if let Some(pause) = page.pause {
        response.insert_header(("X-Poll-After", pause));
    }
    if !live {
        if let Some(spent) = request.cookie(FLASH) {
            response.cookie(form::cookie(FLASH, spent.value().to_owned(), Age::ZERO));
        }
        return response.content_type("text/html; charset=utf-8").body(body);
    }
    let etag = format!("W/\"f-{}\"", &sha256_hex(&body)[..32]);
    response.insert_header((ETAG, etag.clone())).insert_header(("X-Fragment", "1"));
    let seen = request.headers().get(IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    if page.status.is_success() && seen == Some(&etag) {
        return response.status(StatusCode::NOT_MODIFIED).finish();
    }
    response.content_type("text/html; charset=utf-8").body(body)
}

/// Whether the page's own script asks.
pub fn is_live(request: &HttpRequest) -> bool {
    request.headers().contains_key("x-live")
}

/// A moment for a page.
pub fn stamp(at: OffsetDateTime) -> Stamp {
    Stamp { iso: moment::text(at), text: moment::readable(at) }
}

/// A number for a page.
pub fn count(n: i64) -> String {
    crate::web::dashboard::ui::chart::grouped(n.max(0).unsigned_abs())
}

/// So many of something, for a page: "1 job", "1,284 jobs".
pub fn counted(n: i64, one: &str) -> String {
    format!("{} {one}{}", count(n), if n == 1 { "" } else { "s" })
}

/// No list is counted further than this.
pub const COUNTED: i64 = 10_000;

/// A number that was counted no further than one above [`COUNTED`].
pub fn capped(n: i64) -> String {
    if n > COUNTED { format!("{}+", count(COUNTED)) } else { count(n) }
}

/// How long it was between two moments, for a page.
pub fn span(from: OffsetDateTime, to: OffsetDateTime) -> String {
    crate::web::dashboard::ui::chart::seconds((to - from).as_seconds_f64().max(0.0))
}

/// What a line of curl needs to be let in.
pub fn auth(app: &App) -> &'static str {
    if app.config.admin_token.is_some() { " -H \"Authorization: Bearer $PROVOST_ADMIN_TOKEN\"" } else { "" }
}
