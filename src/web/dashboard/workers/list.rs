//! `/dashboard/workers`: who is there to do it.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};

use crate::domain::WorkerState;
use crate::store::workers::RegisteredWorker;
use crate::web::app::App;
use crate::web::dashboard::queues::list::gauge;
use crate::web::dashboard::ui::counts::Counts;
use crate::web::dashboard::ui::error::or_page;
use crate::web::dashboard::ui::layout::{Frame, Shown, count, counted, respond, stamp};
use crate::web::dashboard::ui::layout_view::Nav;
use crate::web::dashboard::ui::links as names;
use crate::web::dashboard::ui::parts::{Changed, Gauge, Tab};
use crate::web::dashboard::ui::state::WorkerState as State;
use crate::web::dashboard::ui::status::Tone;
use crate::web::dashboard::workers::view::{WorkerRow, WorkersPage};
use crate::web::error::ApiError;
use crate::web::query::Query;

pub const PAGE: &str = "/dashboard/workers";
/// The most rows of a page; installations with more filter by state.
const ROWS: usize = 200;

/// `GET`.
pub async fn show(app: Data<App>, request: HttpRequest) -> HttpResponse {
    or_page(&app, &request, list(&app, &request).await)
}

async fn list(app: &App, request: &HttpRequest) -> Result<HttpResponse, ApiError> {
    let query = Query::parse(request.query_string(), &["state"])?;
    let wanted = match query.get("state") {
        Some(word) => Some(
            WorkerState::parse(word)
                .ok_or_else(|| ApiError::parameter("state", "must be one of online, cordoned, draining, lost"))?,
        ),
        None => None,
    };
    let workers = app.store.list_workers(None, None, app.silence()).await?;
    let counts = Counts::of(app).await?;
    let shown = workers.iter().filter(|it| wanted.is_none_or(|state| it.state == state));
    let page = WorkersPage {
        shell: Frame::of(app, request).at(Nav::Workers).counting(&counts).shell("Workers"),
        summary: summary(&workers),
        tabs: tabs(&workers, wanted),
        rows: shown.take(ROWS).map(row).collect(),
        state: wanted.map(state),
        command: "provost --roles worker --database-url \"$DATABASE_URL\"".to_owned(),
    };
    Ok(respond(request, Shown::new(&page, page.as_main())))
}

/// Lost ones have no slots that anybody could use.
fn summary(workers: &[RegisteredWorker]) -> String {
    let there: Vec<&RegisteredWorker> = workers.iter().filter(|it| it.state != WorkerState::Lost).collect();
    let online = there.iter().filter(|it| it.state == WorkerState::Online).count() as i64;
    let (busy, slots): (i64, i64) =
        there.iter().fold((0, 0), |(busy, slots), it| (busy + i64::from(it.busy), slots + i64::from(it.worker.slots)));
    format!(
        "{} of {} online, {} of {} busy",
        count(online),
        count(workers.len() as i64),
        count(busy),
        counted(slots, "slot")
    )
}

fn tabs(workers: &[RegisteredWorker], wanted: Option<WorkerState>) -> Vec<Tab> {
    let tab = |label: &str, one: Option<WorkerState>| Tab {
        label: label.to_owned(),
        count: count(workers.iter().filter(|it| one.is_none_or(|state| it.state == state)).count() as i64),
        href: names::listing(PAGE, &[("state", one.map_or("", WorkerState::as_str))]),
        current: wanted == one,
        quiet: false,
    };
    let each = WorkerState::ALL.iter().map(|it| tab(state(*it).label(), Some(*it)));
    std::iter::once(tab("All", None)).chain(each).collect()
}

fn row(it: &RegisteredWorker) -> WorkerRow {
    let worker = &it.worker;
    let jobs = counted(it.busy.into(), "job");
    let note = match it.state {
        WorkerState::Lost => Some("Silent; what it had is taken back".to_owned()),
        WorkerState::Cordoned | WorkerState::Draining if it.busy > 0 => Some(format!("{jobs} left")),
        WorkerState::Cordoned | WorkerState::Draining => Some("Nothing left to do".to_owned()),
        WorkerState::Online => None,
    };
    WorkerRow {
        name: worker.id.clone(),
        href: names::worker_page(&worker.id),
        host: format!("{}, process {}", worker.host, worker.pid),
        state: state(it.state),
        changed: changed(it),
        note,
        slots: slots(it),
        queues: if serves_all(&worker.queues) { "all".to_owned() } else { worker.queues.join(", ") },
        seen: stamp(it.seen_at),
        other_version: is_other(&worker.version),
        version: worker.version.clone(),
        started: stamp(it.started_at),
    }
}

/// The page's own word for a state.
pub fn state(state: WorkerState) -> State {
    State::from_name(state.as_str())
}

/// Who made it so; nobody made it lost.
pub fn changed(it: &RegisteredWorker) -> Option<Changed> {
    let (actor, at) = it.actor.clone().zip(it.changed_at)?;
    Some(Changed { reason: it.reason.clone(), actor, at: stamp(at) }).filter(|_| it.state != WorkerState::Lost)
}

pub fn slots(it: &RegisteredWorker) -> Gauge {
    match it.state {
        WorkerState::Lost => Gauge { text: "–".to_owned(), percent: None, tone: Tone::Neutral },
        _ => Gauge { tone: Tone::Work, ..gauge(it.busy.into(), it.worker.slots.into()) },
    }
}

pub fn serves_all(names: &[String]) -> bool {
    names.is_empty() || names.iter().any(|name| name == "*")
}

/// Whether this is not the version of this server.
pub fn is_other(version: &str) -> bool {
    version != env!("CARGO_PKG_VERSION")
}
