//! Workflows: the list, one workflow with its graph and timeline, and its actions.

mod actions;
pub mod data;
mod graph;
pub mod list;
mod page;
mod steps;
pub mod view;
mod waterfall;

use actix_web::web::{ServiceConfig, post};

use crate::web::route::{get, resource};
use crate::web::ui::action_routes;

pub fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/dashboard/workflows", &["GET"], [get().to(list::show)]))
        .service(resource("/dashboard/workflows/demo", &["POST"], [post().to(list::start_demo)]))
        .service(resource("/dashboard/workflows/{id}", &["GET"], [get().to(page::show)]))
        .configure(action_routes::<actions::WorkflowAction>);
}
