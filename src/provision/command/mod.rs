//! Programs that the operator configures for a template: one for each operation. `docs/provisioners.md` describes what they receive
//! and what they print.
//!
//! A worker runs only what its own `provost.toml` configures. A job carries only the digest of the settings, so it cannot choose a
//! program.

mod input;
mod outputs;
mod settings;
mod steps;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;

use super::inspect::{InspectFuture, Inspection, ReadOnly, Secrets};
use super::step::{Step, Steps};
use super::{Attempt, Failure, Provisioner, Recorder, Work};
use crate::domain::{Difference, FindingKind, Health, OperationKind};
use crate::program::Program;
use crate::template::Mistake;

use outputs::Shape;
use settings::Verb;
use steps::{Run, Runner, VerifyGone};

/// The name of this provisioner in templates.
pub const NAME: &str = "command";

/// The programs of one template.
#[derive(Clone, Debug)]
struct Programs {
    by_verb: BTreeMap<Verb, Program>,
    shape: Shape,
    /// How long a look may take.
    observe_timeout: Duration,
    /// Exit codes that fail the operation without another attempt.
    refuse_on: Vec<i32>,
    /// The directory of `provost.toml`.
    folder: PathBuf,
}

impl Programs {
    fn get(&self, verb: Verb) -> Option<&Program> {
        self.by_verb.get(&verb)
    }
}

/// The programs of every template with this provisioner.
#[derive(Clone, Debug, Default)]
pub struct Command(BTreeMap<String, Programs>);

impl Command {
    /// Reads the settings of templates: their name and their settings. Adds every mistake as a sentence.
    pub fn read<'a>(templates: impl Iterator<Item = (&'a str, &'a Value)>, mistakes: &mut Vec<String>) -> Self {
        let programs = |(name, settings)| Some((String::from(name), settings::read(name, settings, mistakes)?));
        Self(templates.filter_map(programs).collect())
    }

    /// Whether no program is configured.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn programs(&self, template: &str) -> Result<&Programs, Failure> {
        self.0.get(template).ok_or_else(|| {
            let message = format!(
                "this worker has no programs for the template {template}: configure it in the provost.toml of the worker"
            );
            Failure::retryable(Failure::NO_PROGRAM, message)
        })
    }

    /// The operations that a template has no program for.
    pub fn unsupported(&self, template: &str) -> Vec<OperationKind> {
        let Some(programs) = self.0.get(template) else { return Vec::new() };
        OperationKind::ALL.iter().copied().filter(|it| programs.get(Verb::of(*it)).is_none()).collect()
    }
}

/// What the exit code of `observe` says.
fn inspection(work: &Work, code: i32) -> Inspection {
    let (health, reason, message, kind) = match code {
        steps::MISSING => (Health::Unhealthy, "missing", "observe: it does not exist", Some(FindingKind::Missing)),
        steps::CHANGED => {
            (Health::Healthy, "changed", "observe: it differs from the parameters", Some(FindingKind::Changed))
        }
        _ => (Health::Healthy, "observed", "observe: it is as the parameters say", None),
    };
    Inspection {
        health,
        reason: reason.to_owned(),
        message: message.to_owned(),
        // Projects of one template are told apart by the object.
        differences: kind
            .map(|it| Difference::new(it, format!("resource of project {}", work.project_id), message))
            .into_iter()
            .collect(),
        cluster: work.template.clone(),
    }
}

impl Provisioner for Command {
    fn begin<'a>(&'a self, work: &'a Work, recorder: &'a dyn Recorder) -> Result<Box<dyn Attempt + 'a>, Failure> {
        let Work { template, operation, .. } = work;
        let programs = self.programs(template)?;
        let verb = Verb::of(*operation);
        if programs.get(verb).is_none() {
            let message =
                format!("the template {template} has no program {}, so it does not support this", verb.as_str());
            return Err(Failure::permanent("not_supported", message));
        }
        let mut steps: Vec<Box<dyn Step<Runner<'a>> + 'a>> = vec![Box::new(Run(verb))];
        if *operation == OperationKind::Restore && !work.opens {
            // Access was blocked before the project was taken out of service, and stays blocked.
            steps.clear();
        }
        if *operation == OperationKind::Delete && programs.get(Verb::Observe).is_some() {
            steps.push(Box::new(VerifyGone));
        }
        Ok(Box::new(Steps { session: Runner { programs, work, recorder, outputs: work.known.clone() }, steps }))
    }

    fn inspect<'a>(&'a self, work: &'a Work, _: bool, secrets: &'a dyn Secrets) -> InspectFuture<'a, Inspection> {
        Box::pin(async move {
            let programs = self.programs(&work.template)?;
            if programs.get(Verb::Observe).is_none() {
                return Err(Failure::not_observable());
            }
            let recorder = ReadOnly::of(secrets, programs.shape.secrets()).await?;
            let runner = Runner { programs, work, recorder: &recorder, outputs: work.known.clone() };
            let code = runner.look().await?.map_or(0, |(code, _)| code);
            Ok(inspection(work, code))
        })
    }

    fn look_timeout(&self, template: &str) -> Duration {
        self.0.get(template).map_or(settings::OBSERVE_TIMEOUT, |it| it.observe_timeout)
    }

    /// [`Command::read`] names the mistakes.
    fn check_settings(&self, _: &Value) -> Vec<Mistake> {
        Vec::new()
    }

    fn serves(&self, template: &str) -> bool {
        self.0.contains_key(template)
    }

    fn grace(&self) -> Duration {
        let programs = self.0.values().flat_map(|it| it.by_verb.values());
        programs.map(Program::grace).max().unwrap_or_default()
    }
}
