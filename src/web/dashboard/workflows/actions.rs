//! What is done to a workflow: it is canceled, or goes on from what failed.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use uuid::Uuid;

use crate::domain::WorkflowState;
use crate::store::workflows::Workflow;
use crate::web::api::audit;
use crate::web::api::jobs::CANCELABLE;
use crate::web::api::workflows::actions::{cancel_steps, retry_steps};
use crate::web::api::workflows::{graph, load};
use crate::web::app::App;
use crate::web::dashboard::jobs::actions::shown;
use crate::web::dashboard::projects::list::ACTOR;
use crate::web::dashboard::projects::page::{id_of, with_id};
use crate::web::dashboard::ui::chart;
use crate::web::dashboard::ui::confirm;
use crate::web::dashboard::ui::confirm::{Question, asks};
use crate::web::dashboard::ui::confirm_view::{ConfirmItem, ConfirmPage};
use crate::web::dashboard::ui::error::or_page;
use crate::web::dashboard::ui::form::{Form, see};
use crate::web::dashboard::ui::layout::{count, counted};
use crate::web::dashboard::ui::layout_view::Nav;
use crate::web::dashboard::ui::links as names;
use crate::web::dashboard::workflows::list::PAGE;
use crate::web::error::ApiError;
use crate::web::extract::Body;

/// How many of its steps a question names.
const LISTED: usize = 5;

/// `POST …/retry`.
pub async fn retry(app: Data<App>, request: HttpRequest) -> HttpResponse {
    or_page(&app, &request, try_retry(&app, &request).await)
}

async fn try_retry(app: &App, request: &HttpRequest) -> Result<HttpResponse, ApiError> {
    let id = id_of(request)?;
    let word = match retry_steps(app, id, &audit::audit(ACTOR, None)?).await {
        Ok(_) => "workflow-retried".to_owned(),
        // Two operators pressed the button: the second one is told what the workflow is now.
        Err(ApiError::InvalidState { was, .. }) => format!("workflow-refused.{was}"),
        Err(error) => return Err(error),
    };
    Ok(see(&names::workflow_page(id), Some(&word)))
}

/// `GET …/cancel`.
pub async fn ask_cancel(app: Data<App>, request: HttpRequest) -> HttpResponse {
    with_id(&app, &request, async |id| question(&app, &request, id, None).await).await
}

/// `POST …/cancel`.
pub async fn cancel(app: Data<App>, request: HttpRequest, body: Body) -> HttpResponse {
    or_page(&app, &request, try_cancel(&app, &request, &body).await)
}

async fn try_cancel(app: &App, request: &HttpRequest, body: &Body) -> Result<HttpResponse, ApiError> {
    let (id, form) = (id_of(request)?, Form::read(body)?);
    let audit = match confirm::agreed(&form) {
        Ok(audit) => audit,
        Err(refused) => return question(app, request, id, refused).await,
    };
    let word = match cancel_steps(app, id, &audit).await {
        Ok(it) if it.state == WorkflowState::Running => "workflow-canceling".to_owned(),
        Ok(_) => "workflow-canceled".to_owned(),
        Err(ApiError::InvalidState { was, .. }) => format!("workflow-refused.{was}"),
        Err(error) => return Err(error),
    };
    Ok(see(&names::workflow_page(id), Some(&word)))
}

async fn question(
    app: &App,
    request: &HttpRequest,
    id: Uuid,
    refused: Option<(String, &str)>,
) -> Result<HttpResponse, ApiError> {
    let workflow = load(app, id).await?;
    let own = names::workflow_page(id);
    let question = Question {
        nav: Nav::Workflows,
        above: &[("Workflows", PAGE.to_owned()), (&workflow.name, own.clone())],
        heading: "Cancel a workflow",
        icon: "ban",
        destroys: true,
        post_to: &format!("{own}/cancel"),
        back: &own,
    };
    let ids = app.store.steps_of_workflow(id, Some(CANCELABLE)).await?;
    let first: Vec<Uuid> = ids.iter().copied().take(LISTED).collect();
    let listed = graph::of_jobs(app, &first).await?.nodes;
    let page = ConfirmPage {
        subject: workflow.name.clone(),
        happens: happens(app, &workflow, ids.len() as i64),
        stays: vec![
            "What is completed or failed, and the record of every step.".to_owned(),
            "The record of the workflow itself.".to_owned(),
        ],
        count: Some(counted(ids.len() as i64, "step")),
        listed: listed
            .iter()
            .map(|it| ConfirmItem {
                label: it.name().to_owned(),
                href: names::job_page(it.job_id),
                note: Some(it.state.clone()),
            })
            .collect(),
        more: (ids.len() > LISTED).then(|| format!("and {} more", count((ids.len() - LISTED) as i64))),
        blocked: ids
            .is_empty()
            .then(|| format!("The workflow is {} now, and no step of it is left to cancel.", workflow.state))
            .filter(|_| refused.is_none()),
        ..asks(app, request, question).await?
    };
    Ok(shown(request, page, refused))
}

fn happens(app: &App, workflow: &Workflow, left: i64) -> Vec<String> {
    let (active, grace) = (workflow.active.min(left), chart::seconds(app.config.cancel_grace.as_secs_f64()));
    let waiting = left - active;
    let mut happens = Vec::new();
    if waiting > 0 {
        let (which, are) = (counted(waiting, "step"), if waiting == 1 { "is" } else { "are" });
        happens.push(format!(
            "{which} that {} not begun {are} called off at once.",
            if waiting == 1 { "has" } else { "have" }
        ));
    }
    if active > 0 {
        let (which, are) = (counted(active, "step"), if active == 1 { "is" } else { "are" });
        happens
            .push(format!("{which} that {are} active {are} asked to stop, and taken from the worker after {grace}."));
    }
    happens.push("A canceled step cannot be retried: the workflow cannot be completed any more.".to_owned());
    happens
}
