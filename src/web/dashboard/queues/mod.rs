//! Queues: the list, one queue, its verbs and its limits.

mod actions;
pub mod limits;
pub mod list;
pub mod page;

use actix_web::web::{ServiceConfig, post};

use crate::store::queues::Queue;
use crate::web::route::{get, resource};
use crate::web::ui::action_routes;

pub fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/dashboard/queues", &["GET"], [get().to(list::show)]))
        .service(resource("/dashboard/queues/{name}", &["GET"], [get().to(page::show)]))
        .service(resource("/dashboard/queues/{name}/limits", &["POST"], [post().to(limits::save)]));
    action_routes::<Queue>(config);
}
