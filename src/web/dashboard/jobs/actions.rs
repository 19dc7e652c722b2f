//! Actions on one job or one dead letter.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use uuid::Uuid;

use crate::domain::JobState;
use crate::store::Audit;
use crate::store::jobs::{Edit, Job};
use crate::web::api::audit;
use crate::web::api::jobs::actions::enqueue_copy;
use crate::web::api::jobs::{CANCELABLE, load as load_job, not_found};
use crate::web::app::App;
use crate::web::dashboard::jobs::format::PAGE;
use crate::web::dashboard::jobs::verbs::{Affected, CANCEL, DEAD_LETTERS, DELETE};
use crate::web::error::ApiError;
use crate::web::extract::Body;
use crate::web::ui::{
    ACTOR, Actions, Consequences, Form, Nav, Performed, Verb, id_in_path, links, or_error_page, redirect, short_id,
};

/// `POST …/retry`, from the page or from a list.
pub async fn retry(app: Data<App>, request: HttpRequest, body: Body) -> HttpResponse {
    or_error_page(&app, &request, try_retry(&app, &request, &body).await)
}

async fn try_retry(app: &App, request: &HttpRequest, body: &Body) -> Result<HttpResponse, ApiError> {
    let (id, form) = (id_in_path(request)?, Form::read(body)?);
    let page = links::job_page(id);
    let back = form.path("back").unwrap_or(&page);
    let answer = app.store.retry_jobs(&[id], &Edit::default(), false, &audit::audit(ACTOR, None)?).await?.pop();
    let flash = match answer {
        None if back == page => return Err(not_found(id)),
        None => "no-job".to_owned(),
        Some(it) if it.changed && it.previous_state == JobState::Failed => "replayed".to_owned(),
        Some(it) if it.changed => "due-now".to_owned(),
        Some(it) if it.of_project => "of-project".to_owned(),
        Some(it) => format!("job-refused.{}", it.previous_state),
    };
    Ok(redirect(back, Some(&flash)))
}

async fn load(app: &App, id: &str) -> Result<Job, ApiError> {
    load_job(app, Uuid::try_parse(id).map_err(|_| ApiError::NoRoute)?).await
}

fn title(job: &Job) -> String {
    format!("{} {}", job.kind, short_id(job.id))
}

fn affected(job: &Job) -> Affected {
    let in_state = |state| i64::from(job.state == state);
    Affected { all: 1, active: in_state(JobState::Active), failed: in_state(JobState::Failed) }
}

pub struct JobAction(Job);

impl Actions for JobAction {
    const NAV: Nav = Nav::Jobs;
    const LIST: (&'static str, &'static str) = ("Jobs", PAGE);
    const VERBS: &'static [Verb] = &[Verb::destructive("cancel", "Cancel job", "ban"), Verb::direct("run-again")];

    async fn load(app: &App, id: &str) -> Result<Self, ApiError> {
        load(app, id).await.map(Self)
    }

    fn title(&self) -> String {
        title(&self.0)
    }

    fn page(&self) -> String {
        links::job_page(self.0.id)
    }

    async fn consequences(&self, app: &App, _: &str) -> Result<Consequences, ApiError> {
        let job = &self.0;
        let mut effects = CANCEL.effects(affected(job), app);
        if job.project_id.is_some() {
            effects.push("The project of this job is marked failed; you can retry it.".to_owned());
        }
        let blocked = if job.cancel_requested_at.is_some() {
            Some("Cancellation has already been requested.".to_owned())
        } else {
            (!CANCELABLE.contains(&job.state)).then(|| format!("The job is now {}.", job.state))
        };
        Ok(Consequences { effects, kept: vec![CANCEL.kept.to_owned()], blocked })
    }

    async fn perform(&self, app: &App, verb: &str, _: &Form, audit: &Audit) -> Result<Performed, ApiError> {
        let id = self.0.id;
        if verb == "run-again" {
            return match enqueue_copy(app, id, &audit.actor, audit.request_id.as_deref()).await {
                Ok(copy) => Ok(Performed::done(links::job_page(copy), "copied")),
                Err(ApiError::InvalidState { was, .. }) => {
                    Ok(Performed::done(self.page(), format!("job-refused.{was}")))
                }
                Err(error) => Err(error),
            };
        }
        let answer = app.store.cancel_jobs(&[id], audit).await?.pop().ok_or_else(|| not_found(id))?;
        let flash = match (answer.canceled, answer.requested) {
            (true, _) => "canceled".to_owned(),
            (_, true) => "canceling".to_owned(),
            _ => format!("job-refused.{}", answer.previous_state),
        };
        Ok(Performed::done(self.page(), flash))
    }
}

pub struct DeadLetterAction(Job);

impl Actions for DeadLetterAction {
    const NAV: Nav = Nav::DeadLetters;
    const LIST: (&'static str, &'static str) = (DEAD_LETTERS.title, DEAD_LETTERS.page);
    const VERBS: &'static [Verb] = &[Verb::destructive("delete", "Delete dead letter", "trash")];

    async fn load(app: &App, id: &str) -> Result<Self, ApiError> {
        load(app, id).await.map(Self)
    }

    fn title(&self) -> String {
        title(&self.0)
    }

    fn page(&self) -> String {
        links::job_page(self.0.id)
    }

    fn path(&self) -> String {
        format!("{}/{}", DEAD_LETTERS.page, self.0.id)
    }

    async fn consequences(&self, app: &App, _: &str) -> Result<Consequences, ApiError> {
        let job = &self.0;
        let mut kept = vec![DELETE.kept.to_owned()];
        kept.extend(job.error.is_some().then(|| format!("The error: {}", job.error_line())));
        let blocked = (job.state != JobState::Failed)
            .then(|| format!("Only failed jobs can be deleted; this job is now {}.", job.state));
        Ok(Consequences { effects: DELETE.effects(affected(job), app), kept, blocked })
    }

    async fn perform(&self, app: &App, _: &str, _: &Form, audit: &Audit) -> Result<Performed, ApiError> {
        let id = self.0.id;
        match app.store.delete_dead_letters(&[id], audit).await?.pop() {
            None => Err(not_found(id)),
            Some(it) if it.deleted => Ok(Performed::done(DEAD_LETTERS.page, "forgotten-letter")),
            Some(it) => Ok(Performed::done(self.page(), format!("job-refused.{}", it.previous_state))),
        }
    }
}
