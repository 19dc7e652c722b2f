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
use crate::web::error::ApiResult;
use crate::web::extract::OptionalJson;
use crate::wire::{self, Reason, Reissued};

/// How many projects one request is about.
const BATCH: i64 = 200;

/// Replace the credentials that this server cannot read, because the key that encrypted them is lost: at most those of 200 projects.
/// Repeat the request with `after` until the answer is empty. Each replacement is the operation `rotate` of a project. The old credential
/// stays valid until the next replacement.
#[utoipa::path(post, path = "/credentials/reissue", tag = "projects", request_body(content = Option<wire::Reissue>),
    responses((status = 202, body = [Reissued]), description::Write, description::Conflict))]
pub async fn reissue(app: Data<App>, body: OptionalJson<wire::Reissue>) -> ApiResult {
    let wire::Reissue { after, reason, actor } = body.0;
    let audit = api_audit(Reason { reason, actor })?;
    let keys = app.keyring()?.ids();
    let mut reissued = Vec::new();
    for found in app.store.unreadable_credentials(&keys, after, BATCH).await? {
        reissued.push(replace(&app, found, &audit).await);
    }
    Ok(HttpResponse::Accepted().json(reissued))
}

/// A project that refuses does not keep the others from their replacement.
async fn replace(app: &App, found: UnreadableCredential, audit: &Audit) -> Reissued {
    let UnreadableCredential { id, name, status } = found;
    let (status, started, error) = match status {
        ProjectStatus::Ready => match operations::begin(app, id, &Request::new(ProjectVerb::Rotate), audit).await {
            Ok(Transition::Applied(project)) => (project.status, true, None),
            Ok(Transition::Rejected { was }) => (was, false, None),
            Ok(_) => (status, false, None),
            Err(error) => (status, false, Some(error.to_string())),
        },
        status => (status, false, None),
    };
    Reissued { project_id: id, name, status: status.to_string(), started, error }
}
