//! Projects: the list, one project, and its verbs.

mod actions;
mod create;
pub mod list;
mod page;
mod timeline;

use actix_web::web::{ServiceConfig, post};

use super::PAGE_AND_FORM;
use crate::store::projects::Project;
use crate::web::dashboard::ui::action_routes;
use crate::web::{get, resource};

pub fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/dashboard/projects", PAGE_AND_FORM, [get().to(list::show), post().to(create::create)]))
        .service(resource("/dashboard/projects/{id}", &["GET"], [get().to(page::show)]))
        .service(resource("/dashboard/projects/{id}/rename", &["POST"], [post().to(page::rename)]));
    action_routes::<Project>(config);
}
