use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use crate::domain::JobState;
use crate::store::jobs::{Filter, Job};
use crate::web::dashboard::jobs::view::{EnqueueForm, JobRow, JobsPage};
use crate::web::dashboard::tests::{HOSTILE, contains, rendered, shell, some};
use crate::web::ui::{Bulk, FieldError, Hidden, Nav, Pages, StateBadge, Tab};

/// 2026-11-22 14:00:00 UTC plus a number of seconds.
pub fn at(seconds: i64) -> OffsetDateTime {
    OffsetDateTime::UNIX_EPOCH + Duration::seconds(1_795_356_000 + seconds)
}

pub fn uuid(n: u32) -> Uuid {
    Uuid::from_u128(0x019a_b3c4_9d01_7000_8f11_0242_ac12_0000 + u128::from(n))
}

pub fn job(n: u32, state: JobState) -> Job {
    let has_failed = matches!(state, JobState::Failed | JobState::Retrying);
    Job {
        id: uuid(n),
        state,
        kind: ["email.send", "image.thumbnail", "report.generate", "project.provision"][n as usize % 4].to_owned(),
        queue: "bulk".to_owned(),
        tenant: if n.is_multiple_of(3) { "acme" } else { "default" }.to_owned(),
        tags: vec!["eu".to_owned(), HOSTILE.to_owned()],
        priority: 5,
        run_at: at(0),
        payload: "{\"to\": 9007199254740993}".to_owned(),
        result: None,
        error: has_failed.then(|| format!("SmtpTimeout: 10 s elapsed\n  at send {HOSTILE}")),
        attempt: i32::from(!matches!(state, JobState::Scheduled | JobState::Blocked)),
        failures: i32::from(has_failed),
        max_attempts: 5,
        timeout: Some(std::time::Duration::from_secs(30)),
        deadline_at: Some(at(3600)),
        backoff: None,
        project_id: None,
        origin_id: None,
        replays: 1,
        schema_version: Some(2),
        idempotency_key: some(HOSTILE),
        step: None,
        pending_dependencies: 0,
        has_dependencies: false,
        canceled_by: None,
        execution_id: (state == JobState::Active).then(|| uuid(900)),
        worker_id: (state == JobState::Active).then(|| "worker-a".to_owned()),
        lease_until: (state == JobState::Active).then(|| at(230)),
        progress: None,
        cancel_requested_at: None,
        created_at: at(0),
        updated_at: at(60),
        finished_at: state.is_finished().then(|| at(120)),
    }
}

fn row(n: u32, state: JobState) -> JobRow {
    JobRow {
        job: job(n, state),
        note: (state == JobState::Queued).then(|| "No worker for this queue".to_owned()),
        verbs: vec!["retry", "cancel"],
        due: (state == JobState::Scheduled).then(|| at(300)),
    }
}

fn page() -> JobsPage {
    let tab = |label: &str| Tab {
        label: label.to_owned(),
        count: "37".to_owned(),
        href: "/dashboard/jobs".to_owned(),
        current: label == "All",
        quiet: false,
    };
    JobsPage {
        shell: shell("Jobs", Nav::Jobs),
        tabs: std::iter::once("All").chain(JobState::ALL.iter().map(|state| state.badge().label)).map(tab).collect(),
        filter: Filter::default(),
        here: "/dashboard/jobs".to_owned(),
        enqueue: EnqueueForm::default(),
        kinds: vec!["email.send".to_owned()],
        queues: vec!["default".to_owned(), "bulk".to_owned()],
        rows: (0..50).map(|n| row(n, JobState::ALL[n as usize % 8])).collect(),
        pages: Pages { matching: "10,000+".to_owned(), newer: None, older: some("/dashboard/jobs?cursor=1") },
        bulk: Bulk { filter: Vec::new(), back: "/dashboard/jobs".to_owned(), matching: "10,000+".to_owned() },
        can_retry: true,
        can_cancel: true,
        total: "412 jobs".to_owned(),
        curl: "curl -X POST http://localhost:8080/jobs".to_owned(),
    }
}

#[test]
fn job_list_shows_state_note_and_actions() {
    let page = page();
    let main = rendered(&page, page.as_main());
    contains(
        &main,
        &["No worker for this queue", "data-l=\"Attempt\"", ">1 of 5<", "tenant acme", "Select email.send"],
    );
    contains(
        &main,
        &["form=\"bulk\"", "name=\"job_id\"", "action=\"/dashboard/jobs/bulk\"", "all 10,000+ matching jobs"],
    );
    contains(&main, &["name=\"all\" value=\"1\"", "50 of 10,000+", "rel=\"next\"", "data-mirror=\"nav-jobs\""]);
    contains(&main, &[">Failed</span>", "Start now", "Replay", "/cancel\">Cancel…"]);
}

#[test]
fn bulk_actions_depend_on_filter() {
    let filter = vec![Hidden::new("tag", HOSTILE)];
    let mut page = JobsPage { can_retry: false, bulk: Bulk { filter, ..page().bulk }, ..page() };
    let main = rendered(&page, page.as_main());
    assert!(!main.contains("value=\"retry\"") && main.contains("value=\"cancel\""));
    contains(&main, &["name=\"tag\" value=\"&#60;script"]);
    page.can_cancel = false;
    let main = rendered(&page, page.as_main());
    assert!(!main.contains("/dashboard/jobs/bulk") && !main.contains("type=\"checkbox\""));
}

#[test]
fn rejected_enqueue_form_keeps_values() {
    let errors = vec![FieldError::new("payload", "The payload is not JSON.")];
    let payload = format!("\n{{\"to\": \"{HOSTILE}</textarea>");
    let enqueue = EnqueueForm { kind: "email.send".to_owned(), payload, errors, ..EnqueueForm::default() };
    let page = JobsPage { enqueue, ..page() };
    let main = rendered(&page, page.as_main());
    contains(&main, &["id=\"enqueue\" data-keep open", "data-dirty", "href=\"#payload\"", "Start over"]);
    // HTML drops the first line break after the tag, so the template adds one.
    contains(&main, &["aria-describedby=\"payload-error\"", ">\n\n{&#34;to&#34;: &#34;&#60;script"]);
    assert_eq!(main.matches("</textarea>").count(), 1);
}

#[test]
fn empty_job_list_names_filter() {
    let empty = |filter| JobsPage { rows: Vec::new(), filter, ..page() };
    let page = empty(Filter::default());
    contains(&rendered(&page, page.as_main()), &["No jobs yet", "curl -X POST"]);
    let filter = Filter { state: Some(JobState::Failed), queue: some("bulk"), tag: some(HOSTILE), ..Filter::default() };
    let page = empty(filter);
    let main = rendered(&page, page.as_main());
    contains(&main, &["state <b>Failed</b>, queue <b dir=\"auto\">“bulk”</b>, tag", "412 jobs in total"]);
    contains(&main, &["dead letters</a>", "name=\"state\" value=\"failed\"", "/dashboard/jobs?state=failed\">Clear"]);
}
