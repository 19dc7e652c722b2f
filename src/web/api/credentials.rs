//! `/credentials`.

use actix_web::HttpResponse;
use actix_web::web::Data;

use crate::domain::{ProjectStatus, ProjectVerb};
use crate::store::Audit;
use crate::store::projects::{Request, Transition};
use crate::store::secrets::UnreadableCredential;
use crate::web::api::audit::api_audit;
use crate::web::api::description;
use crate::web::api::projects::operations;
use crate::web::app::App;
use crate::web::error::{ApiError, ApiResult};
use crate::web::extract::OptionalJson;
use crate::wire::{Reason, Reissued};

/// Replace every credential that this server cannot read, because the key that encrypted it is lost. Each replacement is the operation
/// `rotate` of a project. The old credential stays valid until the next replacement.
#[utoipa::path(post, path = "/credentials/reissue", tag = "projects", request_body(content = Option<Reason>),
    responses((status = 202, body = [Reissued]), description::Write, description::Conflict))]
pub async fn reissue(app: Data<App>, reason: OptionalJson<Reason>) -> ApiResult {
    let audit = api_audit(reason.0)?;
    let keys = app.keyring()?.ids();
    let mut reissued = Vec::new();
    for found in app.store.unreadable_credentials(&keys).await? {
        reissued.push(replace(&app, found, &audit).await?);
    }
    Ok(HttpResponse::Accepted().json(reissued))
}

async fn replace(app: &App, found: UnreadableCredential, audit: &Audit) -> Result<Reissued, ApiError> {
    let UnreadableCredential { id, name, status } = found;
    let (status, started) = match status {
        ProjectStatus::Ready => match operations::begin(app, id, &Request::new(ProjectVerb::Rotate), audit).await? {
            Transition::Applied(project) => (project.status, true),
            Transition::Rejected { was } => (was, false),
            _ => (status, false),
        },
        status => (status, false),
    };
    Ok(Reissued { project_id: id, name, status: status.to_string(), started })
}
