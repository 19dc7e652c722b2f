//! `/dashboard/login` and `/dashboard/logout`: a browser shows the token once and then holds a session.

use std::time::Duration;

use actix_web::cookie::time::Duration as Age;
use actix_web::http::StatusCode;
use actix_web::http::header::LOCATION;
use actix_web::web::{Data, ServiceConfig, post};
use actix_web::{HttpRequest, HttpResponse};

use crate::web::access::{SESSION, is_token, session};
use crate::web::app::App;
use crate::web::dashboard::ui::error::or_page;
use crate::web::dashboard::ui::form::{Form, cookie, see};
use crate::web::dashboard::ui::layout::{Frame, Shown, respond};
use crate::web::dashboard::ui::standalone_view::LoginPage;
use crate::web::error::ApiError;
use crate::web::extract::Body;
use crate::web::route::{get, resource};

/// A wrong token costs this much time, so that guessing is slow.
const PENALTY: Duration = Duration::from_millis(700);
const HOME: &str = "/dashboard/projects";

/// The routes of this file.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/dashboard/login", super::PAGE_AND_FORM, [get().to(show), post().to(sign_in)]))
        .service(resource("/dashboard/logout", &["POST"], [post().to(sign_out)]));
}

/// `GET /dashboard/login`.
pub async fn show(app: Data<App>, request: HttpRequest) -> HttpResponse {
    let pairs: Vec<(String, String)> = serde_urlencoded::from_str(request.query_string()).unwrap_or_default();
    let next = pairs.into_iter().find(|(name, _)| name == "next").map(|(_, value)| value).unwrap_or_default();
    page(&app, &request, next, None)
}

/// `POST /dashboard/login`.
pub async fn sign_in(app: Data<App>, request: HttpRequest, body: Body) -> HttpResponse {
    or_page(&app, &request, try_sign_in(&app, &request, &body).await)
}

async fn try_sign_in(app: &App, request: &HttpRequest, body: &Body) -> Result<HttpResponse, ApiError> {
    let form = Form::read(body)?;
    let next = form.path("next").unwrap_or(HOME);
    let Some(token) = &app.config.admin_token else { return Ok(see(next, None)) };
    if !is_token(form.get("token").trim(), token) {
        tokio::time::sleep(PENALTY).await;
        let error = "This is not the token of this server.".to_owned();
        return Ok(page(app, request, next.to_owned(), Some(error)));
    }
    let held = cookie(SESSION, session(token), Age::hours(12));
    Ok(HttpResponse::SeeOther().insert_header((LOCATION, next.to_owned())).cookie(held).finish())
}

/// `POST /dashboard/logout`.
pub async fn sign_out() -> HttpResponse {
    let spent = cookie(SESSION, String::new(), Age::ZERO);
    HttpResponse::SeeOther().insert_header((LOCATION, "/dashboard/login")).cookie(spent).finish()
}

fn page(app: &App, request: &HttpRequest, next: String, error: Option<String>) -> HttpResponse {
    let status = if error.is_some() { StatusCode::UNAUTHORIZED } else { StatusCode::OK };
    let page = LoginPage { shell: Frame::of(app, request).still().shell("Sign in"), next, error };
    respond(request, Shown::new(&page, page.as_main()).with_status(status))
}
