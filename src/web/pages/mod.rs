//! The dashboard: the same rows as the API, for people. Links and forms only; scripts make it live, and it works without.

mod chart;
mod delete;
mod error;
mod form;
mod list;
mod metrics;
mod project;
mod settings;
mod shell;
mod sign_in;
mod views;

use actix_web::http::header::{ACCEPT, LOCATION};
use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use serde_json::json;

use super::app::App;
use super::{assets, get, resource};
use shell::Shown;

/// Every page on one screen.
pub fn routes(config: &mut ServiceConfig) {
    let post = web::post;
    config
        .service(resource("/", &["GET"], [get().to(index)]))
        .service(resource("/static/{path:.*}", &["GET"], [get().to(assets::serve)]))
        .service(resource("/favicon.ico", &["GET"], [get().to(|| go("/static/favicon.svg"))]))
        .service(resource("/dashboard", &["GET"], [get().to(|| go("/dashboard/projects"))]))
        .service(resource("/dashboard/projects", &["GET", "POST"], [get().to(list::show), post().to(list::create)]))
        .service(resource("/dashboard/projects/{id}", &["GET"], [get().to(project::show)]))
        .service(resource("/dashboard/projects/{id}/retry", &["POST"], [post().to(project::retry)]))
        .service(resource("/dashboard/projects/{id}/rename", &["POST"], [post().to(project::rename)]))
        .service(resource(
            "/dashboard/projects/{id}/delete",
            &["GET", "POST"],
            [get().to(delete::ask), post().to(delete::delete)],
        ))
        .service(resource("/dashboard/metrics", &["GET"], [get().to(metrics::show)]))
        .service(resource(
            "/dashboard/settings",
            &["GET", "POST"],
            [get().to(settings::show), post().to(settings::save)],
        ))
        .service(resource("/dashboard/help", &["GET"], [get().to(help)]))
        .service(resource("/dashboard/login", &["GET", "POST"], [get().to(sign_in::show), post().to(sign_in::sign_in)]))
        .service(resource("/dashboard/logout", &["POST"], [post().to(sign_in::sign_out)]))
        .service(web::scope("/dashboard").default_service(web::to(error::no_page)));
}

/// `/`: the dashboard for browsers, a word of welcome for programs.
async fn index(request: HttpRequest) -> HttpResponse {
    let accept = request.headers().get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if accept.contains("text/html") {
        return go("/dashboard/projects").await;
    }
    HttpResponse::Ok().json(json!({
        "name": "provost", "version": env!("CARGO_PKG_VERSION"),
        "dashboard": "/dashboard", "projects": "/projects", "metrics": "/metrics", "health": "/health", "openapi": "/openapi.json",
    }))
}

async fn go(to: &'static str) -> HttpResponse {
    HttpResponse::TemporaryRedirect().insert_header((LOCATION, to)).finish()
}

/// `GET /dashboard/help`.
async fn help(app: Data<App>, request: HttpRequest) -> HttpResponse {
    let shell = shell::Frame::of(&app, &request).at(views::Nav::Help).still().shell("Help");
    let page = views::HelpPage { shell };
    shell::respond(&request, Shown::new(&page, page.as_main()))
}
