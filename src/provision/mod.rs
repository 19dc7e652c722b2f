//! Provisioners: create and remove the resources of a project. They have no access to the store or to leases, so they cannot
//! settle jobs.

mod simulated;

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use uuid::Uuid;

use crate::domain::Outcome;

pub use simulated::Simulated;

/// The project to provision or deprovision.
#[derive(Clone, Debug)]
pub struct Work {
    pub project_id: Uuid,
    /// JSON text.
    pub parameters: String,
    /// Counts from 1.
    pub attempt: i32,
}

/// The future outcome of provisioning.
pub type Provisioning<'a> = Pin<Box<dyn Future<Output = Outcome> + Send + 'a>>;

/// Creates and removes the resources of the projects of one template.
///
/// Both methods must be idempotent: a job may run more than once, even while an earlier attempt still has effects. The
/// future is dropped when the lease is lost or the process stops.
pub trait Provisioner: Send + Sync {
    /// Creates the resources that do not exist yet.
    fn provision<'a>(&'a self, work: &'a Work) -> Provisioning<'a>;
    /// Removes the resources that still exist.
    fn deprovision<'a>(&'a self, work: &'a Work) -> Provisioning<'a>;
}

/// The provisioners, by template.
#[derive(Clone, Default)]
pub struct Registry(BTreeMap<String, Arc<dyn Provisioner>>);

impl Registry {
    pub fn with(mut self, template: &str, provisioner: impl Provisioner + 'static) -> Self {
        self.0.insert(template.to_owned(), Arc::new(provisioner));
        self
    }

    pub fn get(&self, template: &str) -> Option<Arc<dyn Provisioner>> {
        self.0.get(template).cloned()
    }

    /// The known templates.
    pub fn templates(&self) -> Vec<String> {
        self.0.keys().cloned().collect()
    }
}
