//! `/projects`.

pub mod access;
pub mod by_name;
pub mod clone;
pub mod explain;
pub mod fields;
pub mod operations;
pub mod terraform;
pub mod verbs;

use actix_web::http::header::{ETAG, IF_MATCH, IF_NONE_MATCH, LOCATION};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::{Health, ProjectStatus, ProjectVerb};
use crate::store::projects::{Created, Expiry, NewProject, Project, ProjectEvent, ProjectPatch, Transition};
use crate::web::api::audit::{API, audit};
use crate::web::api::projects::operations::applied;
use crate::web::api::response::page;
use crate::web::api::{description, idempotency, wait};
use crate::web::app::App;
use crate::web::error::{ApiError, ApiResult};
use crate::web::extract::{Id, Json};
use crate::web::query::Query;
use crate::wire::json::raw;
use crate::wire::{self, CreateProject, PatchProject};

/// Create a project. The response is sent before provisioning starts.
#[utoipa::path(post, path = "/projects", tag = "projects", request_body = CreateProject,
    params(("Idempotency-Key" = Option<String>, Header, description = "Repeating a request with the same key and body returns the same project")),
    responses((status = 201, body = wire::Project), description::Write, description::Conflict))]
pub async fn create(app: Data<App>, request: HttpRequest, body: Json<CreateProject>) -> ApiResult {
    let Json { value, text } = body;
    let template = fields::template(value.template.as_deref(), &app.templates)?;
    let new = NewProject {
        placement: fields::placement(template, value.tenant.as_deref(), value.queue.as_deref(), value.priority)?,
        deadline: value.deadline.map(fields::deadline).transpose()?,
        expires_at: fields::expires_at(value.expires_at.as_deref(), value.expires_in)?,
        key: idempotency::key_of(&request, &text)?,
        ..NewProject::new(
            fields::name(&value.name)?,
            &template.name,
            fields::parameters(value.parameters, template)?,
            fields::labels(value.labels.unwrap_or_default(), template)?,
        )
    };
    create_project(&app, request.path(), new).await
}

/// Creates a project, and answers with it. `projects` is the path of all projects.
async fn create_project(app: &App, projects: &str, new: NewProject) -> ApiResult {
    let policy = app.operation_policy(&new.template, new.operation());
    let (project, replayed) = match app.store.create_project(&new, policy, &audit(API, None)?).await? {
        Created::New(project) => (project, false),
        Created::Replayed(project) => (project, true),
        Created::InFlight => return Err(ApiError::KeyInFlight),
        Created::KeyReused => return Err(ApiError::KeyReused),
        Created::SourceNotReady(was) => return Err(clone::refused(was)),
    };
    let mut response = HttpResponse::Created();
    response.insert_header((LOCATION, format!("{projects}/{}", project.id)));
    if replayed {
        response.insert_header(("Idempotency-Replayed", "true"));
    } else {
        app.telemetry.created.inc();
    }
    respond(response, project)
}

/// List projects, newest first. Deleted projects are only included with `status=deleted`. The `Link` header contains the next page.
#[utoipa::path(get, path = "/projects", tag = "projects",
    params(("status" = Option<String>, Query, description = "Projects with this status"),
        ("label" = Option<String>, Query, description = "`key=value`; may be repeated, all labels must match"),
        ("search" = Option<String>, Query, description = "Part of the name, or the beginning of the id"), description::Paging),
    responses((status = 200, body = [wire::Project], headers(("Link" = String, description = "The next page: `rel=\"next\"`"))), description::Read))]
pub async fn list(app: Data<App>, request: HttpRequest) -> ApiResult {
    let query = Query::parse(request.query_string(), &["status", "label", "search", "limit", "cursor"])?;
    let mut filter = query.projects()?;
    let limit = filter.limit;
    filter.limit += 1;
    page::<wire::Project, _, _>(&request, app.store.list_projects(&filter).await?, limit, |last| last.id)
}

/// Get a project, even if it is deleted. With `wait`, the response is sent once the project has that status, has another final status, or
/// the timeout has passed.
#[utoipa::path(get, path = "/projects/{id}", tag = "projects",
    params(("id" = Uuid, Path), ("wait" = Option<String>, Query, description = "The status to wait for, such as `ready`"),
        ("timeout" = Option<String>, Query, description = "At most 60s. Default: 30s."),
        ("If-None-Match" = Option<String>, Header, description = "`ETag` of the version that you have")),
    responses((status = 200, body = wire::Project, headers(("ETag" = String))), (status = 304, description = "Not modified"), description::ReadOne))]
pub async fn get(app: Data<App>, request: HttpRequest, Id(id): Id) -> ApiResult {
    let query = Query::parse(request.query_string(), &["wait", "timeout"])?;
    let (status, timeout) = (query.status("wait")?, query.timeout()?);
    let load = || load(&app, id);
    let project = match status {
        Some(status) => {
            let is_done = |it: &Project| it.status == status || !it.status.is_transient();
            wait::until(&app, timeout, is_done, load).await?
        }
        None => load().await?,
    };
    let tags = request.headers().get(IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    let own = etag(project.version, project.observed_at);
    let matches = |tag: &str| tag == "*" || tag.trim_start_matches("W/") == own;
    if tags.is_some_and(|tags| tags.split(',').any(|tag| matches(tag.trim()))) {
        return Ok(HttpResponse::NotModified().insert_header((ETAG, own)).finish());
    }
    respond(HttpResponse::Ok(), project)
}

/// Change the name, the labels, the protection or the time of expiry of a project, which takes effect at once, or its parameters,
/// which starts an update.
#[utoipa::path(patch, path = "/projects/{id}", tag = "projects", request_body = PatchProject,
    params(("id" = Uuid, Path), ("If-Match" = Option<String>, Header, description = "Only change the version with this `ETag`")),
    responses((status = 200, body = wire::Project), (status = 202, body = wire::Project, description = "The update has started"),
        description::WriteOne, description::Conflict, description::Stale))]
pub async fn patch(app: Data<App>, request: HttpRequest, Id(id): Id, body: Json<PatchProject>) -> ApiResult {
    let patch = ProjectPatch {
        name: body.value.name.as_deref().map(fields::name).transpose()?,
        labels: body.value.labels.map(fields::checked_labels).transpose()?,
        is_protected: body.value.protected,
        expiry: match body.value.expires_at {
            None => None,
            Some(None) => Some(Expiry::Never),
            Some(Some(at)) => fields::expires_at(Some(&at), None)?.map(Expiry::At),
        },
        versions: expected_versions(&request)?,
    };
    let ProjectPatch { name, labels, is_protected, expiry, .. } = &patch;
    let changes_fields = name.is_some() || labels.is_some() || is_protected.is_some() || expiry.is_some();
    if let Some(parameters) = body.value.parameters {
        // One request is one change: if the second part were refused, the first would have happened.
        if changes_fields {
            return Err(ApiError::field("parameters", "must be changed in a request of their own"));
        }
        let project = operations::update(&app, id, parameters, patch.versions).await?;
        return respond(HttpResponse::Accepted(), project);
    }
    if !changes_fields {
        return Err(ApiError::field("body", "must contain name, labels, protected, expires_at or parameters"));
    }
    let outcome = app.store.patch_project(id, &patch).await?;
    respond(HttpResponse::Ok(), patched(outcome, id)?)
}

/// List the events of a project, newest first.
#[utoipa::path(get, path = "/projects/{id}/events", tag = "projects", params(("id" = Uuid, Path), description::Paging),
    responses((status = 200, body = [wire::ProjectEvent]), description::ReadOne))]
pub async fn events(app: Data<App>, request: HttpRequest, Id(id): Id) -> ApiResult {
    let query = Query::parse(request.query_string(), &["limit", "cursor"])?;
    let limit = query.limit()?;
    let rows = app.store.events_of_project(id, query.cursor::<i64>()?, limit + 1).await?;
    if rows.is_empty() {
        load(&app, id).await?;
    }
    page::<wire::ProjectEvent, _, _>(&request, rows, limit, |last| last.id)
}

/// The project after a change of its fields.
pub fn patched(outcome: Transition<Project>, id: Uuid) -> Result<Project, ApiError> {
    let hint = "A project that is being deleted cannot be changed.";
    match outcome {
        Transition::Rejected { was } => {
            Err(ApiError::InvalidState { what: "project", verb: "changed", was: was.to_string(), hint })
        }
        other => applied(other, id, ProjectVerb::Update),
    }
}

/// The project, or a 404 problem.
pub async fn load(app: &App, id: Uuid) -> Result<Project, ApiError> {
    app.store.get_project(id).await?.ok_or_else(|| not_found(id))
}

/// The 404 problem of a project.
pub fn not_found(id: Uuid) -> ApiError {
    ApiError::not_found("project", id)
}

/// The answer with a project.
pub fn respond(mut response: HttpResponseBuilder, project: Project) -> ApiResult {
    response.insert_header((ETAG, etag(project.version, project.observed_at)));
    if project.status == ProjectStatus::Creating {
        response.insert_header(("Retry-After", "1"));
    }
    Ok(response.json(wire::Project::from(project)))
}

/// The `ETag` of a version. Health and conditions change without a new version, and only with a new look.
pub fn etag(version: i64, observed_at: Option<OffsetDateTime>) -> String {
    match observed_at {
        None => format!("\"{version}\""),
        Some(at) => format!("\"{version}-{}\"", at.unix_timestamp_nanos() / 1000),
    }
}

/// The versions in `If-Match`, of which one must be the current one; `None` if any version will do.
pub fn expected_versions(request: &HttpRequest) -> Result<Option<Vec<i64>>, ApiError> {
    let lines: Vec<&str> = request.headers().get_all(IF_MATCH).map(|line| line.to_str().unwrap_or_default()).collect();
    match lines.as_slice() {
        [] => Ok(None),
        [line] if line.trim() == "*" => Ok(None),
        // Several lines are one list.
        lines => versions_of(&lines.join(","))
            .map(Some)
            .ok_or_else(|| ApiError::header("If-Match", "must be a list of ETags, like \"3\" or \"3\", \"4\", or *")),
    }
}

/// The versions in a list of entity tags (RFC 9110, section 13.1.1); `None` if the list is malformed or has no tag. Tags that are weak
/// or not ours match no version. A new look alone is no conflict.
fn versions_of(list: &str) -> Option<Vec<i64>> {
    let is_separator = |c: char| c == ',' || c == ' ' || c == '\t';
    let (mut rest, mut versions) = (list.trim_start_matches(is_separator), Vec::new());
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let weak = rest.strip_prefix("W/");
        let (tag, after) = weak.unwrap_or(rest).strip_prefix('"')?.split_once('"')?;
        let next = after.trim_start_matches([' ', '\t']);
        if !next.is_empty() && !next.starts_with(',') {
            return None;
        }
        if weak.is_none() {
            versions.extend(version_of(tag));
        }
        rest = next.trim_start_matches(is_separator);
    }
    Some(versions)
}

/// The version in one of our own tags.
fn version_of(tag: &str) -> Option<i64> {
    let version = tag.split_once('-').map_or(tag, |(version, _)| version);
    version.parse::<i64>().ok().filter(|it| it.to_string() == version)
}

impl From<Project> for wire::Project {
    fn from(row: Project) -> Self {
        Self {
            id: row.id,
            name: row.name,
            status: row.status.to_string(),
            error_reason: row.error_reason,
            template: row.template,
            template_version: row.template_version,
            source_id: row.source_id,
            parameters: raw(row.parameters),
            labels: row.labels,
            version: row.version,
            operation: row.operation.to_string(),
            failure: row.failure.map(raw),
            protected: row.is_protected,
            stop_request: row.stop_request,
            tenant: row.tenant,
            queue: row.queue,
            priority: row.priority,
            operation_deadline_s: row.operation_deadline.map(|it| it.as_secs_f64()),
            expires_at: row.expires_at,
            delete_after: row.delete_after,
            health: health_of(row.conditions.as_deref()).to_string(),
            conditions: raw(row.conditions.unwrap_or_else(|| "[]".to_owned())),
            observed_at: row.observed_at,
            deadline_at: row.deadline_at,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

/// A condition of a project.
#[derive(Clone, Debug, serde::Deserialize)]
pub struct Condition {
    #[serde(rename = "type")]
    pub kind: String,
    /// `true`, `false` or `unknown`.
    pub status: String,
    pub message: String,
}

/// The conditions of a project.
pub fn conditions_of(text: Option<&str>) -> Vec<Condition> {
    text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
}

fn health_of(conditions: Option<&str>) -> Health {
    let conditions = conditions_of(conditions);
    Health::of_condition(conditions.iter().find(|it| it.kind == "healthy").map(|it| it.status.as_str()))
}

impl From<ProjectEvent> for wire::ProjectEvent {
    fn from(row: ProjectEvent) -> Self {
        Self {
            id: row.id,
            project_id: row.project_id,
            previous_state: row.previous_state,
            new_state: row.new_state,
            reason: row.reason,
            actor: row.actor,
            job_id: row.job_id,
            execution_id: row.execution_id,
            request_id: row.request_id,
            occurred_at: row.occurred_at,
        }
    }
}
