//! `/dashboard/login` and `/dashboard/logout`: exchanges the admin token for a session cookie.

use std::time::Duration;

use actix_web::cookie::time::Duration as Age;
use actix_web::http::StatusCode;
use actix_web::http::header::LOCATION;
use actix_web::web::{Data, ServiceConfig, post};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use super::HOME;
use crate::web::access::{SESSION, is_token, session};
use crate::web::app::App;
use crate::web::error::ApiError;
use crate::web::extract::Body;
use crate::web::route::{get, resource};
use crate::web::ui::PAGE_AND_FORM;
use crate::web::ui::{Form, Rendering, Shell, cookie, or_error_page, redirect, respond};

/// The delay after a wrong token, which slows down guessing.
const WRONG_TOKEN_DELAY: Duration = Duration::from_millis(700);

#[derive(Debug, Clone, Template)]
#[template(path = "login.html", blocks = ["main"], whitespace = "minimize")]
pub struct LoginPage {
    pub shell: Shell,
    /// Where to go after sign-in.
    pub next: String,
    pub error: Option<String>,
}

pub fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/dashboard/login", PAGE_AND_FORM, [get().to(show), post().to(sign_in)]))
        .service(resource("/dashboard/logout", &["POST"], [post().to(sign_out)]));
}

async fn show(app: Data<App>, request: HttpRequest) -> HttpResponse {
    let pairs: Vec<(String, String)> = serde_urlencoded::from_str(request.query_string()).unwrap_or_default();
    let next = pairs.into_iter().find(|(name, _)| name == "next").map(|(_, value)| value).unwrap_or_default();
    page(&app, &request, next, None)
}

async fn sign_in(app: Data<App>, request: HttpRequest, body: Body) -> HttpResponse {
    or_error_page(&app, &request, try_sign_in(&app, &request, &body).await)
}

async fn try_sign_in(app: &App, request: &HttpRequest, body: &Body) -> Result<HttpResponse, ApiError> {
    let form = Form::read(body)?;
    let next = form.path("next").unwrap_or(HOME);
    let Some(token) = &app.config.admin_token else { return Ok(redirect(next, None)) };
    if !is_token(form.get("token").trim(), token) {
        tokio::time::sleep(WRONG_TOKEN_DELAY).await;
        return Ok(page(app, request, next.to_owned(), Some("The token is not valid.".to_owned())));
    }
    let session = cookie(SESSION, session(token), Age::hours(12));
    Ok(HttpResponse::SeeOther().insert_header((LOCATION, next.to_owned())).cookie(session).finish())
}

async fn sign_out() -> HttpResponse {
    let expired = cookie(SESSION, String::new(), Age::ZERO);
    HttpResponse::SeeOther().insert_header((LOCATION, "/dashboard/login")).cookie(expired).finish()
}

fn page(app: &App, request: &HttpRequest, next: String, error: Option<String>) -> HttpResponse {
    let status = if error.is_some() { StatusCode::UNAUTHORIZED } else { StatusCode::OK };
    let page = LoginPage { shell: Shell::new(app, request).without_polling().titled("Sign in"), next, error };
    respond(request, Rendering::new(&page, page.as_main()).with_status(status))
}
