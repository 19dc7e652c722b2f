//! `/dashboard/limits`: the limits on rate and concurrency.

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};

use crate::domain::LimitMode;
use crate::store::limits::{Limit, LimitUse};
use crate::web::api::limits::checked;
use crate::web::app::App;
use crate::web::dashboard::limits::view::{LimitForm, LimitsPage, PAGE};
use crate::web::error::ApiError;
use crate::web::extract::Body;
use crate::web::query::Query;
use crate::web::ui::{
    ConfirmPage, Confirmation, FieldError, Form, Nav, Rejected, Rendering, Shell, confirmed_audit, field_errors,
    or_error_page, plural, redirect, respond,
};
use crate::wire::PutLimit;
use crate::wire::duration::HumanDuration;

/// With `?edit=`, the form holds that limit.
pub async fn show(app: Data<App>, request: HttpRequest) -> HttpResponse {
    or_error_page(&app, &request, try_show(&app, &request).await)
}

async fn try_show(app: &App, request: &HttpRequest) -> Result<HttpResponse, ApiError> {
    let query = Query::parse(request.query_string(), &["edit"])?;
    let form = match query.get("edit") {
        Some(name) => stored(&load(app, name).await?.limit),
        None => LimitForm { enabled: true, ..LimitForm::default() }.with_choices("queue", "concurrency"),
    };
    page(app, request, form, StatusCode::OK).await
}

/// `POST`: adds or changes a limit.
pub async fn save(app: Data<App>, request: HttpRequest, body: Body) -> HttpResponse {
    or_error_page(&app, &request, try_save(&app, &request, &body).await)
}

async fn try_save(app: &App, request: &HttpRequest, body: &Body) -> Result<HttpResponse, ApiError> {
    let form = Form::read(body)?;
    let editing = form.word("editing").map(str::to_owned);
    let mut errors = Vec::new();
    let limit = input(&form, &mut errors);
    if let Some(limit) = &limit
        && editing.as_ref() != Some(&limit.name)
        && !app.store.list_limits(Some(&limit.name)).await?.is_empty()
    {
        let message = "A limit with this name already exists. Edit that limit, or choose another name.";
        errors.push(FieldError::new("limit_name", message));
    }
    let audit = form.checked_audit(&mut errors);
    let (Some(audit), Some(limit), true) = (audit, limit, errors.is_empty()) else {
        return page(app, request, typed(&form, editing, errors), StatusCode::UNPROCESSABLE_ENTITY).await;
    };
    app.store.put_limit(&limit, &audit).await?;
    // A limit is identified by its name, so renaming adds a new one and removes the old one.
    if let Some(old) = editing.as_ref().filter(|old| **old != limit.name) {
        app.store.remove_limit(old, &audit).await?;
    }
    Ok(redirect(PAGE, Some(if editing.is_some() { "limit-changed" } else { "limit-added" })))
}

fn input(form: &Form, errors: &mut Vec<FieldError>) -> Option<Limit> {
    let limit = form.whole_number("limit", "The limit", errors);
    if limit.is_none() && form.word("limit").is_none() {
        errors.push(FieldError::new("limit", "The limit must be a whole number. 0 stops all jobs."));
    }
    // Window and burst of a concurrency limit are ignored, so that switching the mode needs no other edit.
    let is_rate = form.get("mode") == LimitMode::Rate.as_str();
    let burst = if is_rate { form.whole_number("burst", "The burst", errors) } else { None };
    let window = form.word("window").filter(|_| is_rate).map(HumanDuration::parse);
    if window == Some(None) {
        errors.push(FieldError::new("window", "The window must be a number of seconds, such as 60 or 0.5."));
    }
    let put = PutLimit {
        name: form.get("limit_name").trim().to_owned(),
        scope: form.get("scope").to_owned(),
        value: form.word("value").map(str::to_owned),
        mode: Some(form.get("mode").to_owned()),
        limit: limit?,
        window: window.flatten(),
        burst,
        enabled: Some(form.get("enabled") == "on"),
        reason: None,
    };
    match checked(put) {
        Ok(limit) => Some(limit),
        Err(error) => {
            errors.extend(field_errors(error, field).unwrap_or_default());
            None
        }
    }
}

/// The form field of a request field.
fn field(name: &str) -> &'static str {
    ["scope", "value", "mode", "limit", "window", "burst"].into_iter().find(|it| *it == name).unwrap_or("limit_name")
}

fn typed(form: &Form, editing: Option<String>, errors: Vec<FieldError>) -> LimitForm {
    let text = |name: &str| form.get(name).to_owned();
    let typed = LimitForm {
        editing,
        limit_name: text("limit_name"),
        value: text("value"),
        limit: text("limit"),
        window: text("window"),
        burst: text("burst"),
        enabled: form.get("enabled") == "on",
        reason: text("reason"),
        errors,
        ..LimitForm::default()
    };
    typed.with_choices(form.get("scope"), form.get("mode"))
}

fn stored(limit: &Limit) -> LimitForm {
    let form = LimitForm {
        editing: Some(limit.name.clone()),
        limit_name: limit.name.clone(),
        value: limit.value.clone().unwrap_or_default(),
        limit: limit.max.to_string(),
        window: limit.window.map(|it| it.to_string()).unwrap_or_default(),
        burst: limit.burst.map(|it| it.to_string()).unwrap_or_default(),
        enabled: limit.enabled,
        ..LimitForm::default()
    };
    form.with_choices(limit.scope.as_str(), limit.mode.as_str())
}

async fn page(app: &App, request: &HttpRequest, form: LimitForm, status: StatusCode) -> Result<HttpResponse, ApiError> {
    let shell = Shell::load(app, request, Nav::Limits).await?.titled("Limits");
    let page = LimitsPage { shell, rows: app.store.list_limits(None).await?, form };
    Ok(respond(request, Rendering::new(&page, page.as_main()).with_status(status)))
}

/// `GET /dashboard/limits/delete?limit=…`.
pub async fn confirm_delete(app: Data<App>, request: HttpRequest) -> HttpResponse {
    or_error_page(&app, &request, delete_page(&app, &request, None).await)
}

pub async fn delete(app: Data<App>, request: HttpRequest, body: Body) -> HttpResponse {
    or_error_page(&app, &request, try_delete(&app, &request, &body).await)
}

async fn try_delete(app: &App, request: &HttpRequest, body: &Body) -> Result<HttpResponse, ApiError> {
    let form = Form::read(body)?;
    match confirmed_audit(&form) {
        Ok(audit) => app.store.remove_limit(&name_in_query(request)?, &audit).await?,
        Err(rejected) => return delete_page(app, request, rejected).await,
    };
    Ok(redirect(PAGE, Some("limit-deleted")))
}

async fn delete_page(
    app: &App,
    request: &HttpRequest,
    rejected: Option<Rejected<'_>>,
) -> Result<HttpResponse, ApiError> {
    let limit = load(app, &name_in_query(request)?).await?;
    let confirmation = Confirmation {
        nav: Nav::Limits,
        crumbs: &[("Limits", PAGE.to_owned())],
        heading: "Delete limit",
        icon: "trash",
        destructive: true,
        post_to: &limit.limit.delete_page(),
        back: PAGE,
    };
    let mut effects = vec![format!("Jobs are no longer limited to {}.", limit.limit.text())];
    if limit.is_throttling() {
        effects.push(format!("Jobs waiting for this limit can start immediately ({}).", plural(limit.waiting, "job")));
    }
    let page = ConfirmPage {
        subject: limit.limit.name.clone(),
        effects,
        kept: vec!["All other limits, and the history of this limit.".to_owned()],
        ..confirmation.page(app, request).await?
    };
    Ok(page.respond_to(request, rejected))
}

fn name_in_query(request: &HttpRequest) -> Result<String, ApiError> {
    let query = Query::parse(request.query_string(), &["limit"])?;
    query.get("limit").map(str::to_owned).ok_or(ApiError::NoRoute)
}

async fn load(app: &App, name: &str) -> Result<LimitUse, ApiError> {
    app.store.list_limits(Some(name)).await?.pop().ok_or_else(|| ApiError::NotFound("limit", name.to_owned()))
}
