//! The dashboard: the same rows as the API, for people. Links and forms only; scripts make it live, and it works without.

mod bulk;
mod bulk_verb;
mod chart;
mod confirm;
mod counts;
mod dag;
mod dead_letters;
mod delete;
mod enqueue;
mod error;
mod flash;
mod form;
mod job;
mod job_facts;
mod job_life;
mod job_links;
mod jobs;
mod limits;
mod list;
mod metrics;
mod names;
mod project;
mod queue;
mod queue_acts;
mod queues;
mod replay;
mod schedule;
mod schedule_acts;
mod schedule_form;
mod schedules;
mod settings;
mod shell;
mod sign_in;
mod single;
mod views;
mod waterfall;
mod worker;
mod workers;
mod workflow;
mod workflow_acts;
mod workflow_steps;
mod workflows;

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
        .configure(work)
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

/// The pages of the job engine. What asks before it acts answers to GET and POST at one path.
fn work(config: &mut ServiceConfig) {
    const BOTH: &[&str] = &["GET", "POST"];
    let post = web::post;
    config
        .service(resource("/dashboard/jobs", BOTH, [get().to(jobs::show), post().to(enqueue::enqueue)]))
        .service(resource("/dashboard/jobs/bulk", &["POST"], [post().to(bulk::jobs)]))
        .service(resource("/dashboard/jobs/{id}", &["GET"], [get().to(job::show)]))
        .service(resource("/dashboard/jobs/{id}/retry", &["POST"], [post().to(job::retry)]))
        .service(resource("/dashboard/jobs/{id}/run-again", &["POST"], [post().to(job::run_again)]))
        .service(resource("/dashboard/jobs/{id}/priority", &["POST"], [post().to(job::prioritise)]))
        .service(resource(
            "/dashboard/jobs/{id}/cancel",
            BOTH,
            [get().to(single::ask_cancel), post().to(single::cancel)],
        ))
        .configure(flows)
        .service(resource("/dashboard/queues", &["GET"], [get().to(queues::show)]))
        .service(resource("/dashboard/queues/{name}", &["GET"], [get().to(queue::show)]))
        .service(resource("/dashboard/queues/{name}/resume", &["POST"], [post().to(queue_acts::resume)]))
        .service(resource("/dashboard/queues/{name}/limits", &["POST"], [post().to(queue_acts::limits)]))
        .service(resource(
            "/dashboard/queues/{name}/{verb:pause|drain}",
            BOTH,
            [get().to(queue_acts::ask), post().to(queue_acts::act)],
        ))
        .service(resource("/dashboard/workers", &["GET"], [get().to(workers::show)]))
        .service(resource("/dashboard/workers/{id}", &["GET"], [get().to(worker::show)]))
        .service(resource("/dashboard/workers/{id}/uncordon", &["POST"], [post().to(worker::uncordon)]))
        .service(resource("/dashboard/workers/{id}/forget", &["POST"], [post().to(worker::forget)]))
        .service(resource(
            "/dashboard/workers/{id}/{verb:cordon|drain}",
            BOTH,
            [get().to(worker::ask), post().to(worker::act)],
        ))
        .service(resource("/dashboard/dead-letters", &["GET"], [get().to(dead_letters::show)]))
        .service(resource("/dashboard/dead-letters/bulk", &["POST"], [post().to(bulk::dead_letters)]))
        .service(resource(
            "/dashboard/dead-letters/{id}/delete",
            BOTH,
            [get().to(single::ask_delete), post().to(single::delete)],
        ))
        .service(resource(
            "/dashboard/dead-letters/{id}/replay",
            BOTH,
            [get().to(replay::show), post().to(replay::replay)],
        ))
        .service(resource("/dashboard/limits", BOTH, [get().to(limits::show), post().to(limits::save)]))
        .service(resource("/dashboard/limits/delete", BOTH, [get().to(limits::ask_delete), post().to(limits::delete)]))
        .service(resource("/dashboard/schedules", BOTH, [get().to(schedules::show), post().to(schedules::add)]))
        .service(resource("/dashboard/schedules/{name}", BOTH, [get().to(schedule::show), post().to(schedule::change)]))
        .service(resource("/dashboard/schedules/{name}/run", &["POST"], [post().to(schedule_acts::run)]))
        .service(resource("/dashboard/schedules/{name}/resume", &["POST"], [post().to(schedule_acts::resume)]))
        .service(resource(
            "/dashboard/schedules/{name}/backfill",
            BOTH,
            [get().to(schedule_acts::ask_backfill), post().to(schedule_acts::backfill)],
        ))
        .service(resource(
            "/dashboard/schedules/{name}/{verb:pause|delete}",
            BOTH,
            [get().to(schedule_acts::ask), post().to(schedule_acts::act)],
        ));
}

/// The pages of workflows.
fn flows(config: &mut ServiceConfig) {
    let post = web::post;
    config
        .service(resource("/dashboard/workflows", &["GET"], [get().to(workflows::show)]))
        .service(resource("/dashboard/workflows/demo", &["POST"], [post().to(workflows::demo)]))
        .service(resource("/dashboard/workflows/{id}", &["GET"], [get().to(workflow::show)]))
        .service(resource("/dashboard/workflows/{id}/retry", &["POST"], [post().to(workflow_acts::retry)]))
        .service(resource(
            "/dashboard/workflows/{id}/cancel",
            &["GET", "POST"],
            [get().to(workflow_acts::ask_cancel), post().to(workflow_acts::cancel)],
        ));
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
