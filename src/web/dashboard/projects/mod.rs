//! Projects: the list, one project, and its verbs.

mod actions;
mod create;
pub mod list;
mod new;
mod page;
mod reveal;
mod timeline;

use actix_web::web::{ServiceConfig, post};

use crate::store::projects::Project;
use crate::web::route::{get, resource};
use crate::web::ui::PAGE_AND_FORM;
use crate::web::ui::action_routes;

pub fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/dashboard/projects", PAGE_AND_FORM, [get().to(list::show), post().to(create::create)]))
        .service(resource("/dashboard/projects/new", PAGE_AND_FORM, [get().to(new::show), post().to(new::create)]))
        .service(resource("/dashboard/projects/{id}/reveal", &["POST"], [post().to(reveal::show)]))
        .service(resource("/dashboard/projects/{id}", &["GET"], [get().to(page::show)]))
        .service(resource("/dashboard/projects/{id}/rename", &["POST"], [post().to(page::rename)]));
    action_routes::<Project>(config);
}
