//! Handlers of the jobs that provision and remove projects, with the provisioner of the template.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::value::RawValue;
use uuid::Uuid;

use super::{Handler, HandlerFuture, Job, fallible, payload};
use crate::domain::Outcome;
use crate::provision::{Provisioner, Registry, Work};

pub struct Provision(pub Registry);

pub struct Deprovision(pub Registry);

/// The payload that the store writes for these jobs.
#[derive(Deserialize)]
struct Payload {
    project_id: Uuid,
    template: String,
    parameters: Box<RawValue>,
}

impl Handler for Provision {
    fn run<'a>(&'a self, job: &'a Job) -> HandlerFuture<'a> {
        fallible(async {
            let (provisioner, work) = prepare(&self.0, job)?;
            Ok(provisioner.provision(&work).await)
        })
    }
}

impl Handler for Deprovision {
    fn run<'a>(&'a self, job: &'a Job) -> HandlerFuture<'a> {
        fallible(async {
            let (provisioner, work) = prepare(&self.0, job)?;
            Ok(provisioner.deprovision(&work).await)
        })
    }
}

fn prepare(registry: &Registry, job: &Job) -> Result<(Arc<dyn Provisioner>, Work), Outcome> {
    let payload: Payload = payload::read(&job.payload)?;
    let provisioner = registry
        .get(&payload.template)
        .ok_or_else(|| Outcome::fatal(format!("no provisioner for the template {:?}", payload.template)))?;
    let parameters = payload.parameters.get().to_owned();
    Ok((provisioner, Work { project_id: payload.project_id, parameters, attempt: job.attempt }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::handlers::tests::job;
    use crate::handlers::{Settings, built_in};
    use crate::provision::Provisioning;

    /// Fails with its input as the reason.
    struct RecordingProvisioner;

    impl Provisioner for RecordingProvisioner {
        fn provision<'a>(&'a self, work: &'a Work) -> Provisioning<'a> {
            Box::pin(async move { Outcome::failed(format!("make {} {}", work.attempt, work.parameters)) })
        }
        fn deprovision<'a>(&'a self, work: &'a Work) -> Provisioning<'a> {
            Box::pin(async move { Outcome::failed(format!("remove {}", work.project_id)) })
        }
    }

    async fn run(kind: &str, payload: &str) -> Outcome {
        let handlers = built_in(Registry::default().with("recording", RecordingProvisioner), Settings::default());
        handlers.get(kind).unwrap().run(&job(kind, payload)).await
    }

    #[tokio::test]
    async fn template_selects_the_provisioner() {
        let id = Uuid::from_u128(7);
        let payload = format!(r#"{{"project_id":"{id}","template":"recording","parameters":{{"n": 1.0}}}}"#);
        assert_eq!(run("project.provision", &payload).await, Outcome::failed(r#"make 1 {"n": 1.0}"#));
        assert_eq!(run("project.deprovision", &payload).await, Outcome::failed(format!("remove {id}")));
    }

    #[tokio::test]
    async fn unknown_template_or_bad_payload_is_fatal() {
        let unknown = r#"{"project_id":"00000000-0000-0000-0000-000000000007","template":"x","parameters":{}}"#;
        assert_eq!(run("project.provision", unknown).await, Outcome::fatal("no provisioner for the template \"x\""));
        for payload in ["", "{}", "null"] {
            let outcome = run("project.deprovision", payload).await;
            assert!(matches!(outcome, Outcome::Fatal { reason, .. } if reason.contains("payload cannot be parsed")));
        }
    }
}
