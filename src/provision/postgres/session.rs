//! The session of one attempt: one connection to the maintenance database of the installation, which holds the lock of the project.
//!
//! The lock is the fence. A statement goes on in the server after its client was killed, so a lease alone cannot tell when an earlier
//! attempt has stopped having effects. An attempt that finds the lock taken ends the session that holds it, with the statement that
//! may still run in it, and takes the lock.

use serde_json::Value;
use tokio_postgres::types::ToSql;

use super::cluster::Reach;
use super::link::Link;
use super::maintenance;
use super::names::Names;
use super::parameters::Parameters;
use super::sql;
use crate::connection::Connector;
use crate::domain::cluster::{Capabilities, ClusterProblem};
use crate::mutant::{self, Mutant};
use crate::provision::step::Session;
use crate::provision::{Failure, Output, Recorder, Work};

/// The output with the identity of the cluster.
pub const CLUSTER_ID: &str = "cluster_id";

pub struct PgSession<'a> {
    pub work: &'a Work,
    pub recorder: &'a dyn Recorder,
    pub names: Names,
    pub parameters: Parameters,
    /// What steps have recorded, in this attempt and in earlier ones.
    pub known: Output,
    cluster: &'a dyn Reach,
    connector: Option<Connector>,
    admin: Option<Link>,
}

impl Session for PgSession<'_> {
    fn recall(&mut self, output: &Output) {
        self.known.extend(output.clone());
    }
}

impl<'a> PgSession<'a> {
    pub fn new(
        work: &'a Work,
        recorder: &'a dyn Recorder,
        cluster: &'a dyn Reach,
        names: Names,
        parameters: Parameters,
    ) -> Self {
        Self { work, recorder, names, parameters, known: work.known.clone(), cluster, connector: None, admin: None }
    }

    /// The fenced connection to the maintenance database. The first call connects, takes the lock, and then confirms that this
    /// attempt still holds the lease.
    pub async fn admin(&mut self) -> Result<&mut Link, Failure> {
        if self.admin.is_none() {
            // An attempt that has lost its lease must not end the session of the one that has it.
            self.recorder.steps().await?;
            let connector = self.connector().await?;
            let mut link = maintenance::open(&connector, &self.names).await?;
            fence(&mut link, &self.names).await?;
            self.recorder.steps().await?;
            check_identity(self.known_text(CLUSTER_ID), &mut link).await?;
            check_marks(&self.names, &mut link).await?;
            self.admin = Some(link);
        }
        self.admin.as_mut().ok_or_else(|| Failure::retryable("connection_lost", "the connection was lost"))
    }

    /// Takes the fenced connection out of the session, for a statement that may be interrupted: a connection with an unfinished statement
    /// is of no use, so the next call of [`Self::admin`] makes another one, which ends this one.
    pub async fn take_admin(&mut self) -> Result<Link, Failure> {
        self.admin().await?;
        self.admin.take().ok_or_else(|| Failure::retryable("connection_lost", "the connection was lost"))
    }

    /// Puts the fenced connection back.
    pub fn put_back(&mut self, admin: Link) {
        self.admin = Some(admin);
    }

    /// A connection as admin to the database of the project, for as short a time as possible: a tenant may have planted something.
    pub async fn inside(&mut self) -> Result<Link, Failure> {
        let database = self.names.database.clone();
        self.inside_of(&database).await
    }

    /// The same for another database of the cluster.
    pub async fn inside_of(&mut self, database: &str) -> Result<Link, Failure> {
        // The fence comes first.
        self.admin().await?;
        let connector = self.connector().await?.with_database(database);
        Link::open(&connector).await
    }

    /// A second connection to the maintenance database, for what happens while a statement runs in the first one.
    pub async fn beside(&mut self) -> Result<Link, Failure> {
        let database = self.names.maintenance.clone();
        self.inside_of(&database).await
    }

    /// Reaches the cluster under a name that says which attempt is at work.
    pub async fn connector(&mut self) -> Result<Connector, Failure> {
        if let Some(connector) = &self.connector {
            return Ok(connector.clone());
        }
        let name = format!("provost:{}", self.work.execution_id);
        let connector = self.cluster.reach().await?.named(&name);
        self.connector = Some(connector.clone());
        Ok(connector)
    }

    /// A recorded output that is text.
    pub fn known_text(&self, name: &str) -> Option<String> {
        self.known.get(name).and_then(Value::as_str).map(str::to_owned)
    }
}

/// Refuses to work in another cluster than the one in which the project was made: what is absent there may exist elsewhere.
async fn check_identity(known: Option<String>, link: &mut Link) -> Result<(), Failure> {
    let Some(known) = known else { return Ok(()) };
    let found = checked_facts(link).await?.system_identifier;
    if found == known {
        return Ok(());
    }
    let message = format!("the project was made in the cluster {known}, and this is the cluster {found}");
    Err(Failure::retryable("wrong_cluster", message))
}

/// Refuses to work on what another installation has made: the names of a project are the same in a copy of Provost's database.
async fn check_marks(names: &Names, link: &mut Link) -> Result<(), Failure> {
    let params: [&(dyn ToSql + Sync); 4] = [&names.database, &names.aside, &names.role_prefix, &names.marker];
    match link.texts("found", sql::FOREIGN_MARKS, &params).await?.as_slice() {
        [] => Ok(()),
        found => {
            let message = format!("{}; Provost does not touch what is not its own", found.join(", "));
            Err(Failure::permanent("not_ours", message))
        }
    }
}

/// Takes the lock of the project. Afterwards, no session of an earlier attempt has any effect on the project.
async fn fence(link: &mut Link, names: &Names) -> Result<(), Failure> {
    if mutant::is_on(Mutant::NoTakeover) {
        return Ok(());
    }
    let not_ended = || {
        let message = "an earlier attempt still works on this project, and its session did not end within 5 s";
        Failure::retryable("not_fenced", message)
    };
    if !link.one(sql::TRY_FENCE, &[&names.lock]).await?.get::<bool>("acquired")? {
        if !link.one(sql::TAKE_OVER, &[&names.lock]).await?.get::<bool>("ended")? {
            return Err(not_ended());
        }
        link.query(sql::WAIT_FOR_FENCE, &[&names.lock]).await?;
    }
    let ended: bool = link.one(sql::END_EARLIER, &[&names.database, &names.aside]).await?.get("ended")?;
    if ended { Ok(()) } else { Err(not_ended()) }
}

/// What the server is, and what the admin may do.
pub async fn facts(link: &mut Link) -> Result<Capabilities, Failure> {
    let row = link.one(sql::FACTS, &[]).await?;
    Ok(Capabilities {
        version: row.get("version")?,
        version_text: row.get("version_text")?,
        system_identifier: row.get("system_identifier")?,
        admin: row.get("admin")?,
        is_superuser: row.get("is_superuser")?,
        may_create_databases: row.get("may_create_databases")?,
        may_create_roles: row.get("may_create_roles")?,
        open_databases: row.get("open_databases")?,
        max_connections: row.get("max_connections")?,
        connections: row.get("connections")?,
        is_standby: row.get("is_standby")?,
    })
}

/// The same, if projects can be made in this cluster.
pub async fn checked_facts(link: &mut Link) -> Result<Capabilities, Failure> {
    let found = facts(link).await?;
    match found.check() {
        Ok(()) => Ok(found),
        Err(problem @ ClusterProblem::TooOld(_)) => Err(Failure::permanent("not_supported", problem.to_string())),
        Err(problem @ ClusterProblem::MissingPrivileges(_)) => {
            Err(Failure::permanent("insufficient_privilege", problem.to_string()))
        }
        Err(problem @ ClusterProblem::ReadOnly) => Err(Failure::retryable("cluster_read_only", problem.to_string())),
    }
}
