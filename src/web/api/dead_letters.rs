//! `/dlq`: dead letters, the jobs that failed permanently.

use std::collections::BTreeSet;

use actix_web::HttpRequest;
use actix_web::web::Data;
use uuid::Uuid;

use crate::domain::{Ident, JobState, moment};
use crate::store::dead_letters::DeadLetterGroup;
use crate::store::jobs::{Edit, Job};
use crate::web::api::description;
use crate::web::api::jobs::convert::priority;
use crate::web::api::jobs::selection::{self, MAX_SELECTED, SelectedJobs, Selection};
use crate::web::api::response::{json, list as json_list, page};
use crate::web::app::App;
use crate::web::error::{ApiError, ApiResult};
use crate::web::extract::Json;
use crate::web::query::{JOB_FILTER, Query};
use crate::wire::json::storable;
use crate::wire::{self, BulkOutcome, ReplayJobs, SelectJobs};

/// Maximum number of dead letters to group.
const MAX_GROUPED: i64 = 100_000;

/// List dead letters, latest first. The `Link` header contains the next page.
#[utoipa::path(get, path = "/dlq", tag = "dead letters", params(description::JobConditions, description::Paging),
    responses((status = 200, body = [wire::Job]), description::Read))]
pub async fn list(app: Data<App>, request: HttpRequest) -> ApiResult {
    let query = Query::parse(request.query_string(), &JOB_FILTER[1..])?;
    let (filter, limit) = (query.jobs()?, query.limit()?);
    let rows = app.store.list_finished_jobs(&filter, query.finished_cursor()?, limit + 1).await?;
    page::<wire::Job, _, _>(&request, rows, limit, cursor)
}

/// Group the latest 100,000 dead letters by kind and error.
#[utoipa::path(get, path = "/dlq/groups", tag = "dead letters",
    params(("kind" = Option<String>, Query), ("queue" = Option<String>, Query), ("limit" = Option<i64>, Query)),
    responses((status = 200, body = [wire::DeadLetterGroup]), description::Read))]
pub async fn groups(app: Data<App>, request: HttpRequest) -> ApiResult {
    let query = Query::parse(request.query_string(), &["kind", "queue", "limit"])?;
    let groups = app.store.group_dead_letters(query.get("queue"), query.get("kind"), MAX_GROUPED, query.limit()?);
    json_list::<wire::DeadLetterGroup, _>(groups.await?)
}

/// Replay dead letters: enqueue them again with their failures reset to zero, optionally with another payload, kind, queue or priority.
#[utoipa::path(post, path = "/dlq/replay", tag = "dead letters", request_body = ReplayJobs,
    responses((status = 200, body = BulkOutcome), description::Write))]
pub async fn replay(app: Data<App>, body: Json<ReplayJobs>) -> ApiResult {
    let (select, edit) = selection_and_edit(body.value)?;
    let selection = Selection::parse(select)?;
    check_payload(&app, &edit, &selection.jobs, selection.after).await?;
    json(selection::retry(&app, &selection, &edit, true).await?)
}

/// Delete dead letters. Their events are kept.
#[utoipa::path(post, path = "/dlq/delete", tag = "dead letters", request_body = SelectJobs,
    responses((status = 200, body = BulkOutcome), description::Write))]
pub async fn delete(app: Data<App>, body: Json<SelectJobs>) -> ApiResult {
    json(selection::delete(&app, &Selection::parse(body.value)?).await?)
}

fn selection_and_edit(request: ReplayJobs) -> Result<(SelectJobs, Edit), ApiError> {
    let ident = |field: &str, text: Option<&str>| {
        let ident = text.map(Ident::parse).transpose().map_err(|error| ApiError::field(field, error))?;
        Ok::<_, ApiError>(ident.map(|it| it.to_string()))
    };
    let edit = Edit {
        payload: request.payload.as_ref().map(|json| json.get().to_owned()),
        kind: ident("kind", request.kind.as_deref())?,
        queue: ident("queue", request.queue.as_deref())?,
        priority: request.priority.map(priority).transpose()?,
    };
    let ReplayJobs { job_ids, filter, reason, actor, limit, after, .. } = request;
    Ok((SelectJobs { job_ids, filter, reason, actor, limit, after }, edit))
}

/// Checks that a new payload can be stored and matches the schemas of all kinds that it is for.
pub async fn check_payload(app: &App, edit: &Edit, jobs: &SelectedJobs, after: Option<Uuid>) -> Result<(), ApiError> {
    let Some(payload) = &edit.payload else { return Ok(()) };
    storable(payload).map_err(|why| ApiError::field("payload", why))?;
    let kinds: BTreeSet<String> = match (&edit.kind, jobs) {
        (Some(kind), _) => [kind.clone()].into(),
        (None, SelectedJobs::Ids(ids)) => app.store.get_jobs(ids).await?.into_iter().map(|job| job.kind).collect(),
        (None, SelectedJobs::Matching(filter)) => {
            let dead = app.store.matching_jobs(filter, &[JobState::Failed], after, MAX_SELECTED as i64).await?;
            dead.into_iter().map(|(_, kind)| kind).collect()
        }
    };
    for kind in kinds {
        app.schemas.check_text(&app.store, &kind, payload).await?;
    }
    Ok(())
}

/// The cursor of a list of finished jobs: the finish time and id of a job.
pub fn cursor(job: &Job) -> String {
    format!("{}_{}", job.finished_at.map(moment::exact).unwrap_or_default(), job.id)
}

impl From<DeadLetterGroup> for wire::DeadLetterGroup {
    fn from(row: DeadLetterGroup) -> Self {
        Self {
            kind: row.kind,
            error: row.error,
            n: row.n,
            first_at: row.first_at,
            last_at: row.last_at,
            example_id: row.example_id,
        }
    }
}
