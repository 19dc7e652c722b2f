//! `/dashboard/queues/{name}`: one queue, what keeps it, and its limits. What is done to it is in `queue_acts`.

use std::collections::BTreeMap;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use time::OffsetDateTime;

use crate::domain::{LimitScope, QueueState, WorkerState};
use crate::store::limits::LimitUse;
use crate::store::queues::{KindWaiting, Queue};
use crate::store::workers::RegisteredWorker;
use crate::web::api::queues::load;
use crate::web::app::App;
use crate::web::dashboard::jobs::timeline::worker_line;
use crate::web::dashboard::metrics::view::{BarChart, BarData, Kpi, MetricsRange};
use crate::web::dashboard::queues::list::{changed, flow, gauge, is_unserved, jobs_of, running, state};
use crate::web::dashboard::queues::view::{KindRow, QueueLimits, QueuePage, QueueWorker};
use crate::web::dashboard::ui::chart;
use crate::web::dashboard::ui::counts::Counts;
use crate::web::dashboard::ui::error::or_page;
use crate::web::dashboard::ui::layout::{Frame, Shown, count, counted, respond, stamp};
use crate::web::dashboard::ui::layout_view::{Link, Nav};
use crate::web::dashboard::ui::links as names;
use crate::web::dashboard::ui::parts::{Cause, Changed};
use crate::web::dashboard::ui::status::Tone;
use crate::web::dashboard::workers::list as workers;
use crate::web::error::ApiError;

const HOUR: Duration = Duration::from_secs(60 * 60);
const MINUTE: Duration = Duration::from_secs(60);
/// How many workers a page shows: each costs a look at what it holds.
const WORKERS: usize = 20;
const HELD: i64 = 1000;

/// `GET`.
pub async fn show(app: Data<App>, request: HttpRequest, name: Path<String>) -> HttpResponse {
    let answer = match names::plain(name) {
        Ok(name) => page(&app, &request, &name, None, StatusCode::OK).await,
        Err(error) => Err(error),
    };
    or_page(&app, &request, answer)
}

/// The page, with the form of the limits as it was typed.
pub async fn page(
    app: &App,
    request: &HttpRequest,
    name: &str,
    typed: Option<QueueLimits>,
    status: StatusCode,
) -> Result<HttpResponse, ApiError> {
    let queue = load(app, name).await?;
    let limits = app.store.list_limits(None).await?;
    let serving = app.store.list_workers(None, Some(name), app.silence()).await?;
    let kinds = app.store.kinds_in_queue(name, app.silence()).await?;
    let counts = Counts::of(app).await?;
    let frame = Frame::of(app, request)
        .at(Nav::Queues)
        .counting(&counts)
        .below("Queues", crate::web::dashboard::queues::list::PAGE);
    let page = QueuePage {
        shell: frame.shell(name),
        href: names::queue_page(name),
        state: state(queue.state),
        changed: Some(changed(&queue)),
        cause: cause(&queue),
        now: now(&queue),
        throughput: throughput(app, name).await?,
        limits: QueueLimits {
            others: others(name, &limits),
            changed: limits_changed(name, &limits),
            ..typed.unwrap_or_else(|| stored(&queue))
        },
        workers: serve(app, name, &serving).await?,
        kinds: kinds.iter().map(|it| kind(name, it, &queue)).collect(),
        jobs: jobs_of(name, ""),
        name: queue.name,
    };
    Ok(respond(request, Shown::new(&page, page.as_main()).with_status(status)))
}

/// What keeps everything in it from being done. That it is paused is said elsewhere on the page.
fn cause(queue: &Queue) -> Option<Cause> {
    let wait = queue.waiting + queue.scheduled + queue.retrying;
    let verb = if wait == 1 { "waits" } else { "wait" };
    is_unserved(queue).then(|| Cause {
        text: format!("{} {verb}, but no worker serves the queue {}.", counted(wait, "job"), queue.name),
        command: Some(worker_line(&queue.name)),
    })
}

fn now(queue: &Queue) -> Vec<Kpi> {
    let kpi = |label: &str, n: i64, hint: String, state: &str| Kpi {
        label: label.to_owned(),
        value: count(n),
        hint,
        tone: None,
        href: Some(jobs_of(&queue.name, state)),
    };
    let most = match queue.concurrency {
        Some(most) => format!("of {} at once", count(most.into())),
        None => "no limit at once".to_owned(),
    };
    let retrying = format!("and {} to be tried again", count(queue.retrying));
    vec![
        Kpi {
            tone: (running(queue).tone == Tone::Wait).then_some(Tone::Wait),
            ..kpi("Running", queue.active, most, "active")
        },
        kpi("Waiting", queue.waiting, format!("{} a minute", flow(queue)), "queued"),
        kpi("Scheduled", queue.scheduled, retrying, "scheduled"),
        Kpi {
            tone: (queue.failed > 0).then_some(Tone::Bad),
            ..kpi("Dead", queue.failed, "gave up and need a person".to_owned(), "failed")
        },
    ]
}

/// What ended in the last hour, by the minute.
async fn throughput(app: &App, name: &str) -> Result<Option<BarChart>, ApiError> {
    let flow = app.store.flow(HOUR, MINUTE, Some(name)).await?;
    let last = OffsetDateTime::now_utc().unix_timestamp().div_euclid(60) * 60;
    let mut minutes: BTreeMap<i64, (u64, u64)> = (0..60).map(|n| (last - n * 60, (0, 0))).collect();
    for it in flow {
        let Some((completed, failed)) = minutes.get_mut(&it.slice.unix_timestamp()) else { continue };
        match it.what.as_str() {
            "completed" => *completed += it.n.max(0).unsigned_abs(),
            "failed" | "timed_out" | "lease_expired" => *failed += it.n.max(0).unsigned_abs(),
            _ => {}
        }
    }
    let bar = |(at, (ready, failed)): (i64, (u64, u64))| BarData {
        at: stamp(OffsetDateTime::from_unix_timestamp(at).unwrap_or(OffsetDateTime::UNIX_EPOCH)),
        ready,
        failed,
    };
    let data: Vec<BarData> = minutes.into_iter().map(bar).collect();
    Ok(chart::bars_of(&data, MetricsRange::H1, "were completed"))
}

fn stored(queue: &Queue) -> QueueLimits {
    let number = |value: Option<String>| value.unwrap_or_default();
    QueueLimits {
        concurrency: number(queue.concurrency.map(|it| it.to_string())),
        rate: number(queue.rate.map(|(most, ..)| most.to_string())),
        window: number(queue.rate.map(|(_, span, _)| span.to_string())),
        burst: number(queue.rate.map(|(.., burst)| burst.to_string())),
        ..QueueLimits::default()
    }
}

/// The names of the two limits that the form of this page speaks of.
pub fn own_limits(name: &str) -> [String; 2] {
    [format!("queue:{name}"), format!("queue-rate:{name}")]
}

/// What else holds this queue.
fn others(name: &str, limits: &[LimitUse]) -> Vec<String> {
    let own = own_limits(name);
    let speaks = |it: &&LimitUse| {
        let limit = &it.limit;
        let of_queue = limit.scope == LimitScope::Queue && limit.value.as_deref() == Some(name);
        limit.enabled && !own.contains(&limit.name) && (limit.scope == LimitScope::Global || of_queue)
    };
    let sentence = |it: &LimitUse| {
        let whose = if it.limit.scope == LimitScope::Global { ", of all queues together" } else { "" };
        format!("The limit {} allows {}{whose}.", it.limit.name, crate::web::dashboard::limits::page::words(&it.limit))
    };
    limits.iter().filter(speaks).map(sentence).collect()
}

fn limits_changed(name: &str, limits: &[LimitUse]) -> Option<Changed> {
    let own = own_limits(name);
    let latest = limits.iter().filter(|it| own.contains(&it.limit.name)).max_by_key(|it| it.updated_at)?;
    Some(Changed { reason: None, actor: latest.actor.clone(), at: stamp(latest.updated_at) })
}

async fn serve(app: &App, queue: &str, serving: &[RegisteredWorker]) -> Result<Vec<QueueWorker>, ApiError> {
    let mut rows = Vec::new();
    for it in serving.iter().filter(|it| it.state != WorkerState::Lost).take(WORKERS) {
        let held = app.store.executions_of_worker(&it.worker.id, HELD).await?;
        rows.push(QueueWorker {
            worker: names::worker(&it.worker.id),
            state: workers::state(it.state),
            slots: gauge(it.busy.into(), it.worker.slots.into()),
            running: count(held.iter().filter(|(held, _)| held.queue == queue).count() as i64),
        });
    }
    Ok(rows)
}

fn kind(queue: &str, it: &KindWaiting, of: &Queue) -> KindRow {
    let href = names::listing(crate::web::dashboard::jobs::list::PAGE, &[("queue", queue), ("kind", &it.kind)]);
    // Where nobody serves the queue at all, the page says so once.
    let note = (it.workers == 0 && of.workers > 0 && of.state != QueueState::Paused)
        .then(|| "no worker can do this kind".to_owned());
    KindRow {
        kind: Link::to(href, it.kind.clone()),
        count: count(it.waiting),
        workers: if it.workers == 0 { "none".to_owned() } else { count(it.workers) },
        note,
    }
}
