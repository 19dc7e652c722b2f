//! How a state looks: always a word, an icon and a colour together, because colour alone is lost on many readers.

/// The seven colours of meaning; the class names of the stylesheet end in `name()`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// Nothing to see.
    Neutral,
    /// Waiting its turn.
    Info,
    /// Somebody works on it.
    Work,
    /// Slower, held or going away.
    Wait,
    /// Good.
    Ok,
    /// Needs a person.
    Bad,
    /// Blocked by something else.
    Block,
}

impl Tone {
    /// The suffix of the classes `t-…` (badge), `f-…` (fill) and `st-…` (stroke).
    pub fn name(self) -> &'static str {
        match self {
            Tone::Neutral => "neutral",
            Tone::Info => "info",
            Tone::Work => "work",
            Tone::Wait => "wait",
            Tone::Ok => "ok",
            Tone::Bad => "bad",
            Tone::Block => "block",
        }
    }

    /// The icon of a message in this tone.
    pub fn icon(self) -> &'static str {
        match self {
            Tone::Ok => "check",
            Tone::Bad => "cross",
            Tone::Wait => "warn",
            _ => "info",
        }
    }
}

/// The states of a project, spelled as everywhere else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ProjectStatus {
    /// Accepted, waits for a worker.
    Creating,
    /// A worker is at it.
    Provisioning,
    /// In service.
    Ready,
    /// Gave up, with a reason.
    Failed,
    /// Being removed.
    Deleting,
    /// Gone; the record stays.
    Deleted,
    /// A state this binary does not know, as during a rolling upgrade.
    Unknown,
}

impl ProjectStatus {
    /// The states in the order of tabs and legends.
    pub const ALL: [ProjectStatus; 6] = [
        ProjectStatus::Ready,
        ProjectStatus::Creating,
        ProjectStatus::Provisioning,
        ProjectStatus::Failed,
        ProjectStatus::Deleting,
        ProjectStatus::Deleted,
    ];

    /// Reads the stored spelling; what is not known becomes `Unknown`, because a page must not fail over a word.
    pub fn from_name(name: &str) -> Self {
        Self::ALL.into_iter().find(|status| status.name() == name).unwrap_or(ProjectStatus::Unknown)
    }

    /// The stored spelling, also used in `?status=`.
    pub fn name(self) -> &'static str {
        match self {
            ProjectStatus::Creating => "creating",
            ProjectStatus::Provisioning => "provisioning",
            ProjectStatus::Ready => "ready",
            ProjectStatus::Failed => "failed",
            ProjectStatus::Deleting => "deleting",
            ProjectStatus::Deleted => "deleted",
            ProjectStatus::Unknown => "unknown",
        }
    }

    /// The word on the screen.
    pub fn label(self) -> &'static str {
        match self {
            ProjectStatus::Creating => "Creating",
            ProjectStatus::Provisioning => "Provisioning",
            ProjectStatus::Ready => "Ready",
            ProjectStatus::Failed => "Failed",
            ProjectStatus::Deleting => "Deleting",
            ProjectStatus::Deleted => "Deleted",
            ProjectStatus::Unknown => "Unknown",
        }
    }

    /// Its colour.
    pub fn tone(self) -> Tone {
        match self {
            ProjectStatus::Creating => Tone::Info,
            ProjectStatus::Provisioning => Tone::Work,
            ProjectStatus::Ready => Tone::Ok,
            ProjectStatus::Failed => Tone::Bad,
            ProjectStatus::Deleting => Tone::Wait,
            ProjectStatus::Deleted | ProjectStatus::Unknown => Tone::Neutral,
        }
    }

    /// Its icon in the sprite.
    pub fn icon(self) -> &'static str {
        match self {
            ProjectStatus::Creating => "queue",
            ProjectStatus::Provisioning => "ring",
            ProjectStatus::Ready => "check",
            ProjectStatus::Failed => "cross",
            ProjectStatus::Deleting => "trash",
            ProjectStatus::Deleted => "ban",
            ProjectStatus::Unknown => "info",
        }
    }
}

/// The states of a job, spelled as everywhere else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum JobState {
    /// Not due yet.
    Scheduled,
    /// Waits for a worker.
    Queued,
    /// Waits for other jobs.
    Blocked,
    /// Leased to a worker.
    Active,
    /// Done.
    Completed,
    /// Failed once, will be tried again.
    Retrying,
    /// Out of tries: a dead letter, and shown as "Dead".
    Failed,
    /// Called off by a person.
    Canceled,
    /// A state this binary does not know.
    Unknown,
}

impl JobState {
    /// All known states.
    pub const ALL: [JobState; 8] = [
        JobState::Scheduled,
        JobState::Queued,
        JobState::Blocked,
        JobState::Active,
        JobState::Completed,
        JobState::Retrying,
        JobState::Failed,
        JobState::Canceled,
    ];

    /// Reads the stored spelling.
    pub fn from_name(name: &str) -> Self {
        Self::ALL.into_iter().find(|state| state.name() == name).unwrap_or(JobState::Unknown)
    }

    /// The stored spelling.
    pub fn name(self) -> &'static str {
        match self {
            JobState::Scheduled => "scheduled",
            JobState::Queued => "queued",
            JobState::Blocked => "blocked",
            JobState::Active => "active",
            JobState::Completed => "completed",
            JobState::Retrying => "retrying",
            JobState::Failed => "failed",
            JobState::Canceled => "canceled",
            JobState::Unknown => "unknown",
        }
    }

    /// The word on the screen.
    pub fn label(self) -> &'static str {
        match self {
            JobState::Scheduled => "Scheduled",
            JobState::Queued => "Queued",
            JobState::Blocked => "Blocked",
            JobState::Active => "Active",
            JobState::Completed => "Completed",
            JobState::Retrying => "Retrying",
            JobState::Failed => "Dead",
            JobState::Canceled => "Canceled",
            JobState::Unknown => "Unknown",
        }
    }

    /// Its colour.
    pub fn tone(self) -> Tone {
        match self {
            JobState::Scheduled | JobState::Canceled | JobState::Unknown => Tone::Neutral,
            JobState::Queued => Tone::Info,
            JobState::Blocked => Tone::Block,
            JobState::Active => Tone::Work,
            JobState::Completed => Tone::Ok,
            JobState::Retrying => Tone::Wait,
            JobState::Failed => Tone::Bad,
        }
    }

    /// Its icon in the sprite.
    pub fn icon(self) -> &'static str {
        match self {
            JobState::Scheduled => "clock",
            JobState::Queued => "queue",
            JobState::Blocked => "lock",
            JobState::Active => "ring",
            JobState::Completed => "check",
            JobState::Retrying => "retry",
            JobState::Failed => "skull",
            JobState::Canceled => "ban",
            JobState::Unknown => "info",
        }
    }

    /// What one may do to have it worked on again, as the word on the button; `None` where there is nothing to do.
    pub fn retry_word(self) -> Option<&'static str> {
        match self {
            JobState::Failed => Some("Replay"),
            JobState::Retrying => Some("Retry now"),
            JobState::Scheduled => Some("Start now"),
            _ => None,
        }
    }
}

/// How well a part is. Its mark differs in shape as well as colour: circle, triangle, square.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// As it should be.
    Ok,
    /// Works, but not as it should.
    Warn,
    /// Does not work.
    Bad,
}

impl Level {
    /// The class of the mark.
    pub fn class(self) -> &'static str {
        match self {
            Level::Ok => "dot",
            Level::Warn => "dot wait",
            Level::Bad => "dot bad",
        }
    }

    /// The word for those who do not see the mark.
    pub fn word(self) -> &'static str {
        match self {
            Level::Ok => "working",
            Level::Warn => "degraded",
            Level::Bad => "down",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_is_read_back_from_its_name() {
        for status in ProjectStatus::ALL {
            assert_eq!(ProjectStatus::from_name(status.name()), status);
        }
        for state in JobState::ALL {
            assert_eq!(JobState::from_name(state.name()), state);
        }
    }

    #[test]
    fn a_word_from_the_future_does_not_break_a_page() {
        assert_eq!(ProjectStatus::from_name("hibernating"), ProjectStatus::Unknown);
        assert_eq!(JobState::from_name(""), JobState::Unknown);
    }

    #[test]
    fn a_dead_letter_is_called_dead() {
        assert_eq!(JobState::from_name("failed").label(), "Dead");
    }
}
