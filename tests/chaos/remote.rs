//! Workers elsewhere: processes without a database, each with a network of its own to one of the servers, and now and then to
//! another one.

use std::path::Path;
use std::sync::Arc;

use crate::node::Node;
use crate::options::Options;
use crate::postgres::Postgres;
use crate::process::{Process, Ready};
use crate::proxy::Proxy;

/// What opens the servers to them.
pub const TOKEN: &str = "the token of the workers of chaos";

/// What the worker of this number is called.
pub fn name(number: usize) -> String {
    format!("remote-{number}")
}

/// Workers that are not started yet; each speaks to a server of its own, as far as there are enough.
pub fn workers(options: &Options, folder: &Path, nodes: &[Node], postgres: &Arc<Postgres>) -> Vec<Process> {
    let worker = |n: usize| {
        let proxy = Proxy::to(nodes[n % nodes.len()].port);
        let settings = vec![
            ("PROVOST_SERVER", proxy.address()),
            ("PROVOST_WORKER_TOKEN", TOKEN.into()),
            ("PROVOST_WORKER_CONCURRENCY", options.slots().to_string()),
            ("PROVOST_MUTANT", options.mutant.clone().unwrap_or_default()),
        ];
        let ready = Ready::IsRegistered(postgres.clone());
        Process::new(name(n), folder, proxy, ready, &["worker"], settings)
    };
    (0..options.remotes).map(worker).collect()
}
