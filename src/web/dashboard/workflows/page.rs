//! `/dashboard/workflows/{id}`: one workflow. Its steps are in `workflow_steps`, its drawings in `dag` and `waterfall`, what is done
//! to it in `workflow_acts`.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::{JobState, WorkflowState};
use crate::store::events::Event;
use crate::store::workflows::Workflow;
use crate::web::api::workflows::{found, graph};
use crate::web::app::App;
use crate::web::dashboard::ui::{
    Counts, CurlLine, Link, Nav, Rendering, Shell, StateBadge, TimelineEntry, count, curl_auth, duration, elapsed,
    first_line, links, plural, respond, short_id, stamp, with_id,
};
use crate::web::dashboard::workflows::list::{PAGE, progress};
use crate::web::dashboard::workflows::steps::Known;
use crate::web::dashboard::workflows::view::{Critical, Trouble, WorkflowPage};
use crate::web::dashboard::workflows::{graph as dag, steps, waterfall};
use crate::web::error::ApiError;
use crate::web::query::Query;

/// How much of its history a page shows.
const EVENTS: i64 = 100;
/// How many steps of the critical path, and how many failures, are named.
const NAMED: usize = 12;
const FAILURES: usize = 3;

/// `GET`.
pub async fn show(app: Data<App>, request: HttpRequest) -> HttpResponse {
    with_id(&app, &request, async |id| page(&app, &request, id).await).await
}

async fn page(app: &App, request: &HttpRequest, id: Uuid) -> Result<HttpResponse, ApiError> {
    let narrowed = steps::Narrowed::read(&Query::parse(request.query_string(), &["state", "rank", "page"])?)?;
    let workflow = found(app, id).await?;
    let known = known(app, &workflow).await?;
    let events = app.store.events_of_workflow(id, None, EVENTS).await?;
    let shell =
        Shell::new(app, request).at(Nav::Workflows).with_counts(&Counts::load(app).await?).crumb("Workflows", PAGE);
    let layout = dag::layout(&known.graph);
    let is_drawn = layout.is_some();
    let page = WorkflowPage {
        shell: shell.titled(&workflow.name),
        id: id.to_string(),
        short_id: short_id(id),
        name: workflow.name.clone(),
        badge: workflow.state.badge(),
        can_cancel: workflow.is_unfinished(),
        can_retry: workflow.failed > 0,
        trouble: trouble(&workflow, &known),
        progress: progress(&workflow),
        tenant: workflow.tenant.clone(),
        actor: workflow.actor.clone(),
        created: stamp(workflow.created_at),
        ended: workflow.finished_at.map(|at| (stamp(at), elapsed(workflow.created_at, at))),
        critical: critical(&known),
        graph: layout.as_ref().map(|it| dag::drawing(&known, it)),
        ranks: if is_drawn { Vec::new() } else { steps::ranks(id, &known) },
        steps: steps::table(id, &known, layout.as_ref(), &narrowed),
        falls: waterfall::of(&workflow, &known),
        timeline: timeline(&events, workflow.state),
        curls: curls(app, &workflow),
    };
    // What was completed stays so, and what was canceled alone cannot be taken up again.
    let rests = match workflow.state {
        WorkflowState::Completed => true,
        WorkflowState::Canceled => workflow.failed == 0,
        WorkflowState::Running | WorkflowState::Failed => false,
    };
    // Looking at so many steps is work, so it is done less often.
    let pause = (!is_drawn).then_some(if workflow.steps > 2_000 { "15000" } else { "5000" });
    Ok(respond(request, Rendering::new(&page, page.as_main()).stop_polling(rests).poll_after(pause)))
}

/// The workflow with all of its steps.
async fn known(app: &App, workflow: &Workflow) -> Result<Known, ApiError> {
    let ids = app.store.steps_of_workflow(workflow.id, None).await?;
    let (nodes, edges) = graph::rows(app, &ids).await?;
    let at = nodes.first().map_or(workflow.updated_at, |it| it.at);
    Ok(Known::new(graph::graph(&nodes, &edges), nodes, &edges, at))
}

/// What failed, and what that holds up.
fn trouble(workflow: &Workflow, known: &Known) -> Option<Trouble> {
    let failed = i64::from(workflow.failed);
    let pronoun = if failed == 1 { "it" } else { "them" };
    let mut headline = format!("{} failed", plural(failed, "step"));
    if workflow.state == WorkflowState::Failed && workflow.blocked > 0 {
        let waits = if workflow.blocked == 1 { "waits" } else { "wait" };
        headline.push_str(&format!(", and {} {waits} for {pronoun}", count(workflow.blocked.into())));
    }
    let all = known.graph.nodes.iter().filter(|it| known.state(it) == JobState::Failed);
    let one = |it| {
        let error = known.node(it).error.as_deref().map(first_line).unwrap_or_default();
        (steps::link(it), if error.is_empty() { "it failed without saying why".to_owned() } else { error.to_owned() })
    };
    (failed > 0).then(|| Trouble { headline: format!("{headline}."), steps: all.take(FAILURES).map(one).collect() })
}

fn critical(known: &Known) -> Critical {
    let path = &known.graph.critical_path;
    let named = path.iter().take(NAMED).filter_map(|id| known.by_id(*id)).map(steps::link).collect();
    Critical {
        steps: named,
        more: path.len().checked_sub(NAMED).filter(|n| *n > 0).map(|n| format!("{} more", count(n as i64))),
        total: (known.graph.critical_ms > 0).then(|| duration(known.graph.critical_ms as f64 / 1000.0)),
    }
}

/// Oldest first.
fn timeline(events: &[Event], state: WorkflowState) -> Vec<TimelineEntry> {
    let mut entries: Vec<TimelineEntry> = Vec::with_capacity(events.len());
    let mut before: Option<OffsetDateTime> = None;
    for event in events.iter().rev() {
        let lasted = before.map(|before| (event.occurred_at - before).as_seconds_f64());
        let ran = event.previous_state == WorkflowState::Running.as_str();
        let state = WorkflowState::parse(&event.new_state).unwrap_or(WorkflowState::Running);
        entries.push(TimelineEntry {
            id: event.id.to_string(),
            mark: state.badge(),
            title: title(event).to_owned(),
            from: Some(event.previous_state.clone()),
            to: Some(event.new_state.clone()),
            actor: event.actor.clone(),
            reason: event.reason.clone(),
            took: lasted.filter(|_| ran).map(duration),
            gap: None,
            group: None,
            at: stamp(event.occurred_at),
            running: false,
        });
        before = Some(event.occurred_at);
    }
    if let Some(last) = entries.last_mut() {
        last.running = state == WorkflowState::Running;
    }
    entries
}

fn title(event: &Event) -> &'static str {
    match (WorkflowState::parse(&event.previous_state), WorkflowState::parse(&event.new_state)) {
        (None, Some(WorkflowState::Running)) => "Started",
        (_, Some(WorkflowState::Running)) => "Taken up again",
        (_, Some(WorkflowState::Completed)) => "Completed",
        (_, Some(WorkflowState::Failed)) => "Failed",
        (_, Some(WorkflowState::Canceled)) => "Canceled",
        _ => "Transition",
    }
}

fn curls(app: &App, workflow: &Workflow) -> Vec<CurlLine> {
    let url = format!("http://{}/workflows/{}", app.host, workflow.id);
    let auth = curl_auth(app);
    let line = |label: &str, line: String| CurlLine { label: label.to_owned(), line };
    let mut lines = vec![
        line("Get", format!("curl{auth} {url}")),
        line("Wait until it has ended", format!("curl{auth} '{url}?wait=finished&timeout=60s'")),
        line("Graph", format!("curl{auth} {url}/graph")),
        line("Graph for Mermaid", format!("curl{auth} '{url}/graph?format=mermaid'")),
        line("Events", format!("curl{auth} {url}/events")),
    ];
    if workflow.failed > 0 {
        lines.push(line("Retry failed steps", format!("curl{auth} -X POST {url}/retry")));
    }
    if workflow.is_unfinished() {
        lines.push(line("Cancel", format!("curl{auth} -X POST {url}/cancel")));
    }
    lines
}

/// A workflow as a link.
pub fn link(workflow: &Workflow) -> Link {
    Link::to(links::workflow_page(workflow.id), &workflow.name)
}
