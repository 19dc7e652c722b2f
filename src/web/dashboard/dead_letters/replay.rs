//! `/dashboard/dead-letters/{id}/replay`: edits the payload of a dead letter and replays it.

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};

use crate::domain::new_job::MAX_PRIORITY;
use crate::domain::{Ident, JobState};
use crate::store::Audit;
use crate::store::jobs::{Edit, Filter, Job};
use crate::web::api::audit;
use crate::web::api::dead_letters::check_payload;
use crate::web::api::jobs::load;
use crate::web::api::jobs::selection;
use crate::web::api::jobs::selection::{MAX_SELECTED, SelectedJobs, Selection};
use crate::web::app::App;
use crate::web::dashboard::dead_letters::view::{ReplayForm, ReplayPage};
use crate::web::dashboard::jobs::enqueue::payload;
use crate::web::dashboard::jobs::format::priorities;
use crate::web::dashboard::jobs::list::Suggestions;
use crate::web::dashboard::jobs::verbs::DEAD_LETTERS;
use crate::web::error::ApiError;
use crate::web::extract::Body;
use crate::web::ui::{
    ACTOR, COUNT_CAP, FieldError, Form, Nav, Rendering, Shell, capped, field_errors, flash, id_in_path, links,
    or_error_page, redirect, respond,
};
use crate::wire::BulkOutcome;

/// Dead letters are grouped by this many characters of their error, as in `dead_letters/groups`.
const GROUPED_BY: usize = 200;

pub async fn show(app: Data<App>, request: HttpRequest) -> HttpResponse {
    or_error_page(&app, &request, try_show(&app, &request).await)
}

async fn try_show(app: &App, request: &HttpRequest) -> Result<HttpResponse, ApiError> {
    let job = load(app, id_in_path(request)?).await?;
    let form = ReplayForm {
        payload: job.payload.clone(),
        queue: job.queue.clone(),
        priority: job.priority.to_string(),
        ..ReplayForm::default()
    };
    page(app, request, job, form, StatusCode::OK).await
}

pub async fn replay(app: Data<App>, request: HttpRequest, body: Body) -> HttpResponse {
    or_error_page(&app, &request, try_replay(&app, &request, &body).await)
}

async fn try_replay(app: &App, request: &HttpRequest, body: &Body) -> Result<HttpResponse, ApiError> {
    let id = id_in_path(request)?;
    let mut form = typed(&Form::read(body)?);
    let job = load(app, id).await?;
    let edit = match edit(app, &job, &form).await {
        Ok(edit) => edit,
        Err(errors) => {
            form.errors = errors?;
            return page(app, request, job, form, StatusCode::UNPROCESSABLE_ENTITY).await;
        }
    };
    let audit = audit::audit(ACTOR, Some(form.reason.clone()))?;
    let answer = app.store.retry_jobs(&[id], &edit, true, &audit).await?.pop();
    if !answer.is_some_and(|it| it.changed) {
        // The job has left the dead letters since the form was shown.
        return page(app, request, load(app, id).await?, form, StatusCode::CONFLICT).await;
    }
    if !form.with_others {
        return Ok(redirect(&links::job_page(id), Some("replayed")));
    }
    let mut acted = replay_others(app, &job, edit, audit).await?;
    acted.moved += 1;
    Ok(redirect(DEAD_LETTERS.page, Some(&flash::acted("all-replayed", &acted))))
}

/// Replays the dead letters with the same error, with their own payloads.
async fn replay_others(app: &App, job: &Job, edit: Edit, audit: Audit) -> Result<BulkOutcome, ApiError> {
    let edit = Edit { payload: None, ..edit };
    let jobs = SelectedJobs::Matching(Box::new(same_error(job)));
    selection::retry(app, &Selection { jobs, audit, max: MAX_SELECTED, after: None }, &edit, true).await
}

fn same_error(job: &Job) -> Filter {
    let error: String = job.error.iter().flat_map(|it| it.chars()).take(GROUPED_BY).collect();
    Filter { kind: Some(job.kind.clone()), error: Some(error).filter(|it| !it.is_empty()), ..Filter::default() }
}

fn typed(form: &Form) -> ReplayForm {
    let mut errors = Vec::new();
    form.checked_audit(&mut errors);
    ReplayForm {
        payload: form.lines("payload"),
        queue: form.get("queue").trim().to_owned(),
        priority: form.get("priority").to_owned(),
        with_others: form.get("others") == "1",
        reason: form.get("reason").to_owned(),
        errors,
    }
}

/// What the form changes, or its errors, or another error.
async fn edit(app: &App, job: &Job, form: &ReplayForm) -> Result<Edit, Result<Vec<FieldError>, ApiError>> {
    let mut errors = form.errors.clone();
    if let Err(error) = Ident::parse(&form.queue) {
        errors.push(FieldError::new("queue", format!("The queue {error}.")));
    }
    let priority: Option<i16> = form.priority.parse().ok().filter(|it| (0..=MAX_PRIORITY).contains(it));
    if priority.is_none() {
        let message = format!("The priority must be a whole number from 0 to {MAX_PRIORITY}.");
        errors.push(FieldError::new("priority", message));
    }
    // Browsers change line breaks; that alone does not count as an edit.
    let is_same = form.payload == job.payload.replace("\r\n", "\n");
    let json = if is_same { Ok(None) } else { payload(&form.payload) };
    let json = match json {
        Ok(None) if !is_same => {
            Err(FieldError::new("payload", "The payload must be JSON. Use {} for an empty payload."))
        }
        other => other,
    };
    let json = json.unwrap_or_else(|error| {
        errors.push(error);
        None
    });
    let edit = Edit {
        payload: json.map(|json| json.get().to_owned()),
        kind: None,
        queue: Some(form.queue.clone()).filter(|queue| *queue != job.queue),
        priority: priority.filter(|it| *it != job.priority),
    };
    if errors.is_empty() {
        let checked = check_payload(app, &edit, &SelectedJobs::Ids(vec![job.id]), None).await;
        return checked.map(|()| edit).map_err(|error| field_errors(error, |_| "payload"));
    }
    Err(Ok(errors))
}

async fn page(
    app: &App,
    request: &HttpRequest,
    job: Job,
    form: ReplayForm,
    status: StatusCode,
) -> Result<HttpResponse, ApiError> {
    let shell = Shell::load(app, request, Nav::DeadLetters).await?.without_polling().titled("Edit and replay");
    let page = ReplayPage {
        shell: shell.crumb(DEAD_LETTERS.title, DEAD_LETTERS.page).crumb(&job.kind, links::job_page(job.id)),
        others: others(app, &job).await?,
        queues: Suggestions::load(app).await?.queues,
        priorities: priorities(&form.priority, None),
        blocked: blocked(&job),
        form,
        job,
    };
    Ok(respond(request, Rendering::new(&page, page.as_main()).with_status(status)))
}

fn blocked(job: &Job) -> Option<String> {
    if job.state != JobState::Failed {
        return Some(format!("Only failed jobs can be replayed; this job is now {}.", job.state));
    }
    job.project_id.map(|_| "This job belongs to a project. Retry the project to enqueue a new job.".to_owned())
}

async fn others(app: &App, job: &Job) -> Result<Option<String>, ApiError> {
    if job.state != JobState::Failed {
        return Ok(None);
    }
    let n = app.store.count_matching_jobs(&same_error(job), &[JobState::Failed], COUNT_CAP + 1).await? - 1;
    Ok((n > 0).then(|| capped(n)))
}
