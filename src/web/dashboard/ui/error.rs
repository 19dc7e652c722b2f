//! What a page says when it cannot be shown: what happened, is data safe, what to do.

use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};

use crate::store::StoreError;
use crate::web::app::App;
use crate::web::dashboard::ui::layout as shell;
use crate::web::dashboard::ui::layout::{Frame, Shown, is_live};
use crate::web::dashboard::ui::layout_view::Link;
use crate::web::dashboard::ui::standalone_view::ErrorPage;
use crate::web::error::ApiError;
use crate::web::request_id::request_id;

/// The answer of a page that may have failed.
pub fn or_page(app: &App, request: &HttpRequest, answer: Result<HttpResponse, ApiError>) -> HttpResponse {
    answer.unwrap_or_else(|error| page(app, request, &error))
}

/// No page at this path.
pub async fn no_page(app: Data<App>, request: HttpRequest) -> HttpResponse {
    page(&app, &request, &ApiError::NoRoute)
}

fn page(app: &App, request: &HttpRequest, error: &ApiError) -> HttpResponse {
    let (status, _, title) = error.kind();
    let down = matches!(error, ApiError::Store(StoreError::Unavailable { .. } | StoreError::Busy { .. }));
    let mut response = if is_live(request) { short(status) } else { whole(app, request, error, status, title, down) };
    if down {
        mark_down(&mut response);
    }
    error.mark(&mut response);
    response
}

/// Tells the page's script who the culprit is.
pub fn mark_down(response: &mut HttpResponse) {
    response.headers_mut().insert(HeaderName::from_static("x-health"), HeaderValue::from_static("db=down"));
}

/// A poll keeps what it shows; it only needs to know.
fn short(status: StatusCode) -> HttpResponse {
    HttpResponse::build(status).content_type("text/plain; charset=utf-8").body(status.as_str().to_owned())
}

fn whole(
    app: &App,
    request: &HttpRequest,
    error: &ApiError,
    status: StatusCode,
    title: &str,
    down: bool,
) -> HttpResponse {
    let frame = Frame::of(app, request);
    let frame = if down { frame.without_database() } else { frame };
    // While the database is down the page goes on asking, so it mends itself; what was posted is not asked for again.
    let frame = if down && request.method() == Method::GET { frame } else { frame.still() };
    let (heading, todo) = words(error, title);
    let page = ErrorPage {
        shell: frame.shell(&heading),
        status: status.as_u16(),
        heading,
        happened: error.detail(),
        safe: "Yes. What Provost accepted is stored and goes on.".to_owned(),
        todo: todo.to_owned(),
        request_id: Some(request_id()),
        back: back(request),
    };
    shell::respond(request, Shown::new(&page, page.as_main()).with_status(status))
}

/// The list that the page would have been below.
fn back(request: &HttpRequest) -> Link {
    let lists = ["jobs", "workflows", "queues", "workers", "schedules", "dead-letters", "limits"];
    let section = request.path().strip_prefix("/dashboard/").and_then(|rest| rest.split('/').next());
    let list = lists.into_iter().find(|list| Some(*list) == section).unwrap_or("projects");
    Link::to(format!("/dashboard/{list}"), format!("Back to the {}", list.replace('-', " ")))
}

fn words(error: &ApiError, title: &str) -> (String, &'static str) {
    match error {
        ApiError::NotFound(what, _) => (
            format!("This {what} does not exist"),
            "Check the address, or look for it in the list. It may be gone by now.",
        ),
        ApiError::NoRoute => ("There is no such page".to_owned(), "Check the address, or start from the projects."),
        ApiError::Store(StoreError::Unavailable { .. } | StoreError::Busy { .. }) => (
            "The database does not answer".to_owned(),
            "Wait a moment: this page looks again by itself. If it lasts, look at the database server and at this server's log.",
        ),
        ApiError::Store(_) => {
            ("Something went wrong".to_owned(), "Try again. If it happens again, report it with the request id.")
        }
        _ => (title.to_owned(), "Go back, look at the present state, and decide anew."),
    }
}
