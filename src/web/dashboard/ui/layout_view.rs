//! What every page has around its content: navigation, top bar, preferences, one-time message.

use crate::web::dashboard::ui::status::Tone;

/// The frame of a page. The handlers build one per request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shell {
    /// Goes into `<title>` before "· Provost" and is the last, unlinked crumb of the top bar.
    pub title: String,
    /// SelectedJobs entry of the sidebar is current.
    pub nav: Nav,
    /// The crumbs before the title, outermost first.
    pub crumbs: Vec<Crumb>,
    /// Printed on `<html>`, so that the first frame already has the right colours without any script.
    pub theme: Theme,
    /// SelectedJobs zone absolute times are shown in once the script runs; without it they are UTC.
    pub zone: Zone,
    /// Seconds between two live polls, 1 to 30.
    pub poll_seconds: u32,
    /// Whether this page may poll at all. False on confirm pages, sign in and help.
    pub live: bool,
    /// Whether the single-key shortcuts are on (WCAG 2.1.4 asks for a switch).
    pub shortcuts: bool,
    /// Shows the Sign out button.
    pub signed_in: bool,
    /// The hash that makes `/static/app.css?v=…` safe to cache for ever.
    pub asset_version: String,
    /// The version of Provost, for the footer.
    pub version: String,
    /// False when this very request found the database down: turns the mark and shows the amber banner at once.
    pub db_ok: bool,
    /// A message from the action before, shown once, outside `<main>` so that a poll does not wipe it.
    pub flash: Option<Flash>,
    /// How many projects there are, as shown beside the Projects link ("1,284", "10,000+").
    pub project_count: Option<String>,
    /// How many jobs are not finished, as shown beside the Jobs link ("1,284", "10,000+").
    pub job_count: Option<String>,
    /// How many workflows run, as shown beside the Workflows link ("12", "10,000+").
    pub workflow_count: Option<String>,
    /// How many dead letters there are; a red pill unless it is "0".
    pub dead_count: Option<String>,
    /// The moment of rendering. Stands outside `<main>`, so it does not disturb the `ETag` of the fragment.
    pub server_time: Stamp,
}

/// The entries of the sidebar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nav {
    /// `/dashboard/projects` and everything below it.
    Projects,
    /// `/dashboard/metrics`.
    Metrics,
    /// `/dashboard/jobs` and everything below it.
    Jobs,
    /// `/dashboard/queues` and everything below it.
    Queues,
    /// `/dashboard/workers` and everything below it.
    Workers,
    /// `/dashboard/dead-letters` and everything below it.
    DeadLetters,
    /// `/dashboard/limits`.
    Limits,
    /// `/dashboard/schedules` and everything below it.
    Schedules,
    /// `/dashboard/workflows` and everything below it.
    Workflows,
    /// `/dashboard/settings`.
    Settings,
    /// `/dashboard/help`.
    Help,
    /// A page that belongs to none, such as an error page.
    Elsewhere,
}

impl Nav {
    /// Whether this is the entry called `name`; the layout asks, which knows words but no types.
    pub fn is(self, name: &str) -> bool {
        let own = match self {
            Nav::Projects => "projects",
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
        own == name
    }
}

/// One linked step of the path to a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Crumb {
    /// What it says.
    pub label: String,
    /// Where it leads.
    pub href: String,
}

/// A link in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// What it says.
    pub label: String,
    /// Where it leads.
    pub href: String,
}

impl Link {
    /// Where it leads, and what it says.
    pub fn to(href: impl Into<String>, label: impl Into<String>) -> Self {
        Link { label: label.into(), href: href.into() }
    }
}

/// The result of the action before this page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flash {
    /// `Ok`, `Wait` or `Bad`; the icon follows.
    pub tone: Tone,
    /// One sentence.
    pub text: String,
    /// Where to go on from here, if anywhere.
    pub link: Option<Link>,
}

impl Shell {
    /// Whether there is a dead letter that somebody should look at.
    pub fn has_dead(&self) -> bool {
        self.dead_count.as_deref().is_some_and(|count| count != "0")
    }
}

/// A moment. `iso` is what the script computes with, `text` is what a reader without a script sees.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stamp {
    /// RFC 3339 in UTC, ending in `Z`.
    pub iso: String,
    /// The same moment in words, absolute: "2025-11-22 14:03:22 UTC". Never an age, or the `ETag` would change.
    pub text: String,
}

/// A refused value of a form field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// The `name` of the field, for example `project_name`; for an error of no one field, the first field's name.
    pub field: String,
    /// What is wrong and what would be right, as a sentence.
    pub message: String,
}

impl FieldError {
    /// The first message about `field`, if there is one.
    pub fn find<'a>(errors: &'a [FieldError], field: &str) -> Option<&'a str> {
        errors.iter().find(|error| error.field == field).map(|error| error.message.as_str())
    }

    /// The `id` of the control: dashes instead of underscores, by the convention of all templates.
    pub fn control(&self) -> String {
        self.field.replace('_', "-")
    }
}

/// The colours of the dashboard.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Theme {
    /// What the operating system says.
    #[default]
    System,
    /// Always light.
    Light,
    /// Always dark.
    Dark,
}

impl Theme {
    /// All of them, in the order of the form.
    pub const ALL: [Theme; 3] = [Theme::System, Theme::Light, Theme::Dark];

    /// Reads the value of a form or a cookie.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|theme| theme.name() == name)
    }

    /// The value in forms, cookies and `data-theme`.
    pub fn name(self) -> &'static str {
        match self {
            Theme::System => "system",
            Theme::Light => "light",
            Theme::Dark => "dark",
        }
    }

    /// What the browser is told before the stylesheet comes, so that no white flashes up.
    pub fn color_scheme(self) -> &'static str {
        match self {
            Theme::System => "light dark",
            Theme::Light => "light",
            Theme::Dark => "dark",
        }
    }

    /// The word on the screen.
    pub fn label(self) -> &'static str {
        match self {
            Theme::System => "Same as the system",
            Theme::Light => "Light",
            Theme::Dark => "Dark",
        }
    }
}

/// The zone of absolute times.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Zone {
    /// The zone of the reader's device.
    #[default]
    Browser,
    /// Coordinated universal time.
    Utc,
}

impl Zone {
    /// Both, in the order of the form.
    pub const ALL: [Zone; 2] = [Zone::Browser, Zone::Utc];

    /// Reads the value of a form or a cookie.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|zone| zone.name() == name)
    }

    /// The value in forms, cookies and `data-zone`.
    pub fn name(self) -> &'static str {
        match self {
            Zone::Browser => "browser",
            Zone::Utc => "utc",
        }
    }

    /// The word on the screen.
    pub fn label(self) -> &'static str {
        match self {
            Zone::Browser => "This device",
            Zone::Utc => "UTC",
        }
    }
}
