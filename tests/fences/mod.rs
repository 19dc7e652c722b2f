//! The fault matrix of provisioning: every step of every operation, interrupted at every part, by every fault. Afterwards the cluster
//! holds exactly what the projects say, and nothing that arrives late changes that. See `docs/chaos.md`.

#[allow(dead_code, reason = "the chaos program uses all of it")]
pub mod flood;
mod matrix;
mod observe;
mod play;
mod stage;
mod statements;
mod truth;

use std::fmt::{self, Display};

use provost::domain::{OperationKind, ProjectStatus};

pub use matrix::run;
pub use play::Finding;
pub use stage::Stage;
pub use truth::{Truth, database_of};

/// An enum with a word for each variant.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name { $($(#[$vdoc])* $variant),+ }

        impl $name {
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

words! {
    /// The part of a step that is interrupted.
    Point {
        /// The step is recorded as running, and nothing has reached the cluster.
        Before = "before",
        /// A statement is on its way to the cluster. It arrives after everything else, even if its client is gone.
        During = "during",
        /// The first statement was executed, and the second one is on its way, as above. Only for steps of several statements.
        Between = "between",
        /// The cluster executes the statement, and ends it after everything else. Only for `CREATE DATABASE`.
        Inside = "inside",
        /// The step has acted, and that is not recorded.
        After = "after",
        /// The end of the step is recorded.
        Recorded = "recorded",
    }
}

words! {
    Fault {
        /// `kill -9` of the worker.
        Kill = "kill",
        /// The worker is frozen until everything else has ended, and then goes on.
        Freeze = "freeze",
        /// `pg_terminate_backend` of the worker's sessions in the cluster.
        Terminate = "terminate",
        /// The cluster crashes and recovers.
        Restart = "restart",
    }
}

/// One case of the matrix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell {
    pub operation: OperationKind,
    pub step: String,
    pub point: Point,
    pub fault: Fault,
}

impl Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {} {}", self.operation, self.step, self.point, self.fault)
    }
}

/// The operation that follows in a cell, so that what arrives late would be wrong then.
pub const fn next(operation: OperationKind) -> Option<OperationKind> {
    match operation {
        OperationKind::Create | OperationKind::Clone | OperationKind::Adopt | OperationKind::Rotate => {
            Some(OperationKind::Delete)
        }
        OperationKind::Update => Some(OperationKind::Update),
        OperationKind::Pause => Some(OperationKind::Resume),
        OperationKind::Resume => Some(OperationKind::Pause),
        OperationKind::Retire => Some(OperationKind::Restore),
        OperationKind::Restore => Some(OperationKind::Retire),
        OperationKind::Delete => None,
    }
}

/// The status in which an operation starts; `None` for a project that does not exist yet.
pub fn first_status(operation: OperationKind) -> Option<ProjectStatus> {
    match operation {
        OperationKind::Create | OperationKind::Clone => None,
        _ => operation.statuses().allowed_from.first().copied(),
    }
}

/// A subset of the matrix, by names; an empty list selects all.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    pub operations: Vec<String>,
    pub steps: Vec<String>,
    pub points: Vec<String>,
    pub faults: Vec<String>,
    /// Orders the cells.
    pub seed: u64,
    /// The guard that the workers omit.
    pub mutant: Option<String>,
}

impl Selection {
    /// Reads the command line of the chaos program.
    pub fn read(mut words: impl Iterator<Item = String>) -> Self {
        let mut selection = Self { seed: 7, ..Self::default() };
        while let Some(word) = words.next() {
            let list = match word.as_str() {
                "--operation" => &mut selection.operations,
                "--step" => &mut selection.steps,
                "--point" => &mut selection.points,
                "--fault" => &mut selection.faults,
                "--seed" => {
                    selection.seed = words.next().and_then(|it| it.parse().ok()).unwrap_or(selection.seed);
                    continue;
                }
                "--mutant" => {
                    selection.mutant = words.next();
                    continue;
                }
                _ => continue,
            };
            list.extend(words.next().unwrap_or_default().split(',').map(str::to_owned));
        }
        selection
    }

    /// The command that repeats the run.
    pub fn command(&self) -> String {
        let mut command = format!("cargo test --features chaos --test chaos -- fences --seed {}", self.seed);
        for (option, words) in [
            ("operation", &self.operations),
            ("step", &self.steps),
            ("point", &self.points),
            ("fault", &self.faults),
            ("mutant", &self.mutant.iter().cloned().collect()),
        ] {
            if !words.is_empty() {
                command.push_str(&format!(" --{option} {}", words.join(",")));
            }
        }
        command
    }

    pub fn includes(&self, cell: &Cell) -> bool {
        let any = |words: &[String], word: &str| words.is_empty() || words.iter().any(|it| it == word);
        any(&self.operations, cell.operation.as_str())
            && any(&self.steps, &cell.step)
            && any(&self.points, cell.point.as_str())
            && any(&self.faults, cell.fault.as_str())
    }
}
