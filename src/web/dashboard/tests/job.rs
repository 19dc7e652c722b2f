use crate::domain::{JobState, Progress};
use crate::store::jobs::{Execution, Job};
use crate::store::logs::LogLine;
use crate::store::workflows::Node;
use crate::web::dashboard::jobs::view::{Callout, JobPage, Relation, Relations, Running, Waiting};
use crate::web::dashboard::tests::jobs::{at, job, uuid};
use crate::web::dashboard::tests::{HOSTILE, contains, rendered, shell, some};
use crate::web::ui::{Badge, CurlLine, Link, Nav, StateBadge, TimelineEntry, Tone, links, stamp};

fn entry(n: u32, state: JobState, title: &str) -> TimelineEntry {
    TimelineEntry {
        id: n.to_string(),
        mark: state.badge(),
        title: title.to_owned(),
        from: (n > 0).then(|| "queued".to_owned()),
        to: some(state.as_str()),
        actor: "worker-a".to_owned(),
        reason: (state == JobState::Retrying).then(|| format!("SmtpTimeout {HOSTILE}")),
        took: (n > 0).then(|| "2.1 s".to_owned()),
        gap: None,
        group: (state == JobState::Active).then(|| format!("Attempt {n}")),
        at: stamp(at(120)),
        running: false,
    }
}

fn execution(n: u32, outcome: Option<&str>) -> Execution {
    Execution {
        id: uuid(n),
        job_id: uuid(1),
        attempt: n as i32,
        worker_id: "worker-a".to_owned(),
        kind: "email.send".to_owned(),
        queue: "bulk".to_owned(),
        claimed_at: at(160),
        ended_at: outcome.map(|_| at(170)),
        outcome: outcome.map(str::to_owned),
        error: outcome.map(|_| format!("SmtpTimeout: 10 s elapsed\n  at send {HOSTILE}")),
        progress: None,
    }
}

pub fn node(n: u32, name: &str, state: JobState) -> Node {
    Node {
        id: uuid(n),
        state,
        step: some(name),
        workflow_id: None,
        kind: "metadata.aggregate".to_owned(),
        queue: "bulk".to_owned(),
        pending_dependencies: 0,
        canceled_by: None,
        error: (state == JobState::Failed).then(|| HOSTILE.to_owned()),
        attempt: 1,
        max_attempts: 3,
        created_at: at(0),
        claimed_at: Some(at(190)),
        finished_at: state.is_finished().then(|| at(193)),
        at: at(200),
    }
}

fn relations(n: u32) -> Relations {
    let row = |n: u32, node| Relation {
        id: uuid(n),
        node,
        policy: "Continues after any outcome.",
        met: Badge::new(Tone::Block, "lock", "Not yet"),
    };
    let rows = vec![row(n, Some(node(n, HOSTILE, JobState::Failed))), row(n + 1, None)];
    Relations { rows, more: some("980 more are not shown.") }
}

fn page(state: JobState, callout: Callout) -> JobPage {
    let progress = Progress { fraction: Some(0.4), text: HOSTILE.to_owned() };
    JobPage {
        shell: shell("email.send", Nav::Jobs).crumb("Jobs", "/dashboard/jobs"),
        job: Job { progress: Some(progress), result: some("{\"sent\": true}"), ..job(0, state) },
        verbs: vec!["cancel", "prioritize"],
        priority: None,
        callout,
        timeline: vec![
            entry(0, JobState::Queued, "Enqueued"),
            entry(1, JobState::Active, "Claimed"),
            entry(2, JobState::Retrying, "Failed, will retry"),
            TimelineEntry { running: true, ..entry(3, JobState::Active, "Claimed") },
        ],
        timeline_truncated: true,
        origin: Some(("Copy of", links::job(uuid(90), "email.send"))),
        step: Some((HOSTILE.to_owned(), Link::to("/dashboard/workflows/1", HOSTILE))),
        dependencies: relations(92),
        dependents: Relations::default(),
        followers: vec![job(2, JobState::Completed)],
        executions: vec![execution(3, None), execution(2, Some("failed")), execution(1, Some("released"))],
        logs: vec![LogLine {
            id: 1,
            execution_id: uuid(3),
            at: at(0),
            stream: "stderr".to_owned(),
            line: format!("  1 of 3 {HOSTILE}"),
        }],
        curl: format!("curl -d '{HOSTILE}'"),
        curls: vec![CurlLine::new("Get", "curl http://localhost:8080/jobs/1".to_owned())],
    }
}

fn running() -> Callout {
    Callout::Running(Running {
        since: at(190),
        usual: some("3 s"),
        slow: false,
        times_out_at: Some(at(220)),
        cancel_reason: some(HOSTILE),
        revoked_at: Some(at(210)),
    })
}

#[test]
fn running_job_shows_lease_and_attempts() {
    let page = page(JobState::Active, running());
    let main = rendered(&page, page.as_main());
    contains(&main, &["Usually 3 s.", "Leased to <code>worker-a</code>", "This attempt times out", "Older events"]);
    contains(
        &main,
        &["Attempt 3</li>", "Copy of", "Released", "SmtpTimeout: 10 s elapsed</span>", "/cancel\"", "/priority\""],
    );
    contains(
        &main,
        &[">stderr</span>", "  1 of 3 &#60;script", "data-copy=\"curl -d &#39;&#60;script", "exponential, 2 s"],
    );
    assert!(!main.contains("Run again") && !main.contains("/retry\""));
}

#[test]
fn step_shows_workflow_and_relations() {
    let page = JobPage { dependents: relations(95), ..page(JobState::Active, running()) };
    let main = rendered(&page, page.as_main());
    contains(&main, &["Step <b dir=\"auto\">&#60;script", "of workflow <a", "Depends on", "Dependents"]);
    contains(&main, &["980 more are not shown.", "Continues after any outcome.", "Not yet</span>", ">deleted</td>"]);
}

#[test]
fn payload_is_shown_byte_for_byte() {
    let mut page = page(JobState::Active, running());
    page.job.payload = "\n\n{\"n\":  12345678901234567890}".to_owned();
    let main = rendered(&page, page.as_main());
    // HTML drops the first line break after <pre>, so the template adds one.
    contains(&main, &["aria-label=\"Payload\">\n\n\n{&#34;n&#34;:  12345678901234567890}</pre>"]);
}

#[test]
fn waiting_job_shows_reason_and_hint() {
    let waiting = Waiting {
        since: at(0),
        headline: "No online worker handles kind x on queue bulk.".to_owned(),
        hint: Some(("Workers declare the queues they handle.", Link::to("/dashboard/workers", "View workers"))),
        stuck: true,
        command: some("provost --roles worker"),
        due: None,
    };
    let page = page(JobState::Retrying, Callout::Waiting(waiting));
    let main = rendered(&page, page.as_main());
    contains(&main, &["callout t-wait", "No online worker handles kind x", "The last attempt failed: SmtpTimeout"]);
    contains(&main, &["provost --roles worker", "href=\"/dashboard/workers\">View workers", "Deadline <time"]);
}

#[test]
fn failed_job_can_be_replayed_and_edited() {
    let callout = Callout::Failed { advice: "Fix the cause, then replay." };
    let page = JobPage { verbs: vec!["retry", "run-again"], ..page(JobState::Failed, callout) };
    let main = rendered(&page, page.as_main());
    contains(&main, &[">Failed</span>", "Edit and replay", "Replay</button>", "Run again", "Failed permanently"]);
    assert!(!main.contains("/cancel\""));
}

#[test]
fn finished_job_shows_outcome() {
    let mut done = page(JobState::Completed, Callout::Completed { took: some("2.9 s") });
    done.executions.clear();
    contains(&rendered(&done, done.as_main()), &["the last attempt took 2.9 s", "No attempts yet."]);
    let cause = Some(Link::to("/dashboard/jobs/1", HOSTILE));
    let mut off = page(JobState::Canceled, Callout::Canceled { cause });
    off.job.error = Some(format!("canceled: {HOSTILE}"));
    contains(&rendered(&off, off.as_main()), &["Canceled <time", "&#60;script", "See <a"]);
}

#[test]
fn requested_cancellation_shows_when_lease_is_revoked() {
    let error = "The priority must be a whole number from 0 to 9.".to_owned();
    let mut page = JobPage { priority: Some(("11".to_owned(), error)), ..page(JobState::Active, running()) };
    page.job.cancel_requested_at = Some(at(180));
    let main = rendered(&page, page.as_main());
    contains(&main, &["Cancellation requested", "its lease is revoked", "id=\"priority-form\" open", "priority-error"]);
    assert!(!main.contains("/cancel\""));
}
