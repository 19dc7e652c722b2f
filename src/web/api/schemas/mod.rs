//! `/schemas`.

pub mod registry;

use actix_web::HttpRequest;
use actix_web::web::Data;

use crate::domain::Ident;
use crate::store::schemas::PutOutcome;
use crate::web::api::audit::{API, audit};
use crate::web::api::description;
use crate::web::api::response::{created, json, no_content};
use crate::web::app::App;
use crate::web::error::{ApiError, ApiResult};
use crate::web::extract::{Json, Name};
use crate::web::query::Query;
use crate::wire::json::{raw, storable};
use crate::wire::{self, PutSchema};

/// Maximum size of a schema in bytes.
const MAX_SCHEMA: usize = 64 * 1024;

/// List payload schemas by kind and version.
#[utoipa::path(get, path = "/schemas", tag = "schemas", params(("kind" = Option<String>, Query)),
    responses((status = 200, body = [wire::Schema]), description::Read))]
pub async fn list(app: Data<App>, request: HttpRequest) -> ApiResult {
    let query = Query::parse(request.query_string(), &["kind"])?;
    let kind = query.get("kind");
    let built_in = app.schemas.built_in.iter().filter(|(name, _)| kind.is_none_or(|kind| kind == *name));
    let mut schemas: Vec<wire::Schema> = built_in
        .map(|(kind, text)| wire::Schema {
            kind: kind.clone(),
            version: 1,
            schema: raw(text.clone()),
            actor: "built in".to_owned(),
            created_at: None,
        })
        .collect();
    for row in app.store.list_schemas(kind).await? {
        schemas.retain(|it| (it.kind.as_str(), it.version) != (row.kind.as_str(), row.version));
        schemas.push(wire::Schema {
            kind: row.kind,
            version: row.version,
            schema: raw(row.schema),
            actor: row.actor,
            created_at: Some(row.created_at),
        });
    }
    schemas.sort_by(|a, b| (&a.kind, a.version).cmp(&(&b.kind, b.version)));
    json(schemas)
}

/// Register a schema for a kind. It applies to new jobs; existing jobs keep the version that they were checked against.
#[utoipa::path(put, path = "/schemas/{kind}", tag = "schemas", params(("kind" = String, Path)), request_body = PutSchema,
    responses((status = 200, description = "The version already has this content"), (status = 201, body = wire::Schema),
        description::Write, description::Conflict))]
pub async fn put(app: Data<App>, Name(kind): Name, body: Json<PutSchema>) -> ApiResult {
    let kind = parse_kind(&kind)?;
    let PutSchema { version, schema } = body.value;
    if version.is_some_and(|version| version < 1) {
        return Err(ApiError::field("version", "must be a whole number of at least 1"));
    }
    let text = schema.get();
    if text.len() > MAX_SCHEMA {
        return Err(ApiError::field("schema", format!("must have at most {MAX_SCHEMA} bytes")));
    }
    storable(text).map_err(|why| ApiError::field("schema", why))?;
    app.schemas.try_out(text).await?.map_err(|why| ApiError::field("schema", why))?;
    let version = match version {
        // The built-in schema is version 1.
        requested if app.schemas.built_in.contains_key(kind.as_str()) => match requested {
            None if app.store.list_schemas(Some(kind.as_str())).await?.is_empty() => Some(2),
            Some(1) => return Err(ApiError::field("version", "1 is built in; use a higher version")),
            other => other,
        },
        other => other,
    };
    let outcome = app.store.put_schema(kind.as_str(), version, text, &audit(API, None)?).await?;
    app.schemas.invalidate(kind.as_str());
    let (is_new, version) = match outcome {
        PutOutcome::New { version } => (true, version),
        PutOutcome::Same => (false, version.unwrap_or(1)),
        PutOutcome::Other => {
            return Err(ApiError::InvalidState {
                what: "schema",
                verb: "changed",
                was: "registered with different content".to_owned(),
                hint: "Register a new version: jobs were checked against the existing one.",
            });
        }
    };
    let (kind, actor) = (kind.to_string(), API.to_owned());
    Ok(created(is_new).json(wire::Schema { kind, version, schema, actor, created_at: None }))
}

/// Delete one version of a schema.
#[utoipa::path(delete, path = "/schemas/{kind}/{version}", tag = "schemas", params(("kind" = String, Path), ("version" = i32, Path)),
    responses((status = 204, description = "Deleted"), description::ReadOne))]
pub async fn remove(app: Data<App>, request: HttpRequest, Name(kind): Name) -> ApiResult {
    let kind = parse_kind(&kind)?;
    let text = request.match_info().get("version").unwrap_or_default();
    let version: i32 = text.parse().map_err(|_| ApiError::parameter("version", "must be a whole number"))?;
    if !app.store.remove_schema(kind.as_str(), version, &audit(API, None)?).await? {
        return Err(ApiError::not_found("schema", format!("{kind} version {version}")));
    }
    app.schemas.invalidate(kind.as_str());
    no_content()
}

fn parse_kind(text: &str) -> Result<Ident, ApiError> {
    Ident::parse(text).map_err(|error| ApiError::parameter("kind", error))
}
