//! Clusters: the PostgreSQL servers in which projects get their databases.

mod page;

use actix_web::web::ServiceConfig;

use crate::web::route::{get, resource};

pub fn routes(config: &mut ServiceConfig) {
    config.service(resource("/dashboard/clusters", &["GET"], [get().to(page::show)]));
}
