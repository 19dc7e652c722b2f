//! What is done to a workflow: it is canceled, or goes on from what failed.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use uuid::Uuid;

use crate::domain::WorkflowState;
use crate::store::workflows::Workflow;
use crate::web::api::convert;
use crate::web::api::jobs::CANCELABLE;
use crate::web::api::workflows::{cancel_steps, found, graph, retry_steps};
use crate::web::app::App;
use crate::web::dashboard::ui::{
    ACTOR, ConfirmItem, ConfirmPage, Confirmation, Form, Nav, confirmed_audit, count, duration, id_in_path, links,
    or_error_page, plural, redirect, with_id,
};
use crate::web::dashboard::workflows::list::PAGE;
use crate::web::error::ApiError;
use crate::web::extract::Body;

/// How many of its steps a question names.
const LISTED: usize = 5;

/// `POST …/retry`.
pub async fn retry(app: Data<App>, request: HttpRequest) -> HttpResponse {
    or_error_page(&app, &request, try_retry(&app, &request).await)
}

async fn try_retry(app: &App, request: &HttpRequest) -> Result<HttpResponse, ApiError> {
    let id = id_in_path(request)?;
    let word = match retry_steps(app, id, &convert::audit(ACTOR, None)?).await {
        Ok(_) => "workflow-retried".to_owned(),
        // Two operators pressed the button: the second one is told what the workflow is now.
        Err(ApiError::NotNow { was, .. }) => format!("workflow-refused.{was}"),
        Err(error) => return Err(error),
    };
    Ok(redirect(&links::workflow_page(id), Some(&word)))
}

/// `GET …/cancel`.
pub async fn ask_cancel(app: Data<App>, request: HttpRequest) -> HttpResponse {
    with_id(&app, &request, async |id| question(&app, &request, id, None).await).await
}

/// `POST …/cancel`.
pub async fn cancel(app: Data<App>, request: HttpRequest, body: Body) -> HttpResponse {
    or_error_page(&app, &request, try_cancel(&app, &request, &body).await)
}

async fn try_cancel(app: &App, request: &HttpRequest, body: &Body) -> Result<HttpResponse, ApiError> {
    let (id, form) = (id_in_path(request)?, Form::read(body)?);
    let audit = match confirmed_audit(&form) {
        Ok(audit) => audit,
        Err(refused) => return question(app, request, id, refused).await,
    };
    let word = match cancel_steps(app, id, &audit).await {
        Ok(it) if it.state == WorkflowState::Running => "workflow-canceling".to_owned(),
        Ok(_) => "workflow-canceled".to_owned(),
        Err(ApiError::NotNow { was, .. }) => format!("workflow-refused.{was}"),
        Err(error) => return Err(error),
    };
    Ok(redirect(&links::workflow_page(id), Some(&word)))
}

async fn question(
    app: &App,
    request: &HttpRequest,
    id: Uuid,
    refused: Option<(String, &str)>,
) -> Result<HttpResponse, ApiError> {
    let workflow = found(app, id).await?;
    let own = links::workflow_page(id);
    let confirmation = Confirmation {
        nav: Nav::Workflows,
        crumbs: &[("Workflows", PAGE.to_owned()), (&workflow.name, own.clone())],
        heading: "Cancel a workflow",
        icon: "ban",
        destructive: true,
        post_to: &format!("{own}/cancel"),
        back: &own,
    };
    let ids = app.store.steps_of_workflow(id, Some(CANCELABLE)).await?;
    let first: Vec<Uuid> = ids.iter().copied().take(LISTED).collect();
    let listed = graph::of_jobs(app, &first).await?.nodes;
    let page = ConfirmPage {
        subject: workflow.name.clone(),
        effects: happens(app, &workflow, ids.len() as i64),
        kept: vec![
            "What is completed or failed, and the record of every step.".to_owned(),
            "The record of the workflow itself.".to_owned(),
        ],
        count: Some(plural(ids.len() as i64, "step")),
        listed: listed
            .iter()
            .map(|it| ConfirmItem {
                label: it.name().to_owned(),
                href: links::job_page(it.job_id),
                note: Some(it.state.clone()),
            })
            .collect(),
        more: (ids.len() > LISTED).then(|| format!("and {} more", count((ids.len() - LISTED) as i64))),
        blocked: ids
            .is_empty()
            .then(|| format!("The workflow is {} now, and no step of it is left to cancel.", workflow.state))
            .filter(|_| refused.is_none()),
        ..confirmation.page(app, request).await?
    };
    Ok(page.respond_to(request, refused))
}

fn happens(app: &App, workflow: &Workflow, left: i64) -> Vec<String> {
    let (active, grace) = (workflow.active.min(left), duration(app.config.cancel_grace.as_secs_f64()));
    let waiting = left - active;
    let mut effects = Vec::new();
    if waiting > 0 {
        let (which, are) = (plural(waiting, "step"), if waiting == 1 { "is" } else { "are" });
        effects.push(format!(
            "{which} that {} not begun {are} called off at once.",
            if waiting == 1 { "has" } else { "have" }
        ));
    }
    if active > 0 {
        let (which, are) = (plural(active, "step"), if active == 1 { "is" } else { "are" });
        effects
            .push(format!("{which} that {are} active {are} asked to stop, and taken from the worker after {grace}."));
    }
    effects.push("A canceled step cannot be retried: the workflow cannot be completed any more.".to_owned());
    effects
}
