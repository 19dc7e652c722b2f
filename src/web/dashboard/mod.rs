//! The dashboard: the same rows as the API, for people. Links and forms only; scripts make it live, and it works without.

mod dead_letters;
mod jobs;
mod limits;
mod login;
mod metrics;
mod projects;
mod queues;
mod schedules;
mod settings;
mod ui;
mod workers;
mod workflows;

#[cfg(test)]
mod tests;

use actix_web::http::header::{ACCEPT, LOCATION};
use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use serde_json::json;

use crate::web::app::App;
use crate::web::assets;
use crate::web::route::{get, resource};
use ui::layout::Shown;

/// Every page. Each noun declares its own routes.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/", &["GET"], [get().to(index)]))
        .service(resource("/static/{path:.*}", &["GET"], [get().to(assets::serve)]))
        .service(resource("/favicon.ico", &["GET"], [get().to(|| go("/static/favicon.svg"))]))
        .service(resource("/dashboard", &["GET"], [get().to(|| go("/dashboard/projects"))]))
        .configure(projects::routes)
        .configure(jobs::routes)
        .configure(workflows::routes)
        .configure(queues::routes)
        .configure(workers::routes)
        .configure(dead_letters::routes)
        .configure(limits::routes)
        .configure(schedules::routes)
        .configure(metrics::routes)
        .configure(settings::routes)
        .configure(login::routes)
        .service(resource("/dashboard/help", &["GET"], [get().to(help)]))
        .service(web::scope("/dashboard").default_service(web::to(ui::error::no_page)));
}

/// What is both a page (`GET`) and the form or confirmation sent from it (`POST`).
const PAGE_AND_FORM: &[&str] = &["GET", "POST"];

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
    let shell = ui::layout::Frame::of(&app, &request).at(ui::layout_view::Nav::Help).still().shell("Help");
    let page = ui::standalone_view::HelpPage { shell };
    ui::layout::respond(&request, Shown::new(&page, page.as_main()))
}
