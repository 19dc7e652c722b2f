//! JSON responses.

use std::fmt::Display;

use actix_web::http::header::LINK;
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use serde::Serialize;

use crate::web::error::ApiResult;

/// 200 with this body.
pub fn json(body: impl Serialize) -> ApiResult {
    Ok(HttpResponse::Ok().json(body))
}

/// 200 with these rows as a JSON array of `W`.
pub fn list<W: Serialize + From<R>, R>(rows: Vec<R>) -> ApiResult {
    json(rows.into_iter().map(W::from).collect::<Vec<_>>())
}

/// 201 if something was created, otherwise 200.
pub fn created(is_new: bool) -> HttpResponseBuilder {
    if is_new { HttpResponse::Created() } else { HttpResponse::Ok() }
}

/// 202 while the change is still in progress, otherwise 200.
pub fn accepted(is_pending: bool) -> HttpResponseBuilder {
    if is_pending { HttpResponse::Accepted() } else { HttpResponse::Ok() }
}

/// 204.
pub fn no_content() -> ApiResult {
    Ok(HttpResponse::NoContent().finish())
}

/// One page of a list: a JSON array of `W`, with the next page in the `Link` header. `rows` contains one row more than `limit` if there
/// is a next page. `cursor` returns the cursor of a row.
pub fn page<W: Serialize + From<R>, R, C: Display>(
    request: &HttpRequest,
    mut rows: Vec<R>,
    limit: i64,
    cursor: impl FnOnce(&R) -> C,
) -> ApiResult {
    let has_next = rows.len() as i64 > limit;
    rows.truncate(limit as usize);
    let mut response = HttpResponse::Ok();
    if let Some(last) = rows.last().filter(|_| has_next) {
        response.insert_header((LINK, next_page(request, cursor(last))));
    }
    Ok(response.json(rows.into_iter().map(W::from).collect::<Vec<_>>()))
}

/// The same list, after `cursor`.
fn next_page(request: &HttpRequest, cursor: impl Display) -> String {
    let pairs: Vec<(String, String)> = serde_urlencoded::from_str(request.query_string()).unwrap_or_default();
    let mut pairs: Vec<_> = pairs.into_iter().filter(|(name, _)| name != "cursor").collect();
    pairs.push(("cursor".to_owned(), cursor.to_string()));
    let query = serde_urlencoded::to_string(pairs).unwrap_or_default();
    format!("<{}?{query}>; rel=\"next\"", request.path())
}
