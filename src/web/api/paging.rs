//! A page of a list: a bare array, with the next page in the `Link` header.

use std::fmt::Display;

use actix_web::http::header::LINK;
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;

/// Answers with a page of these rows, of which one more than `limit` was asked for: it tells whether there is a next page. `place` is
/// what a cursor calls a row.
pub fn page<R, P: Display, W: Serialize>(
    request: &HttpRequest,
    mut rows: Vec<R>,
    limit: i64,
    place: impl FnOnce(&R) -> P,
    shown: impl FnMut(R) -> W,
) -> HttpResponse {
    let more = rows.len() as i64 > limit;
    rows.truncate(limit as usize);
    let mut response = HttpResponse::Ok();
    if let Some(last) = rows.last().filter(|_| more) {
        response.insert_header((LINK, next_page(request, place(last))));
    }
    response.json(rows.into_iter().map(shown).collect::<Vec<_>>())
}

/// The same list, after `last`.
fn next_page(request: &HttpRequest, last: impl Display) -> String {
    let pairs: Vec<(String, String)> = serde_urlencoded::from_str(request.query_string()).unwrap_or_default();
    let mut pairs: Vec<_> = pairs.into_iter().filter(|(name, _)| name != "cursor").collect();
    pairs.push(("cursor".to_owned(), last.to_string()));
    let query = serde_urlencoded::to_string(pairs).unwrap_or_default();
    format!("<{}?{query}>; rel=\"next\"", request.path())
}
