//! A workflow before it exists: named steps that name what they depend on, checked to be a graph without a circle.

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use super::graph::{Sorted, sorted};
use super::{Dependency, Policy, Step};
use crate::domain::{Ident, NewJob};

/// The most steps of a workflow.
pub const MAX_STEPS: usize = 20_000;
/// The most edges of a workflow: each is a row.
pub const MAX_EDGES: usize = 100_000;
/// How much of a circle is told.
const SHOWN: usize = 8;
/// And how many characters of a name that nobody has.
const NAMED: usize = 128;

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

impl Fault {
    pub fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { field: field.into(), message: message.into() }
    }
}

impl Plan {
    /// The workflow that it means, or what is wrong with it.
    pub fn checked(self) -> Result<NewWorkflow, Fault> {
        self.pattern().map(Pattern::into_workflow)
    }

    /// The pattern that it makes, or what is wrong with it.
    pub fn pattern(self) -> Result<Pattern, Fault> {
        if self.steps.is_empty() || self.steps.len() > MAX_STEPS {
            return Err(Fault::new("steps", format!("must be 1 to {MAX_STEPS} steps; these are {}", self.steps.len())));
        }
        let places = places(&self.steps)?;
        let parents = parents(&self.steps, &places)?;
        let order = in_order(&parents).map_err(|circle| {
            let mut names: Vec<&str> = circle.iter().take(SHOWN).map(|at| self.steps[*at].name.as_str()).collect();
            if circle.len() > SHOWN {
                names.extend(["…", &self.steps[circle[0]].name]);
            }
            let words = format!("must not lead in a circle: {}", names.join(" depends on "));
            Fault::new(format!("steps.{}.depends_on", circle[0]), words)
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

/// As much of a name as a message should repeat.
fn clipped(name: &str) -> String {
    let mut short: String = name.chars().take(NAMED).collect();
    if short.len() < name.len() {
        short.push('…');
    }
    short
}

/// Where each name stands; each may be there once.
fn places(steps: &[PlannedStep]) -> Result<HashMap<&str, usize>, Fault> {
    let mut places = HashMap::with_capacity(steps.len());
    for (at, step) in steps.iter().enumerate() {
        if let Some(earlier) = places.insert(step.name.as_str(), at) {
            return Err(Fault::new(
                format!("steps.{at}.name"),
                format!("is the name of step {earlier}: {}", step.name),
            ));
        }
    }
    Ok(places)
}

/// Whom each step depends on, by its place.
fn parents(steps: &[PlannedStep], places: &HashMap<&str, usize>) -> Result<Vec<Vec<usize>>, Fault> {
    let edges: usize = steps.iter().map(|step| step.depends_on.len()).sum();
    if edges > MAX_EDGES {
        return Err(Fault::new(
            "steps",
            format!("must have at most {MAX_EDGES} dependencies in all; these have {edges}"),
        ));
    }
    let mut seen = HashSet::with_capacity(edges);
    let mut parents = Vec::with_capacity(steps.len());
    for (at, step) in steps.iter().enumerate() {
        let mut of_step = Vec::with_capacity(step.depends_on.len());
        for (nth, link) in step.depends_on.iter().enumerate() {
            let field = || format!("steps.{at}.depends_on.{nth}");
            let Some(parent) = places.get(link.step.as_str()) else {
                return Err(Fault::new(field(), format!("names a step that is not there: {}", clipped(&link.step))));
            };
            if *parent == at {
                return Err(Fault::new(field(), format!("is the step itself: {}", link.step)));
            }
            if !seen.insert((at, *parent)) {
                return Err(Fault::new(field(), format!("is there twice: {}", link.step)));
            }
            of_step.push(*parent);
        }
        parents.push(of_step);
    }
    Ok(parents)
}

/// An order in which each comes after its parents, and otherwise as named; or a circle.
fn in_order(parents: &[Vec<usize>]) -> Result<Vec<usize>, Vec<usize>> {
    let mut children = vec![Vec::new(); parents.len()];
    for (at, parents) in parents.iter().enumerate() {
        parents.iter().for_each(|parent| children[*parent].push(at));
    }
    let Sorted { order, waits_for, .. } = sorted(parents, &children);
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn step(name: &str, after: &[&str]) -> PlannedStep {
        let job = NewJob { max_attempts: 1, ..NewJob::new(Ident::default()) };
        let link = |name: &&str| Link { step: (*name).to_owned(), policy: Policy::Cancel };
        PlannedStep { name: name.to_owned(), job, depends_on: after.iter().map(link).collect() }
    }

    fn checked(steps: Vec<PlannedStep>) -> Result<NewWorkflow, Fault> {
        Plan { name: "x".into(), tenant: Ident::default(), steps }.checked()
    }

    #[test]
    fn steps_come_after_those_that_they_depend_on_and_so_do_their_ids() {
        let new = checked(vec![step("c", &["b", "a"]), step("b", &["a"]), step("a", &[])]).unwrap();
        let names: Vec<&str> = new.steps.iter().map(|it| it.step.as_ref().unwrap().name.as_str()).collect();
        assert_eq!(names, ["a", "b", "c"]);
        let ids: Vec<Uuid> = new.steps.iter().map(|it| it.id).collect();
        assert!(ids.is_sorted());
        let edge = |on: usize| Dependency { on: ids[on], policy: Policy::Cancel };
        assert_eq!(new.steps[2].dependencies, [edge(1), edge(0)], "in the order in which they were named");
        assert!(new.steps.iter().all(|it| it.step.as_ref().unwrap().workflow == new.id));
    }

    #[test]
    fn what_is_no_graph_is_told_where() {
        let cases: Vec<(Vec<PlannedStep>, &str, &str)> = vec![
            (vec![], "steps", "must be 1 to 20000 steps; these are 0"),
            (vec![step("a", &[]), step("a", &[])], "steps.1.name", "is the name of step 0: a"),
            (vec![step("a", &["a"])], "steps.0.depends_on.0", "is the step itself: a"),
            (vec![step("a", &[]), step("b", &["a", "c"])], "steps.1.depends_on.1", "names a step that is not there: c"),
            (vec![step("a", &[]), step("b", &["a", "a"])], "steps.1.depends_on.1", "is there twice: a"),
            (
                vec![step("free", &[]), step("a", &["free", "b"]), step("b", &["c"]), step("c", &["a"])],
                "steps.1.depends_on",
                "must not lead in a circle: a depends on b depends on c depends on a",
            ),
        ];
        for (steps, field, message) in cases {
            assert_eq!(checked(steps).unwrap_err(), Fault::new(field, message));
        }
        let name = |n: usize| format!("s{n}");
        let ring: Vec<PlannedStep> = (0..20_000).map(|n| step(&name(n), &[&name((n + 1) % 20_000)])).collect();
        assert!(checked(ring).unwrap_err().message.ends_with("depends on s7 depends on … depends on s0"));
    }

    proptest! {
        /// Against the plainest way to find a circle: take away what depends on nothing, until nothing is left or nothing goes.
        #[test]
        fn circles_are_found_and_nothing_else_is_called_one(edges in prop::collection::btree_set((0_usize..8, 0_usize..8), 0..20)) {
            let names: Vec<String> = (0..8).map(|n| n.to_string()).collect();
            let after = |at: usize| edges.iter().filter(move |(child, parent)| *child == at && child != parent);
            let steps = (0..8).map(|at| step(&names[at], &after(at).map(|(_, parent)| names[*parent].as_str()).collect::<Vec<_>>()));
            let mut left: Vec<usize> = (0..8).collect();
            while let Some(place) = left.iter().position(|at| after(*at).all(|(_, parent)| !left.contains(parent))) {
                left.remove(place);
            }
            match checked(steps.collect()) {
                Ok(new) => {
                    prop_assert!(left.is_empty());
                    let place = |id: Uuid| new.steps.iter().position(|it| it.id == id).unwrap();
                    prop_assert!(new.steps.iter().all(|it| it.dependencies.iter().all(|on| place(on.on) < place(it.id))));
                }
                Err(fault) => {
                    prop_assert!(!left.is_empty());
                    prop_assert!(fault.message.starts_with("must not lead in a circle"), "{}", fault.message);
                }
            }
        }
    }
}
