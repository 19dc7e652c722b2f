//! Schedules: the list, one schedule, the form of both, and the verbs.

mod actions;
mod backfill;
pub mod form;
pub mod list;
pub mod page;

use actix_web::web::{ServiceConfig, post};

use crate::web::route::{get, resource};
use crate::web::ui::PAGE_AND_FORM;
use crate::web::ui::action_routes;

pub fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/dashboard/schedules", PAGE_AND_FORM, [get().to(list::show), post().to(list::add)]))
        .service(resource(
            "/dashboard/schedules/{name}",
            PAGE_AND_FORM,
            [get().to(page::show), post().to(page::change)],
        ))
        .service(resource(
            "/dashboard/schedules/{name}/backfill",
            PAGE_AND_FORM,
            [get().to(backfill::confirm), post().to(backfill::submit)],
        ));
    action_routes::<actions::NamedSchedule>(config);
}
