//! Workers: the list, one worker, and its verbs.

mod actions;
pub mod list;
pub mod page;

use actix_web::web::ServiceConfig;

use crate::store::workers::RegisteredWorker;
use crate::web::route::{get, resource};
use crate::web::ui::action_routes;

pub fn routes(config: &mut ServiceConfig) {
    config.service(resource("/dashboard/workers", &["GET"], [get().to(list::show)])).service(resource(
        "/dashboard/workers/{id}",
        &["GET"],
        [get().to(page::show)],
    ));
    action_routes::<RegisteredWorker>(config);
}
