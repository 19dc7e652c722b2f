//! `/limits`: how often, or how many at once.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};

use crate::domain::{Ident, LimitMode, LimitScope};
use crate::store::limits::{Limit, LimitUse};
use crate::web::api::convert;
use crate::web::api::queues::bounded;
use crate::web::app::App;
use crate::web::error::ApiError;
use crate::web::extract::{Json, OptionalJson, name_in_path};
use crate::web::query::Query;
use crate::wire::{self, Problem, PutLimit, Reason};

/// The limits, and how much of each is used now.
#[utoipa::path(get, path = "/limits", tag = "limits",
    responses((status = 200, body = [wire::Limit]), (status = 400, body = Problem), (status = 503, body = Problem)))]
pub async fn list(app: Data<App>, request: HttpRequest) -> Result<HttpResponse, ApiError> {
    Query::parse(request.query_string(), &[])?;
    let limits = app.store.list_limits(None).await?;
    Ok(HttpResponse::Ok().json(limits.into_iter().map(wire::Limit::from).collect::<Vec<_>>()))
}

/// From now on this limit holds, everywhere at once; the same name again changes it.
#[utoipa::path(post, path = "/limits", tag = "limits", request_body = PutLimit,
    responses((status = 200, body = wire::Limit, description = "Changed"), (status = 201, body = wire::Limit), (status = 400, body = Problem),
        (status = 413, body = Problem), (status = 415, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem)))]
pub async fn put(app: Data<App>, body: Json<PutLimit>) -> Result<HttpResponse, ApiError> {
    let mut wish = body.value;
    let audit = convert::audit(convert::API, wish.reason.take())?;
    let limit = checked(wish)?;
    if limit.name.starts_with("queue:") || limit.name.starts_with("queue-rate:") {
        let hint = "must not begin with queue: or queue-rate:, which are the limits that queues have themselves; PATCH /queues/{name}";
        return Err(ApiError::field("name", hint));
    }
    let is_new = app.store.put_limit(&limit, &audit).await?;
    let mut response = if is_new { HttpResponse::Created() } else { HttpResponse::Ok() };
    Ok(response.json(wire::Limit::from(found(&app, &limit.name).await?)))
}

/// One limit.
#[utoipa::path(get, path = "/limits/{limit}", tag = "limits", params(("limit" = String, Path)),
    responses((status = 200, body = wire::Limit), (status = 400, body = Problem), (status = 404, body = Problem), (status = 503, body = Problem)))]
pub async fn get(app: Data<App>, request: HttpRequest) -> Result<HttpResponse, ApiError> {
    Ok(HttpResponse::Ok().json(wire::Limit::from(found(&app, &name_of(&request)).await?)))
}

/// This limit holds no longer.
#[utoipa::path(delete, path = "/limits/{limit}", tag = "limits", params(("limit" = String, Path)), request_body(content = Option<Reason>),
    responses((status = 204, description = "Gone"), (status = 400, body = Problem), (status = 404, body = Problem), (status = 413, body = Problem),
        (status = 415, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem)))]
pub async fn remove(
    app: Data<App>,
    request: HttpRequest,
    reason: OptionalJson<Reason>,
) -> Result<HttpResponse, ApiError> {
    let (name, audit) = (&name_of(&request), convert::api_audit(reason.0)?);
    if !app.store.remove_limit(name, &audit).await? {
        return Err(no_limit(name));
    }
    Ok(HttpResponse::NoContent().finish())
}

async fn found(app: &App, name: &str) -> Result<LimitUse, ApiError> {
    app.store.list_limits(Some(name)).await?.pop().ok_or_else(|| no_limit(name))
}

fn no_limit(name: &str) -> ApiError {
    ApiError::Missing("limit", name.to_owned())
}

fn name_of(request: &HttpRequest) -> String {
    name_in_path(request, "limit")
}

/// The limit that somebody asks for, or the field that cannot be accepted.
pub fn checked(wish: PutLimit) -> Result<Limit, ApiError> {
    let name = wish.name.trim().to_owned();
    if !(1..=200).contains(&name.chars().count()) || name.chars().any(char::is_control) {
        return Err(ApiError::field("name", "must have 1 to 200 visible characters"));
    }
    // Another word for a kind.
    let word = if wish.scope == "job_type" { "kind" } else { wish.scope.as_str() };
    let scope =
        LimitScope::parse(word).ok_or_else(|| ApiError::field("scope", "must be global, queue, kind or tenant"))?;
    let mode = LimitMode::parse(wish.mode.as_deref().unwrap_or("rate"));
    let mode = mode.ok_or_else(|| ApiError::field("mode", "must be rate or concurrency"))?;
    let value = wish.value.filter(|it| !it.is_empty());
    let value = match (scope, value) {
        (LimitScope::Global, None) => None,
        (LimitScope::Global, Some(_)) => return Err(ApiError::field("value", "must be left out for the global scope")),
        (_, None) => return Err(ApiError::field("value", format!("must name the {scope} that the limit speaks of"))),
        (_, Some(value)) => Some(Ident::parse(&value).map_err(|error| ApiError::field("value", error))?.to_string()),
    };
    let most = bounded("limit", wish.limit)?;
    let (span, burst) = match mode {
        LimitMode::Rate => {
            (Some(window(wish.window.map_or(1.0, |it| it.0.as_secs_f64()))?), Some(burst(wish.burst, most)?))
        }
        LimitMode::Concurrency if wish.window.is_some() => {
            return Err(ApiError::field("window", "belongs to a rate; concurrency has none"));
        }
        LimitMode::Concurrency if wish.burst.is_some() => {
            return Err(ApiError::field("burst", "belongs to a rate; concurrency has none"));
        }
        LimitMode::Concurrency => (None, None),
    };
    Ok(Limit { name, scope, value, mode, max: most, window: span, burst, enabled: wish.enabled.unwrap_or(true) })
}

fn window(seconds: f64) -> Result<f64, ApiError> {
    let fits = (0.001..=30.0 * 86400.0).contains(&seconds);
    if fits { Ok(seconds) } else { Err(ApiError::field("window", "must be between 1 ms and 30 days")) }
}

fn burst(wish: Option<i64>, most: i32) -> Result<i32, ApiError> {
    match wish {
        None => Ok(most.max(1)),
        Some(burst) if burst >= 1 => bounded("burst", burst),
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
