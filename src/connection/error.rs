//! Why no connection was opened.

use std::time::Duration;

/// Every host that was tried, and why it was not used.
#[derive(Debug)]
pub struct ConnectError(pub(super) Vec<Failed>);

/// A host that was not used.
#[derive(Debug)]
pub(super) struct Failed {
    pub address: String,
    pub reason: Reason,
}

#[derive(Debug)]
pub(super) enum Reason {
    /// Its name could not be looked up.
    Unknown(std::io::Error),
    /// It did not answer in time.
    Silent(Duration),
    Refused(tokio_postgres::Error),
    /// It is a standby, or read-only by its settings, and the URL asks for another one.
    ReadOnly,
    /// Its sessions skip triggers.
    SkipsTriggers,
}

impl ConnectError {
    /// A server that refused after the connection was open.
    pub fn refused(connector: &super::Connector, error: tokio_postgres::Error) -> Self {
        Self(vec![Failed { address: connector.address(), reason: Reason::Refused(error) }])
    }

    /// A server whose sessions skip triggers.
    pub(super) fn skips_triggers(connector: &super::Connector) -> Self {
        Self(vec![Failed { address: connector.address(), reason: Reason::SkipsTriggers }])
    }

    /// Whether sessions skip triggers.
    pub fn is_without_triggers(&self) -> bool {
        self.0.iter().any(|it| matches!(it.reason, Reason::SkipsTriggers))
    }

    /// A server that stopped answering after the connection was open.
    pub fn silent(connector: &super::Connector) -> Self {
        Self(vec![Failed { address: connector.address(), reason: Reason::Silent(connector.timeout()) }])
    }

    /// The error of the server that answered last.
    pub fn refusal(&self) -> Option<&tokio_postgres::Error> {
        self.0.iter().rev().find_map(|it| match &it.reason {
            Reason::Refused(error) if error.code().is_some() => Some(error),
            _ => None,
        })
    }

    /// Whether some server answered, and none accepts writes.
    pub fn is_read_only(&self) -> bool {
        self.0.iter().any(|it| matches!(it.reason, Reason::ReadOnly))
    }
}

impl std::fmt::Display for ConnectError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (at, failed) in self.0.iter().enumerate() {
            let separator = if at == 0 { "" } else { "; " };
            write!(f, "{separator}{}: {}", failed.address, failed.reason)?;
        }
        Ok(())
    }
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unknown(error) => write!(f, "the name cannot be looked up: {error}"),
            Self::Silent(limit) => write!(f, "no answer within {}", humantime::format_duration(*limit)),
            Self::Refused(error) => f.write_str(&crate::log::chain(error)),
            Self::ReadOnly => f.write_str("the server accepts no writes"),
            Self::SkipsTriggers => f.write_str("session_replication_role is not origin, so triggers are off"),
        }
    }
}

impl std::error::Error for ConnectError {}
