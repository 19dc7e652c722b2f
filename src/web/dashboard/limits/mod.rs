//! Limits: the list with its form, and the confirmation of a deletion.

pub mod page;
pub mod view;

use actix_web::web::{ServiceConfig, post};

use crate::web::route::{get, resource};
use crate::web::ui::PAGE_AND_FORM;

pub fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/dashboard/limits", PAGE_AND_FORM, [get().to(page::show), post().to(page::save)]))
        .service(resource(
            "/dashboard/limits/delete",
            PAGE_AND_FORM,
            [get().to(page::confirm_delete), post().to(page::delete)],
        ));
}
