//! Databases in a PostgreSQL cluster, one for each project.
//!
//! The admin owns the database, so a tenant cannot drop it, rename it or grant access to it. A role without login owns its objects.
//! Credentials are roles with a login that act as the owner role, so they can be added and dropped without touching an object.
//! `docs/projects.md` says what a shared cluster does not isolate.

mod clone;
mod cluster;
mod create;
mod error;
mod inspect;
mod inventory;
mod link;
mod login;
mod look;
mod maintenance;
mod names;
mod outages;
mod parameters;
mod reach;
mod remove;
mod rotate;
mod session;
pub mod sql;

use serde::Deserialize as _;
use serde_json::Value;

use super::inspect::{InspectFuture, Inspection, Secrets};
use super::step::{NoSession, Step, Steps};
use super::{Attempt, Failure, Provisioner, Recorder, Work};
use crate::domain::{Found, OperationKind, cluster as clusters};
use crate::template::Mistake;

pub use cluster::{Clusters, EMBEDDED, Peek, Reach, Reaching};

use clone::{Copy, HandOver};
use create::{Credential, Database, Extensions, Grants, OwnerRole, Verify, Which};
use names::Names;
use parameters::Settings;
use reach::{LockDown, Reach as ReachCluster};
use remove::{Admit, BringBack, DropCredentials, DropDatabase, DropOwner, FenceOut, SetAside, VerifyGone};
use rotate::{NextCredential, RetireOld, RetireOthers};
use session::{CLUSTER_ID, PgSession};

/// Makes databases.
pub struct Postgres {
    pub clusters: Clusters,
}

impl Provisioner for Postgres {
    fn begin<'a>(&'a self, work: &'a Work, recorder: &'a dyn Recorder) -> Result<Box<dyn Attempt + 'a>, Failure> {
        if work.operation == OperationKind::Delete && !work.known.contains_key(CLUSTER_ID) {
            // Nothing is made before `reach` has recorded the cluster, whatever is wrong with the parameters or the settings.
            return Ok(Box::new(Steps { session: NoSession, steps: Vec::new() }));
        }
        let (parameters, settings) = parameters::read(work)?;
        let cluster = self.clusters.get(settings.cluster())?;
        let names = Names::of(work.project_id, &work.installation);
        let session = PgSession::new(work, recorder, cluster, names, parameters);
        let mut steps = steps(work.operation);
        if work.operation == OperationKind::Restore && !work.opens {
            // Access was blocked before the project was taken out of service.
            steps.truncate(2);
        }
        Ok(Box::new(Steps { session, steps }))
    }

    fn inspect<'a>(
        &'a self,
        work: &'a Work,
        is_paused: bool,
        secrets: &'a dyn Secrets,
    ) -> InspectFuture<'a, Inspection> {
        Box::pin(inspect::inspect(self, work, is_paused, secrets))
    }

    fn clusters(&self) -> Vec<String> {
        self.clusters.in_use()
    }

    fn inventory<'a>(&'a self, cluster: &'a str, installation: &'a str) -> InspectFuture<'a, Vec<Found>> {
        Box::pin(inventory::inventory(self, cluster, installation))
    }

    fn check_settings(&self, settings: &Value) -> Vec<Mistake> {
        let mistake = |field: &str, message: String| vec![Mistake { field: field.to_owned(), message }];
        match Settings::deserialize(settings) {
            Err(error) => mistake("", format!("are invalid: {error}")),
            Ok(settings) if self.clusters.get(settings.cluster()).is_err() => {
                let known = self.clusters.names().join(", ");
                mistake("cluster", format!("is {:?}, which is not configured; use one of {known}", settings.cluster()))
            }
            Ok(_) => Vec::new(),
        }
    }

    fn queue(&self, settings: &Value) -> Option<String> {
        Settings::deserialize(settings).ok().map(|it| clusters::queue(it.cluster()))
    }
}

fn steps<'a>(operation: OperationKind) -> Vec<Box<dyn Step<PgSession<'a>> + 'a>> {
    match operation {
        OperationKind::Create => vec![
            Box::new(ReachCluster),
            Box::new(LockDown),
            Box::new(OwnerRole),
            Box::new(Database),
            Box::new(Grants),
            Box::new(Extensions),
            Box::new(Credential(Which::First)),
            Box::new(Verify(Which::First)),
        ],
        OperationKind::Clone => vec![
            Box::new(ReachCluster),
            Box::new(LockDown),
            Box::new(OwnerRole),
            Box::new(Copy),
            Box::new(HandOver),
            Box::new(Grants),
            Box::new(Extensions),
            Box::new(Credential(Which::First)),
            Box::new(Verify(Which::First)),
        ],
        OperationKind::Adopt => {
            let mut all = steps(OperationKind::Create);
            all.push(Box::new(RetireOthers));
            all
        }
        OperationKind::Update => vec![Box::new(ReachCluster), Box::new(Grants), Box::new(Extensions)],
        OperationKind::Pause => vec![Box::new(ReachCluster), Box::new(FenceOut)],
        OperationKind::Resume => vec![Box::new(ReachCluster), Box::new(Admit)],
        OperationKind::Retire => vec![Box::new(ReachCluster), Box::new(FenceOut), Box::new(SetAside)],
        OperationKind::Restore => vec![Box::new(ReachCluster), Box::new(BringBack), Box::new(Admit)],
        OperationKind::Delete => vec![
            Box::new(ReachCluster),
            Box::new(FenceOut),
            Box::new(DropDatabase),
            Box::new(DropCredentials),
            Box::new(DropOwner),
            Box::new(VerifyGone),
        ],
        OperationKind::Rotate => vec![
            Box::new(ReachCluster),
            Box::new(NextCredential),
            Box::new(Credential(Which::Next)),
            Box::new(Verify(Which::Next)),
            Box::new(RetireOld),
        ],
    }
}
