use crate::web::dashboard::tests::*;

fn queue(name: &str, state: QueueState) -> Queue {
    let active = state == QueueState::Active;
    Queue {
        name: name.to_owned(),
        state,
        reason: some("card processor down"),
        actor: "maria".to_owned(),
        changed_at: at("13:51:00"),
        created_at: at("10:00:00"),
        waiting: 412,
        scheduled: 20,
        retrying: 10,
        blocked: 0,
        active: 8,
        failed: 37,
        oldest_due_at: Some(at("14:03:18")),
        in_per_minute: 12.0,
        out_per_minute: 10.0,
        workers: if active { 3 } else { 0 },
        concurrency: active.then_some(10),
        rate: Some((100, 60.0, 20)),
    }
}

fn page() -> QueuePage {
    let bucket = |n: u64| BarData { at: stamp("14:00:00"), ready: 8 + n * 13 % 23, failed: n % 9 / 6 };
    let data: Vec<BarData> = (0..60).map(bucket).collect();
    let queue = queue("bulk", QueueState::Active);
    QueuePage {
        shell: shell("bulk", Nav::Queues).crumb("Queues", "/dashboard/queues"),
        throughput: chart::bars_of(&data, MetricsRange::H1, "completed"),
        limits: QueueLimits {
            others: vec!["Limit global allows 100 at once across all queues.".to_owned()],
            changed: Some(changed()),
            ..QueueLimits::stored(&queue)
        },
        workers: vec![QueueWorker { worker: workers::worker("worker-a", WorkerState::Online), running: 4 }],
        kinds: vec![KindWaiting { kind: "email.send".to_owned(), waiting: 400, workers: 0 }],
        queue,
    }
}

#[test]
fn list_shows_why_queue_is_not_active() {
    let page = QueuesPage {
        shell: shell("Queues", Nav::Queues),
        queues: vec![
            queue("bulk", QueueState::Active),
            queue("critical", QueueState::Paused),
            queue("mail", QueueState::Draining),
        ],
    };
    let main = rendered(&page, page.as_main());
    contains(&main, &["“card processor down” · maria", "/dashboard/queues/bulk/pause\"", "Resume critical", "8 of 10"]);
    contains(
        &main,
        &["width=\"80\"", "class=\"alarm\"", "/dashboard/queues/critical/drain", "/dashboard/queues/mail/pause"],
    );
    contains(&main, &["3 queues, 1 paused, 1 draining", "30 scheduled", "12 in, 10 out"]);
    let page = QueuesPage { queues: Vec::new(), ..page };
    contains(&rendered(&page, page.as_main()), &["No queues yet"]);
}

#[test]
fn page_shows_limits_and_waiting_kinds() {
    let page = page();
    contains(
        &rendered(&page, page.as_main()),
        &[
            "completed and",
            "action=\"/dashboard/queues/bulk/limits\"",
            "name=\"concurrency\" type=\"number\"",
            "name=\"window\"",
            "Limit global",
            "no worker handles this kind",
            "/dashboard/queues/bulk/drain",
            "data-keep",
        ],
    );
}

#[test]
fn unserved_queue_shows_worker_command() {
    let page = QueuePage {
        queue: Queue { reason: some(HOSTILE), actor: HOSTILE.to_owned(), ..queue("bulk", QueueState::Paused) },
        workers: Vec::new(),
        kinds: Vec::new(),
        throughput: None,
        limits: QueueLimits {
            rate: "many".to_owned(),
            errors: vec![FieldError::new("rate", "The rate must be a whole number.")],
            ..QueueLimits::default()
        },
        ..page()
    };
    let main = rendered(&page, page.as_main());
    contains(&main, &["442 jobs wait, but no worker serves queue bulk.", "--worker-queues bulk"]);
    contains(&main, &["Paused: new jobs are accepted", "href=\"#rate\"", "rate-error", "data-dirty"]);
    contains(&main, &["“&#60;script", "Resume", "No jobs finished", "No waiting jobs."]);
    assert!(!main.contains("/pause\""));
}
