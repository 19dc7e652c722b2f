//! Clusters.

use serde::Serialize;
use utoipa::ToSchema;

/// A PostgreSQL server in which projects get their databases, as the server that answers finds it now.
#[derive(Debug, Serialize, ToSchema)]
pub struct Cluster {
    #[schema(example = "main")]
    pub name: String,
    /// `embedded`, if Provost runs the server itself, or `configured`.
    #[schema(example = "configured")]
    pub kind: String,
    /// Host and port.
    pub address: Option<String>,
    /// `reachable`, `unreachable`, or `stopped`: the embedded cluster is started when it is first needed.
    #[schema(example = "reachable")]
    pub state: String,
    /// Whether projects can be made in it.
    pub usable: bool,
    /// Why it is not reachable, or not usable.
    pub reason: Option<String>,
    /// What separates tenants from one another.
    #[schema(example = "partial: PUBLIC may enter postgres, template1")]
    pub isolation: Option<String>,
    pub capabilities: Option<ClusterCapabilities>,
    /// The queue of the operations in this cluster.
    #[schema(example = "cluster:main")]
    pub queue: String,
    /// How many operations may run at the same time; null before the first one, and without a limit.
    pub concurrency: Option<i32>,
    /// Operations that run now.
    pub active: i64,
    /// Operations that the limit holds back.
    pub held_back: i64,
}

/// What a cluster is, and what the login of Provost may do there.
#[derive(Debug, Serialize, ToSchema)]
pub struct ClusterCapabilities {
    #[schema(example = "15.18")]
    pub version: String,
    /// The identity of the cluster, which no other cluster has.
    pub system_identifier: String,
    /// The role that Provost uses.
    pub login: String,
    pub superuser: bool,
    pub create_databases: bool,
    pub create_roles: bool,
    /// Whether PUBLIC can be shut out of `postgres` and `template1`.
    pub close_databases: bool,
    pub max_connections: i32,
    /// Connections that are open.
    pub connections: i64,
    /// Whether the server is a standby.
    pub standby: bool,
}
