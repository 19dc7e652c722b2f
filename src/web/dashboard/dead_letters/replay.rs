//! `/dashboard/dead-letters/{id}/replay`: mends a payload beside the original, and has it done again.

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};

use crate::domain::new_job::TOP_PRIORITY;
use crate::domain::{Ident, JobState};
use crate::store::jobs::{Edit, Filter, Job};
use crate::store::projects::Audit;
use crate::web::api::convert;
use crate::web::api::dead_letters::check_payload;
use crate::web::api::jobs::found;
use crate::web::api::jobs::select;
use crate::web::api::jobs::select::{MOST, Selection, Which};
use crate::web::app::App;
use crate::web::dashboard::dead_letters::list as dead_letters;
use crate::web::dashboard::dead_letters::view::ReplayPage;
use crate::web::dashboard::jobs::enqueue::payload;
use crate::web::dashboard::jobs::list::Suggestions;
use crate::web::dashboard::ui::{
    ACTOR, COUNT_CAP, Choice, Counts, FieldError, Form, Nav, Rendering, Shell, capped, field_errors, flash, id_in_path,
    links, or_error_page, redirect, respond, short_id, stamp,
};
use crate::web::error::ApiError;
use crate::web::extract::Body;
use crate::wire::Acted;

/// How much of an error its group is known by, as `dead_letters/groups` has it.
const GROUPED_BY: usize = 200;

/// `GET`.
pub async fn show(app: Data<App>, request: HttpRequest) -> HttpResponse {
    or_error_page(&app, &request, try_show(&app, &request).await)
}

async fn try_show(app: &App, request: &HttpRequest) -> Result<HttpResponse, ApiError> {
    let job = found(app, id_in_path(request)?).await?;
    let typed = Typed {
        payload: job.payload.clone(),
        queue: job.queue.clone(),
        priority: job.priority.to_string(),
        ..Typed::default()
    };
    page(app, request, job, typed, StatusCode::OK).await
}

/// `POST`.
pub async fn replay(app: Data<App>, request: HttpRequest, body: Body) -> HttpResponse {
    or_error_page(&app, &request, try_replay(&app, &request, &body).await)
}

async fn try_replay(app: &App, request: &HttpRequest, body: &Body) -> Result<HttpResponse, ApiError> {
    let (id, form) = (id_in_path(request)?, Form::read(body)?);
    let job = found(app, id).await?;
    let mut typed = Typed::of(&form);
    let edit = match edit(app, &job, &typed).await {
        Ok(edit) => edit,
        Err(error) => {
            typed.errors = error?;
            return page(app, request, job, typed, StatusCode::UNPROCESSABLE_ENTITY).await;
        }
    };
    let audit = convert::audit(ACTOR, Some(typed.reason.clone()))?;
    let answer = app.store.retry_jobs(&[id], &edit, true, &audit).await?.pop();
    match answer {
        Some(it) if it.moved => {}
        // Somebody else was quicker: the page says what it is now.
        _ => return page(app, request, found(app, id).await?, typed, StatusCode::CONFLICT).await,
    }
    if !typed.with_others {
        return Ok(redirect(&links::job_page(id), Some("replayed")));
    }
    let mut acted = with_others(app, &job, edit, audit).await?;
    acted.moved += 1;
    Ok(redirect(dead_letters::PAGE, Some(&flash::acted("all-replayed", &acted))))
}

/// Those that died of the same: their payloads stay, where they go is the same.
async fn with_others(app: &App, job: &Job, edit: Edit, audit: Audit) -> Result<Acted, ApiError> {
    let edit = Edit { payload: None, ..edit };
    let selection = Selection { which: Which::Matching(Box::new(alike(job))), audit, most: MOST, after: None };
    select::retry(app, &selection, &edit, true).await
}

fn alike(job: &Job) -> Filter {
    let error: String = job.error.iter().flat_map(|it| it.chars()).take(GROUPED_BY).collect();
    Filter { kind: Some(job.kind.clone()), error: Some(error).filter(|it| !it.is_empty()), ..Filter::default() }
}

/// The form as typed.
#[derive(Default)]
struct Typed {
    payload: String,
    queue: String,
    priority: String,
    with_others: bool,
    reason: String,
    errors: Vec<FieldError>,
}

impl Typed {
    fn of(form: &Form) -> Self {
        Self {
            payload: form.lines("payload"),
            queue: form.get("queue").trim().to_owned(),
            priority: form.get("priority").to_owned(),
            with_others: form.get("others") == "1",
            reason: form.get("reason").to_owned(),
            errors: Vec::new(),
        }
    }
}

/// What changes; what was left as it was does not.
async fn edit(app: &App, job: &Job, typed: &Typed) -> Result<Edit, Result<Vec<FieldError>, ApiError>> {
    let mut errors = Vec::new();
    if typed.reason.chars().count() > 500 {
        errors.push(FieldError::new("reason", "The reason must have at most 500 characters."));
    }
    if let Err(error) = Ident::parse(&typed.queue) {
        errors.push(FieldError::new("queue", format!("The queue {error}.")));
    }
    let priority: Option<i16> = typed.priority.parse().ok().filter(|it| (0..=TOP_PRIORITY).contains(it));
    if priority.is_none() {
        errors.push(FieldError::new("priority", "The priority must be a whole number from 0 to 9."));
    }
    // A browser makes one kind of line break of another; that alone is no edit.
    let same = typed.payload == job.payload.replace("\r\n", "\n");
    let json = if same { Ok(None) } else { payload(&typed.payload) };
    let json = match json {
        Ok(None) if !same => Err(FieldError::new("payload", "The payload must be JSON; {} is an empty one.")),
        other => other,
    };
    let json = json.unwrap_or_else(|error| {
        errors.push(error);
        None
    });
    let edit = Edit {
        payload: json.map(|json| json.get().to_owned()),
        kind: None,
        queue: Some(typed.queue.clone()).filter(|queue| *queue != job.queue),
        priority: priority.filter(|it| *it != job.priority),
    };
    if errors.is_empty() {
        let checked = check_payload(app, &edit, &Which::These(vec![job.id]), None).await;
        return checked.map(|()| edit).map_err(|error| field_errors(error, |_| "payload"));
    }
    Err(Ok(errors))
}

async fn page(
    app: &App,
    request: &HttpRequest,
    job: Job,
    typed: Typed,
    status: StatusCode,
) -> Result<HttpResponse, ApiError> {
    let counts = Counts::load(app).await?;
    let shell = Shell::new(app, request).at(Nav::DeadLetters).with_counts(&counts).without_polling();
    let shell = shell.crumb("Dead letters", dead_letters::PAGE).crumb(&job.kind, links::job_page(job.id));
    let page = ReplayPage {
        shell: shell.titled("Edit and replay"),
        others: others(app, &job).await?,
        id: job.id.to_string(),
        short_id: short_id(job.id),
        error: job.error.clone().unwrap_or_default(),
        failures: format!("{} of {}", job.failures, job.max_attempts),
        died: stamp(job.finished_at.unwrap_or(job.updated_at)),
        payload: typed.payload,
        queue: typed.queue,
        queues: Suggestions::of(app).await?.queues,
        priorities: priorities(&typed.priority, None),
        with_others: typed.with_others,
        reason: typed.reason,
        blocked: blocked(&job),
        errors: typed.errors,
        original: job.payload,
        kind: job.kind,
    };
    Ok(respond(request, Rendering::new(&page, page.as_main()).with_status(status)))
}

fn blocked(job: &Job) -> Option<String> {
    if job.state != JobState::Failed {
        return Some(format!("Only a job that gave up can be replayed, and this one is {} now.", job.state));
    }
    job.project_id.map(|_| "It worked on a project: retry the project, and a new job does it again.".to_owned())
}

async fn others(app: &App, job: &Job) -> Result<Option<String>, ApiError> {
    if job.state != JobState::Failed {
        return Ok(None);
    }
    let n = app.store.count_matching_jobs(&alike(job), &[JobState::Failed], COUNT_CAP + 1).await? - 1;
    Ok((n > 0).then(|| format!("the other {} with this error", capped(n))))
}

/// The priorities to choose from; `none` is what no choice is called, where there is such a choice.
pub fn priorities(chosen: &str, none: Option<&str>) -> Vec<Choice> {
    let choice = |value: String, label: String| Choice { selected: value == chosen, value, label };
    let usual = crate::domain::new_job::USUAL_PRIORITY;
    let label = |n: i16| match n {
        n if n == usual => format!("{n}, usual"),
        n => crate::web::dashboard::jobs::facts::priority(n),
    };
    let numbers = (0..=TOP_PRIORITY).rev().map(|n| choice(n.to_string(), label(n)));
    none.map(|label| choice(String::new(), label.to_owned())).into_iter().chain(numbers).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_priority_can_be_chosen_and_one_is() {
        let all = priorities("9", Some("as it was"));
        assert_eq!(all.len(), 11);
        assert_eq!(
            all.iter().filter(|it| it.selected).map(|it| it.label.as_str()).collect::<Vec<_>>(),
            ["9, goes first"]
        );
        assert!(priorities("", None).iter().all(|it| !it.selected));
    }
}
