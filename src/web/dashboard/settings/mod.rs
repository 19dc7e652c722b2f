//! Settings: display settings of this browser, and the health and configuration of this server.

mod health;
mod page;

use actix_web::web::{ServiceConfig, post};

use crate::web::route::{get, resource};
use crate::web::ui::PAGE_AND_FORM;

pub fn routes(config: &mut ServiceConfig) {
    config.service(resource("/dashboard/settings", PAGE_AND_FORM, [get().to(page::show), post().to(page::save)]));
}
