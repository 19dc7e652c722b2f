use crate::web::dashboard::tests::*;

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
        at: stamp("14:02:00"),
        running: false,
    }
}

fn execution(n: u32, outcome: Badge) -> ExecutionRow {
    ExecutionRow {
        id: id(n),
        short_id: short(n),
        attempt: n,
        worker: Link::to("/dashboard/workers/worker-a", "worker-a"),
        started: stamp("14:02:40"),
        took: (outcome != Badge::RUNNING).then(|| "10 s".to_owned()),
        outcome,
        error: (outcome == outcome_badge(Some("failed")))
            .then(|| format!("SmtpTimeout: 10 s elapsed\n  at send {HOSTILE}")),
    }
}

fn holder() -> Holder {
    Holder {
        worker: "worker-a".to_owned(),
        attempt: "attempt 3, 2 of 5 failures spent".to_owned(),
        lease_until: stamp("14:03:52"),
    }
}

fn link(n: u32, kind: &str) -> JobLink {
    JobLink { id: id(n), short_id: short(n), kind: kind.to_owned() }
}

fn facts() -> JobFacts {
    JobFacts {
        queue: Link::to("/dashboard/queues/bulk", "bulk"),
        tenant: "acme".to_owned(),
        tags: vec!["eu".to_owned(), HOSTILE.to_owned()],
        priority: "5".to_owned(),
        attempt: "3".to_owned(),
        failures: "2 of 5 spent".to_owned(),
        timeout: some("30 s an attempt"),
        deadline: Some(stamp("15:00:00")),
        backoff: "twice as long each time, from 1 s to 5 m".to_owned(),
        lease: Some(holder()),
        idempotency_key: some(HOSTILE),
        schema_version: some("email.send 2"),
        replays: some("once"),
        origin: Some(("Copy of".to_owned(), link(90, "email.send"))),
        project: Some(Link::to("/dashboard/projects/1", HOSTILE)),
        created: stamp("14:00:00"),
        due: stamp("14:00:00"),
        finished: None,
    }
}

fn edges(n: u32) -> Edges {
    let row = |n: u32, state| EdgeRow {
        id: id(n),
        job: Link::to(format!("/dashboard/jobs/{}", id(n)), HOSTILE),
        short_id: short(n),
        state,
        policy: "Goes on, however it ends.",
        verdict: Badge { tone: Tone::Block, icon: "lock", label: "Not yet" },
    };
    Edges { rows: vec![row(n, Some(JobState::Failed)), row(n + 1, None)], more: some("980 more are not shown.") }
}

#[test]
fn a_step_says_where_it_stands_and_what_it_waits_for() {
    let page = JobPage { dependents: edges(95), ..page() };
    let main = rendered(&page, page.as_main());
    contains(
        &main,
        &["Step <b dir=\"auto\">&#60;script", "of workflow <a", "Depends on", "Dependents", "980 more are not shown."],
    );
    contains(&main, &["Goes on, however it ends.", "Not yet</span>", ">gone</td>"]);
}

fn page() -> JobPage {
    JobPage {
        shell: Shell {
            crumbs: vec![Link { label: "Jobs".to_owned(), href: "/dashboard/jobs".to_owned() }],
            ..shell("email.send 019ab3c4…0007", Nav::Jobs)
        },
        id: id(1),
        short_id: short(1),
        kind: "email.send".to_owned(),
        state: JobState::Active,
        can_retry: true,
        can_cancel: true,
        can_run_again: false,
        priority_form: Some(PriorityForm { priority: "5".to_owned(), error: None }),
        callout: JobCallout::Running(Running {
            since: stamp("14:03:10"),
            usual: some("3 s"),
            slow: false,
            holder: holder(),
            timeout: Some(stamp("14:03:40")),
            deadline: Some(stamp("15:00:00")),
            canceling: None,
            progress: Some(HowFar { percent: Some(40), text: HOSTILE.to_owned() }),
        }),
        timeline: vec![
            entry(0, JobState::Queued, "Enqueued"),
            entry(1, JobState::Active, "Claimed"),
            entry(2, JobState::Retrying, "Failed, will be tried again"),
            TimelineEntry { running: true, ..entry(3, JobState::Active, "Claimed") },
        ],
        timeline_left_out: some("112"),
        timeline_total: None,
        payload: "{\"to\": 9007199254740993,\n \"text\": \"<b>&amp;</b>\"}".to_owned(),
        result: some("{\"sent\": true}"),
        facts: facts(),
        step: Some(StepOf { step: HOSTILE.to_owned(), workflow: Link::to("/dashboard/workflows/1", HOSTILE) }),
        dependencies: edges(92),
        dependents: Edges::default(),
        follow_ups: vec![FollowUp { job: link(91, "report.generate"), state: JobState::Completed }],
        executions: vec![
            execution(3, Badge::RUNNING),
            execution(2, outcome_badge(Some("failed"))),
            execution(1, outcome_badge(Some("released"))),
        ],
        logs: vec![LogRow { stream: "stderr".to_owned(), text: format!("  1 of 3 {HOSTILE}") }],
        logs_href: "/executions/1/logs".to_owned(),
        curl: format!("curl -d '{HOSTILE}'"),
        curls: vec![CurlLine { label: "Get".to_owned(), line: "curl http://localhost:8080/jobs/1".to_owned() }],
    }
}

#[test]
fn a_running_job_says_who_has_it_and_until_when() {
    let page = page();
    let main = rendered(&page, page.as_main());
    contains(
        &main,
        &[
            "Usually 3 s.",
            "Held by <code>worker-a</code>",
            "This attempt times out",
            "112 older events",
            "Attempt 3</li>",
            "Copy of",
            "Handed back",
            "SmtpTimeout: 10 s elapsed</span>",
            "All of it",
            "/cancel\"",
            "/priority\"",
            ">stderr</span>",
            "  1 of 3 &#60;script",
            "data-copy=\"curl -d &#39;&#60;script",
        ],
    );
    assert!(!main.contains("Run again") && !main.contains("/retry\""));
}

#[test]
fn payload_and_result_are_shown_byte_for_byte() {
    let page = JobPage { payload: "\n\n{\"n\":  12345678901234567890}".to_owned(), ..page() };
    let main = rendered(&page, page.as_main());
    // A parser drops the first line break after <pre>, so the template gives it one.
    contains(&main, &["aria-label=\"Payload\">\n\n\n{&#34;n&#34;:  12345678901234567890}</pre>"]);
}

#[test]
fn a_waiting_job_says_why() {
    let waiting = Waiting {
        since: stamp("14:00:00"),
        headline: "No worker serves the queue bulk.".to_owned(),
        reasons: vec![WaitReason {
            text: "The limit queue:bulk is reached.".to_owned(),
            link: Some(Link::to("/dashboard/limits", "Limits")),
        }],
        stuck: true,
        command: some("provost worker --queue bulk"),
        due: None,
        deadline: Some(stamp("15:00:00")),
        last_error: some(HOSTILE),
    };
    let page = JobPage { state: JobState::Queued, callout: JobCallout::Waiting(waiting), result: None, ..page() };
    let main = rendered(&page, page.as_main());
    contains(&main, &["callout t-wait", "No worker serves the queue bulk.", "The last attempt failed: &#60;script"]);
    contains(&main, &["provost worker --queue bulk", "href=\"/dashboard/limits\">Limits", "Given up"]);
    assert!(!main.contains("h-result"));
}

#[test]
fn a_dead_job_can_be_replayed_and_edited() {
    let callout = JobCallout::Dead {
        error: format!("SmtpTimeout {HOSTILE}"),
        advice: "Replay it once the cause is gone, or edit its payload.".to_owned(),
        at: stamp("14:02:00"),
    };
    let page = JobPage { state: JobState::Failed, callout, can_run_again: true, can_cancel: false, ..page() };
    let main = rendered(&page, page.as_main());
    contains(&main, &[">Dead</span>", "Edit and replay", "Replay</button>", "Run again", "Gave up"]);
    assert!(!main.contains("/cancel\""));
}

#[test]
fn how_it_ended_is_said_quietly() {
    let done = JobCallout::Completed { at: stamp("14:02:00"), took: some("2.9 s") };
    let page =
        JobPage { state: JobState::Completed, callout: done, priority_form: None, executions: Vec::new(), ..page() };
    let main = rendered(&page, page.as_main());
    contains(&main, &["the last attempt took 2.9 s", "No worker has taken it yet."]);
    let off = JobCallout::Canceled {
        at: stamp("14:02:00"),
        reason: some(HOSTILE),
        by: Some(Link::to("/dashboard/jobs/1", HOSTILE)),
    };
    let page = JobPage { state: JobState::Canceled, callout: off, ..page };
    contains(&rendered(&page, page.as_main()), &["Canceled <time", "&#60;script", "Look at <a"]);
}

#[test]
fn a_cancellation_on_its_way_says_when_it_is_enforced() {
    let canceling = Canceling { at: stamp("14:03:00"), reason: some(HOSTILE), revoked: Some(stamp("14:03:30")) };
    let JobCallout::Running(running) = page().callout else { return };
    let callout = JobCallout::Running(Running { canceling: Some(canceling), ..running });
    let error = some("The priority must be a whole number from 0 to 9.");
    let form = Some(PriorityForm { priority: "11".to_owned(), error });
    let page = JobPage { callout, can_cancel: false, priority_form: form, ..page() };
    let main = rendered(&page, page.as_main());
    contains(&main, &["Asked to stop", "the job is taken from it", "id=\"priority-form\" open", "priority-error"]);
}
