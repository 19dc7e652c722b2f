//! The verbs of a project.

use std::time::Duration;

use actix_web::http::StatusCode;
use uuid::Uuid;

use crate::domain::{OperationKind, ProjectStatus, ProjectVerb, StepState};
use crate::store::Audit;
use crate::store::projects::Project;
use crate::store::projects::{Request, Transition};
use crate::web::api::projects::explain::can_continue_undo;
use crate::web::api::projects::fields;
use crate::web::api::projects::operations::{applied, begin};
use crate::web::app::App;
use crate::web::dashboard::projects::list::{PAGE, ProjectView};
use crate::web::error::ApiError;
use crate::web::ui::{Actions, ConfirmField, Consequences, Form, Hidden, Nav, Performed, Verb, links};

impl Actions for Project {
    const NAV: Nav = Nav::Projects;
    const LIST: (&'static str, &'static str) = ("Projects", PAGE);
    const VERBS: &'static [Verb] = &[
        Verb::destructive("delete", "Delete project", "trash"),
        Verb::destructive("cancel", "Cancel the operation", "ban"),
        Verb::confirmed("pause", "Pause project", "pause"),
        Verb::direct("resume"),
        Verb::direct("undelete"),
        Verb::direct("rotate"),
        Verb::direct("retry"),
        Verb::direct("undo"),
        Verb::confirmed("skip", "Skip the step", "ban"),
    ];

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

    async fn consequences(&self, app: &App, verb: &str) -> Result<Consequences, ApiError> {
        match verb {
            "cancel" => return Ok(of_cancel(self)),
            "pause" => return Ok(of_pause(self)),
            "skip" => return of_skip(app, self).await,
            _ => {}
        }
        let grace = app.templates.get(&self.template).map(|it| it.grace).unwrap_or_default();
        let is_kept = !grace.is_zero() && self.is_restorable();
        let effect = if is_kept {
            let grace = humantime::format_duration(grace);
            format!(
                "All access is blocked. After {grace}, everything that the project consists of is deleted; until then, you can undelete it."
            )
        } else {
            let template = &self.template;
            format!("Everything that template {template:?} created for the project is deleted. This cannot be undone.")
        };
        Ok(Consequences {
            effects: vec![effect],
            kept: vec![
                "The record: name, labels, events and operations, under the same ID.".to_owned(),
                "If deletion fails, the project is marked failed; you can try again.".to_owned(),
            ],
            blocked: self.delete_blocked().map(|reason| format!("{reason}.")),
        })
    }

    async fn perform(&self, app: &App, verb: &str, form: &Form, audit: &Audit) -> Result<Performed, ApiError> {
        if let Some(verb) = ProjectVerb::parse(verb).filter(|verb| *verb != ProjectVerb::Delete) {
            return other(app, self, verb, audit).await;
        }
        if is_other_name(self, form) {
            let error = "The name you typed is not the name of this project.".to_owned();
            return Ok(Performed::Rejected(error, StatusCode::UNPROCESSABLE_ENTITY));
        }
        let versions = form.get("version").parse().ok().map(|it| vec![it]);
        let Ok(grace) = grace(form, self) else {
            let error = "The grace time is not a duration of at most 365 days, like 7d or 0s.".to_owned();
            return Ok(Performed::Rejected(error, StatusCode::UNPROCESSABLE_ENTITY));
        };
        let request = Request { grace, versions, ..Request::new(ProjectVerb::Delete) };
        let error = match begin(app, self.id, &request, audit).await? {
            Transition::Applied(_) => return Ok(Performed::done(self.page(), "deleting")),
            Transition::Missing => return Err(crate::web::api::projects::not_found(self.id)),
            Transition::Rejected { was } => format!("The project is now {was}."),
            Transition::Protected => "The project is protected from deletion. Lift the protection first.".to_owned(),
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

    fn fields(&self, verb: &str, form: Option<&Form>) -> Vec<ConfirmField> {
        if verb != "delete" {
            return Vec::new();
        }
        let mismatch = form.is_some_and(|form| is_other_name(self, form));
        let keep = self.is_restorable().then(|| ConfirmField {
            field: "grace".to_owned(),
            label: "Grace time (optional)".to_owned(),
            hint: "How long the project can be undeleted, like 7d. 0s deletes at once.".to_owned(),
            value: form.map(|form| form.get("grace").to_owned()).unwrap_or_default(),
            ..ConfirmField::default()
        });
        let name = ConfirmField {
            field: "confirm_name".to_owned(),
            label: "Type the project name to confirm".to_owned(),
            exact: Some(self.name.clone()),
            value: form.map(|form| form.get("confirm_name").to_owned()).unwrap_or_default(),
            error: mismatch.then(|| "The names differ. Case and spaces matter.".to_owned()),
            ..ConfirmField::default()
        };
        keep.into_iter().chain([name]).collect()
    }

    /// The typed name confirms.
    fn is_confirmed(_: &Form) -> bool {
        true
    }
}

fn is_other_name(project: &Project, form: &Form) -> bool {
    form.get("confirm_name").trim() != project.name
}

/// The grace time of the form; none: as the template says. A project that is pending deletion is deleted at once.
fn grace(form: &Form, project: &Project) -> Result<Option<Duration>, ApiError> {
    match form.word("grace") {
        None if project.status == ProjectStatus::PendingDeletion => Ok(Some(Duration::ZERO)),
        None => Ok(None),
        Some(text) => fields::grace(text).map(Some),
    }
}

fn of_cancel(project: &Project) -> Consequences {
    let is_creation = matches!(project.operation, OperationKind::Create | OperationKind::Clone);
    let after = match project.operation {
        OperationKind::Retire | OperationKind::Restore => "as it was before the deletion or still pending deletion",
        it => it.statuses().failed.as_str(),
    };
    Consequences {
        effects: vec![format!("The operation {:?} stops before its next step.", project.operation.as_str())],
        kept: vec![match is_creation {
            true => "The project is then failed. The template decides whether its steps are undone.".to_owned(),
            false => format!("The project is then {after}."),
        }],
        blocked: (!project.status.is_transient()).then(|| "No operation is in progress.".to_owned()),
    }
}

fn of_pause(project: &Project) -> Consequences {
    Consequences {
        effects: vec!["All access is blocked, and open sessions are ended.".to_owned()],
        kept: vec!["What the project consists of. Resume the project to admit access again.".to_owned()],
        blocked: (!ProjectVerb::Pause.applies_to(project.status))
            .then(|| format!("Only a ready project can be paused; this one is {}.", project.status)),
    }
}

async fn of_skip(app: &App, project: &Project) -> Result<Consequences, ApiError> {
    let steps = app.store.steps_of_project(project.id, 1).await?;
    let stuck = steps.iter().find(|it| it.state == StepState::UndoFailed).map(|it| it.name.as_str());
    Ok(Consequences {
        effects: vec![match stuck {
            Some(name) => format!("What the step {name:?} made is left as it is. Nothing removes it later."),
            None => "Nothing.".to_owned(),
        }],
        kept: vec![
            "The steps before it are undone as the template says. The failure of the project says what is left."
                .to_owned(),
        ],
        blocked: (!can_continue_undo(project.status, &steps))
            .then(|| "The undoing of the last operation has not failed.".to_owned()),
    })
}

/// Every verb but delete, which has a confirmation of its own.
async fn other(app: &App, project: &Project, verb: ProjectVerb, audit: &Audit) -> Result<Performed, ApiError> {
    let outcome = match verb {
        ProjectVerb::Cancel => app.store.cancel_operation(project.id, None, audit).await?,
        _ => begin(app, project.id, &Request::new(verb), audit).await?,
    };
    let flash = match outcome {
        Transition::Applied(_) => match verb {
            ProjectVerb::Cancel => "canceling".to_owned(),
            ProjectVerb::Pause => "project-pausing".to_owned(),
            ProjectVerb::Resume => "project-resuming".to_owned(),
            ProjectVerb::Rotate => "project-rotating".to_owned(),
            ProjectVerb::Undelete => "project-restoring".to_owned(),
            ProjectVerb::Undo | ProjectVerb::Skip => "project-undoing".to_owned(),
            _ => "retried".to_owned(),
        },
        Transition::Rejected { was } if verb == ProjectVerb::Retry => format!("retry-refused.{was}"),
        other => return applied(other, project.id, verb).map(|_| Performed::done(project.page(), "")),
    };
    Ok(Performed::done(links::project_page(project.id), flash))
}
