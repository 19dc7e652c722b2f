//! `/dashboard/projects/new`: creates a project with the parameters of a template.

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template as Page;
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::domain::{OperationKind, Parameters, ProjectName};
use crate::store::projects::NewProject;
use crate::template::{Field, FieldKind, Template};
use crate::web::api::{idempotency, projects::fields};
use crate::web::app::App;
use crate::web::dashboard::projects::create::submit;
use crate::web::dashboard::projects::list::PAGE;
use crate::web::error::ApiError;
use crate::web::extract::Body;
use crate::web::query::Query;
use crate::web::ui::{FieldError, Form, Nav, Rendering, Shell, control_id, links, or_error_page, redirect, respond};

#[derive(Debug, Clone, Page)]
#[template(path = "projects/new.html", blocks = ["main"], whitespace = "minimize")]
pub struct NewPage {
    pub shell: Shell,
    pub templates: Vec<TemplateChoice>,
    pub form: NewForm,
}

#[derive(Debug, Clone)]
pub struct TemplateChoice {
    pub name: String,
    pub title: String,
    pub description: String,
    pub is_chosen: bool,
}

#[derive(Debug, Clone, Default)]
pub struct NewForm {
    pub template: String,
    pub project_name: String,
    pub idempotency_key: String,
    pub fields: Vec<FieldView>,
    pub errors: Vec<FieldError>,
}

/// A parameter as the form shows it.
#[derive(Debug, Clone)]
pub struct FieldView {
    pub name: String,
    pub id: String,
    pub title: String,
    pub hint: String,
    pub kind: FieldKind,
    pub value: String,
    /// The values that are chosen among several.
    pub chosen: Vec<String>,
    pub is_required: bool,
    pub error: Option<String>,
}

impl NewForm {
    pub fn error(&self, field: &str) -> Option<&str> {
        FieldError::find(&self.errors, field)
    }
}

impl FieldView {
    /// The field with its default, or with what was typed.
    fn of(field: Field, form: Option<&Form>, errors: &[FieldError]) -> Self {
        let name = input_name(&field.name);
        let typed = form.map(|form| form.get(&name).to_owned());
        let default = || field.default.split(", ").filter(|it| !it.is_empty()).map(str::to_owned).collect();
        Self {
            id: control_id(&name),
            title: field.title,
            hint: field.description,
            chosen: form.map_or_else(default, |form| form.all(&name).map(str::to_owned).collect()),
            value: typed.unwrap_or(field.default),
            kind: field.kind,
            is_required: field.is_required,
            error: FieldError::find(errors, &name).map(str::to_owned),
            name,
        }
    }

    pub fn is_chosen(&self, value: &str) -> bool {
        self.chosen.iter().any(|it| it == value)
    }

    pub fn choices(&self) -> &[String] {
        match &self.kind {
            FieldKind::Choice(values) | FieldKind::Choices(values) => values,
            _ => &[],
        }
    }

    /// The `type` of the input.
    pub fn input_type(&self) -> &'static str {
        if self.kind == FieldKind::Number { "number" } else { "text" }
    }

    pub fn is_list(&self) -> bool {
        matches!(self.kind, FieldKind::Choices(_))
    }

    pub fn is_select(&self) -> bool {
        matches!(self.kind, FieldKind::Choice(_))
    }

    pub fn is_switch(&self) -> bool {
        self.kind == FieldKind::Switch
    }
}

/// The name of the input of a parameter.
fn input_name(parameter: &str) -> String {
    format!("p_{parameter}")
}

pub async fn show(app: Data<App>, request: HttpRequest) -> HttpResponse {
    let page = async {
        let query = Query::parse(request.query_string(), &["template", "name"])?;
        let template = chosen(&app, query.get("template"))?;
        let project_name = query.get("name").unwrap_or_default().to_owned();
        page(&app, &request, template, None, NewForm { project_name, ..NewForm::default() }).await
    };
    or_error_page(&app, &request, page.await)
}

pub async fn create(app: Data<App>, request: HttpRequest, body: Body) -> HttpResponse {
    let answer = async {
        let form = Form::read(&body)?;
        let template = chosen(&app, Some(form.get("template")))?;
        match try_create(&app, &form, template).await? {
            Ok(id) => Ok(redirect(&links::project_page(id), Some("created"))),
            Err(errors) => {
                let project_name = form.get("project_name").to_owned();
                let rejected = NewForm { project_name, errors, ..NewForm::default() };
                page(&app, &request, template, Some(&form), rejected).await
            }
        }
    };
    or_error_page(&app, &request, answer.await)
}

/// The template with this name; without a name, the one that is offered first.
fn chosen<'a>(app: &'a App, name: Option<&str>) -> Result<&'a Template, ApiError> {
    let first = app.templates.iter().next();
    let named = name
        .filter(|it| !it.is_empty())
        .map(|name| app.templates.get(name).ok_or_else(|| ApiError::not_found("template", name)));
    named.unwrap_or_else(|| first.ok_or(ApiError::NoRoute))
}

async fn page(
    app: &App,
    request: &HttpRequest,
    template: &Template,
    typed: Option<&Form>,
    form: NewForm,
) -> Result<HttpResponse, ApiError> {
    let choice = |it: &Template| TemplateChoice {
        name: it.name.clone(),
        title: it.title.clone(),
        description: it.description.clone(),
        is_chosen: it.name == template.name,
    };
    let status = if form.errors.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let fields = template.fields().into_iter().map(|it| FieldView::of(it, typed, &form.errors)).collect();
    let page = NewPage {
        shell: Shell::load(app, request, Nav::Projects).await?.crumb("Projects", PAGE).titled("New project"),
        templates: app.templates.iter().map(choice).collect(),
        form: NewForm { template: template.name.clone(), idempotency_key: Uuid::new_v4().to_string(), fields, ..form },
    };
    Ok(respond(request, Rendering::new(&page, page.as_main()).with_status(status)))
}

async fn try_create(app: &App, form: &Form, template: &Template) -> Result<Result<Uuid, Vec<FieldError>>, ApiError> {
    let mut errors = Vec::new();
    let name = ProjectName::parse(form.get("project_name"));
    let name = name.map_err(|error| errors.push(FieldError::new("project_name", format!("The name {error}."))));
    let parameters = match parameters(form, template) {
        Ok(parameters) => Some(parameters),
        Err(mistakes) => {
            errors.extend(mistakes);
            None
        }
    };
    let (Ok(name), Some(parameters)) = (name, parameters) else { return Ok(Err(errors)) };
    let content = format!("{}\0{}\0{}", name.as_str(), template.name, parameters.as_str());
    let labels = fields::labels(Default::default(), template)?;
    let key = idempotency::form_key(form.get("idempotency_key"), &content);
    let new = NewProject { key, ..NewProject::new(name, &template.name, parameters, labels) };
    submit(app, new, app.operation_policy(&template.name, OperationKind::Create)).await.map(Ok)
}

/// The parameters of the form, or the mistakes in them.
fn parameters(form: &Form, template: &Template) -> Result<Parameters, Vec<FieldError>> {
    let mut values = Map::new();
    for field in template.fields() {
        let input = input_name(&field.name);
        let value = match &field.kind {
            FieldKind::Choices(_) => Some(form.all(&input).map(|it| Value::String(it.to_owned())).collect()),
            FieldKind::Switch => Some(Value::Bool(!form.get(&input).is_empty())),
            _ => form.word(&input).map(|text| template.value_of(&field.name, text)),
        };
        values.extend(value.map(|value| (field.name.clone(), value)));
    }
    let text = Value::Object(values).to_string();
    let checked = RawValue::from_string(text).map_err(|error| vec![FieldError::new("template", error.to_string())])?;
    fields::parameters(Some(checked), template).map_err(|error| match error {
        ApiError::Fields(problems) => {
            let field = |path: &str| path.split('.').nth(1).map_or_else(|| "template".to_owned(), input_name);
            problems.iter().map(|it| FieldError::new(&field(&it.field), format!("{}.", it.message))).collect()
        }
        other => vec![FieldError::new("template", other.to_string())],
    })
}
