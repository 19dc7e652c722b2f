//! `/dashboard/workflows`: the list, and the button that starts the demo.

use std::collections::BTreeMap;

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use uuid::Uuid;

use crate::domain::WorkflowState;
use crate::store::workflows::{Workflow, WorkflowFilter};
use crate::web::api::audit;
use crate::web::api::workflows::start_thumbnail;
use crate::web::app::App;
use crate::web::dashboard::workflows::view::{Progress, ProgressPart, WorkflowRow, WorkflowsPage};
use crate::web::error::ApiError;
use crate::web::query::Query;
use crate::web::ui::chart::shares;
use crate::web::ui::{
    ACTOR, COUNT_CAP, Nav, Pages, Rendering, Shell, StateBadge, Tab, Tone, capped, count, decimal, links,
    or_error_page, plural, redirect, respond,
};

pub const PAGE: &str = "/dashboard/workflows";
/// Rows per page.
const ROWS: i64 = 25;
/// The minimum width of a part of the bar, so that one failure in ten thousand is visible.
const MIN_PART: f64 = 5.0;

pub async fn show(app: Data<App>, request: HttpRequest) -> HttpResponse {
    or_error_page(&app, &request, list(&app, &request).await)
}

/// `POST …/demo`.
pub async fn start_demo(app: Data<App>, request: HttpRequest) -> HttpResponse {
    or_error_page(&app, &request, try_start_demo(&app).await)
}

async fn try_start_demo(app: &App) -> Result<HttpResponse, ApiError> {
    let id = start_thumbnail(app, None, &audit::audit(ACTOR, None)?).await?;
    Ok(redirect(&links::workflow_page(id), Some("workflow-started")))
}

async fn list(app: &App, request: &HttpRequest) -> Result<HttpResponse, ApiError> {
    let query = Query::parse(request.query_string(), &["state", "tenant", "search", "cursor"])?;
    let word = |name: &str| query.get(name).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    let state = query.get("state").map(|word| {
        WorkflowState::parse(word).ok_or_else(|| ApiError::parameter("state", "is not a state of a workflow"))
    });
    query.part("search")?;
    let filter = WorkflowFilter { state: state.transpose()?, tenant: word("tenant"), name: word("search"), id: None };
    let cursor = query.cursor::<Uuid>()?;
    let mut rows = app.store.list_workflows(&filter, cursor, ROWS + 1).await?;
    let more = rows.len() as i64 > ROWS;
    rows.truncate(ROWS as usize);
    let counts = app.store.count_workflows(&filter, COUNT_CAP + 1).await?;
    let page = WorkflowsPage {
        shell: Shell::load(app, request, Nav::Workflows).await?.titled("Workflows"),
        tabs: tabs(&filter, &counts),
        pages: Pages {
            matching: counted(&counts, filter.state),
            newer: cursor.map(|_| href(&filter, filter.state, None)),
            older: rows.last().filter(|_| more).map(|last| href(&filter, filter.state, Some(last.id))),
        },
        rows: rows.into_iter().map(|it| WorkflowRow { progress: progress(&it), workflow: it }).collect(),
        curl: format!("curl -X POST http://{}/workflows/demo/thumbnail", app.host),
        filter,
    };
    Ok(respond(request, Rendering::new(&page, page.as_main())))
}

pub fn progress(workflow: &Workflow) -> Progress {
    let parts = [
        ("completed", i64::from(workflow.completed), Tone::Ok),
        ("active", workflow.active, Tone::Work),
        ("waiting", workflow.waiting(), Tone::Info),
        ("failed", i64::from(workflow.failed), Tone::Bad),
        ("canceled", i64::from(workflow.canceled), Tone::Neutral),
        ("blocked", i64::from(workflow.blocked), Tone::Block),
    ];
    let widths = shares(&parts.map(|(_, n, _)| n.max(0).unsigned_abs()), f64::from(Progress::WIDTH), MIN_PART);
    let mut x = 0.0;
    let mut progress = Progress {
        text: format!("{} of {}", count(workflow.completed.into()), plural(workflow.steps.into(), "step")),
        parts: Vec::with_capacity(parts.len()),
    };
    for ((label, n, tone), width) in parts.into_iter().zip(widths).filter(|(_, width)| *width > 0.0) {
        progress.parts.push(ProgressPart { label, count: count(n), tone, x: decimal(x), width: decimal(width) });
        x += width;
    }
    progress
}

/// How many workflows are in this state, or in all.
fn counted(counts: &BTreeMap<WorkflowState, i64>, state: Option<WorkflowState>) -> String {
    capped(state.map_or_else(|| counts.values().sum(), |state| counts.get(&state).copied().unwrap_or_default()))
}

fn tabs(filter: &WorkflowFilter, counts: &BTreeMap<WorkflowState, i64>) -> Vec<Tab> {
    let tab = |state: Option<WorkflowState>| Tab {
        label: state.map_or("All", |state| state.badge().label).to_owned(),
        count: counted(counts, state),
        href: href(filter, state, None),
        current: filter.state == state,
        quiet: state == Some(WorkflowState::Canceled),
    };
    std::iter::once(None).chain(WorkflowState::ALL.iter().copied().map(Some)).map(tab).collect()
}

/// The list with another state or page and the same filter.
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
