//! Remote workers: processes without a database, each with a proxy to one of the servers.

use std::path::Path;
use std::sync::Arc;

use crate::harness::Proxy;
use crate::node::Node;
use crate::options::Options;
use crate::postgres::Postgres;
use crate::process::{Process, Ready};

/// Their token.
pub const TOKEN: &str = "the token of the workers of chaos";

/// The name of a remote worker.
pub fn name(number: usize) -> String {
    format!("remote-{number}")
}

/// Creates the remote workers without starting them, spread over the servers.
pub fn workers(
    options: &Options,
    folder: &Path,
    nodes: &[Node],
    postgres: &Arc<Postgres>,
    tenants: &str,
) -> Vec<Process> {
    let worker = |n: usize| {
        let proxy = Proxy::to(nodes[n % nodes.len()].port);
        let settings = vec![
            ("PROVOST_SERVER", proxy.address()),
            ("PROVOST_WORKER_TOKEN", TOKEN.into()),
            ("PROVOST_WORKER_CONCURRENCY", options.slots().to_string()),
            ("TENANTS_URL", tenants.into()),
            ("PROVOST_MUTANT", options.mutant.clone().unwrap_or_default()),
        ];
        let ready = Ready::IsRegistered(postgres.clone());
        Process::new(name(n), folder, proxy, ready, &["worker"], settings)
    };
    (0..options.remotes).map(worker).collect()
}
