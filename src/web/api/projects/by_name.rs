//! `/projects/by-name/{name}`: projects as a declaration.

use actix_web::http::header::LOCATION;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use serde_json::Value;

use crate::domain::{Labels, OperationKind, Parameters, ProjectStatus, ProjectVerb};
use crate::store::projects::{Found, NewProject, Project, ProjectPatch, Request};
use crate::template::Template;
use crate::web::api::audit::{API, audit};
use crate::web::api::description;
use crate::web::api::projects::operations::{self, applied};
use crate::web::api::projects::{fields, patched, respond};
use crate::web::app::App;
use crate::web::error::{ApiError, ApiResult};
use crate::web::extract::{Json, Name};
use crate::wire::{self, ApplyProject};

/// Get the project with this name.
#[utoipa::path(get, path = "/projects/by-name/{name}", tag = "projects", params(("name" = String, Path)),
    responses((status = 200, body = wire::Project), description::ReadOne, description::Conflict))]
pub async fn get(app: Data<App>, name: Name) -> ApiResult {
    let name = fields::name(&name.0).map_err(ApiError::into_parameter)?;
    match app.store.projects_of_name(&name).await?.as_slice() {
        [] => Err(ApiError::not_found("project with the name", name.as_str())),
        [project] => respond(HttpResponse::Ok(), project.clone()),
        _ => Err(ApiError::AmbiguousName(name.as_str().to_owned())),
    }
}

/// Create the project with this name, or bring it to the state that the request describes. The same request again is answered with
/// the same project. Other parameters start an update; other labels replace the present ones; a project that failed is retried.
#[utoipa::path(put, path = "/projects/by-name/{name}", tag = "projects", params(("name" = String, Path)), request_body = ApplyProject,
    responses((status = 200, body = wire::Project, description = "The project is as requested, or will be"), (status = 201, body = wire::Project, description = "Created"),
        (status = 202, body = wire::Project, description = "An update or a retry has started"), description::Write, description::Conflict))]
pub async fn put(app: Data<App>, request: HttpRequest, name: Name, body: Json<ApplyProject>) -> ApiResult {
    let ApplyProject { template: requested, parameters, labels } = body.value;
    let name = fields::name(&name.0).map_err(ApiError::into_parameter)?;
    // Without a template, an existing project keeps its own.
    let requested = match requested {
        Some(requested) => Some(requested),
        None => app.store.projects_of_name(&name).await?.first().map(|it| it.template.clone()),
    };
    let template = fields::template(requested.as_deref(), &app.templates)?;
    let (is_given, own_labels) = (parameters.is_some(), labels.is_some());
    let new = NewProject::new(
        name,
        &template.name,
        fields::parameters(parameters, template)?,
        fields::labels(labels.unwrap_or_default(), template)?,
    );
    let policy = app.operation_policy(&new.template, OperationKind::Create);
    match app.store.find_or_create_project(&new, policy, &audit(API, None)?).await? {
        Found::New(project) => {
            app.telemetry.created.inc();
            let mut response = HttpResponse::Created();
            let base = request.path().split("/by-name/").next().unwrap_or_default().to_owned();
            response.insert_header((LOCATION, format!("{base}/{}", project.id)));
            respond(response, project)
        }
        Found::Existing(project) => {
            let NewProject { parameters, labels, .. } = new;
            let wanted = Wanted { parameters: is_given.then_some(parameters), labels: own_labels.then_some(labels) };
            change(&app, project, template, wanted).await
        }
        Found::Several(_) => Err(ApiError::AmbiguousName(new.name.as_str().to_owned())),
    }
}

/// What the request says about parameters and labels of a project that exists; none: they stay.
struct Wanted {
    parameters: Option<Parameters>,
    labels: Option<Labels>,
}

/// Brings an existing project to the requested state. Each change is conditional on the version that was compared, and what cannot be
/// done is refused before anything is changed.
async fn change(app: &App, mut project: Project, template: &Template, wanted: Wanted) -> ApiResult {
    let id = project.id;
    if project.template != template.name {
        return Err(ApiError::field("template", format!("is {:?} and cannot be changed", project.template)));
    }
    let differs = |it: &Parameters| !is_same(&project.parameters, it.as_str());
    let parameters = wanted.parameters.filter(differs);
    let verb = match project.status {
        // What failed is made, with the parameters that are wanted now.
        ProjectStatus::Failed => Some(ProjectVerb::Retry),
        ProjectStatus::Deleting | ProjectStatus::PendingDeletion | ProjectStatus::Restoring => {
            let hint = "Undelete the project, or wait until it is deleted.";
            return Err(ApiError::InvalidState {
                what: "project",
                verb: "applied",
                was: project.status.to_string(),
                hint,
            });
        }
        _ => parameters.is_some().then_some(ProjectVerb::Update),
    };
    if verb == Some(ProjectVerb::Update) {
        operations::require_support(app, &template.name, OperationKind::Update)?;
        if !ProjectVerb::Update.applies_to(project.status) {
            return Err(operations::refused(ProjectVerb::Update, project.status));
        }
    }
    // The operation comes first: it can be refused for more reasons.
    if let Some(verb) = verb {
        let request = Request { parameters, versions: Some(vec![project.version]), ..Request::new(verb) };
        let outcome = operations::begin(app, id, &request, &audit(API, None)?).await?;
        project = applied(outcome, id, verb)?;
    }
    if let Some(labels) = wanted.labels.filter(|it| project.labels != *it.as_map()) {
        // The worker may have gone on with the operation since.
        let versions = verb.is_none().then(|| vec![project.version]);
        let patch = ProjectPatch { labels: Some(labels), versions, ..ProjectPatch::default() };
        project = patched(app.store.patch_project(id, &patch).await?, id)?;
    }
    respond(if verb.is_some() { HttpResponse::Accepted() } else { HttpResponse::Ok() }, project)
}

/// Whether two JSON texts have the same value.
fn is_same(one: &str, other: &str) -> bool {
    let value = |text: &str| serde_json::from_str::<Value>(text).ok();
    value(one) == value(other)
}
