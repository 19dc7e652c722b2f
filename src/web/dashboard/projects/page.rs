//! `/dashboard/projects/{id}`: one project, its state, history and operations.

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::{Health, JobState, OperationKind, ProjectName, ProjectStatus, ProjectVerb};
use crate::store::projects::Operation;
use crate::store::projects::Transition;
use crate::store::projects::{Project, ProjectExplanation, ProjectPatch};
use crate::store::steps::Step;
use crate::web::api::jobs::explain::Reason;
use crate::web::api::projects::access::text_of;
use crate::web::api::projects::explain::{AT_DEADLINE, can_continue_undo, due, why};
use crate::web::api::projects::{Condition, conditions_of};
use crate::web::app::App;
use crate::web::dashboard::projects::list::{PAGE, ProjectView, ProvisionTimes};
use crate::web::dashboard::projects::timeline::timeline;
use crate::web::error::ApiError;
use crate::web::extract::Body;
use crate::web::ui::{
    CurlLine, Form, Holder, Nav, Rendering, Shell, Stamp, StateBadge, TimelineEntry, curl_auth, duration, elapsed,
    filters, id_in_path, links, or_error_page, redirect, respond, short_id, stamp, with_id,
};

/// The maximum number of events and operations shown.
const EVENTS: i64 = 100;
const OPERATIONS: i64 = 20;

#[derive(Debug, Clone, Template)]
#[template(path = "projects/page.html", blocks = ["main"], whitespace = "minimize")]
pub struct ProjectPage {
    pub shell: Shell,
    pub project: Project,
    pub callout: Callout,
    /// Oldest first.
    pub timeline: Vec<TimelineEntry>,
    /// Whether older events are not shown.
    pub has_older_events: bool,
    /// The duration of the latest operation.
    pub total: Option<String>,
    /// The steps of the latest operation.
    pub steps: Vec<Step>,
    /// Where the project is: host, port, database, user.
    pub outputs: Vec<(String, String)>,
    /// Whether there is a credential to reveal.
    pub has_credential: bool,
    /// What the template does not support.
    pub unsupported: Vec<OperationKind>,
    /// What the last operation left, if it failed.
    pub failure: Option<FailureView>,
    /// Newest first.
    pub operations: Vec<Operation>,
    pub curls: Vec<CurlLine>,
    /// `None` if the project can no longer be renamed.
    pub rename: Option<RenameForm>,
}

/// Why the last operation failed, and what it left.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(default)]
pub struct FailureView {
    pub operation: String,
    pub step: Option<String>,
    pub code: String,
    pub message: String,
    /// Whether the project still works, if that is known.
    pub usable: Option<bool>,
    pub kept: Vec<String>,
    pub undone: Vec<String>,
}

/// The current state in one box.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Callout {
    Transient(Box<Transient>),
    Failed { reason: String, at: Stamp },
    Ready { at: Stamp, took: String },
    Paused { at: Stamp },
    PendingDeletion { until: Option<Stamp> },
    Deleted { at: Stamp },
}

/// A status that ends without further requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transient {
    pub since: Stamp,
    /// The median duration.
    pub usual: Option<String>,
    pub p95: Option<String>,
    pub slow: bool,
    pub holder: Option<Holder>,
    /// Without a holder: what the project waits for.
    pub waiting: Option<String>,
    pub deadline: Option<Stamp>,
    /// What happens at the deadline.
    pub then: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenameForm {
    pub project_name: String,
    pub error: Option<String>,
}

pub async fn show(app: Data<App>, request: HttpRequest) -> HttpResponse {
    with_id(&app, &request, async |id| page(&app, &request, id, None).await).await
}

/// `POST …/rename`.
pub async fn rename(app: Data<App>, request: HttpRequest, body: Body) -> HttpResponse {
    or_error_page(&app, &request, try_rename(&app, &request, &body).await)
}

async fn try_rename(app: &App, request: &HttpRequest, body: &Body) -> Result<HttpResponse, ApiError> {
    let (id, form) = (id_in_path(request)?, Form::read(body)?);
    let name = match ProjectName::parse(form.get("project_name")) {
        Ok(name) => name,
        Err(error) => {
            let project_name = form.get("project_name").to_owned();
            let rejected = RenameForm { project_name, error: Some(format!("The name {error}.")) };
            return page(app, request, id, Some(rejected)).await;
        }
    };
    // A name does not depend on the status, so the version is not checked.
    let patch = ProjectPatch { name: Some(name), ..ProjectPatch::default() };
    let flash = match app.store.patch_project(id, &patch).await? {
        Transition::Applied(_) => "renamed".to_owned(),
        Transition::Rejected { was } => format!("rename-refused.{was}"),
        Transition::Stale { version } => return Err(ApiError::Stale(version)),
        Transition::Protected => return Err(ApiError::Protected),
        Transition::Missing => return Err(crate::web::api::projects::not_found(id)),
    };
    Ok(redirect(&links::project_page(id), Some(&flash)))
}

async fn page(
    app: &App,
    request: &HttpRequest,
    id: Uuid,
    rejected: Option<RenameForm>,
) -> Result<HttpResponse, ApiError> {
    let explained = app
        .store
        .explain_project(id, app.max_heartbeat_age())
        .await?
        .ok_or(crate::web::api::projects::not_found(id))?;
    let due = due(app, &explained).await?;
    let steps = app.store.steps_of_project(id, 1).await?;
    let events = app.store.events_of_project(id, None, EVENTS).await?;
    let project = &explained.project;
    // Unlike `updated_at`, the latest change of the status stays when the project is renamed or observed.
    let latest = events.iter().find(|it| it.previous_state != it.new_state);
    let changed_at = latest.map_or(project.updated_at, |it| it.occurred_at);
    let status = if rejected.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let rename = rejected.unwrap_or_else(|| RenameForm { project_name: project.name.clone(), error: None });
    let is_going =
        matches!(project.status, ProjectStatus::Deleting | ProjectStatus::PendingDeletion | ProjectStatus::Deleted);
    let page = ProjectPage {
        shell: Shell::load(app, request, Nav::Projects).await?.crumb("Projects", PAGE).titled(&project.name),
        callout: callout(&explained, due, changed_at, &ProvisionTimes::load(app).await?, &steps),
        has_older_events: events.last().is_some_and(|oldest| oldest.previous_state != "none"),
        total: (!project.status.is_transient()).then(|| elapsed(project.requested_at, changed_at)),
        timeline: timeline(&events, project.status),
        steps,
        outputs: outputs(app, id).await?,
        has_credential: !app.store.secret_names(id).await?.is_empty(),
        unsupported: app.templates.get(&project.template).map(|it| it.unsupported.clone()).unwrap_or_default(),
        failure: project.failure.as_deref().and_then(|text| serde_json::from_str(text).ok()),
        operations: app.store.jobs_of_project(id, OPERATIONS).await?,
        curls: curls(app, project),
        rename: (!is_going).then_some(rename),
        project: project.clone(),
    };
    let deleted = project.status == ProjectStatus::Deleted;
    Ok(respond(request, Rendering::new(&page, page.as_main()).with_status(status).stop_polling(deleted)))
}

/// The outputs as text.
async fn outputs(app: &App, id: Uuid) -> Result<Vec<(String, String)>, ApiError> {
    Ok(app.store.outputs_of_project(id).await?.iter().map(|it| (it.name.clone(), text_of(it))).collect())
}

impl ProjectPage {
    pub fn can(&self, verb: ProjectVerb) -> bool {
        let is_supported = verb.operation().is_none_or(|it| !self.unsupported.contains(&it));
        verb.applies_to(self.project.status) && is_supported
    }

    pub fn can_continue_undo(&self) -> bool {
        can_continue_undo(self.project.status, &self.steps)
    }

    pub fn can_clone(&self) -> bool {
        self.project.status.can_be_cloned() && !self.unsupported.contains(&OperationKind::Clone)
    }

    /// The conditions that a person should know about. A failed operation has a box of its own.
    pub fn warnings(&self) -> Vec<Condition> {
        let mut all = conditions_of(self.project.conditions.as_deref());
        all.retain(|it| it.status != "true" && it.kind != "as_requested");
        // If nothing could be looked at, one sentence says so.
        let is_unknown = all.iter().any(|it| it.kind == "healthy" && it.status == "unknown");
        all.retain(|it| !(is_unknown && it.kind == "in_sync"));
        all
    }

    pub fn sentence(&self, condition: &Condition) -> &'static str {
        match (condition.kind.as_str(), condition.status.as_str()) {
            ("healthy", "false") => "The project is unhealthy.",
            ("healthy", _) => "It is not known whether the project is healthy.",
            _ => "What exists differs from what the project says.",
        }
    }

    pub fn health(&self) -> Option<&'static str> {
        let conditions = conditions_of(self.project.conditions.as_deref());
        let healthy = conditions.iter().find(|it| it.kind == "healthy")?;
        Some(Health::of_condition(Some(&healthy.status)).as_str())
    }

    /// A `psql` command line without the password.
    pub fn psql(&self) -> Option<String> {
        let text = |name: &str| self.outputs.iter().find(|(it, _)| it == name).map(|(_, value)| value.as_str());
        let (host, port, database, user) = (text("host")?, text("port")?, text("database")?, text("user")?);
        Some(format!("psql 'host={host} port={port} dbname={database} user={user}'"))
    }
}

/// The text of a step.
pub trait StepView {
    fn took(&self) -> Option<String>;
}

impl StepView for Step {
    fn took(&self) -> Option<String> {
        self.ended_at.map(|end| elapsed(self.started_at, end))
    }
}

fn callout(
    explained: &ProjectExplanation,
    due: Option<Reason>,
    changed_at: OffsetDateTime,
    times: &ProvisionTimes,
    steps: &[Step],
) -> Callout {
    let project = &explained.project;
    let at = stamp(changed_at);
    match project.status {
        ProjectStatus::Failed => Callout::Failed { reason: project.error_reason.clone().unwrap_or_default(), at },
        ProjectStatus::Ready => Callout::Ready { at, took: elapsed(project.requested_at, changed_at) },
        ProjectStatus::Paused => Callout::Paused { at },
        ProjectStatus::PendingDeletion => Callout::PendingDeletion { until: project.delete_after.map(stamp) },
        ProjectStatus::Deleted => Callout::Deleted { at },
        _ => Callout::Transient(Box::new(transient(explained, due, times, steps))),
    }
}

fn transient(explained: &ProjectExplanation, due: Option<Reason>, times: &ProvisionTimes, steps: &[Step]) -> Transient {
    let ProjectExplanation { project, at, job, .. } = explained;
    let holder = job.as_ref().filter(|job| job.state == JobState::Active).and_then(|job| {
        Some(Holder {
            worker: job.worker_id.clone()?,
            attempt: format!("attempt {}, {} of {} failures", job.attempt, job.failures, job.max_attempts),
            lease_until: stamp(job.lease_until?),
        })
    });
    // The times are of provisioning, not of other operations.
    let provisioning = project.operation == OperationKind::Create;
    Transient {
        since: stamp(project.requested_at),
        usual: times.usual().filter(|_| provisioning),
        p95: times.p95.map(duration).filter(|_| provisioning),
        slow: times.is_slow(project, *at),
        waiting: if holder.is_none() { Some(why(explained, due, steps).1) } else { None },
        holder,
        deadline: project.deadline_at.map(stamp),
        then: AT_DEADLINE.to_owned(),
    }
}

/// The text of an operation.
pub trait OperationView {
    fn short_id(&self) -> String;
    fn took(&self) -> Option<String>;
    /// When the job becomes due, if it is scheduled.
    fn due(&self) -> Option<Stamp>;
}

impl OperationView for Operation {
    fn short_id(&self) -> String {
        short_id(self.id)
    }

    fn took(&self) -> Option<String> {
        self.claimed_at.zip(self.ended_at).map(|(from, to)| elapsed(from, to))
    }

    fn due(&self) -> Option<Stamp> {
        matches!(self.state, JobState::Retrying | JobState::Scheduled).then(|| stamp(self.run_at))
    }
}

fn curls(app: &App, project: &Project) -> Vec<CurlLine> {
    let (url, auth) = (format!("http://{}/projects/{}", app.host, project.id), curl_auth(app));
    let mut lines = vec![
        CurlLine::new("Get", format!("curl{auth} {url}")),
        CurlLine::new("Wait until ready", format!("curl{auth} '{url}?wait=ready&timeout=30s'")),
        CurlLine::new("Events", format!("curl{auth} {url}/events")),
    ];
    if project.can_retry() {
        lines.push(CurlLine::new("Retry", format!("curl{auth} -X POST {url}/retry")));
    }
    if ProjectVerb::Delete.applies_to(project.status) {
        lines.push(CurlLine::new("Delete", format!("curl{auth} -X DELETE {url}")));
    }
    lines
}
