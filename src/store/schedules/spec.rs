//! The column `schedules.spec`: what a schedule starts, as JSON. A job, an action on a project, or a workflow of jobs.
//! Payloads and parameters are strings within the JSON, so that every byte of them is kept.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::domain::schedule::{ProjectAction, Target, WorkflowTarget};
use crate::domain::workflow::{StepDefinition, StepDependency, WorkflowDefinition};
use crate::domain::{Backoff, Due, Ident, Labels, NewJob, Parameters, Policy, ProjectName};

/// A job, in the fields of `enqueue_jobs` that a schedule can set.
#[derive(Deserialize, Serialize)]
struct JobSpec {
    kind: String,
    queue: String,
    tenant: String,
    tags: Vec<String>,
    priority: i16,
    payload: String,
    max_attempts: u32,
    timeout_s: Option<f64>,
    backoff: Option<String>,
    schema_version: Option<i32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    delay_s: Option<f64>,
}

/// A workflow; its steps keep their order.
#[derive(Deserialize, Serialize)]
struct WorkflowSpec {
    name: String,
    tenant: String,
    steps: Vec<StepSpec>,
}

#[derive(Deserialize, Serialize)]
struct StepSpec {
    name: String,
    depends_on: Vec<LinkSpec>,
    job: JobSpec,
}

#[derive(Deserialize, Serialize)]
struct LinkSpec {
    step: String,
    policy: String,
}

/// An action on a project.
#[derive(Default, Deserialize, Serialize)]
struct ProjectSpec {
    action: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    project_id: Option<Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    template: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parameters: Option<String>,
    /// JSON text.
    #[serde(skip_serializing_if = "Option::is_none")]
    labels: Option<String>,
}

/// The text of the column.
pub fn write(target: &Target) -> String {
    // Strings and numbers always serialize.
    match target {
        Target::Job(job) => serde_json::to_string(&job_spec(job)),
        Target::Project(action) => serde_json::to_string(&project_spec(action)),
        Target::Workflow(target) => serde_json::to_string(&workflow_spec(target.definition())),
    }
    .unwrap_or_default()
}

fn job_spec(job: &NewJob) -> JobSpec {
    JobSpec {
        kind: job.kind.to_string(),
        queue: job.queue.to_string(),
        tenant: job.tenant.to_string(),
        tags: job.tags.clone(),
        priority: job.priority,
        payload: job.payload.clone(),
        max_attempts: job.max_attempts,
        timeout_s: job.timeout.map(|it| it.as_secs_f64()),
        backoff: job.backoff.map(|it| it.text()),
        schema_version: job.schema_version,
        delay_s: job.due.delay().map(|it| it.as_secs_f64()),
    }
}

fn project_spec(action: &ProjectAction) -> ProjectSpec {
    let spec = ProjectSpec { action: action.as_str().to_owned(), ..ProjectSpec::default() };
    match action {
        ProjectAction::Create { name, template, parameters, labels } => ProjectSpec {
            name: Some(name.as_str().to_owned()),
            template: Some(template.clone()),
            parameters: Some(parameters.as_str().to_owned()),
            labels: serde_json::to_string(labels.as_map()).ok(),
            ..spec
        },
        ProjectAction::Retry(id) | ProjectAction::Delete(id) => ProjectSpec { project_id: Some(*id), ..spec },
    }
}

fn workflow_spec(plan: &WorkflowDefinition) -> WorkflowSpec {
    let link = |it: &StepDependency| LinkSpec { step: it.step.clone(), policy: it.policy.to_string() };
    let step = |it: &StepDefinition| StepSpec {
        name: it.name.clone(),
        depends_on: it.depends_on.iter().map(link).collect(),
        job: job_spec(&it.job),
    };
    WorkflowSpec {
        name: plan.name.clone(),
        tenant: plan.tenant.to_string(),
        steps: plan.steps.iter().map(step).collect(),
    }
}

/// Reads the column. Returns `None` if this version does not know the target.
pub fn read(target: &str, spec: &str) -> Option<Target> {
    match target {
        "job" => read_job(serde_json::from_str(spec).ok()?).map(|job| Target::Job(Box::new(job))),
        "project" => read_project(spec).map(Target::Project),
        "workflow" => read_workflow(serde_json::from_str(spec).ok()?).map(|it| Target::Workflow(Box::new(it))),
        _ => None,
    }
}

fn read_workflow(spec: WorkflowSpec) -> Option<WorkflowTarget> {
    let link = |it: LinkSpec| Some(StepDependency { step: it.step, policy: Policy::parse(&it.policy)? });
    let step = |it: StepSpec| {
        let depends_on = it.depends_on.into_iter().map(link).collect::<Option<_>>()?;
        Some(StepDefinition { name: it.name, job: read_job(it.job)?, depends_on })
    };
    let steps = spec.steps.into_iter().map(step).collect::<Option<_>>()?;
    WorkflowTarget::new(WorkflowDefinition { name: spec.name, tenant: Ident::parse(&spec.tenant).ok()?, steps }).ok()
}

fn read_job(spec: JobSpec) -> Option<NewJob> {
    let seconds = |seconds: Option<f64>| seconds.and_then(|it| Duration::try_from_secs_f64(it).ok());
    Some(NewJob {
        id: Uuid::nil(),
        kind: Ident::parse(&spec.kind).ok()?,
        queue: Ident::parse(&spec.queue).ok()?,
        tenant: Ident::parse(&spec.tenant).ok()?,
        tags: spec.tags,
        priority: spec.priority,
        payload: spec.payload,
        due: seconds(spec.delay_s).map_or(Due::Now, Due::In),
        max_attempts: spec.max_attempts,
        timeout: seconds(spec.timeout_s),
        deadline_at: None,
        backoff: spec.backoff.as_deref().and_then(Backoff::parse),
        schema_version: spec.schema_version,
        key: None,
        dependencies: Vec::new(),
        step: None,
    })
}

fn read_project(spec: &str) -> Option<ProjectAction> {
    let spec: ProjectSpec = serde_json::from_str(spec).ok()?;
    Some(match spec.action.as_str() {
        "create" => ProjectAction::Create {
            name: ProjectName::parse(&spec.name?).ok()?,
            template: spec.template?,
            parameters: Parameters::parse(&spec.parameters?).ok()?,
            labels: Labels::parse(serde_json::from_str::<BTreeMap<_, _>>(&spec.labels?).ok()?).ok()?,
        },
        "retry" => ProjectAction::Retry(spec.project_id?),
        "delete" => ProjectAction::Delete(spec.project_id?),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn written_target_reads_back_byte_for_byte() {
        let job = NewJob {
            id: Uuid::nil(),
            kind: Ident::parse("report.generate").unwrap(),
            queue: Ident::parse("reports").unwrap(),
            tenant: Ident::default(),
            tags: vec!["monthly \"x\"".into()],
            priority: 9,
            payload: r#"{ "n": 123456789012345678901234567890,  "e": "\u00e9" }"#.into(),
            due: Due::Now,
            max_attempts: 5,
            timeout: Some(Duration::from_millis(1500)),
            deadline_at: None,
            backoff: Backoff::parse("fixed 10 60 none"),
            schema_version: Some(2),
            key: None,
            dependencies: Vec::new(),
            step: None,
        };
        let round_trip = |target: Target| {
            let text = write(&target);
            let read = read(target.as_str(), &text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(format!("{read:?}"), format!("{target:?}"));
        };
        round_trip(Target::Job(Box::new(job.clone())));

        let link = |step: &str, policy| StepDependency { step: step.to_owned(), policy };
        let step = |name: &str, depends_on, due| StepDefinition {
            name: name.to_owned(),
            job: NewJob { due, ..job.clone() },
            depends_on,
        };
        let steps = vec![
            step("last \u{e9}", vec![link("b", Policy::Cancel), link("a", Policy::AllowFailed)], Due::Now),
            step("b", vec![link("a", Policy::Block)], Due::In(Duration::from_millis(2500))),
            step("a", Vec::new(), Due::Now),
        ];
        let plan = WorkflowDefinition { name: "report {{due_at}}".into(), tenant: Ident::default(), steps };
        round_trip(Target::Workflow(Box::new(WorkflowTarget::new(plan).unwrap())));

        let parameters = r#"{ "n": 1.0 }"#;
        let create = ProjectAction::Create {
            name: ProjectName::parse("nightly {{due_at}}").unwrap(),
            template: "simulated".into(),
            parameters: Parameters::parse(parameters).unwrap(),
            labels: Labels::parse([("env".to_owned(), "test".to_owned())].into()).unwrap(),
        };
        for action in [create, ProjectAction::Retry(Uuid::from_u128(7)), ProjectAction::Delete(Uuid::from_u128(8))] {
            round_trip(Target::Project(action));
        }
        assert!(["workflow", "job", "unknown"].iter().all(|target| read(target, "{}").is_none()));
    }
}
