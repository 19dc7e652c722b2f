//! Dead letters: the list, by error and one by one, and the page that edits and replays one.

mod list;
mod replay;
pub mod view;

use actix_web::web::{ServiceConfig, post};

use crate::web::dashboard::jobs::actions::DeadLetterAction;
use crate::web::dashboard::jobs::bulk;
use crate::web::route::{get, resource};
use crate::web::ui::PAGE_AND_FORM;
use crate::web::ui::action_routes;

pub fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/dashboard/dead-letters", &["GET"], [get().to(list::show)]))
        .service(resource("/dashboard/dead-letters/bulk", &["POST"], [post().to(bulk::dead_letters)]))
        .configure(action_routes::<DeadLetterAction>)
        .service(resource(
            "/dashboard/dead-letters/{id}/replay",
            PAGE_AND_FORM,
            [get().to(replay::show), post().to(replay::replay)],
        ));
}
