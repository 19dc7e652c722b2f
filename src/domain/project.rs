//! The state machine of a project.

use super::string_enum;

string_enum! {
    ProjectStatus {
        /// Requested; no worker has claimed its job yet.
        Creating = "creating",
        Provisioning = "provisioning",
        Ready = "ready",
        /// Provisioning or removal failed; `error_reason` says why.
        Failed = "failed",
        /// A worker removes it, or will soon.
        Deleting = "deleting",
        /// Removed; the row stays as a tombstone.
        Deleted = "deleted",
    }
}

impl ProjectStatus {
    /// Whether this status has a deadline, after which the project fails.
    pub const fn is_transient(self) -> bool {
        matches!(self, Self::Creating | Self::Provisioning | Self::Deleting)
    }
}

string_enum! {
    /// The transitions of a project. Each verb is one conditional statement in `sql/queries`.
    ProjectVerb {
        /// A worker claims the job that provisions it.
        Claim = "claim",
        Provisioned = "provisioned",
        ProvisionFailed = "provision_failed",
        Retry = "retry",
        Delete = "delete",
        Removed = "removed",
        RemovalFailed = "removal_failed",
        Expire = "expire",
    }
}

impl ProjectVerb {
    /// The whole state machine: from which status to which status this verb leads. Any other status rejects the verb.
    pub const fn transitions(self) -> &'static [(ProjectStatus, ProjectStatus)] {
        use ProjectStatus::*;
        match self {
            Self::Claim => &[(Creating, Provisioning)],
            Self::Provisioned => &[(Provisioning, Ready)],
            Self::ProvisionFailed => &[(Provisioning, Failed)],
            Self::Retry => &[(Failed, Creating)],
            Self::Delete => &[(Ready, Deleting), (Failed, Deleting)],
            Self::Removed => &[(Deleting, Deleted)],
            Self::RemovalFailed => &[(Deleting, Failed)],
            Self::Expire => &[(Creating, Failed), (Provisioning, Failed), (Deleting, Failed)],
        }
    }

    /// The status after this verb from `from`; `None` when the verb does not apply.
    pub fn target(self, from: ProjectStatus) -> Option<ProjectStatus> {
        self.transitions().iter().find(|(start, _)| *start == from).map(|(_, end)| *end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transient_status_expires_to_failed() {
        for status in ProjectStatus::ALL.iter().filter(|status| status.is_transient()) {
            assert_eq!(ProjectVerb::Expire.target(*status), Some(ProjectStatus::Failed), "{status}");
        }
        assert!(ProjectVerb::ALL.iter().all(|verb| verb.target(ProjectStatus::Deleted).is_none()));
    }

    #[test]
    fn status_spelling_parses_back() {
        for status in ProjectStatus::ALL {
            assert_eq!(ProjectStatus::parse(status.as_str()), Some(*status));
        }
        assert_eq!(ProjectStatus::parse("Ready"), None);
    }
}
