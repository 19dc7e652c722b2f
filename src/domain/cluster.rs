//! Clusters: the PostgreSQL servers in which projects get their databases, as a process has found them.

/// The oldest version that is supported.
const MIN_VERSION: i32 = 140_000;

/// The queue of the operations in a cluster. Its concurrency bounds how many run at the same time.
pub fn queue(cluster: &str) -> String {
    format!("cluster:{cluster}")
}

/// Whether a queue is that of the operations in a cluster. Nothing else may take its slots.
pub fn is_queue(name: &str) -> bool {
    name.starts_with("cluster:")
}

/// A cluster, as it was found.
#[derive(Clone, Debug)]
pub struct Cluster {
    pub name: String,
    /// Whether Provost runs the server itself.
    pub is_embedded: bool,
    /// Host and port; unknown while the embedded cluster does not run.
    pub address: Option<String>,
    pub state: ClusterState,
}

#[derive(Clone, Debug)]
pub enum ClusterState {
    Reachable(Capabilities),
    /// Why it could not be reached.
    Unreachable(String),
    /// The embedded cluster is not needed yet, or another process runs it.
    Stopped,
}

/// What a cluster is, and what the login of Provost may do there.
#[derive(Clone, Debug, Default)]
pub struct Capabilities {
    /// As PostgreSQL counts: 150018 is 15.18.
    pub version: i32,
    pub version_text: String,
    /// The identity of the cluster, which no other cluster has.
    pub system_identifier: String,
    /// The role that Provost uses.
    pub admin: String,
    pub is_superuser: bool,
    pub may_create_databases: bool,
    pub may_create_roles: bool,
    /// Databases that PUBLIC may connect to, and that the login cannot close.
    pub open_databases: Vec<String>,
    pub max_connections: i32,
    /// Connections that are open.
    pub connections: i64,
    pub is_standby: bool,
}

/// Why projects cannot be made in a cluster.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClusterProblem {
    #[error("the cluster is PostgreSQL {0}, and Provost needs 14 or newer")]
    TooOld(String),
    #[error("the role {0} needs CREATEDB and CREATEROLE: ALTER ROLE {0} CREATEDB CREATEROLE")]
    MissingPrivileges(String),
    #[error("the cluster is a standby, which accepts no changes")]
    ReadOnly,
}

impl Capabilities {
    /// Whether projects can be made here.
    pub fn check(&self) -> Result<(), ClusterProblem> {
        if self.version < MIN_VERSION {
            return Err(ClusterProblem::TooOld(self.version_text.clone()));
        }
        if !self.may_create_databases || !self.may_create_roles {
            return Err(ClusterProblem::MissingPrivileges(self.admin.clone()));
        }
        if self.is_standby { Err(ClusterProblem::ReadOnly) } else { Ok(()) }
    }

    /// Whether PUBLIC can be shut out of every database.
    pub fn may_close_all_databases(&self) -> bool {
        self.open_databases.is_empty()
    }

    /// What separates tenants, in a sentence.
    pub fn isolation(&self) -> String {
        if self.may_close_all_databases() {
            return "full: a tenant may enter only its own databases".to_owned();
        }
        format!("partial: PUBLIC may enter {}", self.open_databases.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain() -> Capabilities {
        Capabilities {
            version: 150_018,
            admin: "ops".into(),
            may_create_databases: true,
            may_create_roles: true,
            open_databases: vec!["postgres".into(), "template1".into()],
            ..Capabilities::default()
        }
    }

    #[test]
    fn problems_and_isolation_are_named() {
        assert_eq!(plain().check(), Ok(()));
        assert_eq!(plain().isolation(), "partial: PUBLIC may enter postgres, template1");
        let closed = Capabilities { open_databases: Vec::new(), ..plain() };
        assert!(closed.isolation().starts_with("full"));
        let old = Capabilities { version: 130_004, version_text: "13.4".into(), ..plain() };
        assert_eq!(old.check(), Err(ClusterProblem::TooOld("13.4".into())));
        let poor = Capabilities { may_create_roles: false, ..plain() };
        assert_eq!(poor.check(), Err(ClusterProblem::MissingPrivileges("ops".into())));
        assert_eq!(Capabilities { is_standby: true, ..plain() }.check(), Err(ClusterProblem::ReadOnly));
    }
}
