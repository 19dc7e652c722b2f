//! Sends a page as a whole document, or as a fragment to the page's own poll.

use actix_web::cookie::time::Duration;
use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, ETAG, IF_NONE_MATCH, VARY};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use crate::web::ui::{FLASH, cookie};
use crate::wire::hash::sha256_hex;

/// A page in both representations. Only the requested one is rendered.
pub struct Rendering<'a> {
    document: Box<dyn Fn() -> askama::Result<String> + 'a>,
    main: Box<dyn Fn() -> askama::Result<String> + 'a>,
    status: StatusCode,
    stop_polling: bool,
    poll_after: Option<&'static str>,
}

impl<'a> Rendering<'a> {
    pub fn new(page: &'a impl Template, main: impl Template + 'a) -> Self {
        Self {
            document: Box::new(|| page.render()),
            main: Box::new(move || main.render()),
            status: StatusCode::OK,
            stop_polling: false,
            poll_after: None,
        }
    }

    pub fn with_status(self, status: StatusCode) -> Self {
        Self { status, ..self }
    }

    /// For pages whose content can no longer change.
    pub fn stop_polling(self, stop_polling: bool) -> Self {
        Self { stop_polling, ..self }
    }

    /// For expensive pages: the minimum poll interval in milliseconds.
    pub fn poll_after(self, poll_after: Option<&'static str>) -> Self {
        Self { poll_after, ..self }
    }
}

/// Document and fragment (the content of `<main>`) share one URL. The fragment has its own `ETag`, so a poll of an
/// unchanged page transfers no body.
pub fn respond(request: &HttpRequest, page: Rendering<'_>) -> HttpResponse {
    let live = is_live(request);
    let body = match if live { (page.main)() } else { (page.document)() } {
        Ok(body) => body,
        Err(error) => return HttpResponse::InternalServerError().body(error.to_string()),
    };
    let mut response = HttpResponse::build(page.status);
    response.insert_header((VARY, "X-Live, Cookie")).insert_header((CACHE_CONTROL, "private, no-cache"));
    if page.stop_polling {
        response.insert_header(("X-Poll-Stop", "1"));
    }
    if let Some(milliseconds) = page.poll_after {
        response.insert_header(("X-Poll-After", milliseconds));
    }
    if !live {
        if let Some(shown) = request.cookie(FLASH) {
            response.cookie(cookie(FLASH, shown.value().to_owned(), Duration::ZERO));
        }
        return response.content_type("text/html; charset=utf-8").body(body);
    }
    let etag = format!("W/\"f-{}\"", &sha256_hex(&body)[..32]);
    response.insert_header((ETAG, etag.clone())).insert_header(("X-Fragment", "1"));
    let known = request.headers().get(IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    if page.status.is_success() && known == Some(&etag) {
        return response.status(StatusCode::NOT_MODIFIED).finish();
    }
    response.content_type("text/html; charset=utf-8").body(body)
}

/// Whether the request is a poll by the page's script.
pub fn is_live(request: &HttpRequest) -> bool {
    request.headers().contains_key("x-live")
}
