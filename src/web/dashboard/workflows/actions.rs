//! Cancels a workflow, or retries its failed steps.

use uuid::Uuid;

use crate::domain::WorkflowState;
use crate::store::Audit;
use crate::store::workflows::{Node, Workflow};
use crate::web::api::jobs::CANCELABLE;
use crate::web::api::workflows::actions::{cancel_steps, retry_steps};
use crate::web::api::workflows::load;
use crate::web::app::App;
use crate::web::dashboard::workflows::list::PAGE;
use crate::web::error::ApiError;
use crate::web::ui::{Actions, ConfirmItem, Consequences, Form, Nav, Performed, Verb, count, duration, links, plural};

/// How many steps the confirmation page names.
const LISTED: usize = 5;

pub struct WorkflowAction(Workflow);

impl Actions for WorkflowAction {
    const NAV: Nav = Nav::Workflows;
    const LIST: (&'static str, &'static str) = ("Workflows", PAGE);
    const VERBS: &'static [Verb] = &[Verb::destructive("cancel", "Cancel workflow", "ban"), Verb::direct("retry")];

    async fn load(app: &App, id: &str) -> Result<Self, ApiError> {
        load(app, Uuid::try_parse(id).map_err(|_| ApiError::NoRoute)?).await.map(Self)
    }

    fn title(&self) -> String {
        self.0.name.clone()
    }

    fn page(&self) -> String {
        links::workflow_page(self.0.id)
    }

    async fn consequences(&self, app: &App, _: &str) -> Result<Consequences, ApiError> {
        let steps = app.store.steps_of_workflow(self.0.id, Some(CANCELABLE)).await?.len();
        Ok(Consequences {
            effects: effects(app, &self.0, steps as i64),
            kept: vec!["Completed and failed steps, and all records of the workflow and its steps.".to_owned()],
            blocked: (steps == 0).then(|| format!("The workflow is now {} and has no steps to cancel.", self.0.state)),
        })
    }

    async fn listed(&self, app: &App, _: &str) -> Result<(Vec<ConfirmItem>, Option<String>), ApiError> {
        let ids = app.store.steps_of_workflow(self.0.id, Some(CANCELABLE)).await?;
        let rest = ids.len().saturating_sub(LISTED);
        let steps = app.store.nodes(&ids[..ids.len() - rest]).await?;
        let item = |step: &Node| ConfirmItem {
            label: step.name().to_owned(),
            href: links::job_page(step.id),
            note: Some(step.state.to_string()),
        };
        Ok((steps.iter().map(item).collect(), (rest > 0).then(|| format!("and {} more", count(rest as i64)))))
    }

    async fn perform(&self, app: &App, verb: &str, _: &Form, audit: &Audit) -> Result<Performed, ApiError> {
        let id = self.0.id;
        let result = match verb {
            "retry" => retry_steps(app, id, audit).await.map(|_| "workflow-retried"),
            _ => cancel_steps(app, id, audit).await.map(|it| match it.state {
                WorkflowState::Running => "workflow-canceling",
                _ => "workflow-canceled",
            }),
        };
        let flash = match result {
            Ok(flash) => flash.to_owned(),
            Err(ApiError::InvalidState { was, .. }) => format!("workflow-refused.{was}"),
            Err(error) => return Err(error),
        };
        Ok(Performed::done(self.page(), flash))
    }
}

fn effects(app: &App, workflow: &Workflow, steps: i64) -> Vec<String> {
    let grace = duration(app.config.cancel_grace.as_secs_f64());
    let active = workflow.active.min(steps);
    let mut effects = Vec::new();
    match steps - active {
        ..=0 => {}
        1 => effects.push("1 waiting step is canceled immediately.".to_owned()),
        n => effects.push(format!("{} are canceled immediately.", plural(n, "waiting step"))),
    }
    match active {
        ..=0 => {}
        1 => effects.push(format!("1 active step is asked to stop; its lease is revoked after {grace}.")),
        n => effects
            .push(format!("{} are asked to stop; their leases are revoked after {grace}.", plural(n, "active step"))),
    }
    effects.push("Canceled steps cannot be retried, so the workflow can no longer complete.".to_owned());
    effects
}
