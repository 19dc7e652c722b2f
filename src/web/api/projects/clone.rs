//! `POST /projects/{id}/clone`: a new project as a copy of another one.

use actix_web::HttpRequest;
use actix_web::web::Data;

use crate::domain::{Labels, OperationKind, Parameters, ProjectName, ProjectStatus};
use crate::store::projects::{NewProject, Placement, Project};
use crate::template::Template;
use crate::web::api::projects::{create_project, fields, load, operations};
use crate::web::api::{description, idempotency};
use crate::web::app::App;
use crate::web::error::{ApiError, ApiResult};
use crate::web::extract::{Id, Json};
use crate::wire::{self, CreateProject};

/// Create a project as a copy of a ready or paused one. What the request does not say is as in the source, except for the time of expiry.
/// The source is blocked while it is copied: its sessions end, and new ones wait. The response is sent before that.
#[utoipa::path(post, path = "/projects/{id}/clone", tag = "projects", request_body = CreateProject,
    params(("id" = Uuid, Path), ("Idempotency-Key" = Option<String>, Header, description = "Repeating a request with the same key and body returns the same project")),
    responses((status = 201, body = wire::Project), description::WriteOne, description::Conflict))]
pub async fn clone(app: Data<App>, request: HttpRequest, Id(id): Id, body: Json<CreateProject>) -> ApiResult {
    let Json { value, text } = body;
    let source = load(&app, id).await?;
    let template = template_of(&app, &source)?;
    if value.template.as_ref().is_some_and(|it| *it != source.template) {
        return Err(ApiError::field("template", format!("must be that of the source, {:?}", source.template)));
    }
    let copy = copy_of(&source, template, fields::name(&value.name)?)?;
    let Placement { tenant, queue, priority } = &copy.placement;
    let (tenant, priority) = (value.tenant.as_deref().unwrap_or(tenant), value.priority.unwrap_or((*priority).into()));
    let new = NewProject {
        placement: fields::placement(
            template,
            Some(tenant),
            value.queue.as_deref().or(queue.as_deref()),
            Some(priority),
        )?,
        deadline: value.deadline.map(fields::deadline).transpose()?.or(copy.deadline),
        expires_at: fields::expires_at(value.expires_at.as_deref(), value.expires_in)?,
        // The same body may be sent for two sources.
        key: idempotency::key_of(&request, &[source.id.as_bytes().as_slice(), &text].concat())?,
        parameters: match value.parameters {
            Some(parameters) => fields::parameters(Some(parameters), template)?,
            None => copy.parameters,
        },
        labels: match value.labels {
            Some(labels) => fields::labels(labels, template)?,
            None => copy.labels,
        },
        ..copy
    };
    let projects = request.path().split(&format!("/{id}/clone")).next().unwrap_or_default().to_owned();
    create_project(&app, &projects, new).await
}

/// The template of a project that is to be cloned.
pub fn template_of<'a>(app: &'a App, source: &Project) -> Result<&'a Template, ApiError> {
    operations::require_support(app, &source.template, OperationKind::Clone)?;
    app.templates.get(&source.template).ok_or_else(|| {
        ApiError::field("template", format!("is {:?}, which this server does not have", source.template))
    })
}

/// Why a project of this status is not cloned.
pub fn refused(was: ProjectStatus) -> ApiError {
    let hint = "Only a ready or paused project can be cloned.";
    ApiError::InvalidState { what: "project", verb: "cloned", was: was.to_string(), hint }
}

/// A project with another name that is otherwise like the source.
pub fn copy_of(source: &Project, template: &Template, name: ProjectName) -> Result<NewProject, ApiError> {
    let invalid = |error: &dyn std::fmt::Display| ApiError::field("id", format!("cannot be cloned: {error}"));
    let parameters = Parameters::parse(&source.parameters).map_err(|error| invalid(&error))?;
    let labels = Labels::parse(source.labels.clone()).map_err(|error| invalid(&error))?;
    Ok(NewProject {
        placement: Placement {
            tenant: source.tenant.clone(),
            queue: template.queue.is_none().then(|| source.queue.clone()),
            priority: source.priority,
        },
        deadline: source.operation_deadline,
        source: Some(source.id),
        ..NewProject::new(name, &template.name, parameters, labels)
    })
}
