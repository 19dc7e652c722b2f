//! Addresses of pages, and the ids and names in them.

use actix_web::web::Path;
use actix_web::{HttpRequest, HttpResponse};
use uuid::Uuid;

use crate::web::app::App;
use crate::web::error::ApiError;
use crate::web::ui::{JobLink, Link, or_error_page};
use crate::wire::segment;

/// The name in the path. A name that PostgreSQL cannot store does not exist.
pub fn name_in_path(path: Path<String>) -> Result<String, ApiError> {
    existing_name(path.into_inner())
}

pub fn existing_name(name: String) -> Result<String, ApiError> {
    if name.contains('\0') { Err(ApiError::NoRoute) } else { Ok(name) }
}

/// The id in the path. A malformed id is a page that does not exist.
pub fn id_in_path(request: &HttpRequest) -> Result<Uuid, ApiError> {
    let text = request.match_info().get("id").unwrap_or_default();
    Uuid::try_parse(text).map_err(|_| ApiError::NoRoute)
}

/// Renders the page of the id in the path, or an error page.
pub async fn with_id(
    app: &App,
    request: &HttpRequest,
    page: impl AsyncFnOnce(Uuid) -> Result<HttpResponse, ApiError>,
) -> HttpResponse {
    let answer = match id_in_path(request) {
        Ok(id) => page(id).await,
        Err(error) => Err(error),
    };
    or_error_page(app, request, answer)
}

/// An abbreviated id. A UUIDv7 begins with a timestamp, so only its end distinguishes ids created at the same time.
pub fn short_id(id: Uuid) -> String {
    let text = id.to_string();
    format!("{}…{}", &text[..8], &text[text.len() - 4..])
}

pub fn project_page(id: Uuid) -> String {
    format!("/dashboard/projects/{id}")
}

pub fn job_page(id: Uuid) -> String {
    format!("/dashboard/jobs/{id}")
}

pub fn job(id: Uuid, kind: &str) -> JobLink {
    JobLink { id: id.to_string(), short_id: short_id(id), kind: kind.to_owned() }
}

pub fn workflow_page(id: Uuid) -> String {
    format!("/dashboard/workflows/{id}")
}

pub fn queue_page(name: &str) -> String {
    format!("/dashboard/queues/{}", segment(name))
}

pub fn queue(name: &str) -> Link {
    Link::to(queue_page(name), name)
}

pub fn worker_page(id: &str) -> String {
    format!("/dashboard/workers/{}", segment(id))
}

pub fn worker(id: &str) -> Link {
    Link::to(worker_page(id), id)
}

pub fn schedule_page(name: &str) -> String {
    format!("/dashboard/schedules/{}", segment(name))
}

/// A list with its filter. Empty values are left out.
pub fn with_query(page: &str, pairs: &[(&str, &str)]) -> String {
    let pairs: Vec<_> = pairs.iter().filter(|(_, value)| !value.is_empty()).collect();
    if pairs.is_empty() {
        return page.to_owned();
    }
    format!("{page}?{}", serde_urlencoded::to_string(pairs).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_filters_are_left_out() {
        assert_eq!(with_query("/dashboard/jobs", &[("state", ""), ("kind", "")]), "/dashboard/jobs");
        assert_eq!(
            with_query("/dashboard/jobs", &[("state", "failed"), ("kind", "a&b")]),
            "/dashboard/jobs?state=failed&kind=a%26b"
        );
    }
}
