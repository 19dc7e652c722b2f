//! `/clusters`.

use actix_web::HttpRequest;
use actix_web::web::Data;

use crate::domain::cluster::{self, Cluster, ClusterState};
use crate::store::limits::LimitUse;
use crate::web::api::description;
use crate::web::api::response::json;
use crate::web::app::App;
use crate::web::error::{ApiError, ApiResult};
use crate::web::extract::Name;
use crate::web::query::Query;
use crate::wire::{self, ClusterCapabilities};

/// List the clusters in which projects get their databases, as this server finds them now.
#[utoipa::path(get, path = "/clusters", tag = "clusters", responses((status = 200, body = [wire::Cluster]), description::Read))]
pub async fn list(app: Data<App>, request: HttpRequest) -> ApiResult {
    Query::parse(request.query_string(), &[])?;
    json(found(&app, None).await?)
}

/// Get a cluster.
#[utoipa::path(get, path = "/clusters/{name}", tag = "clusters", params(("name" = String, Path)),
    responses((status = 200, body = wire::Cluster), description::ReadOne))]
pub async fn get(app: Data<App>, Name(name): Name) -> ApiResult {
    let cluster = found(&app, Some(&name)).await?.pop();
    json(cluster.ok_or_else(|| ApiError::not_found("cluster", &name))?)
}

/// All clusters, or one of them, with the limits of their queues.
pub async fn found(app: &App, name: Option<&str>) -> Result<Vec<wire::Cluster>, ApiError> {
    let limits = app.store.list_limits(None).await?;
    let limit = |it: &Cluster| {
        let name = format!("queue:{}", cluster::queue(&it.name));
        limits.iter().find(|limit| limit.limit.name == name)
    };
    let clusters = app.clusters.look(name).await;
    Ok(clusters.into_iter().map(|it| described(limit(&it), it)).collect())
}

fn described(limit: Option<&LimitUse>, cluster: Cluster) -> wire::Cluster {
    let (state, problem, capabilities) = match cluster.state {
        ClusterState::Reachable(found) => ("reachable", found.check().err().map(|it| it.to_string()), Some(found)),
        ClusterState::Unreachable(why) => ("unreachable", Some(why), None),
        ClusterState::Stopped => ("stopped", None, None),
    };
    wire::Cluster {
        queue: cluster::queue(&cluster.name),
        name: cluster.name,
        kind: if cluster.is_embedded { "embedded" } else { "configured" }.to_owned(),
        address: cluster.address,
        state: state.to_owned(),
        usable: problem.is_none(),
        reason: problem,
        isolation: capabilities.as_ref().map(cluster::Capabilities::isolation),
        concurrency: limit.filter(|it| it.limit.enabled).map(|it| it.limit.max),
        active: limit.and_then(|it| it.active).unwrap_or_default(),
        held_back: limit.filter(|it| it.is_exhausted()).map_or(0, |it| it.waiting),
        capabilities: capabilities.map(ClusterCapabilities::from),
    }
}

impl From<cluster::Capabilities> for ClusterCapabilities {
    fn from(found: cluster::Capabilities) -> Self {
        Self {
            close_databases: found.may_close_all_databases(),
            // Packages add their own version.
            version: found.version_text.split(' ').next().unwrap_or_default().to_owned(),
            system_identifier: found.system_identifier,
            login: found.admin,
            superuser: found.is_superuser,
            create_databases: found.may_create_databases,
            create_roles: found.may_create_roles,
            max_connections: found.max_connections,
            connections: found.connections,
            standby: found.is_standby,
        }
    }
}
