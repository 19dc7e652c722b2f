//! Queues: the list, one queue, and what can be done to it.

pub mod actions;
pub mod list;
pub mod page;
pub mod view;

use actix_web::web::{ServiceConfig, post};

use super::PAGE_AND_FORM;
use crate::web::route::{get, resource};

/// The routes of this folder.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/dashboard/queues", &["GET"], [get().to(list::show)]))
        .service(resource("/dashboard/queues/{name}", &["GET"], [get().to(page::show)]))
        .service(resource("/dashboard/queues/{name}/resume", &["POST"], [post().to(actions::resume)]))
        .service(resource("/dashboard/queues/{name}/limits", &["POST"], [post().to(actions::limits)]))
        .service(resource(
            "/dashboard/queues/{name}/{verb:pause|drain}",
            PAGE_AND_FORM,
            [get().to(actions::ask), post().to(actions::act)],
        ));
}
