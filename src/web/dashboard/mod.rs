//! The dashboard: server-rendered pages over the same store as the API. Every page works without scripts; scripts only
//! keep it live.

mod clusters;
mod dead_letters;
mod drift;
mod jobs;
mod limits;
mod login;
mod metrics;
mod projects;
mod queues;
mod schedules;
mod settings;
mod workers;
mod workflows;

#[cfg(test)]
mod tests;

use actix_web::http::header::{ACCEPT, LOCATION};
use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use serde_json::json;

use crate::web::app::App;
use crate::web::assets;
use crate::web::dashboard::projects::list::PAGE as HOME;
use crate::web::route::{get, resource};
use crate::web::ui::{Nav, Rendering, Shell, not_found, respond};

pub fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/", &["GET"], [get().to(index)]))
        .service(resource("/static/{path:.*}", &["GET"], [get().to(assets::serve)]))
        .service(resource("/favicon.ico", &["GET"], [get().to(|| redirect("/static/favicon.svg"))]))
        .service(resource("/dashboard", &["GET"], [get().to(|| redirect(HOME))]))
        .configure(projects::routes)
        .configure(jobs::routes)
        .configure(workflows::routes)
        .configure(queues::routes)
        .configure(workers::routes)
        .configure(dead_letters::routes)
        .configure(drift::routes)
        .configure(clusters::routes)
        .configure(limits::routes)
        .configure(schedules::routes)
        .configure(metrics::routes)
        .configure(settings::routes)
        .configure(login::routes)
        .service(resource("/dashboard/help", &["GET"], [get().to(help)]))
        .service(web::scope("/dashboard").default_service(web::to(not_found)));
}

/// Redirects browsers to the dashboard. Other clients get the addresses of the API.
async fn index(request: HttpRequest) -> HttpResponse {
    let accept = request.headers().get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if accept.contains("text/html") {
        return redirect(HOME).await;
    }
    HttpResponse::Ok().json(json!({
        "name": "provost", "version": env!("CARGO_PKG_VERSION"),
        "dashboard": "/dashboard", "projects": "/projects", "metrics": "/metrics", "health": "/health", "openapi": "/openapi.json",
    }))
}

async fn redirect(to: &'static str) -> HttpResponse {
    HttpResponse::TemporaryRedirect().insert_header((LOCATION, to)).finish()
}

#[derive(Debug, Clone, Template)]
#[template(path = "help.html", blocks = ["main"], whitespace = "minimize")]
pub struct HelpPage {
    pub shell: Shell,
}

async fn help(app: Data<App>, request: HttpRequest) -> HttpResponse {
    let page = HelpPage { shell: Shell::new(&app, &request).at(Nav::Help).without_polling().titled("Help") };
    respond(&request, Rendering::new(&page, page.as_main()))
}
