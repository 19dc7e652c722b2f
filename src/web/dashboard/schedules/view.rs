//! The schedules, and one of them with its times, its ticks and its form.

use askama::Template;

use crate::web::dashboard::projects::view::CurlLine;
use crate::web::dashboard::ui::layout_view::{FieldError, Link, Shell, Stamp};
use crate::web::dashboard::ui::parts::{Changed, Choice};
use crate::web::dashboard::ui::status::Tone;

/// `GET /dashboard/schedules`, and `POST` when a new one is refused.
#[derive(Debug, Clone, Template)]
#[template(path = "schedules/list.html", blocks = ["main"], whitespace = "minimize")]
pub struct SchedulesPage {
    /// The frame.
    pub shell: Shell,
    /// What there is, in words ("4 schedules, 1 paused").
    pub summary: String,
    /// All schedules, by name.
    pub rows: Vec<ScheduleRow>,
    /// The form that adds one.
    pub form: ScheduleForm,
}

/// A word with its colour and its icon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Badge {
    /// Its colour.
    pub tone: Tone,
    /// Its icon in the sprite.
    pub icon: &'static str,
    /// The word.
    pub label: &'static str,
}

/// One schedule in the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScheduleRow {
    /// Its name.
    pub name: String,
    /// Its page, with the name encoded; the actions are below it.
    pub href: String,
    /// When, in words.
    pub words: String,
    /// When, as it was written.
    pub expression: String,
    /// What it starts, in words.
    pub starts: String,
    /// Whether it is on.
    pub badge: Badge,
    /// Whether it is paused.
    pub paused: bool,
    /// Whether this version can read it, and so do anything with it but delete it.
    pub readable: bool,
    /// Its latest ticks, oldest first.
    pub strip: Vec<StripMark>,
    /// The due time of its latest start.
    pub last: Option<Stamp>,
    /// The due time that it waits for.
    pub next: Option<Stamp>,
}

/// One tick in a strip.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StripMark {
    /// What became of it.
    pub badge: Badge,
    /// The same and its time, in words.
    pub label: String,
    /// The job or the workflow that it started.
    pub href: Option<String>,
}

/// `GET /dashboard/schedules/{name}`, and `POST` when a change is refused.
#[derive(Debug, Clone, Template)]
#[template(path = "schedules/page.html", blocks = ["main"], whitespace = "minimize")]
pub struct SchedulePage {
    /// The frame; its title is the name.
    pub shell: Shell,
    /// Its name.
    pub name: String,
    /// Its page, with the name encoded; the actions are below it.
    pub href: String,
    /// Whether it is on.
    pub badge: Badge,
    /// Whether it is paused.
    pub paused: bool,
    /// When, in words.
    pub words: String,
    /// Who last changed it, and why.
    pub changed: Changed,
    /// Its zone.
    pub zone: String,
    /// The next due times.
    pub next: Vec<NextRow>,
    /// What became of the latest ones, newest first.
    pub ticks: Vec<TickRow>,
    /// What it says, by name.
    pub facts: Vec<(String, String)>,
    /// What it enqueues, or tells a project.
    pub payload: Option<String>,
    /// The form that changes it.
    pub form: ScheduleForm,
    /// The same as commands.
    pub curls: Vec<CurlLine>,
}

/// One due time to come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NextRow {
    /// The moment.
    pub at: Stamp,
    /// What the clocks of its zone show, with their offset.
    pub local: String,
    /// What a change of the clocks does to it.
    pub note: Option<String>,
}

/// One tick.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TickRow {
    /// Its number.
    pub id: String,
    /// When it was due; of several, the last.
    pub due: Stamp,
    /// Of several, how many and since when.
    pub several: Option<(String, Stamp)>,
    /// What became of it.
    pub badge: Badge,
    /// Why, or who asked for it.
    pub why: Option<String>,
    /// The job or the workflow that it started.
    pub started: Option<Link>,
    /// How late it was ("0.1 s").
    pub late: Option<String>,
    /// How long that took from birth to end.
    pub took: Option<String>,
}

/// The form of a schedule, as typed or as stored.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ScheduleForm {
    /// The schedule that is changed; `None` adds one.
    pub editing: Option<String>,
    /// Whether it starts a job, whose fields are then part of the form.
    pub of_job: bool,
    /// Its name.
    pub schedule_name: String,
    /// When.
    pub cron: String,
    /// Whose clocks.
    pub time_zone: String,
    /// The kind of the job.
    pub kind: String,
    /// Its queue.
    pub queue: String,
    /// Its priority.
    pub priority: String,
    /// Its payload.
    pub payload: String,
    /// What to do about what was missed.
    pub misfires: Vec<Choice>,
    /// How many due times are made up for.
    pub catch_up: String,
    /// What to do while the last still runs.
    pub overlaps: Vec<Choice>,
    /// By how much it may start later.
    pub jitter: String,
    /// The reason typed before, kept.
    pub reason: String,
    /// What was wrong, by field.
    pub errors: Vec<FieldError>,
}

impl ScheduleForm {
    /// What is wrong with `field`.
    pub fn error(&self, field: &str) -> Option<&str> {
        FieldError::find(&self.errors, field)
    }

    /// Whether it was refused, and so stands open.
    pub fn is_open(&self) -> bool {
        !self.errors.is_empty()
    }
}
