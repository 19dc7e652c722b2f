//! The state machine of a project, and the operations that move it.

use super::job::JobState;
use super::string_enum;

string_enum! {
    ProjectStatus {
        /// Requested; no worker has claimed its job yet.
        Creating = "creating",
        Provisioning = "provisioning",
        Ready = "ready",
        /// Provisioning or removal failed; `error_reason` says why.
        Failed = "failed",
        /// Ready, and being changed.
        Updating = "updating",
        Pausing = "pausing",
        /// Kept, with all access blocked.
        Paused = "paused",
        Resuming = "resuming",
        /// A worker removes it or takes it out of service, or will soon.
        Deleting = "deleting",
        /// Out of service, and kept until the grace time is over.
        PendingDeletion = "pending_deletion",
        /// Pending deletion, and being brought back.
        Restoring = "restoring",
        /// Removed; the row stays as a tombstone.
        Deleted = "deleted",
    }
}

impl ProjectStatus {
    /// Whether a project of this status can be cloned.
    pub const fn can_be_cloned(self) -> bool {
        matches!(self, Self::Ready | Self::Paused)
    }

    /// Whether this status has a deadline, after which the operation fails.
    pub const fn is_transient(self) -> bool {
        matches!(
            self,
            Self::Creating
                | Self::Provisioning
                | Self::Updating
                | Self::Pausing
                | Self::Resuming
                | Self::Deleting
                | Self::Restoring
        )
    }
}

string_enum! {
    /// What is done to a project. The job of an operation is its record.
    OperationKind {
        Create = "create",
        /// Creates a project as a copy of another one.
        Clone = "clone",
        /// Makes a project of something that exists already, and never undoes it.
        Adopt = "adopt",
        Update = "update",
        /// Replaces the credential.
        Rotate = "rotate",
        Pause = "pause",
        Resume = "resume",
        /// Takes out of service what a deletion keeps for a grace time.
        Retire = "retire",
        /// Brings back what was retired.
        Restore = "restore",
        Delete = "delete",
    }
}

/// The statuses of a project around an operation. `operation_kinds` in `sql/schema/tables/operations.sql` is the same table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OperationStatuses {
    /// From which statuses it starts. Creating starts from `failed` when it is retried.
    pub allowed_from: &'static [ProjectStatus],
    /// Until a worker claims the job.
    pub first: ProjectStatus,
    pub running: ProjectStatus,
    pub done: ProjectStatus,
    /// After a failure or a cancellation. Where this is not `failed`, the project still works.
    pub failed: ProjectStatus,
}

impl OperationKind {
    /// The kind of the job.
    pub const fn job_kind(self) -> &'static str {
        match self {
            Self::Create => "project.provision",
            Self::Clone => "project.clone",
            Self::Adopt => "project.adopt",
            Self::Update => "project.update",
            Self::Rotate => "project.rotate",
            Self::Pause => "project.pause",
            Self::Resume => "project.resume",
            Self::Retire => "project.retire",
            Self::Restore => "project.restore",
            Self::Delete => "project.deprovision",
        }
    }

    /// The operation whose jobs have this kind.
    pub fn of_job_kind(kind: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|it| it.job_kind() == kind)
    }

    pub const fn statuses(self) -> OperationStatuses {
        use ProjectStatus::*;
        let (allowed_from, first, running, done, failed): (&[ProjectStatus], _, _, _, _) = match self {
            Self::Create | Self::Clone | Self::Adopt => (&[Failed], Creating, Provisioning, Ready, Failed),
            Self::Update | Self::Rotate => (&[Ready], Updating, Updating, Ready, Ready),
            Self::Pause => (&[Ready], Pausing, Pausing, Paused, Ready),
            Self::Resume => (&[Paused], Resuming, Resuming, Ready, Paused),
            // After a failure, the project has the status that it had before.
            Self::Retire => (&[Ready, Failed, Paused], Deleting, Deleting, PendingDeletion, Ready),
            Self::Restore => (&[PendingDeletion], Restoring, Restoring, Ready, PendingDeletion),
            Self::Delete => (&[Ready, Failed, Paused, PendingDeletion], Deleting, Deleting, Deleted, Failed),
        };
        OperationStatuses { allowed_from, first, running, done, failed }
    }

    /// The operation that follows by itself if this one failed and was not undone: it gives back the access that this one blocks.
    pub const fn reverse(self) -> Option<Self> {
        match self {
            Self::Pause => Some(Self::Resume),
            Self::Retire => Some(Self::Restore),
            _ => None,
        }
    }

    /// The status of the project after the job of this operation reached `state`; `None` while the job is not finished.
    pub const fn status_after(self, state: JobState) -> Option<ProjectStatus> {
        match state {
            JobState::Completed => Some(self.statuses().done),
            JobState::Failed | JobState::Canceled | JobState::Superseded => Some(self.statuses().failed),
            _ => None,
        }
    }
}

string_enum! {
    /// What a client can ask of a project.
    ProjectVerb {
        Retry = "retry",
        /// Continues the last operation where the undoing of a step failed.
        Undo = "undo",
        /// Leaves that step as it is, and continues with the one before it.
        Skip = "skip",
        Update = "update",
        Rotate = "rotate",
        Pause = "pause",
        Resume = "resume",
        /// Stops the operation in progress.
        Cancel = "cancel",
        /// In every status. An operation in progress is stopped first.
        Delete = "delete",
        /// Takes a deletion back while the grace time lasts.
        Undelete = "undelete",
    }
}

impl ProjectVerb {
    /// The operation that this verb starts. A project that is a clone or was adopted is retried with the operation that makes it.
    pub const fn operation(self) -> Option<OperationKind> {
        match self {
            Self::Retry => Some(OperationKind::Create),
            Self::Update => Some(OperationKind::Update),
            Self::Rotate => Some(OperationKind::Rotate),
            Self::Pause => Some(OperationKind::Pause),
            Self::Resume => Some(OperationKind::Resume),
            Self::Delete => Some(OperationKind::Delete),
            Self::Undelete => Some(OperationKind::Restore),
            Self::Cancel | Self::Undo | Self::Skip => None,
        }
    }

    /// Whether the verb changes something in this status. What continues an undoing depends on the steps of the last operation.
    pub fn applies_to(self, status: ProjectStatus) -> bool {
        match self {
            Self::Cancel => status.is_transient(),
            Self::Delete => !matches!(status, ProjectStatus::Deleting | ProjectStatus::Deleted),
            _ => self.operation().is_some_and(|it| it.statuses().allowed_from.contains(&status)),
        }
    }
}

string_enum! {
    /// The state of a step of an operation.
    StepState {
        /// Recorded before the step acts.
        Running = "running",
        Done = "done",
        Failed = "failed",
        Undoing = "undoing",
        Undone = "undone",
        UndoFailed = "undo_failed",
        /// Its undoing failed, and was skipped on request: what the step made may be left.
        UndoSkipped = "undo_skipped",
        /// Left as it is, on request.
        Skipped = "skipped",
    }
}

/// Every transition that an operation can cause: what the trigger of `projects` allows.
pub fn transitions() -> std::collections::BTreeSet<(ProjectStatus, ProjectStatus)> {
    use ProjectStatus::{Deleted, Deleting, Failed, Paused, Pausing, Restoring, Resuming};
    let mut all = std::collections::BTreeSet::new();
    for operation in OperationKind::ALL {
        let OperationStatuses { allowed_from, first, running, done, failed } = operation.statuses();
        all.extend(allowed_from.iter().map(|from| (*from, first)));
        all.extend([(first, running), (first, failed), (running, done), (running, failed)]);
        all.extend([(first, Deleting), (running, Deleting)]);
    }
    // A deletion that is taken back, or that fails before anything is removed, leads to the status before it.
    // An orphan whose project was given up becomes a project again.
    all.insert((Deleted, Failed));
    all.extend([Paused, Failed].into_iter().flat_map(|before| [(Deleting, before), (Restoring, before)]));
    // An operation that blocks access and was not undone is followed by its reverse.
    all.extend([(Pausing, Resuming), (Deleting, Restoring)]);
    all.retain(|(from, to)| from != to);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_leads_to_deleted() {
        let transitions = transitions();
        for status in ProjectStatus::ALL.iter().filter(|it| **it != ProjectStatus::Deleted) {
            let is_deleting = *status == ProjectStatus::Deleting;
            assert!(is_deleting || transitions.contains(&(*status, ProjectStatus::Deleting)), "{status}");
            assert!(is_deleting || ProjectVerb::Delete.applies_to(*status), "{status}");
        }
        // Only an orphan that is taken up makes a deleted project exist again.
        let revived = transitions.iter().filter(|(from, _)| *from == ProjectStatus::Deleted);
        assert_eq!(revived.map(|(_, to)| *to).collect::<Vec<_>>(), [ProjectStatus::Failed]);
    }

    #[test]
    fn every_transient_status_can_be_canceled_and_comes_to_rest() {
        for status in ProjectStatus::ALL.iter().filter(|it| it.is_transient()) {
            assert!(ProjectVerb::Cancel.applies_to(*status), "{status}");
            let ends =
                OperationKind::ALL.iter().map(|it| it.statuses()).filter(|it| [it.first, it.running].contains(status));
            for statuses in ends {
                assert!(!statuses.done.is_transient() && !statuses.failed.is_transient(), "{status}");
            }
        }
    }

    #[test]
    fn job_kinds_name_their_operation() {
        for operation in OperationKind::ALL {
            assert_eq!(OperationKind::of_job_kind(operation.job_kind()), Some(*operation));
        }
        assert_eq!(OperationKind::of_job_kind("echo"), None);
    }

    #[test]
    fn status_spelling_parses_back() {
        for status in ProjectStatus::ALL {
            assert_eq!(ProjectStatus::parse(status.as_str()), Some(*status));
        }
        assert_eq!(ProjectStatus::parse("Ready"), None);
    }
}
