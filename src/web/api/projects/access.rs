//! How to reach what a project consists of.

use std::collections::BTreeMap;

use actix_web::HttpResponse;
use actix_web::http::header::CACHE_CONTROL;
use actix_web::web::Data;
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::secrets::SensitiveText;
use crate::store::Audit;
use crate::store::steps::ProjectOutput;
use crate::web::api::audit::api_audit;
use crate::web::api::description;
use crate::web::api::projects::load;
use crate::web::api::response::json;
use crate::web::app::App;
use crate::web::error::{ApiError, ApiResult};
use crate::web::extract::{Id, OptionalJson};
use crate::wire::json::raw;
use crate::wire::{self, Reason};

/// Get the outputs of a project, without secrets.
#[utoipa::path(get, path = "/projects/{id}/outputs", tag = "projects", params(("id" = Uuid, Path)),
    responses((status = 200, body = Object), description::ReadOne))]
pub async fn outputs(app: Data<App>, Id(id): Id) -> ApiResult {
    load(&app, id).await?;
    json(by_name(app.store.outputs_of_project(id).await?))
}

/// Reveal the credential of a project: the password of its user, or else all secrets that its provisioner has stored. Every reveal is recorded as an event.
#[utoipa::path(post, path = "/projects/{id}/reveal", tag = "projects", params(("id" = Uuid, Path)), request_body(content = Option<Reason>),
    responses((status = 200, body = wire::Access), description::WriteOne, description::Conflict))]
pub async fn reveal(app: Data<App>, Id(id): Id, reason: OptionalJson<Reason>) -> ApiResult {
    let access = reveal_to(&app, id, &api_audit(reason.0)?).await?;
    Ok(HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).json(access))
}

/// Reads the credential and records who has seen it.
pub async fn reveal_to(app: &App, id: Uuid, audit: &Audit) -> Result<wire::Access, ApiError> {
    let project = load(app, id).await?;
    let outputs = app.store.outputs_of_project(id).await?;
    let text = |name: &str| outputs.iter().find(|it| it.name == name).map(text_of);
    let address = text("host").zip(text("port")).zip(text("database"));
    let hint = "It has no credential. A template that makes one stores it before the project is ready.";
    let missing =
        || ApiError::InvalidState { what: "credential", verb: "revealed", was: project.status.to_string(), hint };
    let names = app.store.secret_names(id).await?;
    let login = text("user").filter(|user| names.contains(user));
    let wanted = login.as_ref().map_or(names, |user| vec![user.clone()]);
    let mut secrets = BTreeMap::new();
    for name in wanted {
        if let Some(stored) = app.store.get_secret(id, &name).await? {
            secrets.insert(name.clone(), app.keyring()?.open(id, &name, &stored.sealed)?);
        }
    }
    if secrets.is_empty() {
        return Err(missing());
    }
    app.store.record_reveal(id, &secrets.keys().cloned().collect::<Vec<_>>().join(", "), audit).await?;
    let outputs = by_name(outputs);
    let Some((user, password)) = login.and_then(|user| secrets.remove_entry(&user)) else {
        let secrets = secrets.into_iter().map(|(name, value)| (name, value.reveal().to_owned())).collect();
        return Ok(wire::Access { outputs, secrets, password: None, uri: None });
    };
    let uri = address.map(|((host, port), database)| uri_of(&user, &password, &host, &port, &database));
    Ok(wire::Access { outputs, secrets: BTreeMap::new(), password: Some(password.reveal().to_owned()), uri })
}

/// A connection URL. User and database are names of ours, and the password consists of letters and digits.
fn uri_of(user: &str, password: &SensitiveText, host: &str, port: &str, database: &str) -> String {
    let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
    format!("postgres://{user}:{}@{host}:{port}/{database}", password.reveal())
}

/// The value of an output as text: a string without its quotes.
pub fn text_of(output: &ProjectOutput) -> String {
    serde_json::from_str(&output.value).unwrap_or_else(|_| output.value.clone())
}

fn by_name(outputs: Vec<ProjectOutput>) -> BTreeMap<String, Box<RawValue>> {
    outputs.into_iter().map(|it| (it.name, raw(it.value))).collect()
}
