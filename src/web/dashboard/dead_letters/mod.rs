//! Dead letters: the list, by error and one by one, and the page that replays one.

pub mod list;
pub mod replay;
pub mod view;

use actix_web::web::{ServiceConfig, post};

use super::PAGE_AND_FORM;
use crate::web::dashboard::jobs::{actions, bulk};
use crate::web::route::{get, resource};

/// The routes of this folder.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/dashboard/dead-letters", &["GET"], [get().to(list::show)]))
        .service(resource("/dashboard/dead-letters/bulk", &["POST"], [post().to(bulk::dead_letters)]))
        .service(resource(
            "/dashboard/dead-letters/{id}/delete",
            PAGE_AND_FORM,
            [get().to(actions::ask_delete), post().to(actions::delete)],
        ))
        .service(resource(
            "/dashboard/dead-letters/{id}/replay",
            PAGE_AND_FORM,
            [get().to(replay::show), post().to(replay::replay)],
        ));
}
