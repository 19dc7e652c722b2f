//! One job: what it waits for or does, what happened to it, what went in and what came out.

use crate::domain::JobState;
use crate::web::dashboard::ui::{
    Badge, CurlLine, Holder, JobLink, Link, Shell, Stamp, StateBadge, TimelineEntry, first_line, has_more, retry_label,
};
use crate::web::dashboard::workflows::view::{Edges, StepOf};
use askama::Template;

/// `GET /dashboard/jobs/{id}`.
#[derive(Debug, Clone, Template)]
#[template(path = "jobs/page.html", blocks = ["main"], whitespace = "minimize")]
pub struct JobPage {
    /// The shell; its title is the kind and the short id.
    pub shell: Shell,
    /// The whole id.
    pub id: String,
    /// Enough of it to recognise it.
    pub short_id: String,
    /// Its kind.
    pub kind: String,
    /// Its state.
    pub state: JobState,
    /// Offers to have it worked on again, or at once.
    pub can_retry: bool,
    /// Offers Cancel.
    pub can_cancel: bool,
    /// Offers Run again, which makes a copy.
    pub can_run_again: bool,
    /// The form that changes the priority; `None` once that makes no difference any more.
    pub priority_form: Option<PriorityForm>,
    /// What is going on, on top of the page.
    pub callout: JobCallout,
    /// The events, oldest first; a new attempt begins a group.
    pub timeline: Vec<TimelineEntry>,
    /// How many older events are left out, if any ("112").
    pub timeline_left_out: Option<String>,
    /// From creation to the end, in words ("4.8 s"), if it ended.
    pub timeline_total: Option<String>,
    /// What went in, byte for byte.
    pub payload: String,
    /// What came out, byte for byte, if anything did.
    pub result: Option<String>,
    /// Everything else one may want to know.
    pub facts: JobFacts,
    /// Its place in a workflow, if it has one.
    pub step: Option<StepOf>,
    /// What it waits for or waited for.
    pub dependencies: Edges,
    /// What waits or waited for it.
    pub dependents: Edges,
    /// The jobs that were enqueued when this one was settled, and the copies that were made of it.
    pub follow_ups: Vec<FollowUp>,
    /// The attempts, newest first.
    pub executions: Vec<ExecutionRow>,
    /// What the latest attempt wrote, oldest first.
    pub logs: Vec<LogRow>,
    /// Where all of it is, as it is.
    pub logs_href: String,
    /// The line that enqueues the same job, for the button on top.
    pub curl: String,
    /// The actions as lines for a shell: get, enqueue the same, cancel, retry.
    pub curls: Vec<CurlLine>,
}

impl JobPage {
    pub fn retry_label(&self) -> Option<&'static str> {
        retry_label(self.state)
    }
}

/// A line that an attempt wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogRow {
    /// `stdout`, `stderr`, or what its handler calls it.
    pub stream: String,
    /// The line, or its beginning.
    pub text: String,
}

/// What is going on, in one box.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobCallout {
    /// Not started, or waiting to be tried again.
    Waiting(Waiting),
    /// A worker has it.
    Running(Running),
    /// Gave up, and needs a person.
    Dead {
        /// The last error, exactly as stored.
        error: String,
        /// What to do about it, as a sentence or two.
        advice: String,
        /// When.
        at: Stamp,
    },
    /// Done.
    Completed {
        /// When.
        at: Stamp,
        /// How long the last attempt took ("2.9 s"), if known.
        took: Option<String>,
    },
    /// Called off.
    Canceled {
        /// When.
        at: Stamp,
        /// The reason given, if one was.
        reason: Option<String>,
        /// The job that it depends on and whose end canceled it.
        by: Option<Link>,
    },
}

/// Why a job is not being worked on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// Since when it waits.
    pub since: Stamp,
    /// The first reason, as a sentence ("The queue bulk is paused.").
    pub headline: String,
    /// What else keeps it, each with a place to look at.
    pub reasons: Vec<WaitReason>,
    /// Something must be done, or it waits for ever: turns amber.
    pub stuck: bool,
    /// The line for a shell that helps, as one that starts a worker.
    pub command: Option<String>,
    /// When it becomes due, if that is still to come.
    pub due: Option<Stamp>,
    /// When it is given up if it has not ended by then.
    pub deadline: Option<Stamp>,
    /// What went wrong the last time, if there was one.
    pub last_error: Option<String>,
}

/// One reason why a job waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitReason {
    /// As a sentence.
    pub text: String,
    /// Where to look.
    pub link: Option<Link>,
}

/// Who works on a job, and until when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Running {
    /// When this attempt began.
    pub since: Stamp,
    /// How long this kind usually takes ("3 s"), if known.
    pub usual: Option<String>,
    /// Slower than nearly all others: the box turns amber.
    pub slow: bool,
    /// Who holds the lease.
    pub holder: Holder,
    /// When this attempt is taken back as timed out.
    pub timeout: Option<Stamp>,
    /// When the whole job is given up.
    pub deadline: Option<Stamp>,
    /// Somebody asked for it to be called off.
    pub canceling: Option<Canceling>,
    /// How far it says it is.
    pub progress: Option<HowFar>,
}

/// How far work says that it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HowFar {
    /// 0 to 100, if it knows.
    pub percent: Option<u8>,
    /// In its own words; perhaps none.
    pub text: String,
}

/// A cancellation that the worker has not answered yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Canceling {
    /// When it was asked for.
    pub at: Stamp,
    /// The reason given, if one was.
    pub reason: Option<String>,
    /// When the job is taken from the worker, whatever it does.
    pub revoked: Option<Stamp>,
}

/// The form that changes the priority.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PriorityForm {
    /// What is chosen, "0" to "9".
    pub priority: String,
    /// What was wrong with it. Opens the form.
    pub error: Option<String>,
}

/// What is known about a job, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobFacts {
    /// Its queue.
    pub queue: Link,
    /// Its tenant.
    pub tenant: String,
    /// Its tags.
    pub tags: Vec<String>,
    /// "5", or with a word ("9, goes first").
    pub priority: String,
    /// ClaimOutcome so far ("attempt 3").
    pub attempt: String,
    /// What was spent of the retry budget ("2 of 5 spent").
    pub failures: String,
    /// How long one attempt may take ("30 s an attempt"); `None` for as long as it likes.
    pub timeout: Option<String>,
    /// When the whole job must be done.
    pub deadline: Option<Stamp>,
    /// How long it waits between attempts ("twice as long each time, from 1 s to 5 m").
    pub backoff: String,
    /// Who holds it now.
    pub lease: Option<Holder>,
    /// The key that keeps it from being enqueued twice.
    pub idempotency_key: Option<String>,
    /// The version of the schema its payload was checked against.
    pub schema_version: Option<String>,
    /// How often it was replayed from the dead letters ("twice, last 3 m ago" without the age: "twice").
    pub replays: Option<String>,
    /// What it comes from ("Copy of", "Follow-up of"), and that job.
    pub origin: Option<(String, JobLink)>,
    /// The project it moves.
    pub project: Option<Link>,
    /// When it was created.
    pub created: Stamp,
    /// When it was or becomes due.
    pub due: Stamp,
    /// When it ended.
    pub finished: Option<Stamp>,
}

/// A job that came from this one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FollowUp {
    /// Which.
    pub job: JobLink,
    /// Its state.
    pub state: JobState,
}

/// One attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExecutionRow {
    /// Its id, which is the fencing token.
    pub id: String,
    /// Enough of it to recognise it.
    pub short_id: String,
    /// Which attempt it was, counted from 1.
    pub attempt: u32,
    /// Who had it.
    pub worker: Link,
    /// When it began.
    pub started: Stamp,
    /// How long it took, if it ended ("2.1 s"). While it runs the elapsed time is shown from `started`.
    pub took: Option<String>,
    /// How it ended.
    pub outcome: Badge,
    /// What went wrong, in full; the table shows the first line and unfolds the rest.
    pub error: Option<String>,
}

impl ExecutionRow {
    /// The first line of the error.
    pub fn error_line(&self) -> Option<&str> {
        self.error.as_deref().map(first_line)
    }

    /// The whole error, if there is more than one line of it.
    pub fn error_more(&self) -> Option<&str> {
        self.error.as_deref().filter(|text| has_more(text))
    }
}
