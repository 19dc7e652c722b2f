//! Looks at clusters without changing anything, to show what they are.

use std::time::Duration;

use futures_util::future::join_all;

use super::cluster::{Clusters, EMBEDDED, Peek, Reach};
use super::link::Link;
use super::session::facts;
use crate::connection::Connector;
use crate::domain::cluster::{Capabilities, Cluster, ClusterState};
use crate::provision::Failure;

/// How long a look may take, however many clusters there are: they are looked at together.
const TIMEOUT: Duration = Duration::from_secs(3);

impl Clusters {
    /// All clusters, or the one of this name, as they are now. The embedded cluster is not started.
    pub async fn look(&self, name: Option<&str>) -> Vec<Cluster> {
        let chosen = self.iter().filter(|(it, _)| name.is_none_or(|name| name == *it));
        join_all(chosen.map(|(name, cluster)| look_at(name, cluster))).await
    }
}

async fn look_at(name: &str, cluster: &dyn Reach) -> Cluster {
    let (mut address, is_embedded) = (None, name == EMBEDDED);
    let state = match cluster.peek() {
        Peek::Stopped => ClusterState::Stopped,
        Peek::Failed(why) => ClusterState::Unreachable(why),
        Peek::At(connector) => {
            address = Some(format!("{}:{}", connector.host(), connector.port()));
            match tokio::time::timeout(TIMEOUT, capabilities(&connector)).await {
                Ok(Ok(found)) => ClusterState::Reachable(found),
                Ok(Err(failure)) => ClusterState::Unreachable(failure.message),
                Err(_) => ClusterState::Unreachable(format!("it did not answer within {} s", TIMEOUT.as_secs())),
            }
        }
    };
    Cluster { name: name.to_owned(), is_embedded, address, state }
}

async fn capabilities(connector: &Connector) -> Result<Capabilities, Failure> {
    facts(&mut Link::open(connector).await?).await
}
