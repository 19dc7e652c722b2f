//! `/dlq`: the jobs that failed for good.

use std::collections::BTreeSet;

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use uuid::Uuid;

use crate::domain::{Ident, JobState};
use crate::store::jobs::Edit;
use crate::web::api::convert;
use crate::web::api::jobs::select;
use crate::web::api::jobs::select::Which;
use crate::web::api::paging::page;
use crate::web::app::App;
use crate::web::error::ApiError;
use crate::web::extract::Json;
use crate::web::query::{JOB_FILTER, Query};
use crate::wire::json::storable;
use crate::wire::{self, BulkOutcome, Problem, ReplayJobs, SelectJobs};

/// How many dead letters are looked at when they are grouped.
const GROUPED: i64 = 100_000;

/// Dead letters, the latest first. The next page is in the `Link` header.
#[utoipa::path(get, path = "/dlq", tag = "dead letters",
    params(("kind" = Option<String>, Query), ("queue" = Option<String>, Query), ("tenant" = Option<String>, Query), ("tag" = Option<String>, Query),
        ("error" = Option<String>, Query, description = "Part of its error"), ("since" = Option<String>, Query), ("before" = Option<String>, Query),
        ("limit" = Option<i64>, Query), ("cursor" = Option<String>, Query)),
    responses((status = 200, body = [wire::Job]), (status = 400, body = Problem), (status = 503, body = Problem)))]
pub async fn list(app: Data<App>, request: HttpRequest) -> Result<HttpResponse, ApiError> {
    let query = Query::parse(request.query_string(), &JOB_FILTER[1..])?;
    let (filter, limit) = (query.jobs()?, query.limit()?);
    let rows = app.store.list_finished_jobs(&filter, query.place()?, limit + 1).await?;
    Ok(page(&request, rows, limit, convert::place, wire::Job::from))
}

/// What they died of: the latest hundred thousand, grouped by kind and error.
#[utoipa::path(get, path = "/dlq/groups", tag = "dead letters",
    params(("kind" = Option<String>, Query), ("queue" = Option<String>, Query), ("limit" = Option<i64>, Query)),
    responses((status = 200, body = [wire::DeadLetterGroup]), (status = 400, body = Problem), (status = 503, body = Problem)))]
pub async fn groups(app: Data<App>, request: HttpRequest) -> Result<HttpResponse, ApiError> {
    let query = Query::parse(request.query_string(), &["kind", "queue", "limit"])?;
    let groups = app.store.group_dead_letters(query.get("queue"), query.get("kind"), GROUPED, query.limit()?).await?;
    let told = groups.into_iter().map(|it| wire::DeadLetterGroup {
        kind: it.kind,
        error: it.error,
        n: it.n,
        first_at: it.first_at,
        last_at: it.last_at,
        example_id: it.example_id,
    });
    Ok(HttpResponse::Ok().json(told.collect::<Vec<_>>()))
}

/// Replay: the same jobs, queued anew with their failures forgiven, perhaps with another payload, kind, queue or priority.
#[utoipa::path(post, path = "/dlq/replay", tag = "dead letters", request_body = ReplayJobs,
    responses((status = 200, body = BulkOutcome), (status = 400, body = Problem), (status = 413, body = Problem), (status = 415, body = Problem),
        (status = 422, body = Problem), (status = 503, body = Problem)))]
pub async fn replay(app: Data<App>, body: Json<ReplayJobs>) -> Result<HttpResponse, ApiError> {
    let (select, edit) = parts(body.value)?;
    let selection = select::selection(select)?;
    check_payload(&app, &edit, &selection.which, selection.after).await?;
    Ok(HttpResponse::Ok().json(select::retry(&app, &selection, &edit, true).await?))
}

/// Delete: the jobs go, the record keeps that they were.
#[utoipa::path(post, path = "/dlq/delete", tag = "dead letters", request_body = SelectJobs,
    responses((status = 200, body = BulkOutcome), (status = 400, body = Problem), (status = 413, body = Problem), (status = 415, body = Problem),
        (status = 422, body = Problem), (status = 503, body = Problem)))]
pub async fn delete(app: Data<App>, body: Json<SelectJobs>) -> Result<HttpResponse, ApiError> {
    let selection = select::selection(body.value)?;
    Ok(HttpResponse::Ok().json(select::forget(&app, &selection).await?))
}

/// Which jobs, and what changes.
fn parts(wish: ReplayJobs) -> Result<(SelectJobs, Edit), ApiError> {
    let ident = |field: &str, text: Option<&str>| {
        text.map(|text| Ident::parse(text).map(|it| it.to_string()).map_err(|error| ApiError::field(field, error)))
            .transpose()
    };
    let edit = Edit {
        payload: wish.payload.as_ref().map(|json| json.get().to_owned()),
        kind: ident("kind", wish.kind.as_deref())?,
        queue: ident("queue", wish.queue.as_deref())?,
        priority: wish.priority.map(convert::priority).transpose()?,
    };
    let ReplayJobs { job_ids, filter, reason, actor, limit, after, .. } = wish;
    Ok((SelectJobs { job_ids, filter, reason, actor, limit, after }, edit))
}

/// A new payload must be storable, and fit the schemas of the kinds that it is for.
pub async fn check_payload(app: &App, edit: &Edit, which: &Which, after: Option<Uuid>) -> Result<(), ApiError> {
    let Some(payload) = &edit.payload else { return Ok(()) };
    storable(payload).map_err(|why| ApiError::field("payload", why))?;
    let kinds: BTreeSet<String> = match (&edit.kind, which) {
        (Some(kind), _) => [kind.clone()].into(),
        (None, Which::These(ids)) => app.store.get_jobs(ids).await?.into_iter().map(|job| job.kind).collect(),
        (None, Which::Matching(filter)) => {
            let dead = app.store.matching_jobs(filter, &[JobState::Failed], after, select::MOST as i64).await?;
            dead.into_iter().map(|(_, kind)| kind).collect()
        }
    };
    for kind in kinds {
        app.schemas.check_text(app, &kind, payload).await?;
    }
    Ok(())
}
