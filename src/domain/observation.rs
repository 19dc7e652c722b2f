//! What is known about a project beside its status.

use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use super::string_enum;

string_enum! {
    /// Whether what a project consists of works.
    Health {
        Healthy = "healthy",
        Unhealthy = "unhealthy",
        /// Not looked at, or not reachable.
        Unknown = "unknown",
    }
}

impl Health {
    /// The status of the condition `healthy`.
    pub const fn as_condition(self) -> &'static str {
        match self {
            Self::Healthy => "true",
            Self::Unhealthy => "false",
            Self::Unknown => "unknown",
        }
    }

    /// The health for a status of the condition `healthy`.
    pub fn of_condition(status: Option<&str>) -> Self {
        match status {
            Some("true") => Self::Healthy,
            Some("false") => Self::Unhealthy,
            _ => Self::Unknown,
        }
    }
}

string_enum! {
    /// How what exists differs from what the projects say.
    FindingKind {
        /// It should exist and does not.
        Missing = "missing",
        /// It exists in another form.
        Changed = "changed",
        /// It belongs to a project that does not know it.
        Added = "added",
        /// It has our mark, and its project does not exist.
        Orphaned = "orphaned",
        /// A crash or an interrupted statement left it behind.
        Residue = "residue",
    }
}

impl serde::Serialize for FindingKind {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// A difference between what a project says and what exists.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    pub kind: FindingKind,
    /// What it is about, such as `database p_01j7…`.
    pub object: String,
    /// A sentence without a capital letter and a full stop.
    pub message: String,
}

impl Difference {
    pub fn new(kind: FindingKind, object: impl Into<String>, message: impl Into<String>) -> Self {
        Self { kind, object: object.into(), message: message.into() }
    }
}

/// Something that exists in a cluster and is marked as this installation's, or that a crash left behind.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Found {
    pub kind: FindingKind,
    /// The project that the mark names.
    pub project: Option<Uuid>,
    pub object: String,
    pub message: String,
    /// The outputs that identify what exists, for the operation that takes it up.
    pub known: Value,
}

string_enum! {
    /// What can be done with an orphan.
    OrphanVerb {
        /// It becomes a project again.
        Adopt = "adopt",
        /// It goes out of service, and is removed after a grace time.
        Quarantine = "quarantine",
        Remove = "remove",
    }
}
