//! `/dashboard/projects/new`: creates a project with the parameters of a template, or a clone of another project.

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template as Page;
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::{Labels, Parameters, ProjectName};
use crate::store::projects::{NewProject, Placement, Project};
use crate::template::{Field, FieldKind, Template};
use crate::web::api::idempotency;
use crate::web::api::projects::{clone, fields, load};
use crate::web::app::App;
use crate::web::dashboard::projects::create::submit;
use crate::web::dashboard::projects::list::PAGE;
use crate::web::error::ApiError;
use crate::web::extract::Body;
use crate::web::query::Query;
use crate::web::ui::{FieldError, Form, Nav, Rendering, Shell, control_id, links, or_error_page, redirect, respond};
use crate::wire::duration::HumanDuration;

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
    /// The project to clone.
    pub source: Option<Project>,
    /// The parameters of the template.
    pub fields: Vec<FieldView>,
    /// What every project has: labels, expiry, tenant, queue and priority.
    pub common: Vec<FieldView>,
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
    /// Whether the common fields are shown from the beginning.
    pub fn is_open(&self) -> bool {
        self.common.iter().any(|it| it.error.is_some() || !it.value.is_empty())
    }

    pub fn error(&self, field: &str) -> Option<&str> {
        FieldError::find(&self.errors, field)
    }
}

impl FieldView {
    /// The field with its default, or with what was typed.
    fn of(name: String, field: Field, form: Option<&Form>, errors: &[FieldError]) -> Self {
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
        let query = Query::parse(request.query_string(), &["template", "name", "source"])?;
        let source = source(&app, query.get("source")).await?;
        let template = chosen(&app, query.get("template"), source.as_ref())?;
        let project_name = query.get("name").unwrap_or_default().to_owned();
        page(&app, &request, template, None, NewForm { project_name, source, ..NewForm::default() }).await
    };
    or_error_page(&app, &request, page.await)
}

pub async fn create(app: Data<App>, request: HttpRequest, body: Body) -> HttpResponse {
    let answer = async {
        let form = Form::read(&body)?;
        let source = source(&app, form.word("source")).await?;
        let template = chosen(&app, form.word("template"), source.as_ref())?;
        match try_create(&app, &form, template, source.as_ref()).await? {
            Ok(id) => Ok(redirect(&links::project_page(id), Some("created"))),
            Err(errors) => {
                let project_name = form.get("project_name").to_owned();
                let rejected = NewForm { project_name, errors, source, ..NewForm::default() };
                page(&app, &request, template, Some(&form), rejected).await
            }
        }
    };
    or_error_page(&app, &request, answer.await)
}

/// The project to clone.
async fn source(app: &App, id: Option<&str>) -> Result<Option<Project>, ApiError> {
    let Some(id) = id else { return Ok(None) };
    let id = Uuid::try_parse(id).map_err(|_| ApiError::not_found("project", id))?;
    let source = load(app, id).await?;
    clone::template_of(app, &source)?;
    Ok(Some(source))
}

/// The template of the source or with this name; without either, the one that is offered first.
fn chosen<'a>(app: &'a App, name: Option<&str>, source: Option<&Project>) -> Result<&'a Template, ApiError> {
    let first = app.templates.iter().next();
    let named = source
        .map(|it| it.template.as_str())
        .or(name)
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
    let mut fields = template.fields();
    if let Some(source) = &form.source {
        template.fill(&mut fields, &source.parameters);
    }
    let view = |name: String, field: Field| FieldView::of(name, field, typed, &form.errors);
    let fields = fields.into_iter().map(|it| view(input_name(&it.name), it)).collect();
    let common = common(template, form.source.as_ref()).into_iter().map(|it| view(it.name.clone(), it)).collect();
    let title = if form.source.is_some() { "Clone a project" } else { "New project" };
    let page = NewPage {
        shell: Shell::load(app, request, Nav::Projects).await?.crumb("Projects", PAGE).titled(title),
        templates: app.templates.iter().map(choice).collect(),
        form: NewForm {
            template: template.name.clone(),
            idempotency_key: Uuid::new_v4().to_string(),
            fields,
            common,
            ..form
        },
    };
    Ok(respond(request, Rendering::new(&page, page.as_main()).with_status(status)))
}

/// The fields that do not depend on the template, with the values of the source.
fn common(template: &Template, source: Option<&Project>) -> Vec<Field> {
    let field = |name: &str, title: &str, description: &str, default: String| Field {
        name: name.to_owned(),
        title: title.to_owned(),
        description: description.to_owned(),
        kind: FieldKind::Text,
        default,
        is_required: false,
    };
    let labels = |it: &Project| it.labels.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>();
    let of = |value: fn(&Project) -> &str, usual: &str| {
        source.map(value).filter(|it| *it != usual).unwrap_or_default().to_owned()
    };
    let mut fields = vec![
        field("labels", "Labels", "key=value, separated by commas", source.map(labels).unwrap_or_default().join(", ")),
        field("expires_in", "Expires in", "deleted after this time, like 7d; empty: never", String::new()),
        field("tenant", "Tenant", "of its jobs; empty: default", of(|it| &it.tenant, "default")),
        field("priority", "Priority", "0 to 9; 9 runs first; empty: 5", String::new()),
    ];
    if template.queue.is_none() {
        fields.insert(3, field("queue", "Queue", "of its jobs; empty: default", of(|it| &it.queue, "default")));
    }
    fields
}

async fn try_create(
    app: &App,
    form: &Form,
    template: &Template,
    source: Option<&Project>,
) -> Result<Result<Uuid, Vec<FieldError>>, ApiError> {
    let mut errors = Vec::new();
    let common = of_common(form, template).map_err(|mistakes| errors.extend(mistakes));
    let name = ProjectName::parse(form.get("project_name"));
    let name = name.map_err(|error| errors.push(FieldError::new("project_name", format!("The name {error}."))));
    let parameters = match parameters(form, template) {
        Ok(parameters) => Some(parameters),
        Err(mistakes) => {
            errors.extend(mistakes);
            None
        }
    };
    let (Ok(name), Some(parameters), Ok(common)) = (name, parameters, common) else { return Ok(Err(errors)) };
    let Common { labels, placement, expires_at } = common;
    let content =
        format!("{}\0{}\0{}\0{:?}", name.as_str(), template.name, parameters.as_str(), source.map(|it| it.id));
    let key = idempotency::form_key(form.get("idempotency_key"), &content);
    let new = NewProject {
        key,
        placement,
        expires_at,
        deadline: source.and_then(|it| it.operation_deadline),
        source: source.map(|it| it.id),
        ..NewProject::new(name, &template.name, parameters, labels)
    };
    let policy = app.operation_policy(&template.name, new.operation());
    submit(app, new, policy).await.map(Ok)
}

/// The common fields, checked.
struct Common {
    labels: Labels,
    placement: Placement,
    expires_at: Option<OffsetDateTime>,
}

fn of_common(form: &Form, template: &Template) -> Result<Common, Vec<FieldError>> {
    let mistake = |field: &str, message: &str| ApiError::field(field, message.to_owned());
    let labels = || {
        let pairs = form.get("labels").split(',').map(str::trim).filter(|it| !it.is_empty());
        let pair = |text: &str| {
            let (key, value) = text.split_once('=').ok_or_else(|| mistake("labels", "must be like key=value"))?;
            Ok((key.trim().to_owned(), value.trim().to_owned()))
        };
        fields::labels(pairs.map(pair).collect::<Result<_, ApiError>>()?, template)
    };
    let placement = || {
        let number = |text: &str| text.parse().map_err(|_| mistake("priority", "must be a whole number from 0 to 9"));
        let priority = form.word("priority").map(number).transpose()?;
        fields::placement(template, form.word("tenant"), form.word("queue"), priority)
    };
    let expires_at = || {
        let duration = |text: &str| {
            HumanDuration::parse(text).ok_or_else(|| mistake("expires_in", "must be a duration like 7d or 12h"))
        };
        fields::expires_at(None, form.word("expires_in").map(duration).transpose()?)
    };
    match (labels(), placement(), expires_at()) {
        (Ok(labels), Ok(placement), Ok(expires_at)) => Ok(Common { labels, placement, expires_at }),
        (labels, placement, expires_at) => {
            let all = [labels.err(), placement.err(), expires_at.err()].into_iter().flatten();
            Err(all.flat_map(|error| field_errors(error, str::to_owned)).collect())
        }
    }
}

/// The mistakes in the fields of a form. `input` gives the name of the input of a field.
fn field_errors(error: ApiError, input: impl Fn(&str) -> String) -> Vec<FieldError> {
    match error {
        ApiError::Fields(problems) => {
            problems.iter().map(|it| FieldError::new(&input(&it.field), format!("{}.", it.message))).collect()
        }
        other => vec![FieldError::new("template", other.to_string())],
    }
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
    let input = |path: &str| path.split('.').nth(1).map_or_else(|| "template".to_owned(), input_name);
    fields::parameters(Some(checked), template).map_err(|error| field_errors(error, input))
}
