//! The clusters in which databases are made.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use super::outages::Outages;
use crate::connection::Connector;
use crate::provision::Failure;

/// The name of the cluster that Provost runs itself.
pub const EMBEDDED: &str = "embedded";

/// A way to reach a cluster: to its maintenance database, as its admin.
pub type Reaching<'a> = Pin<Box<dyn Future<Output = Result<Connector, Failure>> + Send + 'a>>;

/// Where a cluster is, without starting it.
pub enum Peek {
    At(Box<Connector>),
    /// The embedded cluster does not run in this process.
    Stopped,
    /// Why it is nowhere.
    Failed(String),
}

/// Reaches a cluster. The embedded one is started by the first call.
pub trait Reach: Send + Sync {
    fn reach(&self) -> Reaching<'_>;

    /// Whether anything may be in the cluster. The embedded one is not started to find out that it is empty.
    fn is_in_use(&self) -> bool {
        true
    }
    fn peek(&self) -> Peek;
}

/// A cluster of a configured URL.
impl Reach for Connector {
    fn reach(&self) -> Reaching<'_> {
        Box::pin(async { Ok(self.clone()) })
    }

    fn peek(&self) -> Peek {
        Peek::At(Box::new(self.clone()))
    }
}

/// A cluster whose settings are invalid.
impl Reach for Failure {
    fn reach(&self) -> Reaching<'_> {
        Box::pin(async { Err(self.clone()) })
    }

    fn peek(&self) -> Peek {
        Peek::Failed(self.message.clone())
    }
}

/// All clusters of this process, by name.
#[derive(Clone, Default)]
pub struct Clusters {
    by_name: BTreeMap<String, Arc<dyn Reach>>,
    /// Those that did not answer the latest look.
    pub outages: Outages,
}

impl Clusters {
    pub fn with(mut self, name: &str, cluster: impl Reach + 'static) -> Self {
        self.by_name.insert(name.to_owned(), Arc::new(cluster));
        self
    }

    pub fn get(&self, name: &str) -> Result<&dyn Reach, Failure> {
        self.by_name.get(name).map(|it| it.as_ref()).ok_or_else(|| {
            let message = format!("this worker knows no cluster {name:?}, only {}", self.names().join(", "));
            Failure::retryable(Failure::UNKNOWN_CLUSTER, message)
        })
    }

    /// The names of the clusters in which something may be.
    pub fn in_use(&self) -> Vec<String> {
        self.by_name.iter().filter(|(_, it)| it.is_in_use()).map(|(name, _)| name.clone()).collect()
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &dyn Reach)> {
        self.by_name.iter().map(|(name, cluster)| (name.as_str(), cluster.as_ref()))
    }

    pub fn names(&self) -> Vec<&str> {
        self.by_name.keys().map(String::as_str).collect()
    }
}
