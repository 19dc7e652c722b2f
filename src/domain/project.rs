//! The life of a project.

use super::words;

words! {
    /// Where a project is in its life.
    ProjectStatus {
        /// Asked for; no worker has taken it yet.
        Creating = "creating",
        /// A worker is making the real thing.
        Provisioning = "provisioning",
        /// It is there.
        Ready = "ready",
        /// It could not be made, or not be removed; `error_reason` says why.
        Failed = "failed",
        /// A worker is removing the real thing, or soon will.
        Deleting = "deleting",
        /// It is gone; the row stays as a tombstone.
        Deleted = "deleted",
    }
}

impl ProjectStatus {
    /// A transient status carries a deadline: nobody may stay in it for ever.
    pub const fn is_transient(self) -> bool {
        matches!(self, Self::Creating | Self::Provisioning | Self::Deleting)
    }
}

words! {
    /// What can be done to a project. Each verb is one conditional statement in `sql/queries`.
    ProjectVerb {
        /// A worker claims the job that provisions it.
        Claim = "claim",
        /// Its provisioning succeeded.
        Provisioned = "provisioned",
        /// Its provisioning failed for good.
        ProvisionFailed = "provision_failed",
        /// Somebody wants another try.
        Retry = "retry",
        /// Somebody does not need it any more.
        Delete = "delete",
        /// Its removal succeeded.
        Removed = "removed",
        /// Its removal failed for good.
        RemovalFailed = "removal_failed",
        /// Its deadline passed.
        Expire = "expire",
    }
}

impl ProjectVerb {
    /// The diagram of a project's life, whole: from where this verb leads where. Any other status refuses it.
    pub const fn moves(self) -> &'static [(ProjectStatus, ProjectStatus)] {
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

    /// Where this verb takes a project that is at `from`, or nothing when it does not apply there.
    pub fn target(self, from: ProjectStatus) -> Option<ProjectStatus> {
        self.moves().iter().find(|(start, _)| *start == from).map(|(_, end)| *end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_transient_status_has_a_way_out_and_a_deadline_that_leads_to_failed() {
        for status in ProjectStatus::ALL.iter().filter(|status| status.is_transient()) {
            assert_eq!(ProjectVerb::Expire.target(*status), Some(ProjectStatus::Failed), "{status}");
        }
        assert!(ProjectVerb::ALL.iter().all(|verb| verb.target(ProjectStatus::Deleted).is_none()));
    }

    #[test]
    fn words_read_back_as_they_are_written() {
        for status in ProjectStatus::ALL {
            assert_eq!(ProjectStatus::parse(status.as_str()), Some(*status));
        }
        assert_eq!(ProjectStatus::parse("Ready"), None);
    }
}
