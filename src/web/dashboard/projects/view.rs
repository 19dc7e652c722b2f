//! One project: what it is doing, what happened to it, and the page that asks before deleting it.

use askama::Template;

use crate::web::dashboard::schedules::view::Badge;
use crate::web::dashboard::ui::layout_view::{Shell, Stamp};
use crate::web::dashboard::ui::status::{JobState, ProjectStatus, Tone};

/// `GET /dashboard/projects/{id}`.
#[derive(Debug, Clone, Template)]
#[template(path = "projects/page.html", blocks = ["main"], whitespace = "minimize")]
pub struct ProjectPage {
    /// The frame; its title is the name.
    pub shell: Shell,
    /// The whole id.
    pub id: String,
    /// The user's own words.
    pub name: String,
    /// Its state.
    pub status: ProjectStatus,
    /// The row's version, shown among the details.
    pub version: String,
    /// Shows Retry provisioning.
    pub can_retry: bool,
    /// Why it cannot be deleted now, as a sentence; `None` if it can.
    pub delete_blocked: Option<String>,
    /// What is going on, on top of the page.
    pub callout: Callout,
    /// The events, oldest first.
    pub timeline: Vec<TimelineEntry>,
    /// How many older events are left out, if any ("112").
    pub timeline_left_out: Option<String>,
    /// From creation to the last settled state, in words ("4.8 s"), if known.
    pub timeline_total: Option<String>,
    /// The jobs that moved it, newest first.
    pub operations: Vec<OperationRow>,
    /// The recipe it was made from.
    pub template: String,
    /// Its labels.
    pub labels: Vec<Label>,
    /// Its parameters as indented JSON; "{}" if there are none.
    pub parameters: String,
    /// When it was created.
    pub created: Stamp,
    /// When it last changed.
    pub updated: Stamp,
    /// The same actions as lines for a shell: get, retry, delete.
    pub curls: Vec<CurlLine>,
    /// The rename form; `None` when renaming makes no sense any more.
    pub rename: Option<RenameForm>,
}

/// What is going on, in one box.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Callout {
    /// On its way: creating, provisioning or deleting.
    Moving(Moving),
    /// Stopped, and needs a person.
    Failed {
        /// The reason, exactly as stored.
        reason: String,
        /// What to do about it, as a sentence or two.
        advice: String,
        /// When.
        at: Stamp,
    },
    /// In service.
    Ready {
        /// Since when.
        at: Stamp,
        /// How long it took ("2.9 s"), if known.
        took: Option<String>,
    },
    /// Gone; only the record is left.
    Deleted {
        /// When.
        at: Stamp,
    },
}

/// A state that must end by itself: since when, how long usually, who holds it, until when, and what then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moving {
    /// When this state began.
    pub since: Stamp,
    /// The usual duration ("3 s"), if anything is known.
    pub usual: Option<String>,
    /// The duration 19 of 20 stay under ("6 s"), if known.
    pub p95: Option<String>,
    /// Past the p95: the box turns amber and says so.
    pub slow: bool,
    /// Who holds it, if somebody does.
    pub holder: Option<Holder>,
    /// If nobody holds it: what it waits for ("Waits for a free worker.").
    pub waiting: Option<String>,
    /// When Provost gives up.
    pub deadline: Option<Stamp>,
    /// What happens at the deadline ("it is marked failed, and you can retry").
    pub then: String,
}

/// The worker that holds a lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// Its name.
    pub worker: String,
    /// "attempt 2 of 5".
    pub attempt: String,
    /// When the lease ends unless it is extended.
    pub lease_until: Stamp,
}

/// What stands in the circle of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// The project came into this state.
    Status(ProjectStatus),
    /// The job came into this state.
    Job(JobState),
    /// Something else came into a state that looks like this.
    Badge(Badge),
    /// A person or the system tried again.
    Retry,
}

impl Mark {
    /// Its colour.
    pub fn tone(self) -> Tone {
        match self {
            Mark::Status(status) => status.tone(),
            Mark::Job(state) => state.tone(),
            Mark::Badge(badge) => badge.tone,
            Mark::Retry => Tone::Info,
        }
    }

    /// Its icon in the sprite.
    pub fn icon(self) -> &'static str {
        match self {
            Mark::Status(status) => status.icon(),
            Mark::Job(state) => state.icon(),
            Mark::Badge(badge) => badge.icon,
            Mark::Retry => "retry",
        }
    }
}

/// One event of the lifecycle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimelineEntry {
    /// The event's id, which keeps the entry the same element from poll to poll.
    pub id: String,
    /// Colour and icon.
    pub mark: Mark,
    /// What happened ("Provisioning started").
    pub title: String,
    /// The state before; `None` at birth and for changes of no state.
    pub from: Option<String>,
    /// The state after; `None` for changes of no state.
    pub to: Option<String>,
    /// Who did it ("api", "worker-a", "reaper").
    pub actor: String,
    /// Why, if a reason was recorded.
    pub reason: Option<String>,
    /// How long the state lasted that ended here ("2.1 s").
    pub took: Option<String>,
    /// A long wait before this entry, in words ("waited 12 min"); shown above it.
    pub gap: Option<String>,
    /// Begins a group, as in "Attempt 2"; shown above it.
    pub group: Option<String>,
    /// When.
    pub at: Stamp,
    /// This is the state the project is still moving through: the ring turns and the time ticks.
    pub running: bool,
}

/// One job of the project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperationRow {
    /// The whole id.
    pub id: String,
    /// Its first characters.
    pub short_id: String,
    /// `project.provision` or `project.deprovision`.
    pub kind: String,
    /// Its state.
    pub state: JobState,
    /// ClaimOutcome so far.
    pub attempt: u32,
    /// What was spent of the retry budget.
    pub failures: u32,
    /// The retry budget.
    pub max_attempts: u32,
    /// When the last attempt began.
    pub started: Option<Stamp>,
    /// How long it took, if it ended ("2.1 s"). While it runs the elapsed time is shown from `started`.
    pub took: Option<String>,
    /// When it is tried again or becomes due.
    pub due: Option<Stamp>,
    /// The last error, or why it waits.
    pub error: Option<String>,
}

/// One label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// Its key.
    pub key: String,
    /// Its value.
    pub value: String,
}

/// One line for a shell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CurlLine {
    /// What it does ("Get", "Retry", "Delete").
    pub label: String,
    /// The line.
    pub line: String,
}

/// The form that renames a project.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RenameForm {
    /// What stands in the field; the present name, or what was refused.
    pub project_name: String,
    /// What was wrong with it. Opens the form.
    pub error: Option<String>,
}

/// `GET /dashboard/projects/{id}/delete`.
#[derive(Debug, Clone, Template)]
#[template(path = "projects/delete.html", blocks = ["main"], whitespace = "minimize")]
pub struct DeletePage {
    /// The frame, with `live` false.
    pub shell: Shell,
    /// The whole id.
    pub id: String,
    /// The user's own words, to be typed.
    pub name: String,
    /// Its state.
    pub status: ProjectStatus,
    /// The version this page was made for; a POST with an older one is refused.
    pub version: String,
    /// What goes away, as sentences.
    pub goes: Vec<String>,
    /// What stays, as sentences.
    pub stays: Vec<String>,
    /// Why it cannot be deleted now; then there is no form.
    pub blocked: Option<String>,
    /// What was typed before, kept.
    pub confirm_name: String,
    /// The reason typed before, kept.
    pub reason: String,
    /// Why the last POST was refused.
    pub error: Option<DeleteError>,
}

/// Why a deletion was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeleteError {
    /// The typed name is another one.
    NameMismatch,
    /// The project changed since the page was shown; the text says what it is now.
    StatusChanged(String),
    /// Anything else, as a sentence.
    Other(String),
}
