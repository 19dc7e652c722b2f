//! `/projects/{id}/terraform/state`: the state backend `http` of Terraform and OpenTofu.
//!
//! Both send GET, POST and DELETE, and with a lock LOCK and UNLOCK. The password of basic authentication is the token of an
//! attempt for its programs, and the admin token for all others.

use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, HeaderName};
use actix_web::web::{Bytes, Data};
use actix_web::{HttpRequest, HttpResponse};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use md5::{Digest as _, Md5};
use serde::Deserialize;
use uuid::Uuid;

use crate::secrets::SensitiveText;
use crate::store::Audit;
use crate::store::terraform::{NewState, StateCaller, StateOutcome, StateVersion, secret_name};
use crate::web::access::Caller;
use crate::web::api::audit::{API, audit};
use crate::web::api::description;
use crate::web::api::projects::{load, not_found};
use crate::web::api::response::list;
use crate::web::app::App;
use crate::web::error::{ApiError, ApiResult};
use crate::web::extract::{Body, Id, LargeBody, parse_text, text_of};
use crate::web::query::Query;
use crate::wire;
use crate::wire::hash::sha256_hex;
use crate::wire::json::storable;

/// The header with the MD5 of the content, in base64. Terraform sends it, and compares it.
const CONTENT_MD5: HeaderName = HeaderName::from_static("content-md5");
/// Maximum number of characters of the id of a lock and of a lineage.
const MAX_ID: usize = 255;
/// Maximum number of bytes of the description of a holder.
const MAX_INFO: usize = 16 * 1024;
const VERSIONS: i64 = 200;

/// The part of a state that is checked.
#[derive(Deserialize)]
struct StateHead {
    serial: i64,
    lineage: String,
}

/// The part of the description of a holder that is used.
#[derive(Default, Deserialize)]
#[serde(default)]
struct LockHead {
    #[serde(rename = "ID")]
    id: String,
    #[serde(rename = "Operation")]
    operation: String,
}

/// Get the state of a project, or an earlier version of it. Reading it is recorded, unless a program of the project does so.
#[utoipa::path(get, path = "/projects/{id}/terraform/state", tag = "projects",
    params(("id" = Uuid, Path), ("version" = Option<i32>, Query, description = "Default: the newest version")),
    responses((status = 200, body = Object), description::ReadOne, description::Conflict))]
pub async fn get(app: Data<App>, caller: Caller, request: HttpRequest, Id(id): Id) -> ApiResult {
    let query = Query::parse(request.query_string(), &["version"])?;
    let version = query.has("version").then(|| query.number("version", 1, 1..=i64::from(i32::MAX))).transpose()?;
    load(&app, id).await?;
    let from = from(id, &caller);
    if !app.store.may_use_terraform_state(from).await? {
        return refused(from, StateOutcome::LeaseLost);
    }
    let version = version.and_then(|it| i32::try_from(it).ok());
    let stored = app.store.terraform_state(id, version).await?;
    let stored = stored.ok_or_else(|| ApiError::not_found("Terraform state of the project", id))?;
    let text = app.keyring()?.open(id, &stored.name, &stored.sealed)?;
    if caller == Caller::Anybody {
        app.store.record_reveal(id, "Terraform state", &audit(API, None)?).await?;
    }
    let mut response = HttpResponse::Ok();
    response.insert_header((CACHE_CONTROL, "no-store")).insert_header((CONTENT_MD5, md5_of(text.reveal().as_bytes())));
    Ok(response.content_type("application/json").body(text.reveal().to_owned()))
}

/// Store a new version of the state of a project. The lock, if there is one, must be the caller's; its id is the parameter `ID`.
#[utoipa::path(post, path = "/projects/{id}/terraform/state", tag = "projects", request_body = Object,
    params(("id" = Uuid, Path), ("ID" = Option<String>, Query, description = "The id of the lock")),
    responses((status = 200, description = "Stored, or the same content is there"), description::WriteOne, description::Conflict,
        (status = 423, description = "Locked by another", body = wire::LockInfo)))]
pub async fn put(
    app: Data<App>,
    caller: Caller,
    request: HttpRequest,
    Id(id): Id,
    LargeBody(body): LargeBody,
) -> ApiResult {
    let query = Query::parse(request.query_string(), &["ID"])?;
    check_md5(&request, &body)?;
    let text = text_of(&body)?;
    let StateHead { serial, lineage } = parse_text(text)?;
    if serial < 0 {
        return Err(ApiError::field("serial", "must not be negative"));
    }
    let secret = Uuid::now_v7();
    let state = NewState {
        serial,
        lineage: checked("lineage", &lineage)?,
        digest: sha256_hex(text),
        bytes: i32::try_from(body.len()).unwrap_or(i32::MAX),
        secret,
        sealed: app.keyring()?.seal(id, &secret_name(secret), &SensitiveText::new(text.to_owned()))?,
    };
    let from = from(id, &caller);
    answer(from, app.store.put_terraform_state(from, query.get("ID"), &state, &actor(&caller)).await?)
}

/// Delete the state of a project. Its earlier versions stay.
#[utoipa::path(delete, path = "/projects/{id}/terraform/state", tag = "projects", params(("id" = Uuid, Path)),
    responses((status = 200, description = "Deleted, or there is none"), description::ReadOne, description::Conflict,
        (status = 423, description = "Locked by another", body = wire::LockInfo)))]
pub async fn remove(app: Data<App>, caller: Caller, Id(id): Id) -> ApiResult {
    let from = from(id, &caller);
    answer(from, app.store.remove_terraform_state(from, &audit_of(&caller)?).await?)
}

/// `LOCK`: locks the state. The body describes the holder.
pub async fn lock(app: Data<App>, caller: Caller, Id(id): Id, Body(body): Body) -> ApiResult {
    let text = text_of(&body)?;
    let holder: LockHead = parse_text(text)?;
    if text.len() > MAX_INFO {
        return Err(ApiError::TooLarge(MAX_INFO));
    }
    storable(text).map_err(|why| ApiError::field("body", why))?;
    let (from, lock) = (from(id, &caller), checked("ID", &holder.id)?);
    answer(from, app.store.lock_terraform_state(from, lock, text, &actor(&caller)).await?)
}

/// `UNLOCK`: unlocks the state. Terraform's `force-unlock` sends no body, that of OpenTofu only the id of the lock.
pub async fn unlock(app: Data<App>, caller: Caller, Id(id): Id, Body(body): Body) -> ApiResult {
    let holder: LockHead = if body.is_empty() { LockHead::default() } else { parse_text(text_of(&body)?)? };
    let lock = if body.is_empty() { None } else { Some(checked("ID", &holder.id)?) };
    let (from, is_forced) = (from(id, &caller), holder.operation.is_empty());
    answer(from, app.store.unlock_terraform_state(from, lock, is_forced, &audit_of(&caller)?).await?)
}

/// List the versions of the Terraform state of a project, newest first, at most 200.
#[utoipa::path(get, path = "/projects/{id}/terraform/versions", tag = "projects", params(("id" = Uuid, Path)),
    responses((status = 200, body = [wire::StateVersion]), description::ReadOne))]
pub async fn versions(app: Data<App>, Id(id): Id) -> ApiResult {
    load(&app, id).await?;
    list::<wire::StateVersion, _>(app.store.terraform_versions(id, VERSIONS).await?)
}

fn from(project: Uuid, caller: &Caller) -> StateCaller {
    let execution = if let Caller::Run(id) = caller { Some(*id) } else { None };
    StateCaller { project, execution }
}

fn actor(caller: &Caller) -> String {
    match caller {
        Caller::Run(id) => format!("execution {id}"),
        Caller::Look | Caller::Anybody => API.to_owned(),
    }
}

fn audit_of(caller: &Caller) -> Result<Audit, ApiError> {
    audit(&actor(caller), None)
}

fn answer(from: StateCaller, outcome: Option<StateOutcome>) -> ApiResult {
    match outcome {
        None => Err(not_found(from.project)),
        Some(StateOutcome::Done) => Ok(HttpResponse::Ok().finish()),
        Some(other) => refused(from, other),
    }
}

fn refused(from: StateCaller, outcome: StateOutcome) -> ApiResult {
    let why = match outcome {
        // Terraform shows its user who holds the lock.
        StateOutcome::Held(info) => {
            return Ok(HttpResponse::build(StatusCode::LOCKED).content_type("application/json").body(info));
        }
        StateOutcome::LeaseLost => return Err(ApiError::LeaseLost(from.execution.unwrap_or_default())),
        StateOutcome::Done | StateOutcome::Unlocked => "the lock of this request is no longer held".to_owned(),
        StateOutcome::Lineage => {
            "it has another lineage than the stored state; delete the stored one first to replace it".to_owned()
        }
        StateOutcome::Serial(newest) => {
            format!("the stored state has the serial {newest}; read it again, then repeat the change")
        }
        StateOutcome::Deleted => "the project is deleted".to_owned(),
    };
    Err(ApiError::StateRefused(why))
}

fn checked<'a>(field: &str, text: &'a str) -> Result<&'a str, ApiError> {
    let is_valid = (1..=MAX_ID).contains(&text.chars().count()) && !text.contains('\0');
    if is_valid { Ok(text) } else { Err(ApiError::field(field, format!("must have 1 to {MAX_ID} characters"))) }
}

fn md5_of(bytes: &[u8]) -> String {
    BASE64_STANDARD.encode(Md5::digest(bytes))
}

fn check_md5(request: &HttpRequest, body: &Bytes) -> Result<(), ApiError> {
    let Some(given) = request.headers().get(CONTENT_MD5) else { return Ok(()) };
    if given.as_bytes() == md5_of(body).as_bytes() {
        return Ok(());
    }
    Err(ApiError::header("Content-MD5", "does not match the body, which was changed on its way"))
}

impl From<StateVersion> for wire::StateVersion {
    fn from(row: StateVersion) -> Self {
        Self {
            version: row.version,
            deleted: row.is_deleted,
            serial: row.serial,
            lineage: row.lineage,
            bytes: row.bytes,
            actor: row.actor,
            execution_id: row.execution_id,
            created_at: row.created_at,
        }
    }
}
