//! `/dashboard/workers`.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use crate::domain::WorkerState;
use crate::store::workers::RegisteredWorker;
use crate::web::api::health::fleet;
use crate::web::app::App;
use crate::web::error::ApiError;
use crate::web::query::Query;
use crate::web::ui::{
    Changed, Nav, Rendering, Shell, StateBadge, Tab, Tone, Usage, count, filters, links, or_error_page, plural,
    respond, stamp,
};

pub const PAGE: &str = "/dashboard/workers";
/// The maximum number of rows. Larger installations filter by state.
const ROWS: usize = 200;

#[derive(Debug, Clone, Template)]
#[template(path = "workers/list.html", blocks = ["main"], whitespace = "minimize")]
pub struct WorkersPage {
    pub shell: Shell,
    pub workers: Vec<RegisteredWorker>,
    /// The state of the current tab; `None` for all.
    pub state: Option<WorkerState>,
    /// What all processes together lack, as sentences.
    pub lacks: Vec<String>,
}

pub async fn show(app: Data<App>, request: HttpRequest) -> HttpResponse {
    or_error_page(&app, &request, list(&app, &request).await)
}

async fn list(app: &App, request: &HttpRequest) -> Result<HttpResponse, ApiError> {
    let query = Query::parse(request.query_string(), &["state"])?;
    let parse = |word| {
        let state = WorkerState::parse(word);
        state.ok_or_else(|| ApiError::parameter("state", "must be one of online, cordoned, draining, lost"))
    };
    let page = WorkersPage {
        state: query.get("state").map(parse).transpose()?,
        workers: app.store.list_workers(None, None, app.max_heartbeat_age()).await?,
        lacks: fleet(app).await?.lacks(),
        shell: Shell::load(app, request, Nav::Workers).await?.titled("Workers"),
    };
    Ok(respond(request, Rendering::new(&page, page.as_main())))
}

impl WorkersPage {
    fn in_state(&self, state: Option<WorkerState>) -> impl Iterator<Item = &RegisteredWorker> {
        self.workers.iter().filter(move |worker| state.is_none_or(|state| worker.state == state))
    }

    pub fn rows(&self) -> Vec<&RegisteredWorker> {
        self.in_state(self.state).take(ROWS).collect()
    }

    /// "6 of 7 online, 41 of 56 slots busy". The slots of lost workers do not count.
    pub fn summary(&self) -> String {
        let running = self.workers.iter().filter(|worker| worker.state != WorkerState::Lost);
        let (busy, slots) = running.fold((0, 0), |(busy, slots), worker| {
            (busy + i64::from(worker.busy), slots + i64::from(worker.worker.slots))
        });
        let online = self.in_state(Some(WorkerState::Online)).count() as i64;
        let all = count(self.workers.len() as i64);
        format!("{} of {all} online, {} of {} busy", count(online), count(busy), plural(slots, "slot"))
    }

    pub fn tabs(&self) -> Vec<Tab> {
        let tab = |state: Option<WorkerState>| Tab {
            label: state.map_or("All", |state| state.badge().label).to_owned(),
            count: count(self.in_state(state).count() as i64),
            href: links::with_query(PAGE, &[("state", state.map_or("", WorkerState::as_str))]),
            current: self.state == state,
            quiet: false,
        };
        std::iter::once(None).chain(WorkerState::ALL.iter().copied().map(Some)).map(tab).collect()
    }

    /// The command that starts a worker, for an installation without any.
    pub fn command(&self) -> &'static str {
        "provost --roles worker --database-url \"$DATABASE_URL\""
    }
}

/// The text of a worker.
pub trait WorkerView {
    fn href(&self) -> String;
    /// The cordon or drain that put the worker into its state.
    fn changed(&self) -> Option<Changed>;
    fn slots(&self) -> Usage;
    /// The queues it serves; empty for all.
    fn queues(&self) -> &[String];
    /// The kinds it handles; empty for all.
    fn kinds(&self) -> &[String];
    fn has_other_version(&self) -> bool;
    /// The consequence of its state, for the list.
    fn note(&self) -> Option<String>;
    fn can_cordon(&self) -> bool;
    fn can_uncordon(&self) -> bool;
    fn can_drain(&self) -> bool;
    fn is_lost(&self) -> bool;
}

impl WorkerView for RegisteredWorker {
    fn href(&self) -> String {
        links::worker_page(&self.worker.id)
    }

    fn changed(&self) -> Option<Changed> {
        let (actor, at) = self.actor.clone().zip(self.changed_at)?;
        self.can_uncordon().then(|| Changed { reason: self.reason.clone(), actor, at: stamp(at) })
    }

    fn slots(&self) -> Usage {
        match self.state {
            WorkerState::Lost => Usage { text: "–".to_owned(), percent: None, tone: Tone::Neutral },
            _ => Usage { tone: Tone::Work, ..Usage::of(self.busy.into(), self.worker.slots.into()) },
        }
    }

    fn queues(&self) -> &[String] {
        unless_all(&self.worker.queues)
    }

    fn kinds(&self) -> &[String] {
        unless_all(&self.worker.kinds)
    }

    fn has_other_version(&self) -> bool {
        self.worker.version != env!("CARGO_PKG_VERSION")
    }

    fn note(&self) -> Option<String> {
        match self.state {
            WorkerState::Online => None,
            WorkerState::Lost => Some("No heartbeat; jobs released".to_owned()),
            _ if self.busy > 0 => Some(format!("{} left", plural(self.busy.into(), "job"))),
            _ => Some("No jobs left".to_owned()),
        }
    }

    fn can_cordon(&self) -> bool {
        self.state == WorkerState::Online
    }

    fn can_uncordon(&self) -> bool {
        matches!(self.state, WorkerState::Cordoned | WorkerState::Draining)
    }

    fn can_drain(&self) -> bool {
        matches!(self.state, WorkerState::Online | WorkerState::Cordoned)
    }

    fn is_lost(&self) -> bool {
        self.state == WorkerState::Lost
    }
}

fn unless_all(names: &[String]) -> &[String] {
    if names.iter().any(|name| name == "*") { &[] } else { names }
}
