//! The handler of operations on projects: runs the steps of the provisioner.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use serde_json::value::RawValue;
use uuid::Uuid;

use super::{Handler, HandlerFuture, Job, Log, fallible, payload};
use crate::domain::{OperationKind, Outcome};
use crate::provision::run::run;
use crate::provision::{Output, Registry, Source, Work};
use crate::signal::Stop;
use crate::template::OnFailure;

/// Performs one kind of operation.
pub struct Operate {
    pub registry: Registry,
    pub operation: OperationKind,
}

/// The payload that `enqueue_operation` writes.
#[derive(Deserialize)]
struct Payload {
    project_id: Uuid,
    #[serde(default)]
    installation: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    labels: BTreeMap<String, String>,
    template: String,
    #[serde(default = "first_version")]
    template_version: i32,
    provisioner: Option<String>,
    #[serde(default)]
    settings: Option<Box<RawValue>>,
    parameters: Box<RawValue>,
    #[serde(default)]
    known: Option<Output>,
    #[serde(default)]
    was_ready: bool,
    #[serde(default = "yes")]
    opens: bool,
    #[serde(default)]
    source: Option<Source>,
}

impl Payload {
    /// The provisioner, and what it is told.
    fn into_work(self) -> (String, Work) {
        let name = self.provisioner.unwrap_or_else(|| self.template.clone());
        let work = Work {
            project_id: self.project_id,
            installation: self.installation,
            name: self.name,
            operation: OperationKind::Create,
            labels: self.labels,
            template: self.template,
            template_version: self.template_version,
            parameters: self.parameters,
            settings: self.settings.unwrap_or_else(|| RawValue::NULL.to_owned()),
            known: self.known.unwrap_or_default(),
            was_ready: self.was_ready,
            opens: self.opens,
            source: self.source,
            execution_id: Uuid::nil(),
            attempt: 1,
            is_last: true,
            log: Log::default(),
            stop: Stop::new(),
        };
        (name, work)
    }
}

/// The provisioner of a project and what it is told, from the payload of an operation, without an attempt.
///
/// # Errors
/// If the payload is not one of an operation.
pub fn work_of(payload: &str) -> Result<(String, Work), String> {
    let payload: Payload = serde_json::from_str(payload).map_err(|error| error.to_string())?;
    Ok(payload.into_work())
}

const fn yes() -> bool {
    true
}

const fn first_version() -> i32 {
    1
}

impl Handler for Operate {
    fn run<'a>(&'a self, job: &'a Job) -> HandlerFuture<'a> {
        fallible(async move {
            let (name, work) = payload::read::<Payload>(&job.payload)?.into_work();
            let provisioner = self.registry.get(&name, &work.template).ok_or_else(|| {
                let message = format!("no provisioner {name:?} for the template {:?}", work.template);
                Outcome::fatal(message)
            })?;
            let on_failure = self.on_failure(&work);
            let work = Work {
                operation: self.operation,
                execution_id: job.execution_id,
                attempt: job.attempt,
                is_last: job.failures + 1 >= job.max_attempts,
                log: job.log.clone(),
                stop: job.stop.clone(),
                ..work
            };
            let recorder = job.recorder.get().ok_or_else(|| Outcome::fatal("this job belongs to no project"))?;
            let outcome = run(provisioner.as_ref(), &work, on_failure, recorder).await;
            // A lost lease has nothing to settle: whatever is sent is refused.
            Ok(outcome.unwrap_or(Outcome::Released))
        })
    }

    /// A step ends in an orderly way, and is undone if the template says so.
    fn ends_itself(&self) -> bool {
        true
    }

    fn grace(&self) -> Duration {
        self.registry.grace()
    }
}

impl Operate {
    /// What happens to the steps of an operation that failed for good. Only the template of a new project has a choice: what works
    /// keeps working, and a removal is not reversed.
    fn on_failure(&self, work: &Work) -> OnFailure {
        #[derive(Default, Deserialize)]
        struct Settings {
            on_failure: Option<OnFailure>,
        }
        match self.operation {
            OperationKind::Create | OperationKind::Clone if !work.was_ready => {
                let settings: Settings = serde_json::from_str(work.settings.get()).unwrap_or_default();
                settings.on_failure.unwrap_or(OnFailure::Keep)
            }
            OperationKind::Pause | OperationKind::Retire | OperationKind::Rotate => OnFailure::Undo,
            // What was adopted or has worked existed before: nothing of it is ever undone.
            OperationKind::Create
            | OperationKind::Clone
            | OperationKind::Adopt
            | OperationKind::Update
            | OperationKind::Resume
            | OperationKind::Restore
            | OperationKind::Delete => OnFailure::Keep,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::handlers::tests::job;
    use crate::handlers::{JobRecorder, Settings, built_in};
    use crate::provision::tests::memory::MemoryRecorder;
    use crate::provision::{Attempt, Failure, Provisioner, Recorder};

    /// Fails with its input as the reason.
    struct RecordingProvisioner;

    impl Provisioner for RecordingProvisioner {
        fn begin<'a>(&'a self, work: &'a Work, _: &'a dyn Recorder) -> Result<Box<dyn Attempt + 'a>, Failure> {
            let Work { operation, attempt, parameters, project_id, .. } = work;
            Err(Failure::permanent("test", format!("{operation} {attempt} {parameters} {project_id}")))
        }
    }

    async fn run(kind: &str, payload: &str) -> Outcome {
        let handlers = built_in(Registry::default().with("recording", RecordingProvisioner), Settings::default());
        let recorder = JobRecorder::new(Arc::new(MemoryRecorder::default()));
        handlers.get(kind).unwrap().run(&Job { recorder, ..job(kind, payload) }).await
    }

    #[tokio::test]
    async fn template_selects_the_provisioner() {
        let id = Uuid::from_u128(7);
        let payload = format!(r#"{{"project_id":"{id}","template":"recording","parameters":{{"n": 1.0}}}}"#);
        for operation in OperationKind::ALL {
            let expected = Outcome::fatal(format!(r#"{operation} 1 {{"n": 1.0}} {id}"#));
            assert_eq!(run(operation.job_kind(), &payload).await, expected);
        }
    }

    #[tokio::test]
    async fn unknown_template_or_bad_payload_is_fatal() {
        let unknown = r#"{"project_id":"00000000-0000-0000-0000-000000000007","template":"x","parameters":{}}"#;
        let expected = Outcome::fatal("no provisioner \"x\" for the template \"x\"");
        assert_eq!(run("project.provision", unknown).await, expected);
        for payload in ["", "{}", "null"] {
            let outcome = run("project.deprovision", payload).await;
            assert!(matches!(outcome, Outcome::Fatal { reason, .. } if reason.contains("payload cannot be parsed")));
        }
    }
}
