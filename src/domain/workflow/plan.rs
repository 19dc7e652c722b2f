//! A workflow before it exists: named steps that name what they depend on, checked to be a graph without a circle.

use std::collections::HashMap;

use uuid::Uuid;

use super::{Dependency, Policy, Step};
use crate::domain::{Ident, NewJob};

/// The most steps of a workflow.
pub const MAX_STEPS: usize = 20_000;
/// The most edges of a workflow: each is a row.
pub const MAX_EDGES: usize = 100_000;
/// How much of a circle is told.
const SHOWN: usize = 8;

/// What somebody wants to have started.
#[derive(Clone, Debug)]
pub struct Plan {
    pub name: String,
    pub tenant: Ident,
    pub steps: Vec<PlannedStep>,
}

/// One step of it.
#[derive(Clone, Debug)]
pub struct PlannedStep {
    pub name: String,
    pub job: NewJob,
    pub depends_on: Vec<Link>,
}

/// An edge, by the name of the step that it leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    pub step: String,
    pub policy: Policy,
}

/// A plan that was checked: workflows can be made after it, as often as somebody likes.
#[derive(Clone, Debug)]
pub struct Pattern {
    plan: Plan,
    /// Whom each step depends on, by its place.
    parents: Vec<Vec<usize>>,
    /// The places, each after those that it depends on.
    order: Vec<usize>,
}

/// A workflow that can be started: each step after those that it depends on.
#[derive(Clone, Debug)]
pub struct NewWorkflow {
    pub id: Uuid,
    pub name: String,
    pub tenant: Ident,
    pub steps: Vec<NewJob>,
}

/// What is wrong with a plan, and with which part of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Like `steps.2.depends_on`.
    pub field: String,
    pub message: String,
}

impl Plan {
    /// The workflow that it means, or what is wrong with it.
    pub fn checked(self) -> Result<NewWorkflow, Fault> {
        self.pattern().map(Pattern::into_workflow)
    }

    /// The pattern that it makes, or what is wrong with it.
    pub fn pattern(self) -> Result<Pattern, Fault> {
        if self.steps.is_empty() || self.steps.len() > MAX_STEPS {
            return Err(fault("steps", format!("must be 1 to {MAX_STEPS} steps; these are {}", self.steps.len())));
        }
        let places = places(&self.steps)?;
        let parents = parents(&self.steps, &places)?;
        let order = in_order(&parents).map_err(|circle| {
            let mut names: Vec<&str> = circle.iter().take(SHOWN).map(|at| self.steps[*at].name.as_str()).collect();
            if circle.len() > SHOWN {
                names.extend(["…", &self.steps[circle[0]].name]);
            }
            let words = format!("must not lead in a circle: {}", names.join(" depends on "));
            fault(format!("steps.{}.depends_on", circle[0]), words)
        })?;
        Ok(Pattern { plan: self, parents, order })
    }
}

impl Pattern {
    /// What it was made of, as it was said.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// How many dependencies its steps have in all.
    pub fn edges(&self) -> usize {
        self.parents.iter().map(Vec::len).sum()
    }

    /// The workflow with fresh ids, in an order in which every step comes after those that it depends on: ids are then in that order
    /// too, and so are the locks that anybody takes on several steps.
    pub fn into_workflow(self) -> NewWorkflow {
        let Self { plan, parents, order } = self;
        let workflow = Uuid::now_v7();
        let mut ids = vec![Uuid::nil(); plan.steps.len()];
        order.iter().for_each(|at| ids[*at] = Uuid::now_v7());
        let mut steps: Vec<Option<PlannedStep>> = plan.steps.into_iter().map(Some).collect();
        let job = |at: &usize| {
            let step = steps[*at].take()?;
            let edges = parents[*at].iter().zip(&step.depends_on);
            let dependencies =
                edges.map(|(parent, link)| Dependency { on: ids[*parent], policy: link.policy }).collect();
            let place = Some(Step { workflow, name: step.name });
            Some(NewJob { id: ids[*at], step: place, dependencies, ..step.job })
        };
        let steps = order.iter().filter_map(job).collect();
        NewWorkflow { id: workflow, name: plan.name, tenant: plan.tenant, steps }
    }
}

fn fault(field: impl Into<String>, message: impl Into<String>) -> Fault {
    Fault { field: field.into(), message: message.into() }
}

/// Where each name stands; each may be there once.
fn places(steps: &[PlannedStep]) -> Result<HashMap<&str, usize>, Fault> {
    let mut places = HashMap::with_capacity(steps.len());
    for (at, step) in steps.iter().enumerate() {
        if let Some(earlier) = places.insert(step.name.as_str(), at) {
            return Err(fault(format!("steps.{at}.name"), format!("is the name of step {earlier}: {}", step.name)));
        }
    }
    Ok(places)
}

/// Whom each step depends on, by its place.
fn parents(steps: &[PlannedStep], places: &HashMap<&str, usize>) -> Result<Vec<Vec<usize>>, Fault> {
    let edges: usize = steps.iter().map(|step| step.depends_on.len()).sum();
    if edges > MAX_EDGES {
        return Err(fault("steps", format!("must have at most {MAX_EDGES} dependencies in all; these have {edges}")));
    }
    let mut seen = HashMap::with_capacity(edges);
    let mut parents = Vec::with_capacity(steps.len());
    for (at, step) in steps.iter().enumerate() {
        let mut of_step = Vec::with_capacity(step.depends_on.len());
        for (nth, link) in step.depends_on.iter().enumerate() {
            let field = || format!("steps.{at}.depends_on.{nth}");
            let Some(parent) = places.get(link.step.as_str()) else {
                return Err(fault(field(), format!("names a step that is not there: {}", link.step)));
            };
            if *parent == at {
                return Err(fault(field(), format!("is the step itself: {}", link.step)));
            }
            if seen.insert((at, *parent), ()).is_some() {
                return Err(fault(field(), format!("is there twice: {}", link.step)));
            }
            of_step.push(*parent);
        }
        parents.push(of_step);
    }
    Ok(parents)
}

/// An order in which each comes after its parents, and otherwise as named; or a circle. Takes time in proportion to the edges.
fn in_order(parents: &[Vec<usize>]) -> Result<Vec<usize>, Vec<usize>> {
    let mut children = vec![Vec::new(); parents.len()];
    let mut waits_for: Vec<usize> = parents.iter().map(Vec::len).collect();
    for (at, parents) in parents.iter().enumerate() {
        parents.iter().for_each(|parent| children[*parent].push(at));
    }
    let mut order: Vec<usize> = (0..parents.len()).filter(|at| waits_for[*at] == 0).collect();
    let mut next = 0;
    while let Some(at) = order.get(next).copied() {
        next += 1;
        for child in &children[at] {
            waits_for[*child] -= 1;
            if waits_for[*child] == 0 {
                order.push(*child);
            }
        }
    }
    if order.len() == parents.len() { Ok(order) } else { Err(circle(parents, &waits_for)) }
}

/// Walking from any step that still waits to one of its parents that does, one comes round.
fn circle(parents: &[Vec<usize>], waits_for: &[usize]) -> Vec<usize> {
    let mut path: Vec<usize> = Vec::new();
    let mut place = HashMap::new();
    let mut at = waits_for.iter().position(|n| *n > 0).unwrap_or_default();
    while !place.contains_key(&at) {
        place.insert(at, path.len());
        path.push(at);
        at = parents[at].iter().copied().find(|parent| waits_for[*parent] > 0).unwrap_or(at);
    }
    let mut circle = path.split_off(place[&at]);
    circle.push(at);
    circle
}
