//! `/drift`: differences between what the projects say and what exists.

use std::time::Duration;

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use uuid::Uuid;

use crate::domain::{OperationKind, OrphanVerb, ProjectStatus, cluster};
use crate::store::Audit;
use crate::store::observations::{Finding, SearchedCluster, Taken};
use crate::store::projects::Project;
use crate::template::{MAX_GRACE, Template};
use crate::web::api::audit::api_audit;
use crate::web::api::description;
use crate::web::api::projects::{fields, load, not_found, respond};
use crate::web::api::response::json;
use crate::web::app::App;
use crate::web::error::{ApiError, ApiResult};
use crate::web::extract::{Id, Json};
use crate::web::query::Query;
use crate::wire::duration::HumanDuration;
use crate::wire::{self, Reason, TakeUpOrphan};

/// How many differences are listed.
const MAX_FINDINGS: i64 = 10_000;
/// How long what is quarantined can be brought back, unless the request says otherwise.
const QUARANTINE: Duration = Duration::from_secs(7 * 24 * 3600);

/// List the differences between what the projects say and what exists, the oldest first, and when the clusters were searched.
#[utoipa::path(get, path = "/drift", tag = "drift", params(("project" = Option<Uuid>, Query, description = "Those of one project")),
    responses((status = 200, body = wire::Drift), description::Read))]
pub async fn list(app: Data<App>, request: HttpRequest) -> ApiResult {
    let query = Query::parse(request.query_string(), &["project"])?;
    let project = query
        .get("project")
        .map(|text| Uuid::try_parse(text).map_err(|_| ApiError::parameter("project", "must be the UUID of a project")));
    let findings = app.store.findings(project.transpose()?, MAX_FINDINGS).await?;
    let clusters = app.store.searched_clusters().await?;
    json(wire::Drift {
        findings: findings.into_iter().map(wire::Finding::from).collect(),
        clusters: clusters.into_iter().map(wire::SearchedCluster::from).collect(),
    })
}

/// Look at a ready or paused project now, instead of at the next interval.
#[utoipa::path(post, path = "/projects/{id}/observe", tag = "drift", params(("id" = Uuid, Path)), request_body(content = Option<Reason>),
    responses((status = 202, body = wire::Project), description::WriteOne, description::Conflict))]
pub async fn observe(app: Data<App>, Id(id): Id) -> ApiResult {
    match app.store.request_observation(id).await?.ok_or_else(|| not_found(id))? {
        ProjectStatus::Ready | ProjectStatus::Paused => respond(HttpResponse::Accepted(), load(&app, id).await?),
        was => {
            let hint = "Only a ready or paused project is looked at.";
            Err(ApiError::InvalidState { what: "project", verb: "observed", was: was.to_string(), hint })
        }
    }
}

/// Make an orphan a project again. Its password is replaced, because the old one is lost.
#[utoipa::path(post, path = "/drift/{id}/adopt", tag = "drift", params(("id" = Uuid, Path)), request_body = TakeUpOrphan,
    responses((status = 202, body = wire::Project), description::WriteOne, description::Conflict))]
pub async fn adopt(app: Data<App>, Id(id): Id, body: Json<TakeUpOrphan>) -> ApiResult {
    answer(&app, id, OrphanVerb::Adopt, body.value).await
}

/// Take an orphan out of service. It is removed after the grace time; until then, `undelete` and `retry` bring it back as a project.
#[utoipa::path(post, path = "/drift/{id}/quarantine", tag = "drift", params(("id" = Uuid, Path)), request_body = TakeUpOrphan,
    responses((status = 202, body = wire::Project), description::WriteOne, description::Conflict))]
pub async fn quarantine(app: Data<App>, Id(id): Id, body: Json<TakeUpOrphan>) -> ApiResult {
    answer(&app, id, OrphanVerb::Quarantine, body.value).await
}

/// Remove an orphan.
#[utoipa::path(post, path = "/drift/{id}/remove", tag = "drift", params(("id" = Uuid, Path)), request_body = TakeUpOrphan,
    responses((status = 202, body = wire::Project), description::WriteOne, description::Conflict))]
pub async fn remove(app: Data<App>, Id(id): Id, body: Json<TakeUpOrphan>) -> ApiResult {
    answer(&app, id, OrphanVerb::Remove, body.value).await
}

async fn answer(app: &App, finding: Uuid, verb: OrphanVerb, body: TakeUpOrphan) -> ApiResult {
    let TakeUpOrphan { name, template, grace, reason, actor } = body;
    let grace = quarantine_time(grace)?;
    let audit = api_audit(Reason { reason, actor })?;
    let request = TakeUp { verb, name: name.as_deref(), template: template.as_deref(), grace };
    respond(HttpResponse::Accepted(), take_up(app, finding, request, &audit).await?)
}

/// How long what is quarantined is kept.
pub fn quarantine_time(given: Option<HumanDuration>) -> Result<Duration, ApiError> {
    let grace = given.map_or(QUARANTINE, |it| it.0);
    let valid = !grace.is_zero() && grace <= MAX_GRACE;
    if valid { Ok(grace) } else { Err(ApiError::field("grace", "must be greater than 0 and at most 365d")) }
}

/// A request to take up an orphan.
pub struct TakeUp<'a> {
    pub verb: OrphanVerb,
    /// The name and the template of a project whose row is gone.
    pub name: Option<&'a str>,
    pub template: Option<&'a str>,
    /// How long what is quarantined is kept.
    pub grace: Duration,
}

/// Takes up an orphan. Returns its project.
pub async fn take_up(app: &App, finding: Uuid, request: TakeUp<'_>, audit: &Audit) -> Result<Project, ApiError> {
    let TakeUp { verb, name, template, grace } = request;
    let name = name.map(fields::name).transpose()?;
    let orphan = app.store.finding(finding).await?.ok_or_else(|| ApiError::not_found("finding", finding))?;
    let template = template_of(app, &orphan, template).await?;
    let operation = if verb == OrphanVerb::Adopt { OperationKind::Adopt } else { OperationKind::Delete };
    let policy = app.operation_policy(&template, operation);
    let name = name.as_ref().map(|it| it.as_str());
    match app.store.take_up_orphan(finding, verb, (name, &template), grace, policy, audit).await? {
        Taken::Started(project) => load(app, project).await,
        Taken::Missing => Err(ApiError::not_found("finding", finding)),
        Taken::Rejected => {
            let hint = "Only an orphan can be taken up, and its project must not exist.";
            Err(ApiError::InvalidState { what: "finding", verb: "taken up", was: "not an orphan".to_owned(), hint })
        }
    }
}

/// The template of an orphan: that of its project, or else one that makes projects in the same cluster.
async fn template_of(app: &App, orphan: &Finding, requested: Option<&str>) -> Result<String, ApiError> {
    let queue = cluster::queue(&orphan.cluster);
    let fits = |it: &&Template| it.provisioner == orphan.provisioner && it.queue.as_ref() == Some(&queue);
    if let Some(requested) = requested {
        let template = fields::template(Some(requested), &app.templates)?;
        if fits(&template) {
            return Ok(template.name.clone());
        }
        let known: Vec<&str> = app.templates.iter().filter(fits).map(|it| it.name.as_str()).collect();
        let message = format!(
            "makes no projects in the cluster {} of the orphan; those that do: {}",
            orphan.cluster,
            known.join(", ")
        );
        return Err(ApiError::field("template", message));
    }
    if let Some(project) = orphan.project_id
        && let Some(template) = app.store.template_of_project(project).await?
    {
        return Ok(template);
    }
    let found = app.templates.iter().find(fits).map(|it| it.name.clone());
    found.ok_or_else(|| {
        let message = format!("of its project is unknown, and this server has none for the cluster {}", orphan.cluster);
        ApiError::field("template", message)
    })
}

impl From<Finding> for wire::Finding {
    fn from(row: Finding) -> Self {
        Self {
            id: row.id,
            kind: row.kind.to_string(),
            project_id: row.project_id,
            project_name: row.project_name,
            cluster: row.cluster,
            object: row.object,
            message: row.message,
            first_seen_at: row.first_seen_at,
            last_seen_at: row.last_seen_at,
        }
    }
}

impl From<SearchedCluster> for wire::SearchedCluster {
    fn from(row: SearchedCluster) -> Self {
        Self { cluster: row.cluster, due_at: row.due_at, searched_at: row.taken_at, error: row.error }
    }
}
