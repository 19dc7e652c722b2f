//! Metrics: how provisioning performs.

mod page;

use actix_web::web::ServiceConfig;

use crate::web::{get, resource};

pub fn routes(config: &mut ServiceConfig) {
    config.service(resource("/dashboard/metrics", &["GET"], [get().to(page::show)]));
}
