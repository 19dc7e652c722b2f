//! `/limits`.

use actix_web::HttpRequest;
use actix_web::web::Data;

use crate::domain::{Ident, LimitMode, LimitScope};
use crate::store::limits::{Limit, LimitUse};
use crate::web::api::audit::{API, api_audit, audit};
use crate::web::api::description;
use crate::web::api::queues::limit_value;
use crate::web::api::response::{created, json, list as json_list, no_content};
use crate::web::app::App;
use crate::web::error::{ApiError, ApiResult};
use crate::web::extract::{Json, Name, OptionalJson};
use crate::web::query::Query;
use crate::wire::{self, PutLimit, Reason};

/// List limits and their current use.
#[utoipa::path(get, path = "/limits", tag = "limits", responses((status = 200, body = [wire::Limit]), description::Read))]
pub async fn list(app: Data<App>, request: HttpRequest) -> ApiResult {
    Query::parse(request.query_string(), &[])?;
    json_list::<wire::Limit, _>(app.store.list_limits(None).await?)
}

/// Create a limit, or replace the limit with the same name. It takes effect immediately on all workers.
#[utoipa::path(post, path = "/limits", tag = "limits", request_body = PutLimit,
    responses((status = 200, body = wire::Limit, description = "Replaced"), (status = 201, body = wire::Limit), description::Write))]
pub async fn put(app: Data<App>, body: Json<PutLimit>) -> ApiResult {
    let mut request = body.value;
    let audit = audit(API, request.reason.take())?;
    let limit = checked(request)?;
    if limit.name.starts_with("queue:") || limit.name.starts_with("queue-rate:") {
        let message = "must not begin with queue: or queue-rate:, which are reserved; use PATCH /queues/{name}";
        return Err(ApiError::field("name", message));
    }
    let is_new = app.store.put_limit(&limit, &audit).await?;
    Ok(created(is_new).json(wire::Limit::from(load(&app, &limit.name).await?)))
}

/// Get a limit.
#[utoipa::path(get, path = "/limits/{limit}", tag = "limits", params(("limit" = String, Path)),
    responses((status = 200, body = wire::Limit), description::ReadOne))]
pub async fn get(app: Data<App>, Name(name): Name) -> ApiResult {
    json(wire::Limit::from(load(&app, &name).await?))
}

/// Delete a limit.
#[utoipa::path(delete, path = "/limits/{limit}", tag = "limits", params(("limit" = String, Path)), request_body(content = Option<Reason>),
    responses((status = 204, description = "Deleted"), description::WriteOne))]
pub async fn remove(app: Data<App>, Name(name): Name, reason: OptionalJson<Reason>) -> ApiResult {
    if !app.store.remove_limit(&name, &api_audit(reason.0)?).await? {
        return Err(not_found(&name));
    }
    no_content()
}

async fn load(app: &App, name: &str) -> Result<LimitUse, ApiError> {
    app.store.list_limits(Some(name)).await?.pop().ok_or_else(|| not_found(name))
}

fn not_found(name: &str) -> ApiError {
    ApiError::not_found("limit", name)
}

/// Validates a limit.
pub fn checked(request: PutLimit) -> Result<Limit, ApiError> {
    let name = request.name.trim().to_owned();
    if !(1..=200).contains(&name.chars().count()) || name.chars().any(char::is_control) {
        return Err(ApiError::field("name", "must have 1 to 200 visible characters"));
    }
    // An alternative name of `kind`.
    let scope = if request.scope == "job_type" { "kind" } else { request.scope.as_str() };
    let scope =
        LimitScope::parse(scope).ok_or_else(|| ApiError::field("scope", "must be global, queue, kind or tenant"))?;
    let mode = LimitMode::parse(request.mode.as_deref().unwrap_or("rate"));
    let mode = mode.ok_or_else(|| ApiError::field("mode", "must be rate or concurrency"))?;
    let value = match (scope, request.value.filter(|it| !it.is_empty())) {
        (LimitScope::Global, None) => None,
        (LimitScope::Global, Some(_)) => {
            return Err(ApiError::field("value", "must be omitted for the global scope"));
        }
        (_, None) => return Err(ApiError::field("value", format!("must name the {scope} that the limit applies to"))),
        (_, Some(value)) => Some(Ident::parse(&value).map_err(|error| ApiError::field("value", error))?.to_string()),
    };
    let max = limit_value("limit", request.limit)?;
    let (window, burst) = match mode {
        LimitMode::Rate => {
            let seconds = request.window.map_or(1.0, |it| it.0.as_secs_f64());
            (Some(window_seconds(seconds)?), Some(burst(request.burst, max)?))
        }
        LimitMode::Concurrency if request.window.is_some() => {
            return Err(ApiError::field("window", "is only allowed for a rate"));
        }
        LimitMode::Concurrency if request.burst.is_some() => {
            return Err(ApiError::field("burst", "is only allowed for a rate"));
        }
        LimitMode::Concurrency => (None, None),
    };
    Ok(Limit { name, scope, value, mode, max, window, burst, enabled: request.enabled.unwrap_or(true) })
}

fn window_seconds(seconds: f64) -> Result<f64, ApiError> {
    let is_valid = (0.001..=30.0 * 86400.0).contains(&seconds);
    if is_valid { Ok(seconds) } else { Err(ApiError::field("window", "must be between 1 ms and 30 days")) }
}

fn burst(requested: Option<i64>, limit: i32) -> Result<i32, ApiError> {
    match requested {
        None => Ok(limit.max(1)),
        Some(burst) if burst >= 1 => limit_value("burst", burst),
        Some(_) => Err(ApiError::field("burst", "must be a whole number from 1 to 1000000")),
    }
}

impl From<LimitUse> for wire::Limit {
    fn from(row: LimitUse) -> Self {
        let held_back = if row.is_exhausted() { row.waiting } else { 0 };
        let limit = row.limit;
        Self {
            name: limit.name,
            scope: limit.scope.to_string(),
            value: limit.value,
            mode: limit.mode.to_string(),
            limit: limit.max,
            window_s: limit.window,
            burst: limit.burst,
            enabled: limit.enabled,
            active: row.active,
            tokens: row.tokens,
            free_at: row.free_at,
            held_back,
            actor: row.actor,
            updated_at: row.updated_at,
        }
    }
}
