//! `/dashboard/workflows/{id}`: one workflow.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::{JobState, WorkflowState};
use crate::store::events::Event;
use crate::store::workflows::Workflow;
use crate::web::api::workflows::load;
use crate::web::app::App;
use crate::web::dashboard::workflows::data::{Step, Steps};
use crate::web::dashboard::workflows::list::{PAGE, progress};
use crate::web::dashboard::workflows::view::{CriticalPath, Failure, WorkflowPage};
use crate::web::dashboard::workflows::{graph, steps, waterfall};
use crate::web::error::ApiError;
use crate::web::query::Query;
use crate::web::ui::{
    CurlLine, Nav, Rendering, Shell, StateBadge, TimelineEntry, count, curl_auth, duration, first_line, plural,
    respond, stamp, with_id,
};

const EVENTS: i64 = 100;
/// How many steps of the critical path, and how many failures, are named.
const NAMED: usize = 12;
const FAILURES: usize = 3;
/// From this number of steps on, the page polls less often.
const LARGE: i32 = 2_000;

pub async fn show(app: Data<App>, request: HttpRequest) -> HttpResponse {
    with_id(&app, &request, async |id| page(&app, &request, id).await).await
}

async fn page(app: &App, request: &HttpRequest, id: Uuid) -> Result<HttpResponse, ApiError> {
    let filter = steps::Filter::parse(&Query::parse(request.query_string(), &["state", "rank", "page"])?)?;
    let workflow = load(app, id).await?;
    let all = Steps::load(app, &workflow).await?;
    let events = app.store.events_of_workflow(id, None, EVENTS).await?;
    let layout = graph::layout(&all);
    let (stages, number) = if layout.is_some() { (Vec::new(), 0) } else { steps::stages(id, &all) };
    let stages_note = match number > stages.len() {
        true => format!("too large to draw; the first {} of {} stages", stages.len(), count(number as i64)),
        false => "too large to draw; steps by stage".to_owned(),
    };
    let page = WorkflowPage {
        shell: Shell::load(app, request, Nav::Workflows).await?.crumb("Workflows", PAGE).titled(&workflow.name),
        failure: failure(&workflow, &all),
        progress: progress(&workflow),
        critical: critical_path(&all),
        graph: layout.as_ref().map(|it| graph::drawing(&all, it)),
        stages,
        stages_note,
        steps: steps::table(id, &all, layout.as_ref(), &filter),
        waterfall: waterfall::of(&workflow, &all),
        timeline: timeline(&events, workflow.state),
        curls: curls(app, &workflow),
        workflow,
    };
    let workflow = &page.workflow;
    let is_final = match workflow.state {
        WorkflowState::Completed => true,
        // Failed steps can still be retried.
        WorkflowState::Canceled => workflow.failed == 0,
        WorkflowState::Running | WorkflowState::Failed => false,
    };
    let poll_after = layout.is_none().then_some(if workflow.steps > LARGE { "15000" } else { "5000" });
    let rendering = Rendering::new(&page, page.as_main()).stop_polling(is_final).poll_after(poll_after);
    Ok(respond(request, rendering))
}

fn failure(workflow: &Workflow, steps: &Steps) -> Option<Failure> {
    let failed = i64::from(workflow.failed);
    let mut headline = format!("{} failed", plural(failed, "step"));
    if workflow.state == WorkflowState::Failed && workflow.blocked > 0 {
        let waiting = plural(workflow.blocked.into(), "step");
        let wait = if workflow.blocked == 1 { "waits" } else { "wait" };
        headline.push_str(&format!("; {waiting} {wait} for {}", if failed == 1 { "it" } else { "them" }));
    }
    let error = |step: &Step| {
        let error = step.row.error.as_deref().map(first_line).filter(|line| !line.is_empty());
        (step.link(), error.unwrap_or("no error message").to_owned())
    };
    let steps = steps.list.iter().filter(|it| it.state() == JobState::Failed).take(FAILURES).map(error).collect();
    (failed > 0).then(|| Failure { headline: format!("{headline}."), steps })
}

fn critical_path(steps: &Steps) -> CriticalPath {
    let path = &steps.critical_path;
    let more = path.len().saturating_sub(NAMED);
    CriticalPath {
        steps: path.iter().take(NAMED).filter_map(|id| steps.get(*id)).map(Step::link).collect(),
        more: (more > 0).then(|| format!("{} more", count(more as i64))),
        total: (steps.critical_seconds > 0.0).then(|| duration(steps.critical_seconds)),
    }
}

/// Oldest first.
fn timeline(events: &[Event], state: WorkflowState) -> Vec<TimelineEntry> {
    let mut entries: Vec<TimelineEntry> = Vec::with_capacity(events.len());
    let mut previous: Option<OffsetDateTime> = None;
    for event in events.iter().rev() {
        let (before, after) = (WorkflowState::parse(&event.previous_state), WorkflowState::parse(&event.new_state));
        let lasted = previous.map(|at| (event.occurred_at - at).as_seconds_f64());
        entries.push(TimelineEntry {
            id: event.id.to_string(),
            mark: after.badge(),
            title: title(before, after).to_owned(),
            from: Some(event.previous_state.clone()),
            to: Some(event.new_state.clone()),
            actor: event.actor.clone(),
            reason: event.reason.clone(),
            took: lasted.filter(|_| before == Some(WorkflowState::Running)).map(duration),
            gap: None,
            group: None,
            at: stamp(event.occurred_at),
            running: false,
        });
        previous = Some(event.occurred_at);
    }
    if let Some(last) = entries.last_mut() {
        last.running = state == WorkflowState::Running;
    }
    entries
}

fn title(before: Option<WorkflowState>, after: Option<WorkflowState>) -> &'static str {
    match (before, after) {
        (None, Some(WorkflowState::Running)) => "Started",
        (_, Some(WorkflowState::Running)) => "Retried",
        (_, Some(state)) => state.badge().label,
        _ => "Transition",
    }
}

fn curls(app: &App, workflow: &Workflow) -> Vec<CurlLine> {
    let (url, auth) = (format!("http://{}/workflows/{}", app.host, workflow.id), curl_auth(app));
    let mut lines = vec![
        CurlLine::new("Get", format!("curl{auth} {url}")),
        CurlLine::new("Wait until finished", format!("curl{auth} '{url}?wait=finished&timeout=60s'")),
        CurlLine::new("Graph", format!("curl{auth} {url}/graph")),
        CurlLine::new("Graph as Mermaid", format!("curl{auth} '{url}/graph?format=mermaid'")),
        CurlLine::new("Events", format!("curl{auth} {url}/events")),
    ];
    if workflow.failed > 0 {
        lines.push(CurlLine::new("Retry failed steps", format!("curl{auth} -X POST {url}/retry")));
    }
    if workflow.is_unfinished() {
        lines.push(CurlLine::new("Cancel", format!("curl{auth} -X POST {url}/cancel")));
    }
    lines
}
