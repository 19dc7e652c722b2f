//! The form that creates a project.

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use uuid::Uuid;

use crate::domain::{OperationKind, ProjectName};
use crate::store::projects::{Created, NewProject, OperationPolicy};
use crate::web::api::{audit, idempotency};
use crate::web::app::App;
use crate::web::dashboard::projects::list::list;
use crate::web::error::ApiError;
use crate::web::extract::Body;
use crate::web::ui::{ACTOR, FieldError, Form, is_live, links, or_error_page, redirect};

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CreateForm {
    pub project_name: String,
    /// The field appears only if there are two or more.
    pub templates: Vec<String>,
    /// New for every document. Empty in fragments, whose `ETag` must not change with it; the script keeps this form.
    pub idempotency_key: String,
    pub errors: Vec<FieldError>,
}

impl CreateForm {
    pub fn error(&self, field: &str) -> Option<&str> {
        FieldError::find(&self.errors, field)
    }

    pub fn prepared(self, app: &App, request: &HttpRequest) -> Self {
        Self {
            templates: app.templates.names().into_iter().map(str::to_owned).collect(),
            idempotency_key: if is_live(request) { String::new() } else { Uuid::new_v4().to_string() },
            ..self
        }
    }
}

/// Creates a project and shows it, or shows the list with the errors of the form.
pub async fn create(app: Data<App>, request: HttpRequest, body: Body) -> HttpResponse {
    let answer = match try_create(&app, &body).await {
        Ok(Ok(id)) => Ok(redirect(&links::project_page(id), Some("created"))),
        Ok(Err(form)) => list(&app, &request, form, StatusCode::UNPROCESSABLE_ENTITY).await,
        Err(error) => Err(error),
    };
    or_error_page(&app, &request, answer)
}

async fn try_create(app: &App, body: &Body) -> Result<Result<Uuid, CreateForm>, ApiError> {
    let form = Form::read(body)?;
    let rejected = |field: &str, message: &str| CreateForm {
        project_name: form.get("project_name").to_owned(),
        errors: vec![FieldError::new(field, message)],
        ..CreateForm::default()
    };
    let name = match ProjectName::parse(form.get("project_name")) {
        Ok(name) => name,
        Err(error) => return Ok(Err(rejected("project_name", &format!("The name {error}.")))),
    };
    let template = Some(form.get("template").to_owned()).filter(|text| !text.is_empty());
    let Ok(template) = crate::web::api::projects::fields::template(template.as_deref(), &app.templates) else {
        return Ok(Err(rejected("template", "Choose one of the templates.")));
    };
    let content = format!("{}\0{}", name.as_str(), template.name);
    let key = idempotency::form_key(form.get("idempotency_key"), &content);
    let labels = crate::web::api::projects::fields::labels(Default::default(), template)?;
    let policy = app.operation_policy(&template.name, OperationKind::Create);
    let parameters = match crate::web::api::projects::fields::parameters(None, template) {
        Ok(parameters) => parameters,
        Err(_) => return Ok(Err(rejected("template", "This template needs parameters. Choose them first."))),
    };
    let new = NewProject { key, ..NewProject::new(name, &template.name, parameters, labels) };
    submit(app, new, policy).await.map(Ok)
}

/// Creates the project. Returns its id, also if the form is sent again.
pub async fn submit(app: &App, mut new: NewProject, policy: OperationPolicy) -> Result<Uuid, ApiError> {
    let audit = audit::audit(ACTOR, None)?;
    loop {
        match app.store.create_project(&new, policy, &audit).await? {
            Created::New(project) => {
                app.telemetry.created.inc();
                return Ok(project.id);
            }
            Created::Replayed(project) => return Ok(project.id),
            // The user went back to the form and changed it, so this is a new request.
            Created::KeyReused => new.key = None,
            Created::InFlight => return Err(ApiError::KeyInFlight),
            Created::SourceNotReady(was) => return Err(crate::web::api::projects::clone::refused(was)),
        }
    }
}
