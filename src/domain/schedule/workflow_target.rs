//! Workflows that a schedule starts.

use std::time::Duration;

use time::OffsetDateTime;

use super::due_at::{fill_due_at, with_jitter};
use crate::domain::workflow::{DefinitionError, StepDefinition, ValidatedWorkflow, WorkflowDefinition};
use crate::domain::{Due, NewWorkflow};

/// The maximum size of a workflow that a schedule starts, in steps, dependencies and bytes of text: the schedule reads
/// it at every due time, and one statement starts all of it.
pub const MAX_STEPS: usize = 1000;
pub const MAX_EDGES: usize = 5000;
pub const MAX_BYTES: usize = 256 * 1024;
/// The maximum length of the name of a workflow.
const MAX_NAME: usize = 200;

/// Starts a new workflow from this definition at each due time.
#[derive(Clone, Debug)]
pub struct WorkflowTarget(ValidatedWorkflow);

impl WorkflowTarget {
    /// Validates a definition as the target of a schedule.
    pub fn new(definition: WorkflowDefinition) -> Result<Self, DefinitionError> {
        let name = fill_due_at(&definition.name, OffsetDateTime::UNIX_EPOCH);
        if name.chars().count() > MAX_NAME {
            return Err(DefinitionError::new(
                "name",
                format!("must have at most {MAX_NAME} characters after {{{{due_at}}}} is replaced"),
            ));
        }
        let steps = definition.steps.len();
        if steps > MAX_STEPS {
            let why = format!("must have at most {MAX_STEPS} steps to be started by a schedule; got {steps}");
            return Err(DefinitionError::new("steps", why));
        }
        for (at, step) in definition.steps.iter().enumerate() {
            if let Due::At(_) = step.job.due {
                return Err(DefinitionError::new(
                    format!("steps.{at}.run_at"),
                    "must be omitted: the schedule sets it",
                ));
            }
            if step.job.deadline_at.is_some() {
                let why = "must be omitted: it is an absolute time, and a schedule starts many workflows".to_owned();
                return Err(DefinitionError::new(format!("steps.{at}.deadline_at"), why));
            }
        }
        let target = Self(definition.validate()?);
        let (edges, bytes) = (target.0.edges(), target.bytes());
        if edges > MAX_EDGES {
            let why = format!("must have at most {MAX_EDGES} dependencies to be started by a schedule; got {edges}");
            return Err(DefinitionError::new("steps", why));
        }
        if bytes > MAX_BYTES {
            let why = format!("must have at most {MAX_BYTES} bytes of names, tags and payloads in total; got {bytes}");
            return Err(DefinitionError::new("steps", why));
        }
        Ok(target)
    }

    pub fn definition(&self) -> &WorkflowDefinition {
        self.0.definition()
    }

    /// The bytes of its names, tags and payloads.
    pub fn bytes(&self) -> usize {
        let texts = |step: &StepDefinition| {
            let links = step.depends_on.iter().map(|link| link.step.len());
            let tags = step.job.tags.iter().map(String::len);
            step.name.len() + step.job.payload.len() + links.chain(tags).sum::<usize>()
        };
        self.definition().steps.iter().map(texts).sum()
    }

    /// How many of these workflows one statement may start.
    pub fn batch(&self) -> usize {
        (MAX_STEPS / self.definition().steps.len().max(1)).min(MAX_EDGES / self.0.edges().max(1))
    }

    /// The workflow of a due time. Jitter delays only the steps without dependencies; the others wait for those.
    pub fn workflow(&self, due_at: OffsetDateTime, jitter: Duration) -> NewWorkflow {
        let mut workflow = self.0.clone().into_workflow();
        workflow.name = fill_due_at(&workflow.name, due_at);
        for job in &mut workflow.steps {
            job.payload = fill_due_at(&job.payload, due_at);
            if job.dependencies.is_empty() {
                job.due = with_jitter(job.due, due_at, jitter);
            }
        }
        workflow
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::workflow::{Policy, StepDependency};
    use crate::domain::{Ident, NewJob};
    use time::macros::datetime;

    fn step(name: &str, after: &[&str], payload: &str) -> StepDefinition {
        let job = NewJob { payload: payload.to_owned(), ..NewJob::new(Ident::parse("noop").unwrap()) };
        let link = |name: &&str| StepDependency { step: (*name).to_owned(), policy: Policy::Block };
        StepDefinition { name: name.to_owned(), job, depends_on: after.iter().map(link).collect() }
    }

    fn target(name: &str, steps: Vec<StepDefinition>) -> Result<WorkflowTarget, DefinitionError> {
        WorkflowTarget::new(WorkflowDefinition { name: name.to_owned(), tenant: Ident::default(), steps })
    }

    #[test]
    fn due_time_creates_a_new_workflow_with_jitter() {
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
    fn large_workflow_is_limited_and_batched() {
        let many = |n: usize, payload: &str| (0..n).map(|n| step(&format!("{n:04}"), &[], payload)).collect::<Vec<_>>();
        let field = |name: &str, steps| target(name, steps).unwrap_err().field;
        assert_eq!(field("x", many(1001, "{}")), "steps");
        assert_eq!(field("x", many(2, &"9".repeat(MAX_BYTES / 2))), "steps");
        assert_eq!(field(&format!("{}{{{{due_at}}}}", "x".repeat(180)), many(1, "{}")), "name");
        let mut once = many(1, "{}");
        once[0].job.due = Due::At(OffsetDateTime::UNIX_EPOCH);
        assert_eq!(field("x", once), "steps.0.run_at");
        assert_eq!(target("x", many(400, "{}")).unwrap().batch(), 2);
        assert_eq!(target("x", many(1000, "{}")).unwrap().batch(), 1);
    }
}
