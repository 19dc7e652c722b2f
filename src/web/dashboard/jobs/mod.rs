//! Jobs: the list, one job, and actions on one or many.

pub mod actions;
pub mod bulk;
mod callout;
mod data;
pub mod enqueue;
pub mod format;
pub mod list;
mod page;
mod relations;
mod timeline;
pub mod verbs;
pub mod view;

use actix_web::web::{ServiceConfig, post};

use crate::web::route::{get, resource};
use crate::web::ui::PAGE_AND_FORM;
use crate::web::ui::action_routes;

pub fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/dashboard/jobs", PAGE_AND_FORM, [get().to(list::show), post().to(enqueue::enqueue)]))
        .service(resource("/dashboard/jobs/bulk", &["POST"], [post().to(bulk::jobs)]))
        .service(resource("/dashboard/jobs/{id}", &["GET"], [get().to(page::show)]))
        .service(resource("/dashboard/jobs/{id}/retry", &["POST"], [post().to(actions::retry)]))
        .service(resource("/dashboard/jobs/{id}/priority", &["POST"], [post().to(page::set_priority)]))
        .configure(action_routes::<actions::JobAction>);
}
