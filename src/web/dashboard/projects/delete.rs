//! `/dashboard/projects/{id}/delete`: asks on the server before anything goes.

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use uuid::Uuid;

use crate::store::Transition;
use crate::store::projects::Project;
use crate::web::api::audit;
use crate::web::app::App;
use crate::web::dashboard::projects::list::{ACTOR, view};
use crate::web::dashboard::projects::page::{delete_blocked, id_of, with_id};
use crate::web::dashboard::projects::view::{DeleteError, DeletePage};
use crate::web::dashboard::ui::counts::Counts;
use crate::web::dashboard::ui::error::or_page;
use crate::web::dashboard::ui::form::{Form, see};
use crate::web::dashboard::ui::layout::{Frame, Shown, respond};
use crate::web::dashboard::ui::layout_view::Nav;
use crate::web::error::ApiError;
use crate::web::extract::Body;

/// What was typed, and why it was not enough.
#[derive(Default)]
struct Refused {
    confirm_name: String,
    reason: String,
    error: Option<DeleteError>,
}

/// `GET`.
pub async fn ask(app: Data<App>, request: HttpRequest) -> HttpResponse {
    with_id(&app, &request, async |id| page(&app, &request, id, Refused::default(), StatusCode::OK).await).await
}

/// `POST`.
pub async fn delete(app: Data<App>, request: HttpRequest, body: Body) -> HttpResponse {
    or_page(&app, &request, try_delete(&app, &request, &body).await)
}

async fn try_delete(app: &App, request: &HttpRequest, body: &Body) -> Result<HttpResponse, ApiError> {
    let (id, form) = (id_of(request)?, Form::read(body)?);
    let project = app.store.get_project(id).await?.ok_or(ApiError::not_found("project", id))?;
    let refused = |error| Refused {
        confirm_name: form.get("confirm_name").to_owned(),
        reason: form.get("reason").to_owned(),
        error: Some(error),
    };
    if form.get("confirm_name").trim() != project.name {
        return page(app, request, id, refused(DeleteError::NameMismatch), StatusCode::UNPROCESSABLE_ENTITY).await;
    }
    let Ok(audit) = audit::audit(ACTOR, Some(form.get("reason").to_owned())) else {
        let error = DeleteError::Other("The reason must have at most 500 characters.".to_owned());
        return page(app, request, id, refused(error), StatusCode::UNPROCESSABLE_ENTITY).await;
    };
    let version = form.get("version").parse().ok();
    let now = match app.store.delete_project(id, version, app.bounds(), &audit).await? {
        Transition::Applied(_) => return Ok(see(&format!("/dashboard/projects/{id}"), Some("deleting"))),
        Transition::Missing => return Err(ApiError::not_found("project", id)),
        Transition::Rejected { was } => format!("The project is {was} now."),
        Transition::Stale { .. } => {
            "The project has changed since this page was shown. Look at it again, then decide.".to_owned()
        }
    };
    page(app, request, id, refused(DeleteError::StatusChanged(now)), StatusCode::CONFLICT).await
}

async fn page(
    app: &App,
    request: &HttpRequest,
    id: Uuid,
    typed: Refused,
    status: StatusCode,
) -> Result<HttpResponse, ApiError> {
    let project: Project = app.store.get_project(id).await?.ok_or(ApiError::not_found("project", id))?;
    let frame = Frame::of(app, request)
        .at(Nav::Projects)
        .counting(&Counts::of(app).await?)
        .still()
        .below("Projects", "/dashboard/projects")
        .below(&project.name, format!("/dashboard/projects/{id}"));
    let page = DeletePage {
        shell: frame.shell("Delete"),
        id: id.to_string(),
        status: view(project.status),
        version: project.version.to_string(),
        goes: vec![format!("What the template {:?} made for it is removed. This cannot be undone.", project.template)],
        stays: vec![
            "Its record: name, labels, every event and operation, under the same id.".to_owned(),
            "If the removal fails, the project is failed with the reason, and can be deleted again.".to_owned(),
        ],
        blocked: delete_blocked(project.status).map(|reason| format!("{reason}.")),
        confirm_name: typed.confirm_name,
        reason: typed.reason,
        error: typed.error,
        name: project.name,
    };
    Ok(respond(request, Shown::new(&page, page.as_main()).with_status(status)))
}
