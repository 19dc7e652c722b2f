//! How queues, workers and attempts look: always a word, an icon and a colour together.

use crate::web::dashboard::ui::status::Tone;

/// The states of a queue, spelled as everywhere else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum QueueState {
    /// Jobs are taken from it.
    Active,
    /// Jobs are accepted and wait.
    Paused,
    /// New jobs are refused, waiting ones are worked off.
    Draining,
    /// A state this binary does not know.
    Unknown,
}

impl QueueState {
    /// All known states.
    pub const ALL: [QueueState; 3] = [QueueState::Active, QueueState::Paused, QueueState::Draining];

    /// Reads the stored spelling.
    pub fn from_name(name: &str) -> Self {
        Self::ALL.into_iter().find(|state| state.name() == name).unwrap_or(QueueState::Unknown)
    }

    /// The stored spelling.
    pub fn name(self) -> &'static str {
        match self {
            QueueState::Active => "active",
            QueueState::Paused => "paused",
            QueueState::Draining => "draining",
            QueueState::Unknown => "unknown",
        }
    }

    /// The word on the screen.
    pub fn label(self) -> &'static str {
        match self {
            QueueState::Active => "Active",
            QueueState::Paused => "Paused",
            QueueState::Draining => "Draining",
            QueueState::Unknown => "Unknown",
        }
    }

    /// Its colour.
    pub fn tone(self) -> Tone {
        match self {
            QueueState::Active => Tone::Ok,
            QueueState::Paused | QueueState::Draining => Tone::Wait,
            QueueState::Unknown => Tone::Neutral,
        }
    }

    /// Its icon in the sprite.
    pub fn icon(self) -> &'static str {
        match self {
            QueueState::Active => "check",
            QueueState::Paused => "pause",
            QueueState::Draining => "funnel",
            QueueState::Unknown => "info",
        }
    }
}

/// The states of a worker, spelled as everywhere else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WorkerState {
    /// Takes jobs.
    Online,
    /// Finishes what it has and takes no more.
    Cordoned,
    /// Finishes or hands back what it has, and takes no more.
    Draining,
    /// Has been silent for longer than a lease lasts.
    Lost,
    /// A state this binary does not know.
    Unknown,
}

impl WorkerState {
    /// All known states, in the order of the tabs.
    pub const ALL: [WorkerState; 4] =
        [WorkerState::Online, WorkerState::Cordoned, WorkerState::Draining, WorkerState::Lost];

    /// Reads the stored spelling.
    pub fn from_name(name: &str) -> Self {
        Self::ALL.into_iter().find(|state| state.name() == name).unwrap_or(WorkerState::Unknown)
    }

    /// The stored spelling.
    pub fn name(self) -> &'static str {
        match self {
            WorkerState::Online => "online",
            WorkerState::Cordoned => "cordoned",
            WorkerState::Draining => "draining",
            WorkerState::Lost => "lost",
            WorkerState::Unknown => "unknown",
        }
    }

    /// The word on the screen.
    pub fn label(self) -> &'static str {
        match self {
            WorkerState::Online => "Online",
            WorkerState::Cordoned => "Cordoned",
            WorkerState::Draining => "Draining",
            WorkerState::Lost => "Lost",
            WorkerState::Unknown => "Unknown",
        }
    }

    /// Its colour.
    pub fn tone(self) -> Tone {
        match self {
            WorkerState::Online => Tone::Ok,
            WorkerState::Cordoned | WorkerState::Draining => Tone::Wait,
            WorkerState::Lost => Tone::Bad,
            WorkerState::Unknown => Tone::Neutral,
        }
    }

    /// Its icon in the sprite.
    pub fn icon(self) -> &'static str {
        match self {
            WorkerState::Online => "check",
            WorkerState::Cordoned => "warn",
            WorkerState::Draining => "funnel",
            WorkerState::Lost => "cross",
            WorkerState::Unknown => "info",
        }
    }
}

/// How one attempt ended, spelled as everywhere else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// It has not ended.
    Running,
    /// Done.
    Completed,
    /// The worker reported an error.
    Failed,
    /// It took longer than it may.
    TimedOut,
    /// The worker asked for another time, which costs nothing.
    Snoozed,
    /// The worker handed it back, which costs nothing.
    Released,
    /// The worker fell silent.
    LeaseExpired,
    /// Called off by a person.
    Canceled,
    /// An outcome this binary does not know.
    Unknown,
}

impl Outcome {
    /// All known ways to end.
    pub const ALL: [Outcome; 7] = [
        Outcome::Completed,
        Outcome::Failed,
        Outcome::TimedOut,
        Outcome::LeaseExpired,
        Outcome::Snoozed,
        Outcome::Released,
        Outcome::Canceled,
    ];

    /// Reads the stored spelling; an attempt without an outcome is still running.
    pub fn from_name(name: Option<&str>) -> Self {
        let Some(name) = name else { return Outcome::Running };
        Self::ALL.into_iter().find(|outcome| outcome.name() == name).unwrap_or(Outcome::Unknown)
    }

    /// The stored spelling.
    pub fn name(self) -> &'static str {
        match self {
            Outcome::Running => "",
            Outcome::Completed => "completed",
            Outcome::Failed => "failed",
            Outcome::TimedOut => "timed_out",
            Outcome::Snoozed => "snoozed",
            Outcome::Released => "released",
            Outcome::LeaseExpired => "lease_expired",
            Outcome::Canceled => "canceled",
            Outcome::Unknown => "unknown",
        }
    }

    /// The words on the screen.
    pub fn label(self) -> &'static str {
        match self {
            Outcome::Running => "Running",
            Outcome::Completed => "Completed",
            Outcome::Failed => "Failed",
            Outcome::TimedOut => "Timed out",
            Outcome::Snoozed => "Snoozed",
            Outcome::Released => "Handed back",
            Outcome::LeaseExpired => "Lease ended",
            Outcome::Canceled => "Canceled",
            Outcome::Unknown => "Unknown",
        }
    }

    /// Its colour.
    pub fn tone(self) -> Tone {
        match self {
            Outcome::Running => Tone::Work,
            Outcome::Completed => Tone::Ok,
            Outcome::Failed | Outcome::TimedOut => Tone::Bad,
            Outcome::LeaseExpired => Tone::Wait,
            Outcome::Snoozed | Outcome::Released | Outcome::Canceled | Outcome::Unknown => Tone::Neutral,
        }
    }

    /// Its icon in the sprite.
    pub fn icon(self) -> &'static str {
        match self {
            Outcome::Running => "ring",
            Outcome::Completed => "check",
            Outcome::Failed => "cross",
            Outcome::TimedOut | Outcome::Snoozed => "clock",
            Outcome::Released => "queue",
            Outcome::LeaseExpired => "warn",
            Outcome::Canceled => "ban",
            Outcome::Unknown => "info",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_is_read_back_from_its_name() {
        for state in QueueState::ALL {
            assert_eq!(QueueState::from_name(state.name()), state);
        }
        for state in WorkerState::ALL {
            assert_eq!(WorkerState::from_name(state.name()), state);
        }
        for outcome in Outcome::ALL {
            assert_eq!(Outcome::from_name(Some(outcome.name())), outcome);
        }
    }

    #[test]
    fn a_word_from_the_future_does_not_break_a_page() {
        assert_eq!(QueueState::from_name("frozen"), QueueState::Unknown);
        assert_eq!(WorkerState::from_name(""), WorkerState::Unknown);
        assert_eq!(Outcome::from_name(Some("exploded")), Outcome::Unknown);
        assert_eq!(Outcome::from_name(None), Outcome::Running);
    }
}
