//! The rules: what is valid, and what happens next. Pure functions and types; no I/O, no clock, no state.

pub mod cluster;
pub mod database;
pub mod extensions;
pub mod histogram;
pub mod ident;
pub mod job;
pub mod labels;
pub mod moment;
pub mod name;
pub mod new_job;
pub mod observation;
pub mod parameters;
pub mod progress;
pub mod project;
pub mod queue;
pub mod retry;
pub mod schedule;
pub mod search;
pub mod settle;
pub mod workflow;

pub use database::{Outage, Pooling};
pub use ident::Ident;
pub use job::JobState;
pub use labels::Labels;
pub use name::ProjectName;
pub use new_job::{Due, JobKey, NewJob};
pub use observation::{Difference, FindingKind, Found, Health, OrphanVerb};
pub use parameters::Parameters;
pub use progress::Progress;
pub use project::{OperationKind, ProjectStatus, ProjectVerb, StepState};
pub use queue::{LimitMode, LimitScope, QueueState, WorkerState};
pub use retry::Backoff;
pub use settle::{Budget, FollowUp, Outcome, Settlement};
pub use workflow::{Dependency, NewWorkflow, Policy, Step, WorkflowState};

/// An enum whose variants have exactly one spelling in the database, in JSON and on pages.
macro_rules! string_enum {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name { $($(#[$vdoc])* $variant),+ }

        impl $name {
            /// Every variant, in declaration order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The spelling in the database and in JSON.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            pub fn parse(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|it| it.as_str() == word)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}
pub(crate) use string_enum;
