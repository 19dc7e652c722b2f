//! Asks before one job is canceled, or one dead letter deleted.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use uuid::Uuid;

use crate::domain::JobState;
use crate::store::jobs::Job;
use crate::web::api::jobs::{CANCELABLE, found, no_job};
use crate::web::app::App;
use crate::web::dashboard::dead_letters::list as dead_letters;
use crate::web::dashboard::jobs::list as jobs;
use crate::web::dashboard::ui::{
    ConfirmPage, Confirmation, Form, Nav, confirmed_audit, duration, first_line, id_in_path, links, or_error_page,
    redirect, with_id,
};
use crate::web::error::ApiError;
use crate::web::extract::Body;

/// `GET …/jobs/{id}/cancel`.
pub async fn ask_cancel(app: Data<App>, request: HttpRequest) -> HttpResponse {
    with_id(&app, &request, async |id| cancel_page(&app, &request, id, None).await).await
}

/// `POST …/jobs/{id}/cancel`.
pub async fn cancel(app: Data<App>, request: HttpRequest, body: Body) -> HttpResponse {
    or_error_page(&app, &request, try_cancel(&app, &request, &body).await)
}

async fn try_cancel(app: &App, request: &HttpRequest, body: &Body) -> Result<HttpResponse, ApiError> {
    let (id, form) = (id_in_path(request)?, Form::read(body)?);
    let audit = match confirmed_audit(&form) {
        Ok(audit) => audit,
        Err(refused) => return cancel_page(app, request, id, refused).await,
    };
    let answer = app.store.cancel_jobs(&[id], &audit).await?.pop().ok_or_else(|| no_job(id))?;
    let word = match (answer.canceled, answer.asked) {
        (true, _) => "canceled".to_owned(),
        (_, true) => "canceling".to_owned(),
        _ => format!("job-refused.{}", answer.was),
    };
    Ok(redirect(&links::job_page(id), Some(&word)))
}

async fn cancel_page(
    app: &App,
    request: &HttpRequest,
    id: Uuid,
    refused: Option<(String, &str)>,
) -> Result<HttpResponse, ApiError> {
    let job = found(app, id).await?;
    let own = links::job_page(id);
    let confirmation = Confirmation {
        nav: Nav::Jobs,
        crumbs: &[("Jobs", jobs::PAGE.to_owned()), (&job.kind, own.clone())],
        heading: "Cancel a job",
        icon: "ban",
        destructive: true,
        post_to: &format!("{own}/cancel"),
        back: &own,
    };
    let grace = duration(app.config.cancel_grace.as_secs_f64());
    let mut effects = vec![if job.state == JobState::Active {
        format!("Its worker is asked to stop. If it has not after {grace}, the job is taken from it.")
    } else {
        "It is called off at once: no worker takes it any more.".to_owned()
    }];
    if job.project_id.is_some() {
        effects.push("The project that it works on is failed then, and can be retried.".to_owned());
    }
    let blocked = if job.cancel_requested_at.is_some() {
        Some("Its worker has been asked to stop already.".to_owned())
    } else {
        (!CANCELABLE.contains(&job.state)).then(|| format!("The job is {} now.", job.state))
    };
    let page = ConfirmPage {
        subject: title(&job),
        effects,
        kept: vec!["Its record: payload, events and attempts. It can be run again as a copy.".to_owned()],
        blocked: blocked.filter(|_| refused.is_none()),
        ..confirmation.page(app, request).await?
    };
    Ok(page.respond_to(request, refused))
}

/// `GET …/dead-letters/{id}/delete`.
pub async fn ask_delete(app: Data<App>, request: HttpRequest) -> HttpResponse {
    with_id(&app, &request, async |id| delete_page(&app, &request, id, None).await).await
}

/// `POST …/dead-letters/{id}/delete`.
pub async fn delete(app: Data<App>, request: HttpRequest, body: Body) -> HttpResponse {
    or_error_page(&app, &request, try_delete(&app, &request, &body).await)
}

async fn try_delete(app: &App, request: &HttpRequest, body: &Body) -> Result<HttpResponse, ApiError> {
    let (id, form) = (id_in_path(request)?, Form::read(body)?);
    let audit = match confirmed_audit(&form) {
        Ok(audit) => audit,
        Err(refused) => return delete_page(app, request, id, refused).await,
    };
    match app.store.forget_dead_letters(&[id], &audit).await?.pop() {
        None => Err(no_job(id)),
        Some(it) if it.gone => Ok(redirect(dead_letters::PAGE, Some("forgotten-letter"))),
        Some(it) => Ok(redirect(&links::job_page(id), Some(&format!("job-refused.{}", it.was)))),
    }
}

async fn delete_page(
    app: &App,
    request: &HttpRequest,
    id: Uuid,
    refused: Option<(String, &str)>,
) -> Result<HttpResponse, ApiError> {
    let job = found(app, id).await?;
    let confirmation = Confirmation {
        nav: Nav::DeadLetters,
        crumbs: &[("Dead letters", dead_letters::PAGE.to_owned()), (&job.kind, links::job_page(id))],
        heading: "Delete a dead letter",
        icon: "trash",
        destructive: true,
        post_to: &format!("{}/{id}/delete", dead_letters::PAGE),
        back: dead_letters::PAGE,
    };
    let mut kept = vec!["In the record: that it was, why it failed, and who deleted it.".to_owned()];
    if let Some(error) = &job.error {
        kept.push(format!("It failed with: {}", first_line(error)));
    }
    let page = ConfirmPage {
        subject: title(&job),
        effects: vec!["It is deleted, with payload, result and attempts. This cannot be undone.".to_owned()],
        kept,
        blocked: (job.state != JobState::Failed)
            .then(|| format!("Only a job that gave up can be deleted, and this one is {} now.", job.state)),
        ..confirmation.page(app, request).await?
    };
    Ok(page.respond_to(request, refused))
}

fn title(job: &Job) -> String {
    let it = links::job(job.id, &job.kind);
    format!("{} {}", it.kind, it.short_id)
}
