//! `/schemas`: what payloads look like, and whether one does.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use jsonschema::Validator;
use serde_json::Value;

use crate::domain::{Ident, NewJob};
use crate::store::schemas::PutOutcome;
use crate::web::api::convert;
use crate::web::app::App;
use crate::web::error::ApiError;
use crate::web::extract::{Json, name_in_path};
use crate::web::query::Query;
use crate::wire::json::{raw, storable};
use crate::wire::{self, FieldProblem, Problem, PutSchema};

/// How long what was read is good: a schema is in force everywhere within this time.
const FRESH: Duration = Duration::from_secs(1);
/// How many mistakes of a payload are told at once.
const MAX_MISTAKES: usize = 20;
/// The most bytes of a schema.
const MAX_SCHEMA: usize = 64 * 1024;

/// The schemas of the handlers in the box, and those that were registered, compiled.
#[derive(Clone)]
pub struct Schemas {
    built_in: Arc<BTreeMap<String, String>>,
    read: Arc<Mutex<HashMap<String, (Instant, Versions)>>>,
}

/// The validators of a kind, by version.
type Versions = Arc<BTreeMap<i32, Validator>>;

impl Schemas {
    pub fn new(built_in: BTreeMap<String, String>) -> Self {
        Self { built_in: Arc::new(built_in), read: Arc::default() }
    }

    /// Checks the payload of a job, and notes the version that it was checked against. `prefix` names the job among many.
    pub async fn check(&self, app: &App, job: &mut NewJob, prefix: &str) -> Result<(), ApiError> {
        let versions = self.versions(app, job.kind.as_str()).await?;
        let validator = match job.schema_version {
            None => versions.last_key_value(),
            Some(version) if versions.is_empty() => {
                return Err(ApiError::field(
                    format!("{prefix}schema_version"),
                    format!("is {version}, but there is no schema for {}", job.kind),
                ));
            }
            Some(version) => versions.get_key_value(&version).map(Some).ok_or_else(|| {
                let known: Vec<String> = versions.keys().map(ToString::to_string).collect();
                ApiError::field(
                    format!("{prefix}schema_version"),
                    format!("is {version}; the versions of {} are: {}", job.kind, known.join(", ")),
                )
            })?,
        };
        let Some((version, validator)) = validator else { return Ok(()) };
        fits(validator, &job.payload, prefix)?;
        job.schema_version = Some(*version);
        Ok(())
    }

    /// Checks a payload that is given to a job of this kind later.
    pub async fn check_text(&self, app: &App, kind: &str, payload: &str) -> Result<(), ApiError> {
        match self.versions(app, kind).await?.last_key_value() {
            Some((_, validator)) => fits(validator, payload, ""),
            None => Ok(()),
        }
    }

    async fn versions(&self, app: &App, kind: &str) -> Result<Versions, ApiError> {
        let known = self.read.lock().unwrap_or_else(PoisonError::into_inner).get(kind).cloned();
        if let Some((_, versions)) = known.filter(|(at, _)| at.elapsed() < FRESH) {
            return Ok(versions);
        }
        let mut versions = BTreeMap::new();
        if let Some(validator) = self.built_in.get(kind).and_then(|text| compiled(text).ok()) {
            versions.insert(1, validator);
        }
        for row in app.store.list_schemas(Some(kind)).await? {
            // It was compiled when it was registered.
            if let Ok(validator) = compiled(&row.schema) {
                versions.insert(row.version, validator);
            }
        }
        let versions = Arc::new(versions);
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        // Kinds come from outside; what was read long ago makes room.
        if read.len() > 1000 {
            read.retain(|_, (at, _)| at.elapsed() < FRESH);
        }
        read.insert(kind.to_owned(), (Instant::now(), versions.clone()));
        Ok(versions)
    }

    fn forget(&self, kind: &str) {
        self.read.lock().unwrap_or_else(PoisonError::into_inner).remove(kind);
    }
}

fn fits(validator: &Validator, payload: &str, prefix: &str) -> Result<(), ApiError> {
    // The text was parsed once before it came here, so this cannot fail.
    let payload: Value = serde_json::from_str(payload).unwrap_or_default();
    let mistakes: Vec<FieldProblem> = validator
        .iter_errors(&payload)
        .take(MAX_MISTAKES)
        .map(|error| FieldProblem::new(path(prefix, &error.instance_path().to_string()), error))
        .collect();
    if mistakes.is_empty() { Ok(()) } else { Err(ApiError::Fields(mistakes)) }
}

/// `payload/items/0/name`: where in the request a mistake is.
fn path(prefix: &str, pointer: &str) -> String {
    format!("{prefix}payload{pointer}")
}

fn compiled(text: &str) -> Result<Validator, String> {
    let schema: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    // Without the features that fetch, a reference to anywhere else is an error here and not a request.
    jsonschema::validator_for(&schema).map_err(|error| error.to_string())
}

/// What payloads are checked against, by kind and version.
#[utoipa::path(get, path = "/schemas", tag = "schemas", params(("kind" = Option<String>, Query)),
    responses((status = 200, body = [wire::Schema]), (status = 400, body = Problem), (status = 503, body = Problem)))]
pub async fn list(app: Data<App>, request: HttpRequest) -> Result<HttpResponse, ApiError> {
    let query = Query::parse(request.query_string(), &["kind"])?;
    let kind = query.get("kind");
    let built_in = app.schemas.built_in.iter().filter(|(name, _)| kind.is_none_or(|kind| kind == *name));
    let mut schemas: Vec<wire::Schema> = built_in
        .map(|(kind, text)| wire::Schema {
            kind: kind.clone(),
            version: 1,
            schema: raw((*text).to_owned()),
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
    Ok(HttpResponse::Ok().json(schemas))
}

/// Register a schema for a kind. It holds for new jobs from now on; jobs that are there keep what they were checked against.
#[utoipa::path(put, path = "/schemas/{kind}", tag = "schemas", params(("kind" = String, Path)), request_body = PutSchema,
    responses((status = 200, description = "This version says exactly that already"), (status = 201, body = wire::Schema),
        (status = 400, body = Problem), (status = 409, body = Problem), (status = 413, body = Problem), (status = 415, body = Problem),
        (status = 422, body = Problem), (status = 503, body = Problem)))]
pub async fn put(app: Data<App>, request: HttpRequest, body: Json<PutSchema>) -> Result<HttpResponse, ApiError> {
    let kind = kind_of(&request)?;
    let PutSchema { version, schema } = body.value;
    if version.is_some_and(|version| version < 1) {
        return Err(ApiError::field("version", "must be a whole number from 1"));
    }
    let text = schema.get();
    if text.len() > MAX_SCHEMA {
        return Err(ApiError::field("schema", format!("must have at most {MAX_SCHEMA} bytes")));
    }
    storable(text).and_then(|()| compiled(text).map(drop)).map_err(|why| ApiError::field("schema", why))?;
    let audit = convert::audit(convert::API, None)?;
    // What is built in is version 1, and stays it.
    let is_built_in = app.schemas.built_in.contains_key(kind.as_str());
    let version = match version {
        None if is_built_in && app.store.list_schemas(Some(kind.as_str())).await?.is_empty() => Some(2),
        other => other,
    };
    if is_built_in && version == Some(1) {
        return Err(ApiError::field("version", "1 is the one that is built in; register another"));
    }
    let put = app.store.put_schema(kind.as_str(), version, text, &audit).await?;
    app.schemas.forget(kind.as_str());
    let (mut response, version) = match put {
        PutOutcome::New { version } => (HttpResponse::Created(), version),
        PutOutcome::Same => (HttpResponse::Ok(), version.unwrap_or(1)),
        PutOutcome::Other => {
            return Err(ApiError::NotNow {
                what: "schema",
                verb: "changed",
                was: "registered with other words".to_owned(),
                hint: "Register another version: jobs were checked against this one.",
            });
        }
    };
    Ok(response.json(wire::Schema {
        kind: kind.to_string(),
        version,
        schema,
        actor: convert::API.to_owned(),
        created_at: None,
    }))
}

/// Stop checking against one version.
#[utoipa::path(delete, path = "/schemas/{kind}/{version}", tag = "schemas", params(("kind" = String, Path), ("version" = i32, Path)),
    responses((status = 204, description = "Gone"), (status = 400, body = Problem), (status = 404, body = Problem), (status = 503, body = Problem)))]
pub async fn remove(app: Data<App>, request: HttpRequest) -> Result<HttpResponse, ApiError> {
    let kind = kind_of(&request)?;
    let text = request.match_info().get("version").unwrap_or_default();
    let version: i32 = text.parse().map_err(|_| ApiError::parameter("version", "must be a whole number"))?;
    let audit = convert::audit(convert::API, None)?;
    if !app.store.remove_schema(kind.as_str(), version, &audit).await? {
        return Err(ApiError::Missing("schema", format!("{kind} version {version}")));
    }
    app.schemas.forget(kind.as_str());
    Ok(HttpResponse::NoContent().finish())
}

fn kind_of(request: &HttpRequest) -> Result<Ident, ApiError> {
    Ident::parse(&name_in_path(request, "kind")).map_err(|error| ApiError::parameter("kind", error))
}
