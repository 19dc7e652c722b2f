//! `POST /dashboard/jobs`: enqueues a job.

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::domain::NewJob;
use crate::store::{Refusal, StoreError};
use crate::web::api::audit;
use crate::web::app::App;
use crate::web::dashboard::jobs::list::list;
use crate::web::dashboard::jobs::view::EnqueueForm;
use crate::web::error::ApiError;
use crate::web::extract::Body;
use crate::web::ui::{ACTOR, FieldError, Form, field_errors, links, or_error_page, redirect};
use crate::wire::CreateJob;
use crate::wire::duration::HumanDuration;
use crate::wire::time::parse_time;

/// Redirects to the new job, or shows the list with the errors of the form.
pub async fn enqueue(app: Data<App>, request: HttpRequest, body: Body) -> HttpResponse {
    let answer = match try_enqueue(&app, &body).await {
        Ok(Ok(id)) => Ok(redirect(&links::job_page(id), Some("enqueued"))),
        Ok(Err(form)) => list(&app, &request, form, StatusCode::UNPROCESSABLE_ENTITY).await,
        Err(error) => Err(error),
    };
    or_error_page(&app, &request, answer)
}

async fn try_enqueue(app: &App, body: &Body) -> Result<Result<Uuid, EnqueueForm>, ApiError> {
    let form = Form::read(body)?;
    let rejected = |errors: Vec<FieldError>| EnqueueForm {
        kind: form.get("kind").to_owned(),
        queue: form.get("queue").to_owned(),
        payload: form.lines("payload"),
        priority: form.get("priority").to_owned(),
        delay: form.get("delay").to_owned(),
        errors,
        ..EnqueueForm::default()
    };
    let mut job = match checked(app, &form).await {
        Ok(job) => job,
        Err(Invalid::Fields(errors)) => return Ok(Err(rejected(errors))),
        Err(Invalid::Other(error)) => return Err(error),
    };
    let audit = audit::audit(ACTOR, None)?;
    loop {
        match app.store.enqueue_jobs(std::slice::from_ref(&job), None, &audit.actor, audit.request_id.as_deref()).await
        {
            Ok(enqueued) => {
                app.telemetry.enqueued.inc_by(enqueued.iter().filter(|it| it.is_new).count() as u64);
                return Ok(Ok(enqueued.first().map_or(job.id, |it| it.id)));
            }
            // The form was changed after it had been sent once: this is another job.
            Err(StoreError::Refused { code: Refusal::KeyReused, .. }) if job.key.is_some() => job.key = None,
            Err(error) => return Ok(Err(rejected(field_errors(error.into(), field)?))),
        }
    }
}

/// Errors of form fields, or another error.
enum Invalid {
    Fields(Vec<FieldError>),
    Other(ApiError),
}

impl From<ApiError> for Invalid {
    fn from(error: ApiError) -> Self {
        field_errors(error, field).map_or_else(Self::Other, Self::Fields)
    }
}

async fn checked(app: &App, form: &Form) -> Result<NewJob, Invalid> {
    let input = input(form).map_err(Invalid::Fields)?;
    let mut job = input.checked(app.config.max_attempts).map_err(|it| ApiError::Fields(vec![it]))?;
    app.schemas.check(&app.store, &mut job, "").await?;
    Ok(job)
}

fn input(form: &Form) -> Result<CreateJob, Vec<FieldError>> {
    let key = form.word("idempotency_key").filter(|key| (1..=255).contains(&key.len()) && key.is_ascii());
    let mut errors = Vec::new();
    let mut input = CreateJob {
        kind: form.get("kind").trim().to_owned(),
        queue: form.word("queue").map(str::to_owned),
        idempotency_key: key.map(str::to_owned),
        ..CreateJob::default()
    };
    match form.word("priority").map(str::parse) {
        Some(Ok(priority)) => input.priority = Some(priority),
        Some(Err(_)) => errors.push(FieldError::new("priority", "The priority must be a whole number from 0 to 9.")),
        None => {}
    }
    match form.word("delay").map(|text| (text, HumanDuration::parse(text))) {
        Some((_, Some(delay))) => input.delay = Some(delay),
        Some((text, None)) if parse_time("run_at", text).is_ok() => input.run_at = Some(text.to_owned()),
        Some(_) => errors.push(FieldError::new(
            "delay",
            "The delay must be a duration such as 30 s or 2 h, or a timestamp such as 2026-01-31T08:00:00Z.",
        )),
        None => {}
    }
    match payload(&form.lines("payload")) {
        Ok(payload) => input.payload = payload,
        Err(error) => errors.push(error),
    }
    if errors.is_empty() { Ok(input) } else { Err(errors) }
}

/// Parses typed JSON; empty text means no payload.
pub fn payload(text: &str) -> Result<Option<Box<RawValue>>, FieldError> {
    if text.trim().is_empty() {
        return Ok(None);
    }
    let read = RawValue::from_string(text.to_owned()).map(Some);
    read.map_err(|error| FieldError::new("payload", format!("The payload is not JSON: {error}.")))
}

/// The form field of a request field.
fn field(name: &str) -> &'static str {
    match name {
        "kind" => "kind",
        "queue" => "queue",
        "priority" => "priority",
        "delay" | "run_at" => "delay",
        _ => "payload",
    }
}
