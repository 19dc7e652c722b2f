//! The jobs that move a project: they find the provisioner of its template and let it act.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::value::RawValue;
use uuid::Uuid;

use super::{Handler, Job, Working};
use crate::domain::Outcome;
use crate::provision::{Provisioner, Registry, Work};

/// Makes the real thing behind a project.
pub struct Provision(pub Registry);

/// Removes it again.
pub struct Deprovision(pub Registry);

/// What the store puts into the payload of these jobs.
#[derive(Deserialize)]
struct Payload<'a> {
    project_id: Uuid,
    template: String,
    #[serde(borrow)]
    parameters: &'a RawValue,
}

impl Handler for Provision {
    fn run<'a>(&'a self, job: &'a Job) -> Working<'a> {
        Box::pin(async move {
            match prepare(&self.0, job) {
                Ok((provisioner, work)) => provisioner.provision(&work).await,
                Err(refused) => refused,
            }
        })
    }
}

impl Handler for Deprovision {
    fn run<'a>(&'a self, job: &'a Job) -> Working<'a> {
        Box::pin(async move {
            match prepare(&self.0, job) {
                Ok((provisioner, work)) => provisioner.deprovision(&work).await,
                Err(refused) => refused,
            }
        })
    }
}

fn prepare(registry: &Registry, job: &Job) -> Result<(Arc<dyn Provisioner>, Work), Outcome> {
    let payload: Payload<'_> = serde_json::from_str(&job.payload)
        .map_err(|error| Outcome::refused(format!("the job's payload cannot be read: {error}")))?;
    let provisioner = registry
        .get(&payload.template)
        .ok_or_else(|| Outcome::refused(format!("no provisioner for the template {:?}", payload.template)))?;
    let parameters = payload.parameters.get().to_owned();
    Ok((provisioner, Work { project_id: payload.project_id, parameters, attempt: job.attempt }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::handlers::tests::job;
    use crate::handlers::{Settings, in_the_box};
    use crate::provision::Provisioning;

    /// Says what it was asked.
    struct Witness;

    impl Provisioner for Witness {
        fn provision<'a>(&'a self, work: &'a Work) -> Provisioning<'a> {
            Box::pin(async move { Outcome::failed(format!("make {} {}", work.attempt, work.parameters)) })
        }
        fn deprovision<'a>(&'a self, work: &'a Work) -> Provisioning<'a> {
            Box::pin(async move { Outcome::failed(format!("remove {}", work.project_id)) })
        }
    }

    async fn run(kind: &str, payload: &str) -> Outcome {
        let handlers = in_the_box(Registry::default().with("witness", Witness), Settings::default());
        handlers.get(kind).unwrap().run(&job(kind, payload)).await
    }

    #[tokio::test]
    async fn the_provisioner_of_the_template_is_asked() {
        let id = Uuid::from_u128(7);
        let payload = format!(r#"{{"project_id":"{id}","template":"witness","parameters":{{"n": 1.0}}}}"#);
        assert_eq!(run("project.provision", &payload).await, Outcome::failed(r#"make 1 {"n": 1.0}"#));
        assert_eq!(run("project.deprovision", &payload).await, Outcome::failed(format!("remove {id}")));
    }

    #[tokio::test]
    async fn what_no_provisioner_can_do_is_refused() {
        let nobody = r#"{"project_id":"00000000-0000-0000-0000-000000000007","template":"x","parameters":{}}"#;
        assert_eq!(run("project.provision", nobody).await, Outcome::refused("no provisioner for the template \"x\""));
        for payload in ["", "{}", "null"] {
            let refused = run("project.deprovision", payload).await;
            assert!(matches!(refused, Outcome::Refused { reason, .. } if reason.contains("payload cannot be read")));
        }
    }
}
