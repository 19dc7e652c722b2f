//! What a schedule starts, as it stands in its row: a job in the words of `enqueue_jobs`, or what happens to a project.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::domain::schedule::{ProjectAction, Target};
use crate::domain::{Backoff, Due, Ident, Labels, NewJob, Parameters, ProjectName};
use crate::store::jobs::alone;

/// A job, as far as a schedule says it.
#[derive(Deserialize)]
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
}

/// What happens to a project. Parameters are text, so that they stay as they are.
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
    /// JSON text too.
    #[serde(skip_serializing_if = "Option::is_none")]
    labels: Option<String>,
}

/// For the row.
pub fn write(target: &Target) -> String {
    let action = match target {
        Target::Job(job) => return alone(job),
        Target::Project(action) => action,
    };
    let mut spec = ProjectSpec { action: action.as_str().to_owned(), ..ProjectSpec::default() };
    match action {
        ProjectAction::Create { name, template, parameters, labels } => {
            spec.name = Some(name.as_str().to_owned());
            spec.template = Some(template.clone());
            spec.parameters = Some(parameters.as_str().to_owned());
            spec.labels = serde_json::to_string(labels.as_map()).ok();
        }
        ProjectAction::Retry(id) | ProjectAction::Delete(id) => spec.project_id = Some(*id),
    }
    // Texts cannot fail to be JSON.
    serde_json::to_string(&spec).unwrap_or_default()
}

/// From the row; nothing when this version does not know such a thing.
pub fn read(target: &str, spec: &str) -> Option<Target> {
    match target {
        "job" => read_job(spec).map(|job| Target::Job(Box::new(job))),
        "project" => read_project(spec).map(Target::Project),
        _ => None,
    }
}

fn read_job(spec: &str) -> Option<NewJob> {
    let spec: JobSpec = serde_json::from_str(spec).ok()?;
    Some(NewJob {
        id: Uuid::nil(),
        kind: Ident::parse(&spec.kind).ok()?,
        queue: Ident::parse(&spec.queue).ok()?,
        tenant: Ident::parse(&spec.tenant).ok()?,
        tags: spec.tags,
        priority: spec.priority,
        payload: spec.payload,
        due: Due::Now,
        max_attempts: spec.max_attempts,
        timeout: spec.timeout_s.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()),
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
    fn what_is_written_reads_back_and_keeps_every_byte() {
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
        let text = write(&Target::Job(Box::new(job.clone())));
        let Some(Target::Job(read)) = read("job", &text) else { panic!("{text}") };
        assert_eq!(format!("{read:?}"), format!("{job:?}"));

        let parameters = r#"{ "n": 1.0 }"#;
        let create = ProjectAction::Create {
            name: ProjectName::parse("night of {{due_at}}").unwrap(),
            template: "simulated".into(),
            parameters: Parameters::parse(parameters).unwrap(),
            labels: Labels::parse([("env".to_owned(), "test".to_owned())].into()).unwrap(),
        };
        for action in [create, ProjectAction::Retry(Uuid::from_u128(7)), ProjectAction::Delete(Uuid::from_u128(8))] {
            let text = write(&Target::Project(action.clone()));
            let read = super::read("project", &text).unwrap();
            assert_eq!(format!("{read:?}"), format!("{:?}", Target::Project(action)));
        }
        assert!(super::read("workflow", "{}").is_none() && super::read("job", "{}").is_none());
    }
}
