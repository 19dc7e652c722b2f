//! Schedules: the list, one schedule, its form, and what can be done to it.

pub mod actions;
pub mod form;
pub mod list;
pub mod page;
pub mod view;

use actix_web::web::{ServiceConfig, post};

use super::PAGE_AND_FORM;
use crate::web::route::{get, resource};

/// The routes of this folder.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/dashboard/schedules", PAGE_AND_FORM, [get().to(list::show), post().to(list::add)]))
        .service(resource(
            "/dashboard/schedules/{name}",
            PAGE_AND_FORM,
            [get().to(page::show), post().to(page::change)],
        ))
        .service(resource("/dashboard/schedules/{name}/run", &["POST"], [post().to(actions::run)]))
        .service(resource("/dashboard/schedules/{name}/resume", &["POST"], [post().to(actions::resume)]))
        .service(resource(
            "/dashboard/schedules/{name}/backfill",
            PAGE_AND_FORM,
            [get().to(actions::ask_backfill), post().to(actions::backfill)],
        ))
        .service(resource(
            "/dashboard/schedules/{name}/{verb:pause|delete}",
            PAGE_AND_FORM,
            [get().to(actions::ask), post().to(actions::act)],
        ));
}
