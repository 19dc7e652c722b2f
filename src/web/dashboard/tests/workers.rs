use crate::web::dashboard::tests::*;

fn row(name: &str, state: WorkerState) -> WorkerRow {
    WorkerRow {
        name: name.to_owned(),
        href: "/dashboard/workers/worker-a".to_owned(),
        host: "node-1, process 4711".to_owned(),
        state,
        changed: Some(changed()),
        note: (state == WorkerState::Lost).then(|| "its 2 jobs were taken back".to_owned()),
        slots: gauge("6 of 8", Some(75), Tone::Work),
        queues: "default, bulk".to_owned(),
        seen: stamp("14:03:21"),
        version: "0.1.0".to_owned(),
        other_version: state == WorkerState::Lost,
        started: stamp("10:00:00"),
    }
}

fn list() -> WorkersPage {
    let tab = |label: &str, count: &str, current| Tab {
        label: label.to_owned(),
        count: count.to_owned(),
        href: format!("/dashboard/workers?state={}", label.to_lowercase()),
        current,
        quiet: false,
    };
    WorkersPage {
        shell: shell("Workers", Nav::Workers),
        summary: "2 of 4 online, 6 of 16 slots busy".to_owned(),
        tabs: vec![
            tab("All", "4", true),
            tab("Online", "1", false),
            tab("Cordoned", "1", false),
            tab("Draining", "1", false),
            tab("Lost", "1", false),
        ],
        rows: vec![
            row("worker-a", WorkerState::Online),
            row("worker-c", WorkerState::Cordoned),
            row(HOSTILE, WorkerState::Draining),
            row("worker-f", WorkerState::Lost),
        ],
        state: None,
        command: "provost worker --server http://localhost:8080".to_owned(),
    }
}

fn page() -> WorkerPage {
    let running = |n: u32, canceling| RunningRow {
        job: JobLink { id: id(n), short_id: short(n), kind: "email.send".to_owned() },
        queue: Link::to("/dashboard/queues/bulk", "bulk"),
        attempt: "2 of 5".to_owned(),
        since: stamp("14:03:00"),
        lease_until: stamp("14:03:46"),
        canceling,
        progress: Some(HowFar { percent: None, text: HOSTILE.to_owned() }),
    };
    let ended = |outcome, count: &str, percent| OutcomeRow { outcome, count: count.to_owned(), percent };
    WorkerPage {
        shell: Shell {
            crumbs: vec![Crumb { label: "Workers".to_owned(), href: "/dashboard/workers".to_owned() }],
            ..shell("worker-c", Nav::Workers)
        },
        name: "worker-c".to_owned(),
        href: "/dashboard/workers/worker-c".to_owned(),
        state: WorkerState::Cordoned,
        changed: Some(changed()),
        means: "It finishes 2 jobs and takes no more.".to_owned(),
        slots: gauge("2 of 8", Some(25), Tone::Work),
        running: vec![running(1, false), running(2, true)],
        outcomes: vec![
            ended(Outcome::Completed, "1,204", 96),
            ended(Outcome::Failed, "42", 3),
            ended(Outcome::LeaseExpired, "4", 1),
        ],
        queues: vec![Link::to("/dashboard/queues/default", "default"), Link::to("/dashboard/queues/bulk", "bulk")],
        kinds: vec!["email.send".to_owned()],
        host: "node-2".to_owned(),
        pid: "4711".to_owned(),
        incarnation: "3".to_owned(),
        version: "0.0.9".to_owned(),
        other_version: true,
        started: stamp("10:00:00"),
        seen: stamp("14:03:21"),
    }
}

#[test]
fn each_state_offers_its_way_on() {
    let page = list();
    let main = rendered(&page, page.as_main());
    says(&main, &["Cordon worker-a…", "Uncordon worker-c", "Forget worker-f", "its 2 jobs were taken back"]);
    says(&main, &["not the version of this server", "“card processor down”", "/drain\">Drain…", "2 of 4 online"]);
}

#[test]
fn no_workers_is_said_with_the_line_that_starts_one() {
    let page = WorkersPage { rows: Vec::new(), ..list() };
    says(&rendered(&page, page.as_main()), &["nobody does them", "provost worker --server"]);
    let page = WorkersPage { state: Some(WorkerState::Lost), ..page };
    says(&rendered(&page, page.as_main()), &["No worker is lost", "Show all workers"]);
}

#[test]
fn a_worker_shows_what_it_has_in_hand() {
    let page = page();
    let main = rendered(&page, page.as_main());
    says(&main, &["It finishes 2 jobs", "asked to stop", "Lease ended", "width=\"96\"", "Uncordon", "/drain\""]);
    assert!(!main.contains("/cordon\"") && !main.contains("Forget"));
}

#[test]
fn a_lost_worker_can_only_be_forgotten() {
    let page = WorkerPage {
        name: HOSTILE.to_owned(),
        state: WorkerState::Lost,
        changed: None,
        means: "Silent for 3 m. Its jobs were taken back.".to_owned(),
        running: Vec::new(),
        outcomes: Vec::new(),
        queues: Vec::new(),
        kinds: Vec::new(),
        ..page()
    };
    let main = rendered(&page, page.as_main());
    says(&main, &["callout t-bad", "Forget", "No attempt ended", "<dd>all</dd>", "&#60;script"]);
    assert!(!main.contains("/drain\"") && !main.contains("cordon\""));
}
