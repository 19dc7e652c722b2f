//! Small components that several pages show.

use crate::web::app::App;
use crate::web::ui::{Badge, Stamp, Tone, count};

/// A link with its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    pub label: String,
    pub href: String,
}

impl Link {
    pub fn to(href: impl Into<String>, label: impl Into<String>) -> Self {
        Link { label: label.into(), href: href.into() }
    }
}

/// A job by kind and abbreviated id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobLink {
    pub id: String,
    pub short_id: String,
    pub kind: String,
}

/// A bar that shows how much of a capacity is used. Without a capacity there is no bar, only the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Usage {
    pub text: String,
    pub percent: Option<u32>,
    pub tone: Tone,
}

impl Usage {
    /// "8 of 10"; amber once nothing is free.
    pub fn of(used: i64, capacity: i64) -> Self {
        let percent = if capacity > 0 { (used.max(0) * 100 / capacity).min(100) } else { 100 };
        Usage {
            text: format!("{} of {}", count(used), count(capacity)),
            percent: u32::try_from(percent).ok(),
            tone: if used >= capacity { Tone::Wait } else { Tone::Work },
        }
    }
}

/// A key figure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kpi {
    pub label: String,
    /// The number with its unit, or "–".
    pub value: String,
    pub hint: String,
    /// A mark before the hint, if the number is good or bad.
    pub tone: Option<Tone>,
    /// The list it counts.
    pub href: Option<String>,
}

/// Why work does not proceed, and the command that fixes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    pub text: String,
    pub command: Option<String>,
}

/// The actor, reason and time of a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    pub reason: Option<String>,
    pub actor: String,
    pub at: Stamp,
}

/// The worker that holds a lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    pub worker: String,
    /// "attempt 2 of 5".
    pub attempt: String,
    pub lease_until: Stamp,
}

/// One event of a timeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimelineEntry {
    /// The event id, which keeps the element the same from poll to poll.
    pub id: String,
    /// Its color and icon.
    pub mark: Badge,
    pub title: String,
    /// The previous state; `None` for the first event and for events that change no state.
    pub from: Option<String>,
    pub to: Option<String>,
    pub actor: String,
    pub reason: Option<String>,
    /// How long the previous state lasted.
    pub took: Option<String>,
    /// A long wait before this event ("waited 12 m"), shown above it.
    pub gap: Option<String>,
    /// The heading of a group that begins here ("Attempt 2").
    pub group: Option<String>,
    pub at: Stamp,
    /// Whether this is the current state; its time is then shown as elapsed.
    pub running: bool,
}

/// One API call as a shell command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CurlLine {
    pub label: String,
    pub line: String,
}

impl CurlLine {
    pub fn new(label: &str, line: String) -> Self {
        CurlLine { label: label.to_owned(), line }
    }
}

/// The curl option that authenticates, on servers that require a token.
pub fn curl_auth(app: &App) -> &'static str {
    if app.config.admin_token.is_some() { " -H \"Authorization: Bearer $PROVOST_ADMIN_TOKEN\"" } else { "" }
}
