//! Workers: the list, one worker, and what can be done to it.

pub mod list;
pub mod page;
pub mod view;

use actix_web::web::{ServiceConfig, post};

use super::PAGE_AND_FORM;
use crate::web::route::{get, resource};

/// The routes of this folder.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/dashboard/workers", &["GET"], [get().to(list::show)]))
        .service(resource("/dashboard/workers/{id}", &["GET"], [get().to(page::show)]))
        .service(resource("/dashboard/workers/{id}/uncordon", &["POST"], [post().to(page::uncordon)]))
        .service(resource("/dashboard/workers/{id}/forget", &["POST"], [post().to(page::forget)]))
        .service(resource(
            "/dashboard/workers/{id}/{verb:cordon|drain}",
            PAGE_AND_FORM,
            [get().to(page::ask), post().to(page::act)],
        ));
}
