//! `POST /jobs`.

use std::collections::HashSet;

use actix_web::http::header::LOCATION;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use serde::Deserialize;
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::domain::{JobKey, NewJob, new_job::DEFAULT_KEY_WINDOW};
use crate::store::jobs::{Enqueued, Job};
use crate::web::api::audit::{API, audit};
use crate::web::api::jobs::not_found;
use crate::web::api::{description, idempotency};
use crate::web::app::App;
use crate::web::error::{ApiError, ApiResult};
use crate::web::extract::{LargeBody, parse_text, text_of, with_prefix};
use crate::wire::{self, CreateJob};

/// Maximum number of jobs in one request.
const MAX_JOBS: usize = 1000;

/// Enqueue one job, or many as an array or as `{"jobs": […]}`. Either all jobs are accepted or none.
#[utoipa::path(post, path = "/jobs", tag = "jobs", request_body = CreateJob,
    params(("Idempotency-Key" = Option<String>, Header, description = "Same as `idempotency_key`. With many jobs, the position of each job is appended.")),
    responses((status = 201, body = wire::Job, description = "The job, or an array of jobs. `Idempotency-Replayed: true` if the jobs already existed"),
        description::Write, description::Conflict))]
pub async fn create(app: Data<App>, request: HttpRequest, LargeBody(body): LargeBody) -> ApiResult {
    let (requested, is_batch) = requested_jobs(text_of(&body)?)?;
    let header = idempotency::key_of(&request, &body)?;
    let mut jobs = Vec::with_capacity(requested.len());
    for (at, job) in requested.into_iter().enumerate() {
        let prefix = if is_batch { format!("{at}.") } else { String::new() };
        let mut job = job.checked(app.config.max_attempts).map_err(|problem| with_prefix(&prefix, problem.into()))?;
        if let (None, Some(header)) = (&job.key, &header) {
            let key = if is_batch { format!("{}#{at}", header.key) } else { header.key.clone() };
            job.key = Some(JobKey { key, hash: header.request_hash.clone(), window: DEFAULT_KEY_WINDOW });
        }
        app.schemas.check(&app.store, &mut job, &prefix).await?;
        jobs.push(job);
    }
    reject_repeated_keys(&jobs)?;
    let audit = audit(API, None)?;
    let enqueued = app.store.enqueue_jobs(&jobs, None, &audit.actor, audit.request_id.as_deref()).await?;
    app.telemetry.enqueued.inc_by(enqueued.iter().filter(|it| it.is_new).count() as u64);
    let mut response = HttpResponse::Created();
    if enqueued.iter().all(|it| !it.is_new) {
        response.insert_header(("Idempotency-Replayed", "true"));
    }
    let mut rows = rows(&app, &jobs, &enqueued).await?;
    if is_batch {
        return Ok(response.json(rows.into_iter().map(wire::Job::from).collect::<Vec<_>>()));
    }
    let job = rows.pop().ok_or_else(|| not_found(enqueued.first().map(|it| it.id).unwrap_or_default()))?;
    response.insert_header((LOCATION, format!("{}/{}", request.path(), job.id)));
    Ok(response.json(wire::Job::from(job)))
}

/// The rows of the enqueued jobs. New jobs without dependencies need no query: their rows are known.
async fn rows(app: &App, jobs: &[NewJob], enqueued: &[Enqueued]) -> Result<Vec<Job>, ApiError> {
    let pairs = || jobs.iter().zip(enqueued);
    if pairs().all(|(job, enqueued)| enqueued.is_new && job.dependencies.is_empty()) {
        return Ok(pairs().map(|(job, enqueued)| Job::from_new(job, enqueued)).collect());
    }
    let ids: Vec<Uuid> = enqueued.iter().map(|it| it.id).collect();
    Ok(app.store.get_jobs(&ids).await?)
}

/// The jobs of the body, and whether the body is a batch.
fn requested_jobs(text: &str) -> Result<(Vec<CreateJob>, bool), ApiError> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Batch {
        jobs: Vec<Box<RawValue>>,
    }
    #[derive(Deserialize)]
    struct Probe {
        jobs: Option<serde::de::IgnoredAny>,
    }
    // Jobs are parsed one by one, so that every error names the position of its job.
    let batch: Vec<Box<RawValue>> = if text.trim_start().starts_with('[') {
        parse_text(text)?
    } else if text.contains("\"jobs\"") && serde_json::from_str::<Probe>(text).is_ok_and(|it| it.jobs.is_some()) {
        parse_text::<Batch>(text)?.jobs
    } else {
        return Ok((vec![parse_text(text)?], false));
    };
    if batch.is_empty() || batch.len() > MAX_JOBS {
        return Err(ApiError::field("jobs", format!("must have 1 to {MAX_JOBS} jobs; got {}", batch.len())));
    }
    let parse = |(at, job): (usize, &str)| parse_text(job).map_err(|error| with_prefix(&format!("{at}."), error));
    Ok((batch.iter().map(|job| job.get()).enumerate().map(parse).collect::<Result<_, _>>()?, true))
}

fn reject_repeated_keys(jobs: &[NewJob]) -> Result<(), ApiError> {
    let mut seen = HashSet::new();
    for (at, job) in jobs.iter().enumerate() {
        if let Some(key) = &job.key
            && !seen.insert((&job.tenant, &job.kind, &key.key))
        {
            let field = format!("{at}.idempotency_key");
            return Err(ApiError::field(field, "is already the key of an earlier job in this request"));
        }
    }
    Ok(())
}
