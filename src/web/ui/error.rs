//! Error pages: what happened, whether data is safe, what to do.

use actix_web::http::Method;
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use crate::store::StoreError;
use crate::web::app::App;
use crate::web::error::ApiError;
use crate::web::request_id::request_id;
use crate::web::ui::{Link, Rendering, Shell, is_live, respond};

#[derive(Debug, Clone, Template)]
#[template(path = "error.html", blocks = ["main"], whitespace = "minimize")]
pub struct ErrorPage {
    pub shell: Shell,
    pub status: u16,
    pub heading: String,
    pub happened: String,
    pub todo: String,
    pub request_id: Option<String>,
    pub back: Link,
}

/// The response of a page, or the error page.
pub fn or_error_page(app: &App, request: &HttpRequest, answer: Result<HttpResponse, ApiError>) -> HttpResponse {
    answer.unwrap_or_else(|error| error_page(app, request, &error))
}

pub async fn not_found(app: Data<App>, request: HttpRequest) -> HttpResponse {
    error_page(&app, &request, &ApiError::NoRoute)
}

fn error_page(app: &App, request: &HttpRequest, error: &ApiError) -> HttpResponse {
    let down = matches!(
        error,
        ApiError::Store(StoreError::Unavailable { .. } | StoreError::Busy { .. } | StoreError::Session { .. })
    );
    // A poll keeps the last good page and needs only the status.
    let mut response = if is_live(request) {
        let status = error.kind().0;
        HttpResponse::build(status).content_type("text/plain; charset=utf-8").body(status.as_str().to_owned())
    } else {
        document(app, request, error, down)
    };
    if down {
        mark_database_down(&mut response);
    }
    error.mark(&mut response);
    response
}

/// Lets the page's script show the database as down instead of the server.
pub fn mark_database_down(response: &mut HttpResponse) {
    response.headers_mut().insert(HeaderName::from_static("x-health"), HeaderValue::from_static("db=down"));
}

fn document(app: &App, request: &HttpRequest, error: &ApiError, down: bool) -> HttpResponse {
    let (status, _, title) = error.kind();
    let shell = Shell::new(app, request);
    let shell = if down { shell.without_database() } else { shell };
    // While the database is down, a page polls and so recovers. A POST must not be repeated.
    let shell = if down && request.method() == Method::GET { shell } else { shell.without_polling() };
    let (heading, todo) = advice(error, title);
    let page = ErrorPage {
        shell: shell.titled(&heading),
        status: status.as_u16(),
        heading,
        happened: error.detail(),
        todo: todo.to_owned(),
        request_id: Some(request_id()),
        back: back(request),
    };
    respond(request, Rendering::new(&page, page.as_main()).with_status(status))
}

/// The list that the page belongs to.
fn back(request: &HttpRequest) -> Link {
    let lists = ["jobs", "workflows", "queues", "workers", "schedules", "dead-letters", "limits"];
    let section = request.path().strip_prefix("/dashboard/").and_then(|rest| rest.split('/').next());
    let list = lists.into_iter().find(|list| Some(*list) == section).unwrap_or("projects");
    Link::to(format!("/dashboard/{list}"), format!("Back to {}", list.replace('-', " ")))
}

/// The heading, and what to do.
fn advice(error: &ApiError, title: &str) -> (String, &'static str) {
    match error {
        ApiError::NotFound(what, _) => {
            let heading = what.char_indices().map(|(at, c)| if at == 0 { c.to_ascii_uppercase() } else { c });
            let heading = format!("{} not found", heading.collect::<String>());
            (heading, "Check the address or search the list. The item may have been deleted.")
        }
        ApiError::NoRoute => ("Page not found".to_owned(), "Check the address, or go back to the list."),
        ApiError::Store(StoreError::Unavailable { .. } | StoreError::Busy { .. } | StoreError::Session { .. }) => (
            "The database is not responding".to_owned(),
            "This page reloads when the database is back. If the outage lasts, check the database server and the Provost log.",
        ),
        ApiError::Store(_) => {
            ("Internal error".to_owned(), "Try again. If the error persists, report it with the request ID.")
        }
        _ => (title.to_owned(), "Go back, check the current state and try again."),
    }
}
