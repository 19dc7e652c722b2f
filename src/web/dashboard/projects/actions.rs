//! The verbs of a project.

use actix_web::http::StatusCode;
use uuid::Uuid;

use crate::store::Audit;
use crate::store::projects::Project;
use crate::store::projects::Transition;
use crate::web::app::App;
use crate::web::dashboard::projects::list::{PAGE, ProjectView};
use crate::web::error::ApiError;
use crate::web::ui::{Actions, ConfirmField, Consequences, Form, Hidden, Nav, Performed, Verb, links};

impl Actions for Project {
    const NAV: Nav = Nav::Projects;
    const LIST: (&'static str, &'static str) = ("Projects", PAGE);
    const VERBS: &'static [Verb] = &[Verb::destructive("delete", "Delete project", "trash"), Verb::direct("retry")];

    async fn load(app: &App, id: &str) -> Result<Self, ApiError> {
        let id = Uuid::try_parse(id).map_err(|_| ApiError::NoRoute)?;
        app.store.get_project(id).await?.ok_or(crate::web::api::projects::not_found(id))
    }

    fn title(&self) -> String {
        self.name.clone()
    }

    fn page(&self) -> String {
        links::project_page(self.id)
    }

    async fn consequences(&self, _: &App, _: &str) -> Result<Consequences, ApiError> {
        Ok(Consequences {
            effects: vec![format!(
                "Everything that template {:?} created for the project is deleted. This cannot be undone.",
                self.template
            )],
            kept: vec![
                "The record: name, labels, events and operations, under the same ID.".to_owned(),
                "If deletion fails, the project is marked failed; you can try again.".to_owned(),
            ],
            blocked: self.delete_blocked().map(|reason| format!("{reason}.")),
        })
    }

    async fn perform(&self, app: &App, verb: &str, form: &Form, audit: &Audit) -> Result<Performed, ApiError> {
        if verb == "retry" {
            return retry(app, self, audit).await;
        }
        if is_other_name(self, form) {
            let error = "The name you typed is not the name of this project.".to_owned();
            return Ok(Performed::Rejected(error, StatusCode::UNPROCESSABLE_ENTITY));
        }
        let version = form.get("version").parse().ok();
        let error = match app.store.delete_project(self.id, version, app.operation_policy(), audit).await? {
            Transition::Applied(_) => return Ok(Performed::done(self.page(), "deleting")),
            Transition::Missing => return Err(crate::web::api::projects::not_found(self.id)),
            Transition::Rejected { was } => format!("The project is now {was}."),
            Transition::Stale { .. } => {
                "The project changed after you opened this page. Check its current state, then decide.".to_owned()
            }
        };
        Ok(Performed::Rejected(error, StatusCode::CONFLICT))
    }

    fn detail(&self) -> Option<String> {
        Some(format!("{}, {}", self.status, self.id))
    }

    fn hidden(&self, _: &str) -> Vec<Hidden> {
        vec![Hidden::new("version", self.version.to_string())]
    }

    fn fields(&self, _: &str, form: Option<&Form>) -> Vec<ConfirmField> {
        let mismatch = form.is_some_and(|form| is_other_name(self, form));
        vec![ConfirmField {
            field: "confirm_name".to_owned(),
            label: "Type the project name to confirm".to_owned(),
            exact: Some(self.name.clone()),
            value: form.map(|form| form.get("confirm_name").to_owned()).unwrap_or_default(),
            error: mismatch.then(|| "The names differ. Case and spaces matter.".to_owned()),
            ..ConfirmField::default()
        }]
    }

    /// The typed name confirms.
    fn is_confirmed(_: &Form) -> bool {
        true
    }
}

fn is_other_name(project: &Project, form: &Form) -> bool {
    form.get("confirm_name").trim() != project.name
}

async fn retry(app: &App, project: &Project, audit: &Audit) -> Result<Performed, ApiError> {
    let flash = match app.store.retry_project(project.id, app.operation_policy(), audit).await? {
        Transition::Applied(_) => "retried".to_owned(),
        Transition::Missing => return Err(crate::web::api::projects::not_found(project.id)),
        Transition::Rejected { was } => format!("retry-refused.{was}"),
        Transition::Stale { version } => return Err(ApiError::Stale(version)),
    };
    Ok(Performed::done(links::project_page(project.id), flash))
}
