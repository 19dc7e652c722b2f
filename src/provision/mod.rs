//! Provisioners: make, observe and undo the real thing behind a project, in steps. They have no access to the store or to leases.
//!
//! [`run`](run::run) performs an operation: it records each step before and after it acts, resumes at the first step that is not
//! done, and undoes steps in reverse order. `docs/provisioners.md` shows how to write a provisioner.

pub mod command;
mod failure;
pub mod inspect;
pub mod postgres;
pub mod recorder;
pub mod remote;
pub mod run;
mod simulated;
mod step;
#[cfg(test)]
pub mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::domain::{Found, OperationKind};
use crate::lines::Log;
use crate::signal::Stop;
use crate::template::{Mistake, Provisioners};
use inspect::{InspectFuture, Inspection, Secrets};

pub use failure::Failure;
pub use recorder::{RecordError, RecordedStep, Recorder, RunAccess, StepChange, StopRequest};
pub use simulated::Simulated;
pub use step::{Attempt, Observed, Output, Step, StepFuture};

/// One attempt at an operation on a project.
#[derive(Clone)]
pub struct Work {
    pub project_id: Uuid,
    /// Tells apart several installations that use the same resources.
    pub installation: String,
    pub name: String,
    pub operation: OperationKind,
    pub labels: BTreeMap<String, String>,
    pub template: String,
    /// The version of the template that the project was made with.
    pub template_version: i32,
    /// JSON text: the parameters of the project.
    pub parameters: Box<RawValue>,
    /// JSON text: the fixed settings of the template.
    pub settings: Box<RawValue>,
    /// What earlier operations on the project have recorded.
    pub known: Output,
    /// Whether the project has worked. Then what it consists of is never undone.
    pub was_ready: bool,
    /// Whether access is given back when the project is restored, or when blocking it is undone. Not if it was blocked before.
    pub opens: bool,
    /// The project to copy; only for a clone.
    pub source: Option<Source>,
    /// The attempt of the job. Everything recorded is fenced by this id.
    pub execution_id: Uuid,
    /// Counts from 1.
    pub attempt: i32,
    /// Whether a failure of this attempt is the last one: no retry follows.
    pub is_last: bool,
    /// The log of the job.
    pub log: Log,
    /// Canceled when the attempt is to end. A step that works for long then ends in an orderly way, and returns a failure.
    pub stop: Stop,
}

/// The project that a clone copies.
#[derive(Clone, Debug, Deserialize)]
pub struct Source {
    pub project_id: Uuid,
    /// What operations on it had recorded when the clone was requested.
    pub known: Option<Output>,
}

/// How long a look may take, unless a provisioner says otherwise.
const LOOK_TIMEOUT: Duration = Duration::from_secs(15);

/// Knows how to perform the operations of one kind of resource.
pub trait Provisioner: Send + Sync {
    /// The steps of an operation, bound to a new session. Nothing is changed here and nothing is connected.
    ///
    /// # Errors
    /// If the parameters or settings are invalid, or the operation is not supported. Neither can be retried.
    fn begin<'a>(&'a self, work: &'a Work, recorder: &'a dyn Recorder) -> Result<Box<dyn Attempt + 'a>, Failure>;

    /// Checks whether a ready or paused project works, and compares the real resource with the project. Changes nothing.
    ///
    /// # Errors
    /// If it cannot look, as when a cluster does not answer. That says nothing about the project.
    fn inspect<'a>(
        &'a self,
        work: &'a Work,
        is_paused: bool,
        secrets: &'a dyn Secrets,
    ) -> InspectFuture<'a, Inspection> {
        _ = (work, is_paused, secrets);
        Box::pin(async { Err(Failure::not_observable()) })
    }

    /// How long a look at a project of a template may take.
    fn look_timeout(&self, template: &str) -> Duration {
        _ = template;
        LOOK_TIMEOUT
    }

    /// The places that are searched for what belongs to no project.
    fn clusters(&self) -> Vec<String> {
        Vec::new()
    }

    /// Everything in a cluster that has the mark of this installation, and what a crash left behind.
    ///
    /// # Errors
    /// If the cluster cannot be searched.
    fn inventory<'a>(&'a self, cluster: &'a str, installation: &'a str) -> InspectFuture<'a, Vec<Found>> {
        _ = (cluster, installation);
        Box::pin(async { Ok(Vec::new()) })
    }

    /// Whether this worker serves a template that the server leaves to workers elsewhere.
    fn serves(&self, template: &str) -> bool {
        _ = template;
        false
    }

    /// How long a step may take to end after [`Work::stop`] when the worker stops. Without a grace, the attempt is dropped.
    fn grace(&self) -> Duration {
        Duration::ZERO
    }

    /// Every mistake in the fixed settings of a template, a JSON object. The field is the path within the settings. Without settings of
    /// its own, a provisioner accepts none.
    fn check_settings(&self, settings: &Value) -> Vec<Mistake> {
        let names = settings.as_object().into_iter().flat_map(|it| it.keys());
        let mistake =
            |name: &String| Mistake { field: name.clone(), message: "is not a setting of this provisioner".to_owned() };
        names.map(mistake).collect()
    }

    /// The queue of the operations on projects of a template with these settings; none for the default queue.
    fn queue(&self, settings: &Value) -> Option<String> {
        _ = settings;
        None
    }
}

/// The provisioners, by name.
#[derive(Clone, Default)]
pub struct Registry(BTreeMap<String, Arc<dyn Provisioner>>);

impl Registry {
    pub fn with(mut self, name: &str, provisioner: impl Provisioner + 'static) -> Self {
        self.0.insert(name.to_owned(), Arc::new(provisioner));
        self
    }

    /// The provisioner with this name. For a template that the server leaves to workers elsewhere, the one that serves it here.
    pub fn get(&self, name: &str, template: &str) -> Option<Arc<dyn Provisioner>> {
        let is_elsewhere = name == remote::NAME;
        let own = self.0.values().find(|it| is_elsewhere && it.serves(template));
        own.or_else(|| self.0.get(name)).cloned()
    }

    /// Every provisioner with its name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &dyn Provisioner)> {
        self.0.iter().map(|(name, provisioner)| (name.as_str(), provisioner.as_ref()))
    }

    /// The longest grace.
    pub fn grace(&self) -> Duration {
        self.0.values().map(|it| it.grace()).max().unwrap_or_default()
    }
}

impl Provisioners for Registry {
    fn names(&self) -> Vec<String> {
        self.0.keys().cloned().collect()
    }

    fn check_settings(&self, provisioner: &str, settings: &Value) -> Vec<Mistake> {
        self.0.get(provisioner).map(|it| it.check_settings(settings)).unwrap_or_default()
    }

    fn queue(&self, provisioner: &str, settings: &Value) -> Option<String> {
        self.0.get(provisioner)?.queue(settings)
    }
}
