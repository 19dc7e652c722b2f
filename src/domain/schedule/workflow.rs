//! A workflow that a schedule starts, again and again.

use std::time::Duration;

use time::OffsetDateTime;

use super::plan::{spread, written};
use crate::domain::workflow::{Fault, Pattern, Plan, PlannedStep};
use crate::domain::{Due, NewWorkflow};

/// The most steps and dependencies of a workflow that a schedule starts, and the most bytes of what is written in it: its schedule
/// is read whenever it is due, and one statement starts all of it.
pub const MOST_STEPS: usize = 1000;
pub const MOST_EDGES: usize = 5000;
pub const MOST_BYTES: usize = 256 * 1024;
/// The most characters of a workflow's name.
const MOST_NAME: usize = 200;

/// What is started at each due time is a workflow like this one.
#[derive(Clone, Debug)]
pub struct WorkflowTarget(Pattern);

impl WorkflowTarget {
    /// The target that a plan makes, or why a schedule cannot start it.
    pub fn checked(plan: Plan) -> Result<Self, Fault> {
        let name = written(&plan.name, OffsetDateTime::UNIX_EPOCH);
        if name.chars().count() > MOST_NAME {
            return Err(Fault::new(
                "name",
                format!("must have at most {MOST_NAME} characters with the due time in it"),
            ));
        }
        let steps = plan.steps.len();
        if steps > MOST_STEPS {
            let why = format!("must be at most {MOST_STEPS} steps for a schedule to start; these are {steps}");
            return Err(Fault::new("steps", why));
        }
        for (at, step) in plan.steps.iter().enumerate() {
            if let Due::At(_) = step.job.due {
                return Err(Fault::new(format!("steps.{at}.run_at"), "is for the schedule to say"));
            }
            if step.job.deadline_at.is_some() {
                let why = "is one moment, and the schedule has many".to_owned();
                return Err(Fault::new(format!("steps.{at}.deadline_at"), why));
            }
        }
        let target = Self(plan.pattern()?);
        let (edges, bytes) = (target.0.edges(), target.bytes());
        if edges > MOST_EDGES {
            let why =
                format!("must have at most {MOST_EDGES} dependencies for a schedule to start; these have {edges}");
            return Err(Fault::new("steps", why));
        }
        if bytes > MOST_BYTES {
            let why =
                format!("must have at most {MOST_BYTES} bytes of names, tags and payloads in all; these have {bytes}");
            return Err(Fault::new("steps", why));
        }
        Ok(target)
    }

    /// What it was made of, as it was said.
    pub fn plan(&self) -> &Plan {
        self.0.plan()
    }

    /// How much is written in it.
    pub fn bytes(&self) -> usize {
        let texts = |step: &PlannedStep| {
            let links = step.depends_on.iter().map(|link| link.step.len());
            let tags = step.job.tags.iter().map(String::len);
            step.name.len() + step.job.payload.len() + links.chain(tags).sum::<usize>()
        };
        self.plan().steps.iter().map(texts).sum()
    }

    /// How many of it make up as many rows as the longest may have.
    pub fn batch(&self) -> usize {
        (MOST_STEPS / self.plan().steps.len().max(1)).min(MOST_EDGES / self.0.edges().max(1))
    }

    /// The workflow of a due time, with ids of its own. Only what waits for nothing else is late by the jitter: the rest waits for that.
    pub fn workflow(&self, due_at: OffsetDateTime, later: Duration) -> NewWorkflow {
        let mut workflow = self.0.clone().into_workflow();
        workflow.name = written(&workflow.name, due_at);
        for job in &mut workflow.steps {
            job.payload = written(&job.payload, due_at);
            if job.dependencies.is_empty() {
                job.due = spread(job.due, due_at, later);
            }
        }
        workflow
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::workflow::{Link, Policy};
    use crate::domain::{Ident, NewJob};
    use time::macros::datetime;

    fn step(name: &str, after: &[&str], payload: &str) -> PlannedStep {
        let job = NewJob { payload: payload.to_owned(), ..NewJob::new(Ident::parse("noop").unwrap()) };
        let link = |name: &&str| Link { step: (*name).to_owned(), policy: Policy::Block };
        PlannedStep { name: name.to_owned(), job, depends_on: after.iter().map(link).collect() }
    }

    fn target(name: &str, steps: Vec<PlannedStep>) -> Result<WorkflowTarget, Fault> {
        WorkflowTarget::checked(Plan { name: name.to_owned(), tenant: Ident::default(), steps })
    }

    #[test]
    fn each_due_time_has_a_workflow_of_its_own_with_the_time_in_it_and_late_where_it_begins() {
        let steps = vec![step("b", &["a"], "{}"), step("a", &[], r#"{ "at": "{{due_at}}" }"#)];
        let target = target("of {{due_at}}", steps).unwrap();
        let at = datetime!(2026-03-08 07:00 UTC);
        let (one, two) = (target.workflow(at, Duration::from_secs(60)), target.workflow(at, Duration::ZERO));
        assert_eq!(one.name, "of 2026-03-08T07:00:00.000Z");
        assert_eq!(one.steps[0].payload, r#"{ "at": "2026-03-08T07:00:00.000Z" }"#);
        assert_eq!(one.steps[0].due, Due::At(at + Duration::from_secs(60)));
        assert_eq!((one.steps[1].due, two.steps[0].due), (Due::Now, Due::Now));
        assert_eq!(one.steps[1].dependencies[0].on, one.steps[0].id);
        let ids = |it: &NewWorkflow| [it.id, it.steps[0].id, it.steps[1].id];
        assert!(ids(&one).iter().all(|id| !ids(&two).contains(id)));
    }

    #[test]
    fn what_is_too_large_for_one_statement_is_refused_and_what_is_large_goes_in_few() {
        let many = |n: usize, payload: &str| (0..n).map(|n| step(&format!("{n:04}"), &[], payload)).collect::<Vec<_>>();
        let field = |name: &str, steps| target(name, steps).unwrap_err().field;
        assert_eq!(field("x", many(1001, "{}")), "steps");
        assert_eq!(field("x", many(2, &"9".repeat(MOST_BYTES / 2))), "steps");
        assert_eq!(field(&format!("{}{{{{due_at}}}}", "x".repeat(180)), many(1, "{}")), "name");
        let mut once = many(1, "{}");
        once[0].job.due = Due::At(OffsetDateTime::UNIX_EPOCH);
        assert_eq!(field("x", once), "steps.0.run_at");
        assert_eq!(target("x", many(400, "{}")).unwrap().batch(), 2);
        assert_eq!(target("x", many(1000, "{}")).unwrap().batch(), 1);
    }
}
