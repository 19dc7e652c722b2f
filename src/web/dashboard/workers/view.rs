//! The workers, and one of them with what it has in hand.

use askama::Template;

use crate::web::dashboard::jobs::view::HowFar;
use crate::web::dashboard::ui::layout_view::{Link, Shell, Stamp};
use crate::web::dashboard::ui::parts::{Changed, Gauge, JobLink, Tab};
use crate::web::dashboard::ui::state::{Outcome, WorkerState};

/// `GET /dashboard/workers`.
#[derive(Debug, Clone, Template)]
#[template(path = "workers/list.html", blocks = ["main"], whitespace = "minimize")]
pub struct WorkersPage {
    /// The frame.
    pub shell: Shell,
    /// What there is, in words ("6 of 7 online, 41 of 56 slots busy").
    pub summary: String,
    /// All, Online, Cordoned, Draining, Lost.
    pub tabs: Vec<Tab>,
    /// Those of the tab.
    pub rows: Vec<WorkerRow>,
    /// The state shown; `None` for all.
    pub state: Option<WorkerState>,
    /// For an installation without workers: the line that starts one.
    pub command: String,
}

/// One worker in the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkerRow {
    /// Its name.
    pub name: String,
    /// Its page, with the name encoded; the actions are below it.
    pub href: String,
    /// Where it runs ("node-1, process 4711").
    pub host: String,
    /// Its state.
    pub state: WorkerState,
    /// Who made it so and why; `None` for one that was never touched.
    pub changed: Option<Changed>,
    /// What else there is to say ("2 jobs left", "its 2 jobs were taken back").
    pub note: Option<String>,
    /// Its busy slots.
    pub slots: Gauge,
    /// The queues it serves ("default, bulk"; "all").
    pub queues: String,
    /// When it was last heard.
    pub seen: Stamp,
    /// Its version.
    pub version: String,
    /// Whether that is another version than this server's.
    pub other_version: bool,
    /// When it started.
    pub started: Stamp,
}

/// `GET /dashboard/workers/{id}`.
#[derive(Debug, Clone, Template)]
#[template(path = "workers/page.html", blocks = ["main"], whitespace = "minimize")]
pub struct WorkerPage {
    /// The frame; its title is the name.
    pub shell: Shell,
    /// Its name.
    pub name: String,
    /// Its page, with the name encoded; the actions are below it.
    pub href: String,
    /// Its state.
    pub state: WorkerState,
    /// Who made it so and why; shown unless it is online.
    pub changed: Option<Changed>,
    /// What that means, as a sentence ("It finishes 2 jobs and takes no more."); shown unless it is online.
    pub means: String,
    /// Its busy slots.
    pub slots: Gauge,
    /// What it has in hand, oldest first.
    pub running: Vec<RunningRow>,
    /// How its attempts of the last hour ended, most frequent first.
    pub outcomes: Vec<OutcomeRow>,
    /// The queues it serves, with their pages; none for all queues.
    pub queues: Vec<Link>,
    /// The kinds it can do; none for all kinds.
    pub kinds: Vec<String>,
    /// Host name.
    pub host: String,
    /// Process id.
    pub pid: String,
    /// SelectedJobs run of the process this is.
    pub incarnation: String,
    /// Its version.
    pub version: String,
    /// Whether that is another version than this server's.
    pub other_version: bool,
    /// When it started.
    pub started: Stamp,
    /// When it was last heard.
    pub seen: Stamp,
}

/// One job in the hands of a worker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunningRow {
    /// SelectedJobs.
    pub job: JobLink,
    /// Its queue.
    pub queue: Link,
    /// "2 of 5".
    pub attempt: String,
    /// When this attempt began.
    pub since: Stamp,
    /// When the lease ends unless it is extended.
    pub lease_until: Stamp,
    /// Somebody asked for it to be called off.
    pub canceling: bool,
    /// How far it says it is.
    pub progress: Option<HowFar>,
}

/// One way in which attempts ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutcomeRow {
    /// SelectedJobs.
    pub outcome: Outcome,
    /// How often, in words.
    pub count: String,
    /// Its share, 0 to 100.
    pub percent: u32,
}
