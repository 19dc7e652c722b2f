use crate::web::dashboard::tests::*;

pub fn worker(id: &str, state: WorkerState) -> RegisteredWorker {
    RegisteredWorker {
        worker: Worker {
            id: id.to_owned(),
            host: "node-1".to_owned(),
            pid: 4711,
            incarnation: "3".to_owned(),
            version: if state == WorkerState::Lost { "0.0.9" } else { env!("CARGO_PKG_VERSION") }.to_owned(),
            queues: vec!["default".to_owned(), "bulk".to_owned()],
            kinds: vec!["*".to_owned()],
            slots: 8,
        },
        state,
        reason: some("card processor down"),
        actor: some("maria"),
        changed_at: Some(at("13:51:00")),
        busy: 2,
        started_at: at("10:00:00"),
        seen_at: at("14:03:21"),
        silent: std::time::Duration::ZERO,
    }
}

fn list() -> WorkersPage {
    WorkersPage {
        lacks: Vec::new(),
        shell: shell("Workers", Nav::Workers),
        workers: vec![
            worker("worker-a", WorkerState::Online),
            worker("worker-c", WorkerState::Cordoned),
            worker(HOSTILE, WorkerState::Draining),
            worker("worker-f", WorkerState::Lost),
        ],
        state: None,
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
        progress: Some(crate::web::dashboard::jobs::format::ProgressText { percent: None, text: HOSTILE.to_owned() }),
    };
    let ended = |outcome, n, percent| OutcomeRow { outcome, n, percent };
    WorkerPage {
        shell: shell("worker-c", Nav::Workers).crumb("Workers", "/dashboard/workers"),
        worker: worker("worker-c", WorkerState::Cordoned),
        running: vec![running(1, false), running(2, true)],
        outcomes: vec![ended("completed", 1_204, 96), ended("failed", 42, 3), ended("timed_out", 4, 1)],
    }
}

#[test]
fn list_offers_verbs_of_each_state() {
    let page = list();
    let main = rendered(&page, page.as_main());
    contains(&main, &["Cordon worker-a…", "Uncordon worker-c", "Forget worker-f", "No heartbeat"]);
    contains(&main, &["not the version of this server", "“card processor down”", "/drain\">Drain…"]);
    contains(&main, &["1 of 4 online, 6 of 24 slots busy", "process 4711", "default, bulk"]);
}

#[test]
fn empty_list_shows_start_command() {
    let page = WorkersPage { workers: Vec::new(), ..list() };
    contains(&rendered(&page, page.as_main()), &["do not run until a worker is online", "provost --roles worker"]);
    let page = WorkersPage { state: Some(WorkerState::Lost), ..page };
    contains(&rendered(&page, page.as_main()), &["No lost workers", "Show all workers"]);
}

#[test]
fn page_shows_running_jobs_and_outcomes() {
    let page = page();
    let main = rendered(&page, page.as_main());
    contains(&main, &["The worker finishes 2 jobs", "cancel requested", "Timed out", "width=\"96\"", "1,204"]);
    contains(&main, &["Uncordon", "/drain\"", "/dashboard/queues/default"]);
    assert!(!main.contains("/cordon\"") && !main.contains("Forget"));
}

#[test]
fn lost_worker_can_only_be_forgotten() {
    let lost = worker(HOSTILE, WorkerState::Lost);
    let page = WorkerPage {
        worker: RegisteredWorker { worker: Worker { queues: Vec::new(), ..lost.worker.clone() }, ..lost },
        running: Vec::new(),
        outcomes: Vec::new(),
        ..page()
    };
    let main = rendered(&page, page.as_main());
    contains(&main, &["callout t-bad", "Forget", "No attempts ended", "<dd>all</dd>", "&#60;script"]);
    assert!(!main.contains("/drain\"") && !main.contains("cordon\""));
}
