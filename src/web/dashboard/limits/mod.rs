//! Limits: the list, the form, and the page that confirms a deletion.

pub mod page;
pub mod view;

use actix_web::web::{ServiceConfig, post};

use super::PAGE_AND_FORM;
use crate::web::route::{get, resource};

/// The routes of this folder.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/dashboard/limits", PAGE_AND_FORM, [get().to(page::show), post().to(page::save)]))
        .service(resource(
            "/dashboard/limits/delete",
            PAGE_AND_FORM,
            [get().to(page::ask_delete), post().to(page::delete)],
        ));
}
