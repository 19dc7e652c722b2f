//! `/dashboard/projects/{id}`: what it is doing, and what happened to it.

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::{JobState, ProjectName, ProjectStatus, ProjectVerb};
use crate::store::Transition;
use crate::store::jobs::Operation;
use crate::store::projects::{Event, Explained, Patch, Project};
use crate::web::api::audit;
use crate::web::api::jobs::explain::Reason;
use crate::web::api::projects::explain::{AT_DEADLINE, due, why};
use crate::web::api::projects::{RETRY_HINT, applied};
use crate::web::app::App;
use crate::web::dashboard::projects::list::{ACTOR, Usual, short, view};
use crate::web::dashboard::projects::view::{
    Callout, CurlLine, Holder, Label, Mark, Moving, OperationRow, ProjectPage, RenameForm, TimelineEntry,
};
use crate::web::dashboard::ui::chart;
use crate::web::dashboard::ui::counts::Counts;
use crate::web::dashboard::ui::error::or_page;
use crate::web::dashboard::ui::form::{Form, see};
use crate::web::dashboard::ui::layout::{Frame, Shown, auth, respond, span, stamp};
use crate::web::dashboard::ui::layout_view::Nav;
use crate::web::dashboard::ui::status::JobState as State;
use crate::web::error::ApiError;
use crate::web::extract::Body;

/// How many events and operations a page shows.
const EVENTS: i64 = 100;
const OPERATIONS: i64 = 20;

/// `GET`.
pub async fn show(app: Data<App>, request: HttpRequest) -> HttpResponse {
    with_id(&app, &request, async |id| page(&app, &request, id, None, StatusCode::OK).await).await
}

/// `POST …/retry`, from the list or from the page.
pub async fn retry(app: Data<App>, request: HttpRequest, body: Body) -> HttpResponse {
    or_page(&app, &request, try_retry(&app, &request, &body).await)
}

async fn try_retry(app: &App, request: &HttpRequest, body: &Body) -> Result<HttpResponse, ApiError> {
    let (id, form) = (id_of(request)?, Form::read(body)?);
    let audit = audit::audit(ACTOR, Some(form.get("reason").to_owned()))?;
    let page = format!("/dashboard/projects/{id}");
    let back = form.path("back").unwrap_or(&page);
    match applied(app.store.retry_project(id, app.bounds(), &audit).await?, id, "retried", RETRY_HINT) {
        Ok(_) => Ok(see(back, Some("retried"))),
        // Two operators pressed the button: the second one is told what the project is now.
        Err(ApiError::InvalidState { was, .. }) => Ok(see(back, Some(&format!("retry-refused.{was}")))),
        Err(error) => Err(error),
    }
}

/// `POST …/rename`.
pub async fn rename(app: Data<App>, request: HttpRequest, body: Body) -> HttpResponse {
    or_page(&app, &request, try_rename(&app, &request, &body).await)
}

async fn try_rename(app: &App, request: &HttpRequest, body: &Body) -> Result<HttpResponse, ApiError> {
    let (id, form) = (id_of(request)?, Form::read(body)?);
    let typed = form.get("project_name").to_owned();
    let refused = |error: String| Some(RenameForm { project_name: typed.clone(), error: Some(error) });
    let name = match ProjectName::parse(&typed) {
        Ok(name) => name,
        Err(error) => {
            return page(app, request, id, refused(format!("The name {error}.")), StatusCode::UNPROCESSABLE_ENTITY)
                .await;
        }
    };
    // A status that moved meanwhile does not matter for a name, so the version is not asked for.
    let patch = Patch { name: Some(name), labels: None, version: None };
    match app.store.patch_project(id, &patch).await? {
        Transition::Applied(_) => Ok(see(&format!("/dashboard/projects/{id}"), Some("renamed"))),
        Transition::Rejected { was } => {
            Ok(see(&format!("/dashboard/projects/{id}"), Some(&format!("rename-refused.{was}"))))
        }
        Transition::Stale { version } => Err(ApiError::Stale(version)),
        Transition::Missing => Err(ApiError::not_found("project", id)),
    }
}

/// The id in the path of a page. A page that cannot exist is not found, whatever is wrong with its address.
pub fn id_of(request: &HttpRequest) -> Result<Uuid, ApiError> {
    let text = request.match_info().get("id").unwrap_or_default();
    Uuid::try_parse(text).map_err(|_| ApiError::NoRoute)
}

/// The page of the thing whose id is in the path, or of what is in its way.
pub async fn with_id(
    app: &App,
    request: &HttpRequest,
    page: impl AsyncFnOnce(Uuid) -> Result<HttpResponse, ApiError>,
) -> HttpResponse {
    let answer = match id_of(request) {
        Ok(id) => page(id).await,
        Err(error) => Err(error),
    };
    or_page(app, request, answer)
}

async fn page(
    app: &App,
    request: &HttpRequest,
    id: Uuid,
    rename: Option<RenameForm>,
    status: StatusCode,
) -> Result<HttpResponse, ApiError> {
    let explained = app.store.explain_project(id, app.silence()).await?.ok_or(ApiError::not_found("project", id))?;
    let due = due(app, &explained).await?;
    let events = app.store.events_of_project(id, None, EVENTS).await?;
    let operations = app.store.jobs_of_project(id, OPERATIONS).await?;
    let usual = Usual::of(app).await?;
    let counts = Counts::of(app).await?;
    let frame = Frame::of(app, request).at(Nav::Projects).counting(&counts).below("Projects", "/dashboard/projects");
    let project = &explained.project;
    let deleted = project.status == ProjectStatus::Deleted;
    // Not `updated_at`: a new name changes that, too.
    let moved_at = events.first().map_or(project.updated_at, |latest| latest.occurred_at);
    let can_rename = !matches!(project.status, ProjectStatus::Deleting | ProjectStatus::Deleted);
    let page = ProjectPage {
        shell: frame.shell(&project.name),
        id: id.to_string(),
        name: project.name.clone(),
        status: view(project.status),
        version: project.version.to_string(),
        can_retry: ProjectVerb::Retry.target(project.status).is_some(),
        delete_blocked: delete_blocked(project.status),
        callout: callout(&explained, due, moved_at, &usual),
        timeline_left_out: events.last().filter(|it| it.previous_state != "none").map(|_| "Some".to_owned()),
        timeline_total: (!project.status.is_transient()).then(|| span(project.requested_at, moved_at)),
        timeline: timeline(&events, project.status),
        operations: operations.iter().map(operation).collect(),
        template: project.template.clone(),
        labels: project.labels.iter().map(|(key, value)| Label { key: key.clone(), value: value.clone() }).collect(),
        parameters: project.parameters.clone(),
        created: stamp(project.created_at),
        updated: stamp(project.updated_at),
        curls: curls(app, project),
        rename: can_rename
            .then(|| rename.unwrap_or_else(|| RenameForm { project_name: project.name.clone(), error: None })),
    };
    Ok(respond(request, Shown::new(&page, page.as_main()).with_status(status).resting_for_ever(deleted)))
}

/// Why a project cannot be deleted now.
pub fn delete_blocked(status: ProjectStatus) -> Option<String> {
    match status {
        ProjectStatus::Creating | ProjectStatus::Provisioning => {
            Some("Can be deleted once it is ready or failed".to_owned())
        }
        ProjectStatus::Deleting => Some("It is being deleted".to_owned()),
        ProjectStatus::Deleted => Some("It is deleted".to_owned()),
        ProjectStatus::Ready | ProjectStatus::Failed => None,
    }
}

fn callout(explained: &Explained, due: Option<Reason>, moved_at: OffsetDateTime, usual: &Usual) -> Callout {
    let project = &explained.project;
    let at = stamp(moved_at);
    match project.status {
        ProjectStatus::Failed => Callout::Failed {
            reason: project.error_reason.clone().unwrap_or_default(),
            advice: "Retry once the cause is gone; the same request is sent again. Or delete it.".to_owned(),
            at,
        },
        ProjectStatus::Ready => Callout::Ready { at, took: Some(span(project.requested_at, moved_at)) },
        ProjectStatus::Deleted => Callout::Deleted { at },
        _ => Callout::Moving(moving(explained, due, usual)),
    }
}

fn moving(explained: &Explained, due: Option<Reason>, usual: &Usual) -> Moving {
    let Explained { project, at, job } = explained;
    let holder = job.as_ref().filter(|job| job.state == JobState::Active).and_then(|job| {
        Some(Holder {
            worker: job.worker_id.clone()?,
            attempt: format!("attempt {}, {} of {} failures spent", job.attempt, job.failures, job.max_attempts),
            lease_until: stamp(job.lease_until?),
        })
    });
    // The numbers are of provisioning; a removal is not measured by them.
    let provisioning = project.status != ProjectStatus::Deleting;
    Moving {
        since: stamp(project.requested_at),
        usual: usual.words().filter(|_| provisioning),
        p95: usual.p95.map(chart::seconds).filter(|_| provisioning),
        slow: usual.is_slow(project, *at),
        waiting: if holder.is_none() { Some(why(explained, due).1) } else { None },
        holder,
        deadline: project.deadline_at.map(stamp),
        then: AT_DEADLINE.to_owned(),
    }
}

/// Oldest first. An entry says how long the status lasted that ended with it.
fn timeline(events: &[Event], status: ProjectStatus) -> Vec<TimelineEntry> {
    let mut entries = Vec::with_capacity(events.len());
    let (mut before, mut tries): (Option<OffsetDateTime>, u32) = (None, 1);
    for event in events.iter().rev() {
        let retried = event.previous_state == ProjectStatus::Failed.as_str()
            && event.new_state == ProjectStatus::Creating.as_str();
        tries += u32::from(retried);
        let lasted = before.map(|before| event.occurred_at - before);
        let waited =
            lasted.filter(|it| event.previous_state == ProjectStatus::Creating.as_str() && it.whole_seconds() >= 60);
        entries.push(TimelineEntry {
            id: event.id.to_string(),
            mark: if retried {
                Mark::Retry
            } else {
                Mark::Status(crate::web::dashboard::ui::status::ProjectStatus::from_name(&event.new_state))
            },
            title: title(event, retried).to_owned(),
            from: Some(event.previous_state.clone()),
            to: Some(event.new_state.clone()),
            actor: event.actor.clone(),
            reason: event.reason.clone(),
            took: lasted
                .filter(|_| ProjectStatus::parse(&event.previous_state).is_some_and(ProjectStatus::is_transient))
                .map(|it| chart::seconds(it.as_seconds_f64())),
            gap: waited.map(|it| format!("waited {}", chart::seconds(it.as_seconds_f64()))),
            group: retried.then(|| format!("Try {tries}")),
            at: stamp(event.occurred_at),
            running: false,
        });
        before = Some(event.occurred_at);
    }
    if let Some(last) = entries.last_mut() {
        last.running = status.is_transient();
    }
    entries
}

fn title(event: &Event, retried: bool) -> &'static str {
    match (ProjectStatus::parse(&event.previous_state), ProjectStatus::parse(&event.new_state)) {
        _ if retried => "Retried",
        (None, Some(ProjectStatus::Creating)) => "Created",
        (_, Some(ProjectStatus::Provisioning)) => "Provisioning started",
        (_, Some(ProjectStatus::Ready)) => "Ready",
        (Some(ProjectStatus::Deleting), Some(ProjectStatus::Failed)) => "Removal failed",
        (_, Some(ProjectStatus::Failed)) => "Failed",
        (_, Some(ProjectStatus::Deleting)) => "Deletion asked for",
        (_, Some(ProjectStatus::Deleted)) => "Deleted",
        _ => "Transition",
    }
}

fn operation(job: &Operation) -> OperationRow {
    OperationRow {
        id: job.id.to_string(),
        short_id: short(job.id),
        kind: job.kind.clone(),
        state: State::from_name(job.state.as_str()),
        attempt: job.attempt.unsigned_abs(),
        failures: job.failures.unsigned_abs(),
        max_attempts: job.max_attempts.unsigned_abs(),
        started: job.claimed_at.map(stamp),
        took: job.claimed_at.zip(job.ended_at).map(|(from, to)| span(from, to)),
        due: matches!(job.state, JobState::Retrying | JobState::Scheduled).then(|| stamp(job.run_at)),
        error: job.error.clone(),
    }
}

fn curls(app: &App, project: &Project) -> Vec<CurlLine> {
    let url = format!("http://{}/projects/{}", app.host, project.id);
    let auth = auth(app);
    let line = |label: &str, line: String| CurlLine { label: label.to_owned(), line };
    let mut lines = vec![
        line("Get", format!("curl{auth} {url}")),
        line("Wait until ready", format!("curl{auth} '{url}?wait=ready&timeout=30s'")),
        line("Events", format!("curl{auth} {url}/events")),
    ];
    if ProjectVerb::Retry.target(project.status).is_some() {
        lines.push(line("Retry", format!("curl{auth} -X POST {url}/retry")));
    }
    if ProjectVerb::Delete.target(project.status).is_some() {
        lines.push(line("Delete", format!("curl{auth} -X DELETE {url}")));
    }
    lines
}
