//! Workflows: the list, one workflow with its graph and its timeline, and what can be done to it.

pub mod actions;
pub mod graph;
pub mod list;
pub mod list_view;
pub mod page;
pub mod steps;
pub mod view;
pub mod waterfall;

use actix_web::web::{ServiceConfig, post};

use super::PAGE_AND_FORM;
use crate::web::route::{get, resource};

/// The routes of this folder.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/dashboard/workflows", &["GET"], [get().to(list::show)]))
        .service(resource("/dashboard/workflows/demo", &["POST"], [post().to(list::demo)]))
        .service(resource("/dashboard/workflows/{id}", &["GET"], [get().to(page::show)]))
        .service(resource("/dashboard/workflows/{id}/retry", &["POST"], [post().to(actions::retry)]))
        .service(resource(
            "/dashboard/workflows/{id}/cancel",
            PAGE_AND_FORM,
            [get().to(actions::ask_cancel), post().to(actions::cancel)],
        ));
}
