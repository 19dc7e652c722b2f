//! Looks at what really exists, and the differences that they found.

use std::time::Duration;

use time::OffsetDateTime;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::projects::OperationPolicy;
use super::row::row;
use super::sql::{
    OBSERVATIONS_ACT, OBSERVATIONS_CLAIM, OBSERVATIONS_CLAIM_INVENTORY, OBSERVATIONS_FINDING, OBSERVATIONS_FINDINGS,
    OBSERVATIONS_INVENTORIES, OBSERVATIONS_LEAVE, OBSERVATIONS_RECORD, OBSERVATIONS_RECORD_INVENTORY,
    OBSERVATIONS_REQUEST, OBSERVATIONS_REQUEST_ALL, OBSERVATIONS_UNHEALTHY, OBSERVATIONS_UNOBSERVED,
};
use super::{Audit, Store, StoreError};
use crate::domain::{Difference, FindingKind, Found, Health, OrphanVerb, ProjectStatus};

row! {
    /// A project whose look is due.
    #[derive(Debug)]
    pub struct DueObservation {
        pub id: Uuid,
        pub version: i64,
        pub status: ProjectStatus,
        /// What a provisioner is told about the project: JSON text.
        pub payload: String,
        /// The beginning of the look.
        pub at: OffsetDateTime,
    }

    /// A claimed search of a cluster.
    #[derive(Debug)]
    pub struct DueInventory {
        pub at: OffsetDateTime,
        pub installation: String,
    }

    /// A difference between what a project says and what exists.
    #[derive(Clone, Debug)]
    pub struct Finding {
        pub id: Uuid,
        pub kind: FindingKind,
        pub project_id: Option<Uuid>,
        pub project_name: Option<String>,
        pub provisioner: String,
        pub cluster: String,
        pub object: String,
        pub message: String,
        pub first_seen_at: OffsetDateTime,
        pub last_seen_at: OffsetDateTime,
    }

    /// A condition of a project that is not true.
    #[derive(Clone, Debug)]
    pub struct UntrueCondition {
        pub id: Uuid,
        pub name: String,
        pub status: ProjectStatus,
        pub condition: String as "type",
        /// `false` or `unknown`.
        pub value: String as "condition",
        pub message: String,
    }

    /// A cluster that is searched.
    #[derive(Clone, Debug)]
    pub struct SearchedCluster {
        pub cluster: String,
        pub due_at: OffsetDateTime,
        /// The latest success.
        pub taken_at: Option<OffsetDateTime>,
        /// The latest attempt that has ended.
        pub tried_at: Option<OffsetDateTime>,
        pub error: Option<String>,
    }
}

/// What a look at a project has found.
#[derive(Clone, Debug)]
pub struct Observation {
    /// None if the provisioner does not look at its projects: then nothing is known.
    pub health: Option<Health>,
    pub reason: String,
    pub message: String,
    /// None if they could not be determined.
    pub differences: Option<Vec<Difference>>,
    pub provisioner: String,
    pub cluster: String,
}

/// The outcome of taking up an orphan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    Started(Uuid),
    Missing,
    /// Not an orphan, or its project exists by now.
    Rejected,
}

/// Which looks a process takes.
#[derive(Clone, Debug)]
pub struct LookRequest<'a> {
    pub limit: i64,
    /// How long until the look after this one.
    pub interval: Duration,
    pub provisioner: &'a str,
    /// `*` for all.
    pub queues: &'a [String],
    /// Templates whose projects the process cannot look at, with their versions.
    pub except: &'a [(String, i32)],
    /// Only looks that were due at this time; none for now.
    pub due_at: Option<OffsetDateTime>,
}

impl Store {
    /// `observations/claim`: ready and paused projects.
    pub async fn claim_observations(&self, request: &LookRequest<'_>) -> Result<Vec<DueObservation>, StoreError> {
        let LookRequest { limit, interval, provisioner, queues, except, due_at } = request;
        let (templates, versions): (Vec<&str>, Vec<i32>) = except.iter().map(|(name, it)| (name.as_str(), *it)).unzip();
        let params: [&(dyn ToSql + Sync); 7] =
            [limit, &interval.as_secs_f64(), provisioner, queues, &templates, &versions, due_at];
        self.fetch_all(&OBSERVATIONS_CLAIM, &params).await
    }

    /// `observations/leave`: another process can take the look after this delay.
    pub async fn leave_observation(&self, project: Uuid, delay: Duration) -> Result<(), StoreError> {
        self.execute(&OBSERVATIONS_LEAVE, &[&project, &delay.as_secs_f64()]).await
    }

    /// `observations/record`. Returns false if the project has changed since, or a later look was faster.
    pub async fn record_observation(
        &self,
        (project, version, at): (Uuid, i64, OffsetDateTime),
        observation: &Observation,
        actor: &str,
    ) -> Result<bool, StoreError> {
        let Observation { health, reason, message, differences, provisioner, cluster } = observation;
        // Text and words always serialize.
        let found = differences.as_ref().map(|it| serde_json::to_string(it).unwrap_or_else(|_| "[]".to_owned()));
        let healthy = health.map(Health::as_condition);
        let params: [&(dyn ToSql + Sync); 10] =
            [&project, &version, &healthy, reason, message, &found, provisioner, cluster, &actor, &at];
        self.fetch_value(&OBSERVATIONS_RECORD, &params).await
    }

    /// `observations/request`: makes the look at a project due now. Returns its status.
    pub async fn request_observation(&self, project: Uuid) -> Result<Option<ProjectStatus>, StoreError> {
        let status = self.fetch_optional_value(&OBSERVATIONS_REQUEST, &[&project]).await?;
        self.wakeup.observation_requested();
        Ok(status)
    }

    /// `observations/request_all`: makes every look and every search due now. Returns the time at which they are due.
    pub async fn request_observations(&self) -> Result<OffsetDateTime, StoreError> {
        self.fetch_value(&OBSERVATIONS_REQUEST_ALL, &[]).await
    }

    /// `observations/unobserved`: how many projects were not looked at since then.
    pub async fn unobserved_since(&self, at: OffsetDateTime) -> Result<i64, StoreError> {
        self.fetch_value(&OBSERVATIONS_UNOBSERVED, &[&at]).await
    }

    /// `observations/unhealthy`: of looks, only those since then.
    pub async fn untrue_conditions(&self, at: OffsetDateTime, limit: i64) -> Result<Vec<UntrueCondition>, StoreError> {
        self.fetch_all(&OBSERVATIONS_UNHEALTHY, &[&limit, &at]).await
    }

    /// `observations/claim_inventory`: the search of a cluster, if it is due.
    pub async fn claim_inventory(&self, cluster: &str, interval: Duration) -> Result<Option<DueInventory>, StoreError> {
        self.fetch_optional(&OBSERVATIONS_CLAIM_INVENTORY, &[&cluster, &interval.as_secs_f64()]).await
    }

    /// `observations/record_inventory`.
    pub async fn record_inventory(
        &self,
        cluster: &str,
        provisioner: &str,
        at: OffsetDateTime,
        found: Option<&[Found]>,
        error: Option<&str>,
    ) -> Result<(), StoreError> {
        let found = found.map(|it| serde_json::to_string(it).unwrap_or_else(|_| "[]".to_owned()));
        self.execute(&OBSERVATIONS_RECORD_INVENTORY, &[&cluster, &provisioner, &at, &found, &error]).await
    }

    /// `observations/finding`.
    pub async fn finding(&self, id: Uuid) -> Result<Option<Finding>, StoreError> {
        self.fetch_optional(&OBSERVATIONS_FINDING, &[&id]).await
    }

    /// `observations/findings`: all, or those of one project.
    pub async fn findings(&self, project: Option<Uuid>, limit: i64) -> Result<Vec<Finding>, StoreError> {
        self.fetch_all(&OBSERVATIONS_FINDINGS, &[&project, &limit]).await
    }

    /// `observations/inventories`.
    pub async fn searched_clusters(&self) -> Result<Vec<SearchedCluster>, StoreError> {
        self.fetch_all(&OBSERVATIONS_INVENTORIES, &[]).await
    }

    /// `observations/act`: takes up an orphan. `name` and `template` are for a project whose row is gone.
    pub async fn take_up_orphan(
        &self,
        finding: Uuid,
        verb: OrphanVerb,
        (name, template): (Option<&str>, &str),
        grace: Duration,
        policy: OperationPolicy,
        audit: &Audit,
    ) -> Result<Taken, StoreError> {
        let notify = self.wakeup.may_notify();
        let (timeout, grace) = (policy.deadline.as_secs_f64(), grace.as_secs_f64());
        let max_attempts = i32::try_from(policy.max_attempts).unwrap_or(i32::MAX);
        let (job, verb) = (Uuid::now_v7(), verb.as_str());
        let Audit { actor, reason, request_id } = audit;
        let params: [&(dyn ToSql + Sync); 12] = [
            &finding,
            &verb,
            &job,
            &name,
            &template,
            &timeout,
            &max_attempts,
            &grace,
            actor,
            reason,
            request_id,
            &notify,
        ];
        let row = self.one(&OBSERVATIONS_ACT, &params).await?;
        match row.get::<String>("outcome")?.as_str() {
            "started" => {
                self.wakeup.committed(notify);
                Ok(row.get::<Option<Uuid>>("project_id")?.map_or(Taken::Missing, Taken::Started))
            }
            "missing" => Ok(Taken::Missing),
            _ => Ok(Taken::Rejected),
        }
    }
}
