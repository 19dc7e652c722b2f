//! `/projects/{id}/events`: what happened.

use actix_web::http::header::LINK;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};

use super::app::App;
use super::error::ApiError;
use super::extract::Id;
use super::projects::next_page;
use super::query::Query;
use crate::wire::{self, Problem};

/// The record of a project, newest first. Every move is in it, written by the statement that moved.
#[utoipa::path(get, path = "/projects/{id}/events", tag = "projects",
    params(("id" = Uuid, Path), ("limit" = Option<i64>, Query), ("cursor" = Option<String>, Query)),
    responses((status = 200, body = [wire::Event]), (status = 400, body = Problem), (status = 404, body = Problem), (status = 503, body = Problem)))]
pub async fn events(app: Data<App>, request: HttpRequest, Id(id): Id) -> Result<HttpResponse, ApiError> {
    let query = Query::parse(request.query_string(), &["limit", "cursor"])?;
    let (limit, before) = (query.limit()?, query.cursor::<i64>()?);
    let mut rows = app.store.events_of_project(id, before, limit + 1).await?;
    let more = rows.len() as i64 > limit;
    rows.truncate(limit as usize);
    // A project is born with an event, so no events at all may mean no project at all.
    if rows.is_empty() && app.store.get_project(id).await?.is_none() {
        return Err(ApiError::NoProject(id));
    }
    let mut response = HttpResponse::Ok();
    if let Some(last) = rows.last().filter(|_| more) {
        response.insert_header((LINK, next_page(&request, last.id)));
    }
    Ok(response.json(rows.into_iter().map(wire::Event::from).collect::<Vec<_>>()))
}
