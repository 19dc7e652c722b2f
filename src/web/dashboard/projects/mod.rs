//! Projects: the list, one project, and the page that confirms a deletion.

pub mod delete;
pub mod list;
pub mod list_view;
pub mod page;
pub mod view;

use actix_web::web::{ServiceConfig, post};

use super::PAGE_AND_FORM;
use crate::web::route::{get, resource};

/// The routes of this folder.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/dashboard/projects", PAGE_AND_FORM, [get().to(list::show), post().to(list::create)]))
        .service(resource("/dashboard/projects/{id}", &["GET"], [get().to(page::show)]))
        .service(resource("/dashboard/projects/{id}/retry", &["POST"], [post().to(page::retry)]))
        .service(resource("/dashboard/projects/{id}/rename", &["POST"], [post().to(page::rename)]))
        .service(resource(
            "/dashboard/projects/{id}/delete",
            PAGE_AND_FORM,
            [get().to(delete::ask), post().to(delete::delete)],
        ));
}
