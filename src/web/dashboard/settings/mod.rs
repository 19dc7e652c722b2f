//! Settings: the display settings of this browser, and the configuration of this installation.

pub mod page;
pub mod view;

use actix_web::web::{ServiceConfig, post};

use super::PAGE_AND_FORM;
use crate::web::route::{get, resource};

/// The routes of this folder.
pub fn routes(config: &mut ServiceConfig) {
    config.service(resource("/dashboard/settings", PAGE_AND_FORM, [get().to(page::show), post().to(page::save)]));
}
