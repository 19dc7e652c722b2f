//! ACTS: makes and removes the real thing behind a project. Never sees the store or a lease, so it cannot settle itself.

mod simulated;

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use uuid::Uuid;

use crate::domain::Outcome;

pub use simulated::Simulated;

/// What a provisioner is asked to do.
#[derive(Clone, Debug)]
pub struct Work {
    pub project_id: Uuid,
    /// The project's parameters: JSON text.
    pub parameters: String,
    /// How often this was tried, this time included.
    pub attempt: i32,
}

/// What a provisioner answers, some time later.
pub type Acting<'a> = Pin<Box<dyn Future<Output = Outcome> + Send + 'a>>;

/// Makes and removes one kind of thing.
///
/// Both must be idempotent: delivery is at least once, so the same project may come again after a crash, perhaps while
/// an earlier try still reaches the outside world. Being dropped means "stop": the lease was lost, or the process ends.
pub trait Provisioner: Send + Sync {
    /// Makes the thing, or finds that it is there.
    fn provision<'a>(&'a self, work: &'a Work) -> Acting<'a>;
    /// Removes the thing, or finds that it is gone.
    fn deprovision<'a>(&'a self, work: &'a Work) -> Acting<'a>;
}

/// Which provisioner serves which template.
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

    /// The templates that a project can be made from.
    pub fn templates(&self) -> Vec<String> {
        self.0.keys().cloned().collect()
    }
}
