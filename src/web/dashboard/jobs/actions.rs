//! Asks before one job is canceled, or one dead letter deleted.

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use uuid::Uuid;

use crate::domain::JobState;
use crate::store::jobs::Job;
use crate::web::api::jobs::{CANCELABLE, load, not_found};
use crate::web::app::App;
use crate::web::dashboard::dead_letters::list as dead_letters;
use crate::web::dashboard::jobs::list as jobs;
use crate::web::dashboard::projects::page::{id_of, with_id};
use crate::web::dashboard::ui::confirm;
use crate::web::dashboard::ui::confirm::{Question, asks};
use crate::web::dashboard::ui::confirm_view::ConfirmPage;
use crate::web::dashboard::ui::error::or_page;
use crate::web::dashboard::ui::form::{Form, see};
use crate::web::dashboard::ui::layout_view::Nav;
use crate::web::dashboard::ui::parts::first_line;
use crate::web::dashboard::ui::{chart, links as names};
use crate::web::error::ApiError;
use crate::web::extract::Body;

/// `GET …/jobs/{id}/cancel`.
pub async fn ask_cancel(app: Data<App>, request: HttpRequest) -> HttpResponse {
    with_id(&app, &request, async |id| cancel_page(&app, &request, id, None).await).await
}

/// `POST …/jobs/{id}/cancel`.
pub async fn cancel(app: Data<App>, request: HttpRequest, body: Body) -> HttpResponse {
    or_page(&app, &request, try_cancel(&app, &request, &body).await)
}

async fn try_cancel(app: &App, request: &HttpRequest, body: &Body) -> Result<HttpResponse, ApiError> {
    let (id, form) = (id_of(request)?, Form::read(body)?);
    let audit = match confirm::agreed(&form) {
        Ok(audit) => audit,
        Err(refused) => return cancel_page(app, request, id, refused).await,
    };
    let answer = app.store.cancel_jobs(&[id], &audit).await?.pop().ok_or_else(|| not_found(id))?;
    let word = match (answer.canceled, answer.asked) {
        (true, _) => "canceled".to_owned(),
        (_, true) => "canceling".to_owned(),
        _ => format!("job-refused.{}", answer.was),
    };
    Ok(see(&names::job_page(id), Some(&word)))
}

async fn cancel_page(
    app: &App,
    request: &HttpRequest,
    id: Uuid,
    refused: Option<(String, &str)>,
) -> Result<HttpResponse, ApiError> {
    let job = load(app, id).await?;
    let own = names::job_page(id);
    let question = Question {
        nav: Nav::Jobs,
        above: &[("Jobs", jobs::PAGE.to_owned()), (&job.kind, own.clone())],
        heading: "Cancel a job",
        icon: "ban",
        destroys: true,
        post_to: &format!("{own}/cancel"),
        back: &own,
    };
    let grace = chart::seconds(app.config.cancel_grace.as_secs_f64());
    let mut happens = vec![if job.state == JobState::Active {
        format!("Its worker is asked to stop. If it has not after {grace}, the job is taken from it.")
    } else {
        "It is called off at once: no worker takes it any more.".to_owned()
    }];
    if job.project_id.is_some() {
        happens.push("The project that it works on is failed then, and can be retried.".to_owned());
    }
    let blocked = if job.cancel_requested_at.is_some() {
        Some("Its worker has been asked to stop already.".to_owned())
    } else {
        (!CANCELABLE.contains(&job.state)).then(|| format!("The job is {} now.", job.state))
    };
    let page = ConfirmPage {
        subject: title(&job),
        happens,
        stays: vec!["Its record: payload, events and attempts. It can be run again as a copy.".to_owned()],
        blocked: blocked.filter(|_| refused.is_none()),
        ..asks(app, request, question).await?
    };
    Ok(shown(request, page, refused))
}

/// `GET …/dead-letters/{id}/delete`.
pub async fn ask_delete(app: Data<App>, request: HttpRequest) -> HttpResponse {
    with_id(&app, &request, async |id| delete_page(&app, &request, id, None).await).await
}

/// `POST …/dead-letters/{id}/delete`.
pub async fn delete(app: Data<App>, request: HttpRequest, body: Body) -> HttpResponse {
    or_page(&app, &request, try_delete(&app, &request, &body).await)
}

async fn try_delete(app: &App, request: &HttpRequest, body: &Body) -> Result<HttpResponse, ApiError> {
    let (id, form) = (id_of(request)?, Form::read(body)?);
    let audit = match confirm::agreed(&form) {
        Ok(audit) => audit,
        Err(refused) => return delete_page(app, request, id, refused).await,
    };
    match app.store.delete_dead_letters(&[id], &audit).await?.pop() {
        None => Err(not_found(id)),
        Some(it) if it.gone => Ok(see(dead_letters::PAGE, Some("forgotten-letter"))),
        Some(it) => Ok(see(&names::job_page(id), Some(&format!("job-refused.{}", it.was)))),
    }
}

async fn delete_page(
    app: &App,
    request: &HttpRequest,
    id: Uuid,
    refused: Option<(String, &str)>,
) -> Result<HttpResponse, ApiError> {
    let job = load(app, id).await?;
    let question = Question {
        nav: Nav::DeadLetters,
        above: &[("Dead letters", dead_letters::PAGE.to_owned()), (&job.kind, names::job_page(id))],
        heading: "Delete a dead letter",
        icon: "trash",
        destroys: true,
        post_to: &format!("{}/{id}/delete", dead_letters::PAGE),
        back: dead_letters::PAGE,
    };
    let mut stays = vec!["In the record: that it was, why it failed, and who deleted it.".to_owned()];
    if let Some(error) = &job.error {
        stays.push(format!("It failed with: {}", first_line(error)));
    }
    let page = ConfirmPage {
        subject: title(&job),
        happens: vec!["It is deleted, with payload, result and attempts. This cannot be undone.".to_owned()],
        stays,
        blocked: (job.state != JobState::Failed)
            .then(|| format!("Only a job that gave up can be deleted, and this one is {} now.", job.state)),
        ..asks(app, request, question).await?
    };
    Ok(shown(request, page, refused))
}

fn title(job: &Job) -> String {
    let it = names::job(job.id, &job.kind);
    format!("{} {}", it.kind, it.short_id)
}

/// The page, with why it was refused and the reason as it was typed.
pub fn shown(request: &HttpRequest, page: ConfirmPage, refused: Option<(String, &str)>) -> HttpResponse {
    let Some((why, reason)) = refused else { return confirm::answer(request, &page, StatusCode::OK) };
    let page = ConfirmPage { error: Some(why), reason: Some(reason.to_owned()), ..page };
    confirm::answer(request, &page, StatusCode::UNPROCESSABLE_ENTITY)
}
