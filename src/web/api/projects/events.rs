//! `/projects/{id}/events`: what happened.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};

use crate::web::api::paging::page;
use crate::web::app::App;
use crate::web::error::ApiError;
use crate::web::extract::Id;
use crate::web::query::Query;
use crate::wire::{self, Problem};

/// The record of a project, newest first. Every move is in it, written by the statement that moved.
#[utoipa::path(get, path = "/projects/{id}/events", tag = "projects",
    params(("id" = Uuid, Path), ("limit" = Option<i64>, Query), ("cursor" = Option<String>, Query)),
    responses((status = 200, body = [wire::ProjectEvent]), (status = 400, body = Problem), (status = 404, body = Problem), (status = 503, body = Problem)))]
pub async fn events(app: Data<App>, request: HttpRequest, Id(id): Id) -> Result<HttpResponse, ApiError> {
    let query = Query::parse(request.query_string(), &["limit", "cursor"])?;
    let (limit, before) = (query.limit()?, query.cursor::<i64>()?);
    let rows = app.store.events_of_project(id, before, limit + 1).await?;
    // A project is born with an event, so no events at all may mean no project at all.
    if rows.is_empty() && app.store.get_project(id).await?.is_none() {
        return Err(ApiError::NoProject(id));
    }
    Ok(page(&request, rows, limit, |last| last.id, wire::ProjectEvent::from))
}
