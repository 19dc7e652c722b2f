//! `/dashboard/workflows`: the list, and the button that starts the demonstration.

use std::collections::BTreeMap;

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use uuid::Uuid;

use crate::domain::WorkflowState;
use crate::store::workflows::{Workflow, WorkflowFilter};
use crate::web::api::convert;
use crate::web::api::workflows::start_thumbnail;
use crate::web::app::App;
use crate::web::dashboard::jobs::list::tenant;
use crate::web::dashboard::ui::{
    ACTOR, COUNT_CAP, Counts, Nav, Pages, Rendering, Shell, StateBadge, Tab, Tone, capped, chart, count, decimal,
    elapsed, links, or_error_page, plural, redirect, respond, short_id, stamp,
};
use crate::web::dashboard::workflows::list_view::{
    Progress, ProgressPart, WorkflowFilter as Narrowed, WorkflowRow, WorkflowsPage,
};
use crate::web::error::ApiError;
use crate::web::query::Query;

pub const PAGE: &str = "/dashboard/workflows";
/// How many rows a page has: a page shall stay light.
const ROWS: i64 = 25;
/// What a part of the bar takes at least, so that one failure in ten thousand is still seen.
const MIN_PART: f64 = 5.0;

/// `GET`.
pub async fn show(app: Data<App>, request: HttpRequest) -> HttpResponse {
    or_error_page(&app, &request, list(&app, &request).await)
}

/// `POST …/demo`.
pub async fn demo(app: Data<App>, request: HttpRequest) -> HttpResponse {
    or_error_page(&app, &request, try_demo(&app).await)
}

async fn try_demo(app: &App) -> Result<HttpResponse, ApiError> {
    let id = start_thumbnail(app, None, &convert::audit(ACTOR, None)?).await?;
    Ok(redirect(&links::workflow_page(id), Some("workflow-started")))
}

async fn list(app: &App, request: &HttpRequest) -> Result<HttpResponse, ApiError> {
    let query = Query::parse(request.query_string(), &["state", "tenant", "search", "cursor"])?;
    let word = |name: &str| query.get(name).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    let state = query.get("state").map(|word| {
        WorkflowState::parse(word).ok_or_else(|| ApiError::parameter("state", "is not one that a workflow has"))
    });
    let filter = WorkflowFilter { state: state.transpose()?, tenant: word("tenant"), name: word("search"), id: None };
    let cursor = query.cursor::<Uuid>()?;
    let mut rows = app.store.list_workflows(&filter, cursor, ROWS + 1).await?;
    let more = rows.len() as i64 > ROWS;
    rows.truncate(ROWS as usize);
    let known = app.store.count_workflows(&filter, COUNT_CAP + 1).await?;
    let page = WorkflowsPage {
        shell: Shell::new(app, request).at(Nav::Workflows).with_counts(&Counts::load(app).await?).titled("Workflows"),
        tabs: tabs(&filter, &known),
        filter: Narrowed {
            state: filter.state.map(|state| (state.as_str(), state.badge().label)),
            tenant: filter.tenant.clone().unwrap_or_default(),
            search: filter.name.clone().unwrap_or_default(),
        },
        pages: Pages {
            matching: match filter.state {
                Some(state) => capped(known.get(&state).copied().unwrap_or_default()),
                None => all(&known),
            },
            newer: cursor.map(|_| href(&filter, filter.state, None)),
            older: rows.last().filter(|_| more).map(|last| href(&filter, filter.state, Some(last.id))),
        },
        rows: rows.iter().map(row).collect(),
        curl: format!("curl -X POST http://{}/workflows/demo/thumbnail", app.host),
    };
    Ok(respond(request, Rendering::new(&page, page.as_main())))
}

fn row(it: &Workflow) -> WorkflowRow {
    WorkflowRow {
        id: it.id.to_string(),
        short_id: short_id(it.id),
        name: it.name.clone(),
        badge: it.state.badge(),
        tenant: tenant(&it.tenant),
        progress: progress(it),
        started: stamp(it.created_at),
        took: it.finished_at.map(|at| elapsed(it.created_at, at)),
    }
}

/// How far it is, in words and as the parts of a bar.
pub fn progress(it: &Workflow) -> Progress {
    let [total, completed, failed, canceled, blocked] =
        [it.steps, it.completed, it.failed, it.canceled, it.blocked].map(i64::from);
    let all = [
        ("completed", completed, Tone::Ok),
        ("active", it.active, Tone::Work),
        ("waiting", it.waiting(), Tone::Info),
        ("failed", failed, Tone::Bad),
        ("canceled", canceled, Tone::Neutral),
        ("blocked", blocked, Tone::Block),
    ];
    let numbers = all.map(|(_, n, _)| n.max(0).unsigned_abs());
    let widths = chart::shares(&numbers, f64::from(Progress::WIDTH), MIN_PART);
    let mut x = 0.0;
    let mut parts = Vec::with_capacity(all.len());
    for ((label, n, tone), width) in all.into_iter().zip(widths).filter(|(_, width)| *width > 0.0) {
        parts.push(ProgressPart { label, count: count(n), tone, x: decimal(x), width: decimal(width) });
        x += width;
    }
    Progress { text: format!("{} of {}", count(completed), plural(total, "step")), parts }
}

fn all(known: &BTreeMap<WorkflowState, i64>) -> String {
    capped(known.values().sum())
}

fn tabs(filter: &WorkflowFilter, known: &BTreeMap<WorkflowState, i64>) -> Vec<Tab> {
    let tab = |label: &str, one: Option<WorkflowState>, count: String| Tab {
        label: label.to_owned(),
        count,
        href: href(filter, one, None),
        current: filter.state == one,
        quiet: one == Some(WorkflowState::Canceled),
    };
    let each = WorkflowState::ALL
        .iter()
        .map(|it| tab(it.badge().label, Some(*it), capped(known.get(it).copied().unwrap_or_default())));
    std::iter::once(tab("All", None, all(known))).chain(each).collect()
}

/// The list with another state or another page, keeping the rest.
fn href(filter: &WorkflowFilter, state: Option<WorkflowState>, cursor: Option<Uuid>) -> String {
    let cursor = cursor.map(|id| id.to_string()).unwrap_or_default();
    links::with_query(
        PAGE,
        &[
            ("state", state.map_or("", WorkflowState::as_str)),
            ("tenant", filter.tenant.as_deref().unwrap_or_default()),
            ("search", filter.name.as_deref().unwrap_or_default()),
            ("cursor", cursor.as_str()),
        ],
    )
}
