use crate::web::dashboard::tests::*;
use crate::web::dashboard::ui::chart;

fn row(name: &str, state: QueueState) -> QueueRow {
    let active = state == QueueState::Active;
    QueueRow {
        name: name.to_owned(),
        href: format!("/dashboard/queues/{name}"),
        state,
        changed: Some(changed()),
        running: if active { gauge("8 of 10", Some(80), Tone::Work) } else { gauge("0", None, Tone::Work) },
        waiting: "412".to_owned(),
        scheduled: "30".to_owned(),
        oldest: active.then(|| stamp("14:03:18")),
        flow: "12 in, 10 out".to_owned(),
        workers: if active { "3" } else { "none" }.to_owned(),
        unserved: !active,
        jobs: format!("/dashboard/jobs?state=&queue={name}"),
    }
}

fn kpi(label: &str, value: &str, hint: &str) -> Kpi {
    Kpi {
        label: label.to_owned(),
        value: value.to_owned(),
        hint: hint.to_owned(),
        tone: None,
        href: some("/dashboard/jobs?queue=bulk&state=active"),
    }
}

fn page() -> QueuePage {
    let bucket = |n: u64| BarData { at: stamp("14:00:00"), ready: 8 + n * 13 % 23, failed: n % 9 / 6 };
    let data: Vec<BarData> = (0..60).map(bucket).collect();
    QueuePage {
        shell: Shell {
            crumbs: vec![Crumb { label: "Queues".to_owned(), href: "/dashboard/queues".to_owned() }],
            ..shell("bulk", Nav::Queues)
        },
        name: "bulk".to_owned(),
        href: "/dashboard/queues/bulk".to_owned(),
        state: QueueState::Active,
        changed: None,
        cause: None,
        now: vec![
            kpi("Running", "8", "of 10 at once"),
            kpi("Waiting", "412", "12 in, 10 out a minute"),
            kpi("Scheduled", "30", "the next in 40 s"),
            kpi("Dead", "37", "at the end of their tries"),
        ],
        throughput: chart::bars_of(&data, MetricsRange::H1, "were completed"),
        limits: QueueLimits {
            concurrency: "10".to_owned(),
            rate: "100".to_owned(),
            window: "60".to_owned(),
            burst: "20".to_owned(),
            others: vec!["The limit global allows 100 at once, of all queues.".to_owned()],
            changed: Some(changed()),
            ..QueueLimits::default()
        },
        workers: vec![QueueWorker {
            worker: Link::to("/dashboard/workers/worker-a", "worker-a"),
            state: WorkerState::Online,
            slots: gauge("6 of 8", Some(75), Tone::Work),
            running: "4".to_owned(),
        }],
        kinds: vec![KindRow {
            kind: Link::to("/dashboard/jobs?queue=bulk&kind=email.send", "email.send"),
            count: "400".to_owned(),
            workers: "3".to_owned(),
            note: some("limit reached"),
        }],
        jobs: "/dashboard/jobs?state=&queue=bulk".to_owned(),
    }
}

#[test]
fn the_list_says_why_a_queue_stands_still() {
    let page = QueuesPage {
        shell: shell("Queues", Nav::Queues),
        summary: "3 queues, 1 paused".to_owned(),
        rows: vec![
            row("bulk", QueueState::Active),
            row("critical", QueueState::Paused),
            row("mail", QueueState::Draining),
        ],
    };
    let main = rendered(&page, page.as_main());
    says(&main, &["“card processor down” · maria", "/dashboard/queues/bulk/pause\"", "Resume critical", "8 of 10"]);
    says(
        &main,
        &["width=\"80\"", "class=\"alarm\"", "/dashboard/queues/critical/drain", "/dashboard/queues/mail/pause"],
    );
    let page = QueuesPage { rows: Vec::new(), ..page };
    says(&rendered(&page, page.as_main()), &["No queues yet"]);
}

#[test]
fn a_queue_shows_its_limits_and_what_waits() {
    let page = page();
    let main = rendered(&page, page.as_main());
    says(
        &main,
        &[
            "were completed and",
            "action=\"/dashboard/queues/bulk/limits\"",
            "name=\"concurrency\"",
            "name=\"window\"",
            "The limit global",
            "limit reached",
            "/dashboard/queues/bulk/drain",
            "data-keep",
        ],
    );
}

#[test]
fn a_queue_nobody_serves_says_how_to_start_a_worker() {
    let cause = Cause {
        text: "412 jobs wait, but no worker serves the queue bulk.".to_owned(),
        command: some("provost worker --queue bulk"),
    };
    let page = QueuePage {
        state: QueueState::Paused,
        changed: Some(Changed { reason: some(HOSTILE), actor: HOSTILE.to_owned(), at: stamp("14:00:00") }),
        cause: Some(cause),
        workers: Vec::new(),
        kinds: Vec::new(),
        throughput: None,
        limits: QueueLimits {
            rate: "many".to_owned(),
            errors: vec![FieldError { field: "rate".to_owned(), message: "The rate is a whole number.".to_owned() }],
            ..QueueLimits::default()
        },
        ..page()
    };
    let main = rendered(&page, page.as_main());
    says(&main, &["Paused: new jobs are accepted", "provost worker --queue bulk", "href=\"#rate\"", "rate-error"]);
    says(&main, &["“&#60;script", "Resume", "No job of this queue ended", "Nothing waits here. Good.", "data-dirty"]);
    assert!(!main.contains("/pause\""));
}
