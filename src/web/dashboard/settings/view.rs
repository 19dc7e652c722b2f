//! The reader's own settings, and how this installation is.

use crate::domain::ProjectStatus;
use crate::web::dashboard::ui::{FieldError, Level, PROJECT_STATUSES, Shell, Stamp, StateBadge, Theme, Zone};
use askama::Template;

/// `GET` and `POST /dashboard/settings`.
#[derive(Debug, Clone, Template)]
#[template(path = "settings/page.html", blocks = ["main"], whitespace = "minimize")]
pub struct SettingsPage {
    /// The shell.
    pub shell: Shell,
    /// The form.
    pub display: DisplayForm,
    /// API, Database, Listener, Workers, in this order.
    pub health: Vec<HealthLine>,
    /// What runs inside this process.
    pub services: Vec<ServiceLine>,
    /// When this process started; shown as its uptime.
    pub started: Stamp,
    /// Version, PostgreSQL, Rust, system, node.
    pub stack: Vec<Fact>,
    /// The effective configuration; secrets are masked before they come here.
    pub config: Vec<ConfigRow>,
}

/// The form of the display settings, as typed or as stored.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DisplayForm {
    /// Seconds between polls, as text because a refused value is shown again.
    pub poll: String,
    /// The filter a plain `/dashboard/projects` starts with; empty for all.
    pub status: String,
    /// The colours.
    pub theme: Theme,
    /// The zone of absolute times.
    pub zone: Zone,
    /// Whether single keys do something.
    pub shortcuts: bool,
    /// What was wrong, by field.
    pub errors: Vec<FieldError>,
}

impl DisplayForm {
    /// What is wrong with `field`.
    pub fn error(&self, field: &str) -> Option<&str> {
        FieldError::find(&self.errors, field)
    }

    /// The choices of the default filter. Deleted is left out: nobody wants to start there.
    pub fn statuses(&self) -> Vec<StatusOption> {
        let option = |name, label| StatusOption { name, label, selected: self.status == name };
        let states = PROJECT_STATUSES.into_iter().filter(|status| *status != ProjectStatus::Deleted);
        std::iter::once(option("", "All"))
            .chain(states.map(|status| option(status.as_str(), status.badge().label)))
            .collect()
    }
}

/// One choice of the default filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StatusOption {
    /// The value.
    pub name: &'static str,
    /// The word.
    pub label: &'static str,
    /// Whether it is chosen.
    pub selected: bool,
}

/// One part of the installation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HealthLine {
    /// Which part ("Database").
    pub name: String,
    /// How well it is.
    pub level: Level,
    /// The main thing in words ("3 ms", "notify", "2 online, 8 slots").
    pub text: String,
    /// What else there is to say ("PostgreSQL 17.2 at localhost:5432/provost").
    pub detail: Option<String>,
    /// A moment that belongs to it, shown as an age after `detail`.
    pub at: Option<Stamp>,
    /// The words before that moment ("last heard").
    pub at_label: String,
}

/// One service of the engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceLine {
    /// Its name ("reaper").
    pub name: String,
    /// How well it is.
    pub level: Level,
    /// Its status in words ("running", "restarting after an error").
    pub status: String,
    /// Since when.
    pub since: Option<Stamp>,
}

/// One fact about the installation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// What it is ("PostgreSQL").
    pub label: String,
    /// Its value.
    pub value: String,
}

/// One effective setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigRow {
    /// Its name ("PROVOST_LISTEN").
    pub name: String,
    /// Its value, masked if it is a secret.
    pub value: String,
    /// Where it came from ("flag", "environment", ".env", "provost.toml", "default").
    pub source: String,
}
