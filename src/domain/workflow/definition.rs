//! Definitions of workflows: named steps that depend on other steps by name, validated to be an acyclic graph.

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use super::graph::{TopologicalOrder, topological_order};
use super::{Dependency, Policy, Step};
use crate::domain::{Ident, NewJob};

pub const MAX_STEPS: usize = 20_000;
/// The maximum number of dependencies of a workflow; each is a row.
pub const MAX_EDGES: usize = 100_000;
/// How many steps of a cycle an error message names.
const MAX_CYCLE_SHOWN: usize = 8;
/// How many characters of an unknown name an error message repeats.
const MAX_NAME_SHOWN: usize = 128;

/// A workflow as requested, not validated.
#[derive(Clone, Debug)]
pub struct WorkflowDefinition {
    pub name: String,
    pub tenant: Ident,
    pub steps: Vec<StepDefinition>,
}

#[derive(Clone, Debug)]
pub struct StepDefinition {
    pub name: String,
    pub job: NewJob,
    pub depends_on: Vec<StepDependency>,
}

/// A dependency on another step, by its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepDependency {
    pub step: String,
    pub policy: Policy,
}

/// A validated definition, from which any number of workflows can be created.
#[derive(Clone, Debug)]
pub struct ValidatedWorkflow {
    definition: WorkflowDefinition,
    /// The indexes of the dependencies of each step.
    parents: Vec<Vec<usize>>,
    /// The indexes of the steps, each after its dependencies.
    order: Vec<usize>,
}

/// A workflow ready to be stored: each step after its dependencies.
#[derive(Clone, Debug)]
pub struct NewWorkflow {
    pub id: Uuid,
    pub name: String,
    pub tenant: Ident,
    pub steps: Vec<NewJob>,
}

/// Which field of a definition is invalid, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DefinitionError {
    /// Like `steps.2.depends_on`.
    pub field: String,
    pub message: String,
}

impl DefinitionError {
    pub fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { field: field.into(), message: message.into() }
    }
}

impl WorkflowDefinition {
    /// Validates the definition and creates a workflow from it.
    pub fn instantiate(self) -> Result<NewWorkflow, DefinitionError> {
        self.validate().map(ValidatedWorkflow::into_workflow)
    }

    /// Validates the definition.
    pub fn validate(self) -> Result<ValidatedWorkflow, DefinitionError> {
        if self.steps.is_empty() || self.steps.len() > MAX_STEPS {
            return Err(DefinitionError::new(
                "steps",
                format!("must have 1 to {MAX_STEPS} steps; got {}", self.steps.len()),
            ));
        }
        let indexes = step_indexes(&self.steps)?;
        let parents = dependencies(&self.steps, &indexes)?;
        let order = topological(&parents).map_err(|cycle| {
            let mut names: Vec<&str> =
                cycle.iter().take(MAX_CYCLE_SHOWN).map(|at| self.steps[*at].name.as_str()).collect();
            if cycle.len() > MAX_CYCLE_SHOWN {
                names.extend(["…", &self.steps[cycle[0]].name]);
            }
            let message = format!("must not form a cycle: {}", names.join(" depends on "));
            DefinitionError::new(format!("steps.{}.depends_on", cycle[0]), message)
        })?;
        Ok(ValidatedWorkflow { definition: self, parents, order })
    }
}

impl ValidatedWorkflow {
    pub fn definition(&self) -> &WorkflowDefinition {
        &self.definition
    }

    /// The number of dependencies of all steps.
    pub fn edges(&self) -> usize {
        self.parents.iter().map(Vec::len).sum()
    }

    /// Creates a workflow with new ids. The ids ascend in dependency order, and so do the locks taken on several steps.
    pub fn into_workflow(self) -> NewWorkflow {
        let Self { definition, parents, order } = self;
        let workflow = Uuid::now_v7();
        let mut ids = vec![Uuid::nil(); definition.steps.len()];
        order.iter().for_each(|at| ids[*at] = Uuid::now_v7());
        let mut steps: Vec<Option<StepDefinition>> = definition.steps.into_iter().map(Some).collect();
        let job = |at: &usize| {
            let step = steps[*at].take()?;
            let edges = parents[*at].iter().zip(&step.depends_on);
            let dependencies =
                edges.map(|(parent, link)| Dependency { on: ids[*parent], policy: link.policy }).collect();
            let step_of = Some(Step { workflow, name: step.name });
            Some(NewJob { id: ids[*at], step: step_of, dependencies, ..step.job })
        };
        let steps = order.iter().filter_map(job).collect();
        NewWorkflow { id: workflow, name: definition.name, tenant: definition.tenant, steps }
    }
}

/// Shortens a name for an error message.
fn clipped(name: &str) -> String {
    let mut short: String = name.chars().take(MAX_NAME_SHOWN).collect();
    if short.len() < name.len() {
        short.push('…');
    }
    short
}

/// The index of each name; names must be unique.
fn step_indexes(steps: &[StepDefinition]) -> Result<HashMap<&str, usize>, DefinitionError> {
    let mut indexes = HashMap::with_capacity(steps.len());
    for (at, step) in steps.iter().enumerate() {
        if let Some(earlier) = indexes.insert(step.name.as_str(), at) {
            return Err(DefinitionError::new(
                format!("steps.{at}.name"),
                format!("is already the name of step {earlier}: {}", step.name),
            ));
        }
    }
    Ok(indexes)
}

/// The indexes of the dependencies of each step, which must exist, differ, and not be the step itself.
fn dependencies(steps: &[StepDefinition], indexes: &HashMap<&str, usize>) -> Result<Vec<Vec<usize>>, DefinitionError> {
    let edges: usize = steps.iter().map(|step| step.depends_on.len()).sum();
    if edges > MAX_EDGES {
        return Err(DefinitionError::new(
            "steps",
            format!("must have at most {MAX_EDGES} dependencies in total; got {edges}"),
        ));
    }
    let mut seen = HashSet::with_capacity(edges);
    let mut parents = Vec::with_capacity(steps.len());
    for (at, step) in steps.iter().enumerate() {
        let mut of_step = Vec::with_capacity(step.depends_on.len());
        for (nth, link) in step.depends_on.iter().enumerate() {
            let field = || format!("steps.{at}.depends_on.{nth}");
            let Some(parent) = indexes.get(link.step.as_str()) else {
                return Err(DefinitionError::new(field(), format!("names an unknown step: {}", clipped(&link.step))));
            };
            if *parent == at {
                return Err(DefinitionError::new(field(), format!("is the step itself: {}", link.step)));
            }
            if !seen.insert((at, *parent)) {
                return Err(DefinitionError::new(field(), format!("is a duplicate: {}", link.step)));
            }
            of_step.push(*parent);
        }
        parents.push(of_step);
    }
    Ok(parents)
}

/// A topological order of the steps, or a cycle.
fn topological(parents: &[Vec<usize>]) -> Result<Vec<usize>, Vec<usize>> {
    let mut children = vec![Vec::new(); parents.len()];
    for (at, parents) in parents.iter().enumerate() {
        parents.iter().for_each(|parent| children[*parent].push(at));
    }
    let TopologicalOrder { order, pending, .. } = topological_order(parents, &children);
    if order.len() == parents.len() { Ok(order) } else { Err(cycle(parents, &pending)) }
}

/// Follows unordered parents from any unordered step until a step repeats.
fn cycle(parents: &[Vec<usize>], pending: &[usize]) -> Vec<usize> {
    let mut path: Vec<usize> = Vec::new();
    let mut place = HashMap::new();
    let mut at = pending.iter().position(|n| *n > 0).unwrap_or_default();
    while !place.contains_key(&at) {
        place.insert(at, path.len());
        path.push(at);
        at = parents[at].iter().copied().find(|parent| pending[*parent] > 0).unwrap_or(at);
    }
    let mut cycle = path.split_off(place[&at]);
    cycle.push(at);
    cycle
}

#[cfg(test)]
mod tests;
