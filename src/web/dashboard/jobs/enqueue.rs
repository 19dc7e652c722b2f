//! `POST /dashboard/jobs`: one more job.

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::domain::NewJob;
use crate::store::{Refusal, StoreError};
use crate::web::api::convert;
use crate::web::app::App;
use crate::web::dashboard::jobs::list::list;
use crate::web::dashboard::jobs::list_view::EnqueueForm;
use crate::web::dashboard::ui::{ACTOR, FieldError, Form, field_errors, links, or_error_page, redirect};
use crate::web::error::ApiError;
use crate::web::extract::Body;
use crate::wire::CreateJob;
use crate::wire::create_job::moment;
use crate::wire::span::Span;

/// Enqueues, then shows the new job; or shows the list again with what was wrong.
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
    let refused = |errors: Vec<FieldError>| EnqueueForm {
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
        Err(Wrong::Fields(errors)) => return Ok(Err(refused(errors))),
        Err(Wrong::Else(error)) => return Err(error),
    };
    let audit = convert::audit(ACTOR, None)?;
    loop {
        match app.store.enqueue_jobs(std::slice::from_ref(&job), None, &audit.actor, audit.request_id.as_deref()).await
        {
            Ok(enqueued) => {
                app.telemetry.enqueued.inc_by(enqueued.iter().filter(|it| it.is_new).count() as u64);
                return Ok(Ok(enqueued.first().map_or(job.id, |it| it.id)));
            }
            // Somebody went back to the form and asked for something else: that is a new wish.
            Err(StoreError::Refused { code: Refusal::KeyReused, .. }) if job.key.is_some() => job.key = None,
            Err(error) => return Ok(Err(refused(field_errors(error.into(), field)?))),
        }
    }
}

/// Why there is no job: something to mend on the form, or anything else.
enum Wrong {
    Fields(Vec<FieldError>),
    Else(ApiError),
}

impl From<ApiError> for Wrong {
    fn from(error: ApiError) -> Self {
        field_errors(error, field).map_or_else(Self::Else, Self::Fields)
    }
}

async fn checked(app: &App, form: &Form) -> Result<NewJob, Wrong> {
    let wish = wish(form).map_err(Wrong::Fields)?;
    let job = wish.checked(app.config.max_attempts).map_err(|it| ApiError::Fields(vec![it]));
    let mut job = job?;
    app.schemas.check(app, &mut job, "").await?;
    Ok(job)
}

fn wish(form: &Form) -> Result<CreateJob, Vec<FieldError>> {
    let (mut errors, mut wish) = (Vec::new(), blank(form));
    match form.word("priority").map(str::parse) {
        Some(Ok(priority)) => wish.priority = Some(priority),
        Some(Err(_)) => errors.push(FieldError::new("priority", "The priority must be a whole number from 0 to 9.")),
        None => {}
    }
    match form.word("delay").map(|text| (text, Span::parse(text))) {
        Some((_, Some(delay))) => wish.delay = Some(delay),
        // A moment is understood too.
        Some((text, None)) if moment("run_at", text).is_ok() => wish.run_at = Some(text.to_owned()),
        Some(_) => errors.push(FieldError::new(
            "delay",
            "The delay must be a duration like 30 s or 2 h, or a moment like 2026-01-31T08:00:00Z.",
        )),
        None => {}
    }
    match payload(&form.lines("payload")) {
        Ok(payload) => wish.payload = payload,
        Err(error) => errors.push(error),
    }
    if errors.is_empty() { Ok(wish) } else { Err(errors) }
}

fn blank(form: &Form) -> CreateJob {
    let key = form.word("idempotency_key").filter(|key| (1..=255).contains(&key.len()) && key.is_ascii());
    CreateJob {
        kind: form.get("kind").trim().to_owned(),
        queue: form.word("queue").map(str::to_owned),
        idempotency_key: key.map(str::to_owned),
        ..CreateJob::default()
    }
}

/// JSON as somebody typed it; nothing at all is no payload.
pub fn payload(text: &str) -> Result<Option<Box<RawValue>>, FieldError> {
    if text.trim().is_empty() {
        return Ok(None);
    }
    let read = RawValue::from_string(text.to_owned()).map(Some);
    read.map_err(|error| FieldError::new("payload", format!("The payload is not JSON: {error}.")))
}

/// What a part of the request is called on the form.
fn field(name: &str) -> &'static str {
    match name {
        "kind" => "kind",
        "queue" => "queue",
        "priority" => "priority",
        "delay" | "run_at" => "delay",
        _ => "payload",
    }
}
