//! `/workflows`: jobs that wait for jobs.

mod demo;
pub mod graph;
pub mod plan;

use actix_web::http::header::LOCATION;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use uuid::Uuid;

use crate::domain::workflow::plan::MAX_STEPS;
use crate::domain::{JobState, WorkflowState};
use crate::store::jobs::Edit;
use crate::store::projects::Audit;
use crate::store::workflows::{Workflow, WorkflowFilter};
use crate::web::api::jobs::{CANCELABLE, no_job};
use crate::web::api::paging::page;
use crate::web::api::{convert, idempotency, wait};
use crate::web::app::App;
use crate::web::error::ApiError;
use crate::web::extract::{Id, Many, OptionalJson, read, text_of};
use crate::web::query::Query;
use crate::wire::workflow::{DemoWorkflow, StepCounts};
use crate::wire::{self, CreateWorkflow, Graph, Problem, Reason};

/// Have steps done, each when those that it depends on let it go: all of them are accepted, or none.
#[utoipa::path(post, path = "/workflows", tag = "workflows", request_body = CreateWorkflow,
    params(("Idempotency-Key" = Option<String>, Header, description = "The same key again, with the same body, is answered with the workflow that is there, for as long as that is kept")),
    responses((status = 201, body = wire::Workflow, description = "`Idempotency-Replayed: true` when it was there before"),
        (status = 400, body = Problem), (status = 409, body = Problem), (status = 413, body = Problem), (status = 415, body = Problem),
        (status = 422, body = Problem), (status = 503, body = Problem)))]
pub async fn create(app: Data<App>, request: HttpRequest, Many(body): Many) -> Result<HttpResponse, ApiError> {
    let wish: CreateWorkflow = read(text_of(&body)?)?;
    let key = idempotency::key_of(&request, &body)?;
    let new = plan::workflow(&app, wish, "").await?;
    let audit = convert::audit(convert::API, None)?;
    let started = app.store.start_workflow(&new, key.as_ref(), &audit).await?;
    let mut response = HttpResponse::Created();
    if started.is_new {
        app.telemetry.enqueued.inc_by(new.steps.len() as u64);
    } else {
        response.insert_header(("Idempotency-Replayed", "true"));
    }
    response.insert_header((LOCATION, format!("{}/{}", request.path(), started.id)));
    Ok(response.json(wire::Workflow::from(found(&app, started.id).await?)))
}

/// Six jobs to look at: a file comes in, three thumbnails are made of it, their facts are put together, somebody is told.
#[utoipa::path(post, path = "/workflows/demo/thumbnail", tag = "workflows", request_body(content = Option<DemoWorkflow>),
    responses((status = 202, body = Graph), (status = 400, body = Problem), (status = 409, body = Problem), (status = 413, body = Problem),
        (status = 415, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem)))]
pub async fn thumbnail(app: Data<App>, wish: OptionalJson<DemoWorkflow>) -> Result<HttpResponse, ApiError> {
    let id = start_thumbnail(&app, wish.0.tenant, &convert::audit(convert::API, None)?).await?;
    Ok(HttpResponse::Accepted().json(graph_of(&app, id).await?))
}

/// Starts the workflow of the demonstration; its id.
pub async fn start_thumbnail(app: &App, tenant: Option<String>, audit: &Audit) -> Result<Uuid, ApiError> {
    let new = plan::workflow(app, demo::thumbnail(tenant), "").await?;
    app.store.start_workflow(&new, None, audit).await?;
    app.telemetry.enqueued.inc_by(new.steps.len() as u64);
    Ok(new.id)
}

/// Workflows, newest first. The next page is in the `Link` header.
#[utoipa::path(get, path = "/workflows", tag = "workflows",
    params(("state" = Option<String>, Query), ("tenant" = Option<String>, Query), ("name" = Option<String>, Query, description = "Part of its name"),
        ("id" = Option<String>, Query, description = "The beginning of its id"),
        ("limit" = Option<i64>, Query, description = "1 to 200, 50 unless asked otherwise"), ("cursor" = Option<String>, Query)),
    responses((status = 200, body = [wire::Workflow], headers(("Link" = String, description = "`rel=\"next\"`: the next page"))),
        (status = 400, body = Problem), (status = 503, body = Problem)))]
pub async fn list(app: Data<App>, request: HttpRequest) -> Result<HttpResponse, ApiError> {
    let query = Query::parse(request.query_string(), &["state", "tenant", "name", "id", "limit", "cursor"])?;
    let (filter, limit) = (filter(&query)?, query.limit()?);
    let rows = app.store.list_workflows(&filter, query.cursor()?, limit + 1).await?;
    Ok(page(&request, rows, limit, |last| last.id, wire::Workflow::from))
}

/// `?state=&tenant=&name=&id=`.
pub fn filter(query: &Query) -> Result<WorkflowFilter, ApiError> {
    let state = query.get("state").map(|word| {
        let known: Vec<&str> = WorkflowState::ALL.iter().map(|state| state.as_str()).collect();
        let wrong = || ApiError::parameter("state", format!("must be one of {}", known.join(", ")));
        WorkflowState::parse(word).ok_or_else(wrong)
    });
    let word = |name: &str| query.get(name).map(str::to_owned);
    Ok(WorkflowFilter {
        state: state.transpose()?,
        tenant: word("tenant"),
        name: word("name"),
        id: word("id").map(|id| id.trim().to_owned()),
    })
}

/// One workflow: how far it is. With `?wait=finished`, as soon as no step of it can go on by itself, or time is up.
#[utoipa::path(get, path = "/workflows/{id}", tag = "workflows",
    params(("id" = Uuid, Path), ("wait" = Option<String>, Query, description = "`finished`"), ("timeout" = Option<String>, Query, description = "30s unless said otherwise, at most 60s")),
    responses((status = 200, body = wire::Workflow), (status = 400, body = Problem), (status = 404, body = Problem), (status = 503, body = Problem)))]
pub async fn get(app: Data<App>, request: HttpRequest, Id(id): Id) -> Result<HttpResponse, ApiError> {
    let query = Query::parse(request.query_string(), &["wait", "timeout"])?;
    let is_finished = |it: &Workflow| it.finished_at.is_some();
    let workflow = wait::until_finished(&app, &query, is_finished, || found(&app, id)).await?;
    Ok(HttpResponse::Ok().json(wire::Workflow::from(workflow)))
}

/// The workflow, or 404.
pub async fn found(app: &App, id: Uuid) -> Result<Workflow, ApiError> {
    app.store.get_workflow(id).await?.ok_or_else(|| ApiError::Missing("workflow", id.to_string()))
}

/// Its steps and what leads from one to another, always in the same order. `?format=mermaid` and `?format=dot` answer in the
/// languages of Mermaid and Graphviz.
#[utoipa::path(get, path = "/workflows/{id}/graph", tag = "workflows",
    params(("id" = Uuid, Path), ("format" = Option<String>, Query, description = "`json`, `mermaid` or `dot`")),
    responses((status = 200, body = Graph), (status = 400, body = Problem), (status = 404, body = Problem), (status = 503, body = Problem)))]
pub async fn graph(app: Data<App>, request: HttpRequest, Id(id): Id) -> Result<HttpResponse, ApiError> {
    let format = Format::of(&request)?;
    let graph = graph_of(&app, id).await?;
    Ok(format.answer(graph))
}

/// The graph of a workflow, or 404.
pub async fn graph_of(app: &App, id: Uuid) -> Result<Graph, ApiError> {
    let ids = app.store.steps_of_workflow(id, None).await?;
    if ids.is_empty() {
        found(app, id).await?;
    }
    Ok(Graph { workflow_id: Some(id), ..graph::of_jobs(app, &ids).await? })
}

/// The jobs that hang together with this one through what they wait for, and what leads from one to another. In the formats of
/// `/workflows/{id}/graph`.
#[utoipa::path(get, path = "/jobs/{id}/graph", tag = "jobs",
    params(("id" = Uuid, Path), ("format" = Option<String>, Query, description = "`json`, `mermaid` or `dot`")),
    responses((status = 200, body = Graph), (status = 400, body = Problem), (status = 404, body = Problem), (status = 503, body = Problem)))]
pub async fn graph_of_job(app: Data<App>, request: HttpRequest, Id(id): Id) -> Result<HttpResponse, ApiError> {
    let format = Format::of(&request)?;
    let mut ids = app.store.connected_jobs(id, graph::MOST).await?;
    let truncated = ids.len() as i64 == graph::MOST;
    ids.truncate(MAX_STEPS);
    let graph = graph::of_jobs(&app, &ids).await?;
    if !graph.nodes.iter().any(|it| it.job_id == id) {
        return Err(no_job(id));
    }
    Ok(format.answer(Graph { root_job_id: Some(id), truncated, ..graph }))
}

/// In which language a graph is told.
enum Format {
    Json,
    Mermaid,
    Dot,
}

impl Format {
    fn of(request: &HttpRequest) -> Result<Self, ApiError> {
        match Query::parse(request.query_string(), &["format"])?.get("format") {
            None | Some("json") => Ok(Self::Json),
            Some("mermaid") => Ok(Self::Mermaid),
            Some("dot") => Ok(Self::Dot),
            Some(_) => Err(ApiError::parameter("format", "must be json, mermaid or dot")),
        }
    }

    fn answer(&self, graph: Graph) -> HttpResponse {
        match self {
            Self::Json => HttpResponse::Ok().json(graph),
            Self::Mermaid => {
                HttpResponse::Ok().content_type("text/vnd.mermaid; charset=utf-8").body(graph::mermaid(&graph))
            }
            Self::Dot => HttpResponse::Ok().content_type("text/vnd.graphviz; charset=utf-8").body(graph::dot(&graph)),
        }
    }
}

/// What happened to it, newest first. What happened to its steps is in the record of each.
#[utoipa::path(get, path = "/workflows/{id}/events", tag = "workflows",
    params(("id" = Uuid, Path), ("limit" = Option<i64>, Query), ("cursor" = Option<String>, Query)),
    responses((status = 200, body = [wire::Event]), (status = 400, body = Problem), (status = 404, body = Problem), (status = 503, body = Problem)))]
pub async fn events(app: Data<App>, request: HttpRequest, Id(id): Id) -> Result<HttpResponse, ApiError> {
    let query = Query::parse(request.query_string(), &["limit", "cursor"])?;
    let limit = query.limit()?;
    let rows = app.store.events_of_workflow(id, query.cursor()?, limit + 1).await?;
    if rows.is_empty() {
        found(&app, id).await?;
    }
    Ok(page(&request, rows, limit, |last| last.id, wire::Event::from))
}

/// Stop it: what waits is canceled at once, what is active is asked to stop.
#[utoipa::path(post, path = "/workflows/{id}/cancel", tag = "workflows", params(("id" = Uuid, Path)), request_body(content = Option<Reason>),
    responses((status = 200, body = wire::Workflow, description = "Canceled"), (status = 202, body = wire::Workflow, description = "Steps are active, and asked to stop"),
        (status = 400, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 413, body = Problem),
        (status = 415, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem)))]
pub async fn cancel(app: Data<App>, Id(id): Id, reason: OptionalJson<Reason>) -> Result<HttpResponse, ApiError> {
    let workflow = cancel_steps(&app, id, &convert::api_audit(reason.0)?).await?;
    let mut response =
        if workflow.state == WorkflowState::Running { HttpResponse::Accepted() } else { HttpResponse::Ok() };
    Ok(response.json(wire::Workflow::from(workflow)))
}

/// How many steps one statement moves.
const AT_ONCE: usize = 1000;
/// How often what others have brought back meanwhile is looked for again.
const PASSES: usize = 5;

/// Cancels whatever of it is not finished; the workflow afterwards, or why there is nothing to cancel. The last steps first, so that none
/// is let go by the end of another while this goes on.
pub async fn cancel_steps(app: &App, id: Uuid, audit: &Audit) -> Result<Workflow, ApiError> {
    let mut any = false;
    for _ in 0..PASSES {
        let mut steps = app.store.steps_of_workflow(id, Some(CANCELABLE)).await?;
        steps.reverse();
        let mut canceled = false;
        for some in steps.chunks(AT_ONCE) {
            for answer in app.store.cancel_jobs(some, audit).await? {
                any |= answer.canceled || answer.asked;
                canceled |= answer.canceled;
            }
        }
        if !canceled {
            break;
        }
    }
    let workflow = found(app, id).await?;
    if !any {
        let hint = "No step of it is left to cancel.";
        return Err(ApiError::NotNow { what: "workflow", verb: "canceled", was: workflow.state.to_string(), hint });
    }
    Ok(workflow)
}

/// Go on from what failed: every failed step is tried again, its failures forgiven, and what waited for it or was canceled because
/// of it waits for it anew.
#[utoipa::path(post, path = "/workflows/{id}/retry", tag = "workflows", params(("id" = Uuid, Path)), request_body(content = Option<Reason>),
    responses((status = 200, body = wire::Workflow), (status = 400, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem),
        (status = 413, body = Problem), (status = 415, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem)))]
pub async fn retry(app: Data<App>, Id(id): Id, reason: OptionalJson<Reason>) -> Result<HttpResponse, ApiError> {
    let workflow = retry_steps(&app, id, &convert::api_audit(reason.0)?).await?;
    Ok(HttpResponse::Ok().json(wire::Workflow::from(workflow)))
}

/// Tries again whatever of it failed; the workflow afterwards, or why there is nothing to try again.
pub async fn retry_steps(app: &App, id: Uuid, audit: &Audit) -> Result<Workflow, ApiError> {
    let steps = app.store.steps_of_workflow(id, Some(&[JobState::Failed])).await?;
    let mut any = false;
    for some in steps.chunks(AT_ONCE) {
        any |= app.store.retry_jobs(some, &Edit::default(), true, audit).await?.iter().any(|it| it.moved);
    }
    let workflow = found(app, id).await?;
    if !any {
        let hint = match steps.is_empty() {
            true => "No step of it has failed.",
            false => {
                "What failed was given up while it waited, for a step that will not complete any more; start it anew."
            }
        };
        return Err(ApiError::NotNow { what: "workflow", verb: "retried", was: workflow.state.to_string(), hint });
    }
    Ok(workflow)
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
