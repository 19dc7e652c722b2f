//! The queues, and one of them with its limits.

use askama::Template;

use crate::web::dashboard::metrics::view::{BarChart, Kpi, MetricsRange};
use crate::web::dashboard::ui::layout_view::{FieldError, Link, Shell, Stamp};
use crate::web::dashboard::ui::parts::{Cause, Changed, Gauge};
use crate::web::dashboard::ui::state::{QueueState, WorkerState};

/// `GET /dashboard/queues`.
#[derive(Debug, Clone, Template)]
#[template(path = "queues/list.html", blocks = ["main"], whitespace = "minimize")]
pub struct QueuesPage {
    /// The frame.
    pub shell: Shell,
    /// What there is, in words ("5 queues, 1 paused").
    pub summary: String,
    /// All queues, by name.
    pub rows: Vec<QueueRow>,
}

/// One queue in the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueRow {
    /// Its name.
    pub name: String,
    /// Its page, with the name encoded; the actions are below it.
    pub href: String,
    /// Its state.
    pub state: QueueState,
    /// Who made it so and why; `None` for a queue that was never touched.
    pub changed: Option<Changed>,
    /// Running of what may run at once.
    pub running: Gauge,
    /// How many are queued, in words.
    pub waiting: String,
    /// How many are to come later, in words.
    pub scheduled: String,
    /// Since when the oldest one waits.
    pub oldest: Option<Stamp>,
    /// Created and finished per minute ("12 in, 10 out").
    pub flow: String,
    /// How many workers serve it ("3", "none").
    pub workers: String,
    /// Jobs wait and nobody serves them.
    pub unserved: bool,
    /// The list of its jobs.
    pub jobs: String,
}

/// `GET /dashboard/queues/{name}`, and `POST …/limits` when it is refused.
#[derive(Debug, Clone, Template)]
#[template(path = "queues/page.html", blocks = ["main"], whitespace = "minimize")]
pub struct QueuePage {
    /// The frame; its title is the name.
    pub shell: Shell,
    /// Its name.
    pub name: String,
    /// Its page, with the name encoded; the actions are below it.
    pub href: String,
    /// Its state.
    pub state: QueueState,
    /// Who made it so and why; shown unless the queue is active.
    pub changed: Option<Changed>,
    /// What keeps the jobs of this queue from being done, if anything does.
    pub cause: Option<Cause>,
    /// Running, queued, scheduled, oldest: each leads to its list.
    pub now: Vec<Kpi>,
    /// Completed and failed per minute over the last hour; `None` if nothing ended. Made by `chart::bars_of`.
    pub throughput: Option<BarChart>,
    /// The form of the limits.
    pub limits: QueueLimits,
    /// The workers that serve it.
    pub workers: Vec<QueueWorker>,
    /// What waits in it, most frequent first.
    pub kinds: Vec<KindRow>,
    /// The list of its jobs.
    pub jobs: String,
}

impl QueuePage {
    /// The chart always shows an hour.
    pub fn range(&self) -> MetricsRange {
        MetricsRange::H1
    }
}

/// The limits of a queue, as typed or as stored; an empty field is no limit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct QueueLimits {
    /// How many may run at once.
    pub concurrency: String,
    /// How many may start in one window.
    pub rate: String,
    /// The window, in seconds.
    pub window: String,
    /// How many may start at once when none has for a while.
    pub burst: String,
    /// The reason typed before, kept.
    pub reason: String,
    /// What else holds this queue, as sentences ("The limit global allows 100 at once.").
    pub others: Vec<String>,
    /// Who changed them last.
    pub changed: Option<Changed>,
    /// What was wrong, by field.
    pub errors: Vec<FieldError>,
}

impl QueueLimits {
    /// What is wrong with `field`.
    pub fn error(&self, field: &str) -> Option<&str> {
        FieldError::find(&self.errors, field)
    }
}

/// One worker that serves a queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueWorker {
    /// Its name and page.
    pub worker: Link,
    /// Its state.
    pub state: WorkerState,
    /// Its busy slots, whatever queue they work on.
    pub slots: Gauge,
    /// How many jobs of this queue it has, in words.
    pub running: String,
}

/// One kind that waits in a queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KindRow {
    /// Its kind, and the list of its jobs in this queue.
    pub kind: Link,
    /// How many wait, in words.
    pub count: String,
    /// How many workers of this queue can do it ("3", "none").
    pub workers: String,
    /// Why, in a few words ("limit reached", "no worker for this kind").
    pub note: Option<String>,
}
