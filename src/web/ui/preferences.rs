//! Display settings, kept in a cookie of the browser.

use actix_web::HttpRequest;
use actix_web::cookie::{Cookie, time::Duration};

use crate::domain::ProjectStatus;
use crate::web::ui::cookie;

const PREFERENCES: &str = "provost_preferences";

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preferences {
    /// Seconds between polls, 1 to 30.
    pub poll: u32,
    /// The default filter of the project list.
    pub status: Option<ProjectStatus>,
    pub theme: Theme,
    pub zone: Zone,
    pub shortcuts: bool,
}

impl Preferences {
    /// Reads the cookie. Values that cannot be read take their defaults.
    pub fn of(request: &HttpRequest) -> Self {
        let cookie = request.cookie(PREFERENCES);
        let pairs: Vec<(String, String)> =
            cookie.and_then(|it| serde_urlencoded::from_str(it.value()).ok()).unwrap_or_default();
        let get = |name: &str| pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        Self {
            poll: get("poll").and_then(poll_seconds).unwrap_or(2),
            status: get("status").and_then(ProjectStatus::parse),
            theme: get("theme").and_then(Theme::from_name).unwrap_or_default(),
            zone: get("zone").and_then(Zone::from_name).unwrap_or_default(),
            shortcuts: get("shortcuts") != Some("off"),
        }
    }

    /// The cookie, valid for a year.
    pub fn cookie(&self) -> Cookie<'static> {
        let poll = self.poll.to_string();
        let pairs = [
            ("poll", poll.as_str()),
            ("status", self.status.map_or("", ProjectStatus::as_str)),
            ("theme", self.theme.name()),
            ("zone", self.zone.name()),
            ("shortcuts", if self.shortcuts { "on" } else { "off" }),
        ];
        cookie(PREFERENCES, serde_urlencoded::to_string(pairs).unwrap_or_default(), Duration::days(365))
    }
}

/// Parses a poll interval of 1 to 30 seconds.
pub fn poll_seconds(text: &str) -> Option<u32> {
    text.trim().parse().ok().filter(|seconds| (1..=30).contains(seconds))
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Theme {
    #[default]
    System,
    Light,
    Dark,
}

impl Theme {
    pub const ALL: [Theme; 3] = [Theme::System, Theme::Light, Theme::Dark];

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|theme| theme.name() == name)
    }

    /// The value in forms, in the cookie and in `data-theme`.
    pub fn name(self) -> &'static str {
        match self {
            Theme::System => "system",
            Theme::Light => "light",
            Theme::Dark => "dark",
        }
    }

    /// The value of `<meta name="color-scheme">`, which prevents a white flash before the stylesheet loads.
    pub fn color_scheme(self) -> &'static str {
        match self {
            Theme::System => "light dark",
            Theme::Light => "light",
            Theme::Dark => "dark",
        }
    }

    pub fn label(self) -> &'static str {
        match self {
            Theme::System => "System",
            Theme::Light => "Light",
            Theme::Dark => "Dark",
        }
    }
}

/// The time zone of absolute times.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Zone {
    #[default]
    Browser,
    Utc,
}

impl Zone {
    pub const ALL: [Zone; 2] = [Zone::Browser, Zone::Utc];

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|zone| zone.name() == name)
    }

    /// The value in forms, in the cookie and in `data-zone`.
    pub fn name(self) -> &'static str {
        match self {
            Zone::Browser => "browser",
            Zone::Utc => "utc",
        }
    }

    pub fn label(self) -> &'static str {
        match self {
            Zone::Browser => "Local time",
            Zone::Utc => "UTC",
        }
    }
}
