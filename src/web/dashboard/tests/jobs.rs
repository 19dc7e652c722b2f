use crate::web::dashboard::tests::*;

fn row(n: u32, state: JobState) -> JobRow {
    let finished = matches!(state, JobState::Completed | JobState::Failed | JobState::Canceled);
    JobRow {
        id: id(n),
        short_id: short(n),
        kind: ["email.send", "image.thumbnail", "report.generate", "project.provision"][n as usize % 4].to_owned(),
        state,
        note: match state {
            JobState::Queued => some("No worker serves this queue"),
            JobState::Blocked => some("Waits for 2 other jobs"),
            JobState::Retrying | JobState::Failed => some("SmtpTimeout: 10 s elapsed while talking to mx.example.org"),
            _ => None,
        },
        running_since: (state == JobState::Active).then(|| stamp("14:03:10")),
        queue: Link::to("/dashboard/queues/bulk", "bulk"),
        tenant: n.is_multiple_of(3).then(|| "acme".to_owned()),
        attempt: if state == JobState::Scheduled { "–" } else { "1 of 5" }.to_owned(),
        worker: (state == JobState::Active || finished).then(|| Link::to("/dashboard/workers/worker-a", "worker-a")),
        created: stamp("14:01:00"),
        due: matches!(state, JobState::Scheduled | JobState::Retrying).then(|| stamp("14:05:00")),
        finished: finished.then(|| stamp("14:02:00")),
        can_retry: true,
        can_cancel: !finished,
    }
}

fn page() -> JobsPage {
    let tab = |label: &str, count: &str, current| Tab {
        label: label.to_owned(),
        count: count.to_owned(),
        href: format!("/dashboard/jobs?state={}", label.to_lowercase()),
        current,
        quiet: label == "Canceled",
    };
    JobsPage {
        shell: shell("Jobs", Nav::Jobs),
        tabs: vec![
            tab("All", "10,000+", true),
            tab("Queued", "412", false),
            tab("Active", "8", false),
            tab("Scheduled", "30", false),
            tab("Retrying", "4", false),
            tab("Blocked", "2", false),
            tab("Completed", "10,000+", false),
            tab("Dead", "37", false),
            tab("Canceled", "1", false),
        ],
        filter: JobFilter { here: "/dashboard/jobs".to_owned(), ..JobFilter::default() },
        enqueue: EnqueueForm::default(),
        kinds: vec!["email.send".to_owned(), "image.thumbnail".to_owned()],
        queues: vec!["default".to_owned(), "bulk".to_owned()],
        rows: (0..50).map(|n| row(n, JobState::ALL[n as usize % 8])).collect(),
        pages: Pages {
            matching: "10,000+".to_owned(),
            newer: None,
            older: some("/dashboard/jobs?state=&cursor=019ab3c4"),
        },
        bulk: Bulk { filter: Vec::new(), back: "/dashboard/jobs".to_owned(), matching: "10,000+".to_owned() },
        can_retry: true,
        can_cancel: true,
        exists: "412 jobs in other states".to_owned(),
        curl: "curl -X POST http://localhost:8080/jobs -d '{\"kind\": \"email.send\"}'".to_owned(),
    }
}

#[test]
fn the_list_says_what_every_job_does() {
    let page = page();
    let main = rendered(&page, page.as_main());
    contains(
        &main,
        &[
            "No worker serves this queue",
            "data-l=\"Attempt\"",
            ">1 of 5<",
            "form=\"bulk\"",
            "Select email.send",
            "name=\"job_id\"",
            "action=\"/dashboard/jobs/bulk\"",
            "take all 10,000+ that match",
            "name=\"all\" value=\"1\"",
            "50 of 10,000+",
            "rel=\"next\"",
            "data-mirror=\"nav-jobs\"",
            "Start now",
            "Replay",
            "/cancel\">Cancel…",
        ],
    );
}

#[test]
fn what_can_be_done_with_many_depends_on_the_list() {
    let filter = vec![Hidden { field: "tag".to_owned(), value: HOSTILE.to_owned() }];
    let mut page = JobsPage { can_retry: false, bulk: Bulk { filter, ..page().bulk }, ..page() };
    let main = rendered(&page, page.as_main());
    assert!(!main.contains("value=\"retry\"") && main.contains("value=\"cancel\""));
    contains(&main, &["name=\"tag\" value=\"&#60;script"]);
    page.can_cancel = false;
    let main = rendered(&page, page.as_main());
    assert!(!main.contains("/dashboard/jobs/bulk") && !main.contains("type=\"checkbox\""));
}

#[test]
fn a_refused_job_keeps_what_was_typed() {
    let errors = vec![FieldError { field: "payload".to_owned(), message: "The payload is not JSON.".to_owned() }];
    let payload = format!("\n{{\"to\": \"{HOSTILE}</textarea>");
    let enqueue = EnqueueForm { kind: "email.send".to_owned(), payload, errors, ..EnqueueForm::default() };
    let page = JobsPage { enqueue, ..page() };
    let main = rendered(&page, page.as_main());
    contains(
        &main,
        &[
            "id=\"enqueue\" data-keep open",
            "data-dirty",
            "href=\"#payload\"",
            "aria-describedby=\"payload-error\"",
            // The first line break after the tag is not part of the value, so one of ours stands before theirs.
            ">\n\n{&#34;to&#34;: &#34;&#60;script",
            "Start over",
        ],
    );
    assert_eq!(main.matches("</textarea>").count(), 1);
}

#[test]
fn an_empty_list_says_why() {
    let empty = |filter| JobsPage { rows: Vec::new(), filter, ..page() };
    let page = empty(JobFilter::default());
    contains(&rendered(&page, page.as_main()), &["No jobs yet", "curl -X POST"]);
    let filter = JobFilter {
        state: Some(JobState::Failed),
        queue: "bulk".to_owned(),
        tag: HOSTILE.to_owned(),
        ..JobFilter::default()
    };
    let page = empty(filter);
    let main = rendered(&page, page.as_main());
    contains(
        &main,
        &["No jobs match", "<b>Dead</b> with the queue", "“bulk”</b> and the tag", "412 jobs in other states"],
    );
    contains(
        &main,
        &["dead letters</a>", "name=\"state\" value=\"failed\"", "href=\"/dashboard/jobs?state=failed\">Clear"],
    );
}
