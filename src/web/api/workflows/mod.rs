//! `/workflows`.

pub mod actions;
mod demo;
pub mod graph;
pub mod plan;

use actix_web::http::header::LOCATION;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use uuid::Uuid;

use crate::domain::WorkflowState;
use crate::domain::workflow::definition::MAX_STEPS;
use crate::store::Audit;
use crate::store::workflows::{Workflow, WorkflowFilter};
use crate::web::api::audit::{API, audit};
use crate::web::api::jobs;
use crate::web::api::response::{accepted, json, page};
use crate::web::api::{description, idempotency, wait};
use crate::web::app::App;
use crate::web::error::{ApiError, ApiResult};
use crate::web::extract::{Id, LargeBody, OptionalJson, parse_text, text_of};
use crate::web::query::Query;
use crate::wire::workflow::{DemoWorkflow, StepCounts};
use crate::wire::{self, CreateWorkflow, Graph};

/// Start a workflow. Each step starts once its dependencies have finished. Either all steps are accepted or none.
#[utoipa::path(post, path = "/workflows", tag = "workflows", request_body = CreateWorkflow,
    params(("Idempotency-Key" = Option<String>, Header, description = "Repeating a request with the same key and body returns the existing workflow, until retention removes it")),
    responses((status = 201, body = wire::Workflow, description = "`Idempotency-Replayed: true` if the workflow already existed"),
        description::Write, description::Conflict))]
pub async fn create(app: Data<App>, request: HttpRequest, LargeBody(body): LargeBody) -> ApiResult {
    let workflow: CreateWorkflow = parse_text(text_of(&body)?)?;
    let key = idempotency::key_of(&request, &body)?;
    let new = plan::workflow(&app, workflow, "").await?;
    let started = app.store.start_workflow(&new, key.as_ref(), &audit(API, None)?).await?;
    let mut response = HttpResponse::Created();
    if started.is_new {
        app.telemetry.enqueued.inc_by(new.steps.len() as u64);
    } else {
        response.insert_header(("Idempotency-Replayed", "true"));
    }
    response.insert_header((LOCATION, format!("{}/{}", request.path(), started.id)));
    Ok(response.json(wire::Workflow::from(load(&app, started.id).await?)))
}

/// Start the demo workflow: ingest a file, create three thumbnails in parallel, aggregate their metadata and notify a user.
#[utoipa::path(post, path = "/workflows/demo/thumbnail", tag = "workflows", request_body(content = Option<DemoWorkflow>),
    responses((status = 202, body = Graph), description::Write, description::Conflict))]
pub async fn thumbnail(app: Data<App>, demo: OptionalJson<DemoWorkflow>) -> ApiResult {
    let id = start_thumbnail(&app, demo.0.tenant, &audit(API, None)?).await?;
    Ok(accepted(true).json(load_graph(&app, id).await?))
}

/// Starts the demo workflow and returns its id.
pub async fn start_thumbnail(app: &App, tenant: Option<String>, audit: &Audit) -> Result<Uuid, ApiError> {
    let new = plan::workflow(app, demo::thumbnail(tenant), "").await?;
    app.store.start_workflow(&new, None, audit).await?;
    app.telemetry.enqueued.inc_by(new.steps.len() as u64);
    Ok(new.id)
}

/// List workflows, newest first. The `Link` header contains the next page.
#[utoipa::path(get, path = "/workflows", tag = "workflows",
    params(("state" = Option<String>, Query), ("tenant" = Option<String>, Query), ("name" = Option<String>, Query, description = "Part of the name"),
        ("id" = Option<String>, Query, description = "The beginning of the id"), description::Paging),
    responses((status = 200, body = [wire::Workflow], headers(("Link" = String, description = "The next page: `rel=\"next\"`"))), description::Read))]
pub async fn list(app: Data<App>, request: HttpRequest) -> ApiResult {
    let query = Query::parse(request.query_string(), &["state", "tenant", "name", "id", "limit", "cursor"])?;
    let (filter, limit) = (filter(&query)?, query.limit()?);
    let rows = app.store.list_workflows(&filter, query.cursor()?, limit + 1).await?;
    page::<wire::Workflow, _, _>(&request, rows, limit, |last| last.id)
}

/// `?state=&tenant=&name=&id=`.
pub fn filter(query: &Query) -> Result<WorkflowFilter, ApiError> {
    let state = query.get("state").map(|text| {
        let known: Vec<&str> = WorkflowState::ALL.iter().map(|state| state.as_str()).collect();
        let invalid = || ApiError::parameter("state", format!("must be one of {}", known.join(", ")));
        WorkflowState::parse(text).ok_or_else(invalid)
    });
    let text = |name: &str| query.get(name).map(str::to_owned);
    Ok(WorkflowFilter {
        state: state.transpose()?,
        tenant: text("tenant"),
        name: query.part("name")?.map(str::to_owned),
        id: text("id").map(|id| id.trim().to_owned()),
    })
}

/// Get a workflow. With `?wait=finished`, the response is sent once the workflow has finished or the timeout has passed.
#[utoipa::path(get, path = "/workflows/{id}", tag = "workflows",
    params(("id" = Uuid, Path), ("wait" = Option<String>, Query, description = "`finished`"),
        ("timeout" = Option<String>, Query, description = "At most 60s. Default: 30s.")),
    responses((status = 200, body = wire::Workflow), description::ReadOne))]
pub async fn get(app: Data<App>, request: HttpRequest, Id(id): Id) -> ApiResult {
    let query = Query::parse(request.query_string(), &["wait", "timeout"])?;
    let is_finished = |it: &Workflow| it.finished_at.is_some();
    json(wire::Workflow::from(wait::until_finished(&app, &query, is_finished, || load(&app, id)).await?))
}

/// The workflow, or a 404 problem.
pub async fn load(app: &App, id: Uuid) -> Result<Workflow, ApiError> {
    app.store.get_workflow(id).await?.ok_or_else(|| ApiError::not_found("workflow", id))
}

/// Get the dependency graph of a workflow, in a stable order, as JSON, Mermaid or Graphviz.
#[utoipa::path(get, path = "/workflows/{id}/graph", tag = "workflows",
    params(("id" = Uuid, Path), ("format" = Option<String>, Query, description = "`json`, `mermaid` or `dot`")),
    responses((status = 200, body = Graph), description::ReadOne))]
pub async fn graph(app: Data<App>, request: HttpRequest, Id(id): Id) -> ApiResult {
    let format = Format::parse(&request)?;
    format.respond(load_graph(&app, id).await?)
}

/// The graph of a workflow, or a 404 problem.
pub async fn load_graph(app: &App, id: Uuid) -> Result<Graph, ApiError> {
    let ids = app.store.steps_of_workflow(id, None).await?;
    if ids.is_empty() {
        load(app, id).await?;
    }
    Ok(Graph { workflow_id: Some(id), ..graph::of_jobs(app, &ids).await? })
}

/// Get the graph of all jobs that are connected to a job by dependencies, as JSON, Mermaid or Graphviz.
#[utoipa::path(get, path = "/jobs/{id}/graph", tag = "jobs",
    params(("id" = Uuid, Path), ("format" = Option<String>, Query, description = "`json`, `mermaid` or `dot`")),
    responses((status = 200, body = Graph), description::ReadOne))]
pub async fn graph_of_job(app: Data<App>, request: HttpRequest, Id(id): Id) -> ApiResult {
    let format = Format::parse(&request)?;
    let mut ids = app.store.connected_jobs(id, graph::MAX_JOBS).await?;
    let truncated = ids.len() as i64 == graph::MAX_JOBS;
    ids.truncate(MAX_STEPS);
    let graph = graph::of_jobs(&app, &ids).await?;
    if !graph.nodes.iter().any(|it| it.job_id == id) {
        return Err(jobs::not_found(id));
    }
    format.respond(Graph { root_job_id: Some(id), truncated, ..graph })
}

/// `?format=`.
enum Format {
    Json,
    Mermaid,
    Dot,
}

impl Format {
    fn parse(request: &HttpRequest) -> Result<Self, ApiError> {
        match Query::parse(request.query_string(), &["format"])?.get("format") {
            None | Some("json") => Ok(Self::Json),
            Some("mermaid") => Ok(Self::Mermaid),
            Some("dot") => Ok(Self::Dot),
            Some(_) => Err(ApiError::parameter("format", "must be json, mermaid or dot")),
        }
    }

    fn respond(&self, graph: Graph) -> ApiResult {
        let (media_type, text) = match self {
            Self::Json => return json(graph),
            Self::Mermaid => ("text/vnd.mermaid; charset=utf-8", graph::mermaid(&graph)),
            Self::Dot => ("text/vnd.graphviz; charset=utf-8", graph::dot(&graph)),
        };
        Ok(HttpResponse::Ok().content_type(media_type).body(text))
    }
}

/// List the events of a workflow, newest first. Events of its steps are listed with their jobs.
#[utoipa::path(get, path = "/workflows/{id}/events", tag = "workflows", params(("id" = Uuid, Path), description::Paging),
    responses((status = 200, body = [wire::Event]), description::ReadOne))]
pub async fn events(app: Data<App>, request: HttpRequest, Id(id): Id) -> ApiResult {
    let query = Query::parse(request.query_string(), &["limit", "cursor"])?;
    let limit = query.limit()?;
    let rows = app.store.events_of_workflow(id, query.cursor()?, limit + 1).await?;
    if rows.is_empty() {
        load(&app, id).await?;
    }
    page::<wire::Event, _, _>(&request, rows, limit, |last| last.id)
}

impl From<Workflow> for wire::Workflow {
    fn from(row: Workflow) -> Self {
        let [total, blocked, completed, failed, canceled] =
            [row.steps, row.blocked, row.completed, row.failed, row.canceled].map(i64::from);
        let waiting = row.waiting();
        Self {
            id: row.id,
            name: row.name,
            state: row.state.to_string(),
            tenant: row.tenant,
            steps: StepCounts { total, blocked, waiting, active: row.active, completed, failed, canceled },
            progress: completed as f64 / total.max(1) as f64,
            actor: row.actor,
            created_at: row.created_at,
            updated_at: row.updated_at,
            finished_at: row.finished_at,
        }
    }
}
