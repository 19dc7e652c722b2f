//! `/dashboard/queues`: what waits where.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};

use crate::domain::QueueState;
use crate::store::queues::Queue;
use crate::web::app::App;
use crate::web::dashboard::jobs::list as jobs;
use crate::web::dashboard::queues::view::{QueueRow, QueuesPage};
use crate::web::dashboard::ui::counts::Counts;
use crate::web::dashboard::ui::error::or_page;
use crate::web::dashboard::ui::layout::{Frame, Shown, count, counted, respond, stamp};
use crate::web::dashboard::ui::layout_view::Nav;
use crate::web::dashboard::ui::links as names;
use crate::web::dashboard::ui::parts::{Changed, Gauge};
use crate::web::dashboard::ui::state::QueueState as State;
use crate::web::dashboard::ui::status::Tone;
use crate::web::error::ApiError;
use crate::web::query::Query;

pub const PAGE: &str = "/dashboard/queues";
/// Over how many minutes in and out are counted.
const FLOW_MINUTES: f64 = 5.0;

/// `GET`.
pub async fn show(app: Data<App>, request: HttpRequest) -> HttpResponse {
    or_page(&app, &request, list(&app, &request).await)
}

async fn list(app: &App, request: &HttpRequest) -> Result<HttpResponse, ApiError> {
    Query::parse(request.query_string(), &[])?;
    let queues = app.store.list_queues(None, app.silence()).await?;
    let counts = Counts::of(app).await?;
    let page = QueuesPage {
        shell: Frame::of(app, request).at(Nav::Queues).counting(&counts).shell("Queues"),
        summary: summary(&queues),
        rows: queues.iter().map(row).collect(),
    };
    Ok(respond(request, Shown::new(&page, page.as_main())))
}

fn summary(queues: &[Queue]) -> String {
    let of = |state: QueueState| queues.iter().filter(|it| it.state == state).count();
    let parts = [(QueueState::Paused, "paused"), (QueueState::Draining, "draining")];
    let rest: String = parts
        .into_iter()
        .map(|(state, word)| (of(state), word))
        .filter(|(n, _)| *n > 0)
        .map(|(n, word)| format!(", {n} {word}"))
        .collect();
    format!("{}{rest}", counted(queues.len() as i64, "queue"))
}

fn row(queue: &Queue) -> QueueRow {
    QueueRow {
        name: queue.name.clone(),
        href: names::queue_page(&queue.name),
        state: state(queue.state),
        changed: Some(changed(queue)),
        running: running(queue),
        waiting: count(queue.waiting),
        scheduled: count(queue.scheduled + queue.retrying),
        oldest: queue.oldest_due_at.map(stamp),
        flow: flow(queue),
        workers: if queue.workers == 0 { "none".to_owned() } else { count(queue.workers) },
        unserved: is_unserved(queue),
        jobs: jobs_of(&queue.name, ""),
    }
}

/// The page's own word for a state.
pub fn state(state: QueueState) -> State {
    State::from_name(state.as_str())
}

pub fn changed(queue: &Queue) -> Changed {
    Changed { reason: queue.reason.clone(), actor: queue.actor.clone(), at: stamp(queue.changed_at) }
}

/// Running of what may run at once.
pub fn running(queue: &Queue) -> Gauge {
    match queue.concurrency {
        Some(most) => gauge(queue.active, most.into()),
        None => Gauge { text: count(queue.active), percent: None, tone: Tone::Work },
    }
}

/// So many of so many.
pub fn gauge(used: i64, most: i64) -> Gauge {
    let percent = if most > 0 { (used.max(0) * 100 / most).min(100) } else { 100 };
    Gauge {
        text: format!("{} of {}", count(used), count(most)),
        percent: u32::try_from(percent).ok(),
        tone: if used >= most { Tone::Wait } else { Tone::Work },
    }
}

/// Something waits, and nobody comes for it.
pub fn is_unserved(queue: &Queue) -> bool {
    queue.workers == 0 && queue.waiting + queue.scheduled + queue.retrying > 0
}

/// "12 in, 10 out"; of what is rare, one decimal.
pub fn flow(queue: &Queue) -> String {
    let rate = |n: i64| {
        let each = n as f64 / FLOW_MINUTES;
        if each.fract() == 0.0 || each >= 10.0 { count(each.round() as i64) } else { format!("{each:.1}") }
    };
    format!("{} in, {} out", rate(queue.incoming), rate(queue.outgoing))
}

/// The list of its jobs, of those in one state if one is named.
pub fn jobs_of(queue: &str, state: &str) -> String {
    names::listing(jobs::PAGE, &[("state", state), ("queue", queue)])
}
