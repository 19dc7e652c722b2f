//! Jobs: the list, one job, and what can be done to one or many.

pub mod actions;
pub mod bulk;
pub mod bulk_verb;
pub mod enqueue;
pub mod facts;
pub mod links;
pub mod list;
pub mod list_view;
pub mod page;
pub mod timeline;
pub mod view;

use actix_web::web::{ServiceConfig, post};

use super::PAGE_AND_FORM;
use crate::web::route::{get, resource};

/// The routes of this folder.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/dashboard/jobs", PAGE_AND_FORM, [get().to(list::show), post().to(enqueue::enqueue)]))
        .service(resource("/dashboard/jobs/bulk", &["POST"], [post().to(bulk::jobs)]))
        .service(resource("/dashboard/jobs/{id}", &["GET"], [get().to(page::show)]))
        .service(resource("/dashboard/jobs/{id}/retry", &["POST"], [post().to(page::retry)]))
        .service(resource("/dashboard/jobs/{id}/run-again", &["POST"], [post().to(page::run_again)]))
        .service(resource("/dashboard/jobs/{id}/priority", &["POST"], [post().to(page::prioritise)]))
        .service(resource(
            "/dashboard/jobs/{id}/cancel",
            PAGE_AND_FORM,
            [get().to(actions::ask_cancel), post().to(actions::cancel)],
        ));
}
