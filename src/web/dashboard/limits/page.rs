//! `/dashboard/limits`: how often, or how many at once.

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};

use crate::domain::{LimitMode, LimitScope};
use crate::store::limits::{Limit, LimitUse};
use crate::web::api::convert;
use crate::web::api::limits::checked;
use crate::web::app::App;
use crate::web::dashboard::limits::view::{LimitForm, LimitRow, LimitsPage};
use crate::web::dashboard::ui::{
    ACTOR, COUNT_CAP, Choice, ConfirmPage, Confirmation, Counts, FieldError, Form, Nav, Rendering, Shell, Tone, Usage,
    capped, confirmed_audit, count, duration, field_errors, links, or_error_page, plural, redirect, respond, stamp,
};
use crate::web::error::ApiError;
use crate::web::extract::Body;
use crate::web::query::Query;
use crate::wire::PutLimit;
use crate::wire::span::Span;

pub const PAGE: &str = "/dashboard/limits";
const DELETE: &str = "/dashboard/limits/delete";
const SCOPES: [(&str, &str); 4] =
    [("queue", "a queue"), ("kind", "a kind"), ("tenant", "a tenant"), ("global", "everything")];
const MODES: [(&str, &str); 2] = [("concurrency", "how many run at once"), ("rate", "how many start in a window")];

/// `GET`; with `?edit=` the form is filled with one of them.
pub async fn show(app: Data<App>, request: HttpRequest) -> HttpResponse {
    or_error_page(&app, &request, try_show(&app, &request).await)
}

async fn try_show(app: &App, request: &HttpRequest) -> Result<HttpResponse, ApiError> {
    let query = Query::parse(request.query_string(), &["edit"])?;
    let form = match query.get("edit") {
        Some(name) => stored(&found(app, name).await?.limit),
        None => LimitForm { enabled: true, ..choices(LimitForm::default(), "queue", "concurrency") },
    };
    page(app, request, form, StatusCode::OK).await
}

/// `POST`: adds one, or changes one.
pub async fn save(app: Data<App>, request: HttpRequest, body: Body) -> HttpResponse {
    or_error_page(&app, &request, try_save(&app, &request, &body).await)
}

async fn try_save(app: &App, request: &HttpRequest, body: &Body) -> Result<HttpResponse, ApiError> {
    let form = Form::read(body)?;
    let editing = form.word("editing").map(str::to_owned);
    let mut errors = Vec::new();
    let limit = wish(&form, &mut errors);
    if let Some(limit) = &limit
        && editing.as_ref() != Some(&limit.name)
        && !app.store.list_limits(Some(&limit.name)).await?.is_empty()
    {
        errors.push(FieldError::new(
            "limit_name",
            "There is a limit of this name already: change that one, or choose another name.",
        ));
    }
    let (Some(limit), true) = (limit, errors.is_empty()) else {
        return page(app, request, typed(&form, editing, errors), StatusCode::UNPROCESSABLE_ENTITY).await;
    };
    let audit = convert::audit(ACTOR, form.word("reason").map(str::to_owned))?;
    app.store.put_limit(&limit, &audit).await?;
    // A new name is a new limit; the old one would go on holding.
    if let Some(old) = editing.as_ref().filter(|old| **old != limit.name) {
        app.store.remove_limit(old, &audit).await?;
    }
    Ok(redirect(PAGE, Some(if editing.is_some() { "limit-changed" } else { "limit-added" })))
}

fn wish(form: &Form, errors: &mut Vec<FieldError>) -> Option<Limit> {
    if form.get("reason").chars().count() > 500 {
        errors.push(FieldError::new("reason", "The reason must have at most 500 characters."));
    }
    let limit = form.whole_number("limit", "The limit", errors);
    if limit.is_none() && form.word("limit").is_none() {
        errors.push(FieldError::new("limit", "The limit must be a whole number; 0 lets nothing through."));
    }
    let is_rate = form.get("mode") == LimitMode::Rate.as_str();
    // What does not belong to the mode is left in its field by whoever changed his mind.
    let burst = if is_rate { form.whole_number("burst", "The burst", errors) } else { None };
    let window = form.word("window").filter(|_| is_rate).map(Span::parse);
    if window == Some(None) {
        errors.push(FieldError::new("window", "The window must be a number of seconds, like 60 or 0.5."));
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

/// What a part of the request is called on the form.
fn field(name: &str) -> &'static str {
    match name {
        "scope" => "scope",
        "value" => "value",
        "mode" => "mode",
        "limit" => "limit",
        "window" => "window",
        "burst" => "burst",
        _ => "limit_name",
    }
}

fn choices(form: LimitForm, scope: &str, mode: &str) -> LimitForm {
    let of = |all: &[(&str, &str)], chosen: &str| {
        let choice = |(value, label): &(&str, &str)| Choice {
            value: (*value).to_owned(),
            label: (*label).to_owned(),
            selected: *value == chosen,
        };
        all.iter().map(choice).collect()
    };
    LimitForm { scopes: of(&SCOPES, scope), modes: of(&MODES, mode), ..form }
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
    choices(typed, form.get("scope"), form.get("mode"))
}

fn stored(limit: &Limit) -> LimitForm {
    let form = LimitForm {
        editing: Some(limit.name.clone()),
        limit_name: limit.name.clone(),
        value: limit.value.clone().unwrap_or_default(),
        limit: limit.most.to_string(),
        window: limit.span.map(|it| it.to_string()).unwrap_or_default(),
        burst: limit.burst.map(|it| it.to_string()).unwrap_or_default(),
        enabled: limit.enabled,
        ..LimitForm::default()
    };
    choices(form, limit.scope.as_str(), limit.mode.as_str())
}

async fn page(app: &App, request: &HttpRequest, form: LimitForm, status: StatusCode) -> Result<HttpResponse, ApiError> {
    let limits = app.store.list_limits(None).await?;
    let counts = Counts::load(app).await?;
    let holding = limits.iter().filter(|it| it.is_tight() && it.waiting > 0).count() as i64;
    let holds = match holding {
        0 => "none of them holds a job back".to_owned(),
        1 => "1 of them holds jobs back".to_owned(),
        n => format!("{n} of them hold jobs back"),
    };
    let page = LimitsPage {
        shell: Shell::new(app, request).at(Nav::Limits).with_counts(&counts).titled("Limits"),
        summary: if limits.is_empty() {
            "none".to_owned()
        } else {
            format!("{}, {holds}", plural(limits.len() as i64, "limit"))
        },
        rows: limits.iter().map(row).collect(),
        form,
    };
    Ok(respond(request, Rendering::new(&page, page.as_main()).with_status(status)))
}

fn row(it: &LimitUse) -> LimitRow {
    let limit = &it.limit;
    let holds = it.is_tight() && it.waiting > 0;
    let held = if it.waiting > COUNT_CAP { format!("{} jobs", capped(it.waiting)) } else { plural(it.waiting, "job") };
    LimitRow {
        name: limit.name.clone(),
        scope: if limit.scope == LimitScope::Global { "everything".to_owned() } else { limit.scope.to_string() },
        value: limit.value.clone(),
        mode: if limit.mode == LimitMode::Rate { "Rate" } else { "Concurrency" }.to_owned(),
        limit: words(limit),
        used: used(it),
        held_back: holds.then_some(held),
        free: it.free_at.filter(|_| holds).map(stamp),
        enabled: limit.enabled,
        edit: links::with_query(PAGE, &[("edit", &limit.name)]),
        delete: links::with_query(DELETE, &[("limit", &limit.name)]),
    }
}

/// "100 in 60 s, burst 20"; "10 at once".
pub fn words(limit: &Limit) -> String {
    let most = count(limit.most.into());
    match (limit.mode, limit.span) {
        (LimitMode::Rate, Some(span)) => {
            let burst = limit.burst.filter(|it| *it != limit.most).map(|it| format!(", burst {}", count(it.into())));
            format!("{most} in {}{}", duration(span), burst.unwrap_or_default())
        }
        _ => format!("{most} at once"),
    }
}

fn used(it: &LimitUse) -> Usage {
    let burst = i64::from(it.limit.burst.unwrap_or(it.limit.most));
    match (it.limit.enabled, it.limit.mode, it.tokens) {
        (false, ..) => Usage { text: "–".to_owned(), percent: None, tone: Tone::Neutral },
        (_, LimitMode::Rate, Some(tokens)) => Usage::of(burst - tokens.floor() as i64, burst),
        (_, LimitMode::Rate, None) => Usage::of(0, burst),
        (_, LimitMode::Concurrency, _) => Usage::of(it.active.unwrap_or_default(), it.limit.most.into()),
    }
}

/// `GET /dashboard/limits/delete?limit=…`.
pub async fn ask_delete(app: Data<App>, request: HttpRequest) -> HttpResponse {
    or_error_page(&app, &request, question(&app, &request, None).await)
}

/// `POST`.
pub async fn delete(app: Data<App>, request: HttpRequest, body: Body) -> HttpResponse {
    or_error_page(&app, &request, try_delete(&app, &request, &body).await)
}

async fn try_delete(app: &App, request: &HttpRequest, body: &Body) -> Result<HttpResponse, ApiError> {
    let form = Form::read(body)?;
    let audit = match confirmed_audit(&form) {
        Ok(audit) => audit,
        Err(refused) => return question(app, request, refused).await,
    };
    let name = named(request)?;
    // Whoever else deleted it wanted the same.
    app.store.remove_limit(&name, &audit).await?;
    Ok(redirect(PAGE, Some("limit-deleted")))
}

async fn question(app: &App, request: &HttpRequest, refused: Option<(String, &str)>) -> Result<HttpResponse, ApiError> {
    let name = named(request)?;
    let limit = found(app, &name).await?;
    let confirmation = Confirmation {
        nav: Nav::Limits,
        crumbs: &[("Limits", PAGE.to_owned())],
        heading: "Delete a limit",
        icon: "trash",
        destructive: true,
        post_to: &links::with_query(DELETE, &[("limit", &name)]),
        back: PAGE,
    };
    let held = if limit.is_tight() { limit.waiting } else { 0 };
    let mut effects = vec![format!("It holds no longer: {}.", words(&limit.limit))];
    if held > 0 {
        effects.push(format!("What it holds back may start at once: {} now.", plural(held, "job")));
    }
    let page = ConfirmPage {
        subject: name,
        effects,
        kept: vec!["All other limits, and the record of this one.".to_owned()],
        ..confirmation.page(app, request).await?
    };
    Ok(page.respond_to(request, refused))
}

fn named(request: &HttpRequest) -> Result<String, ApiError> {
    let query = Query::parse(request.query_string(), &["limit"])?;
    query.get("limit").map(str::to_owned).ok_or(ApiError::NoRoute)
}

async fn found(app: &App, name: &str) -> Result<LimitUse, ApiError> {
    app.store.list_limits(Some(name)).await?.pop().ok_or_else(|| ApiError::Missing("limit", name.to_owned()))
}
