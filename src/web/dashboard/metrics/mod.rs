//! Metrics: how provisioning performs.

pub mod page;
pub mod view;

use actix_web::web::ServiceConfig;

use crate::web::route::{get, resource};

/// The routes of this folder.
pub fn routes(config: &mut ServiceConfig) {
    config.service(resource("/dashboard/metrics", &["GET"], [get().to(page::show)]));
}
