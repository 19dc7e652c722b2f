//! What the last statements have shown about the database. Readiness comes from this: a database that answers may still accept no work.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use time::OffsetDateTime;

use super::StoreError;
use super::sql::Statement;
use crate::domain::Outage;
use crate::log::chain;

/// The status of the database, as this process has found it.
#[derive(Debug, Default)]
pub struct DatabaseStatus(Mutex<State>);

#[derive(Clone, Debug, Default)]
struct State {
    written_at: Option<OffsetDateTime>,
    is_pooled: bool,
    trouble: Option<Trouble>,
}

/// Why statements fail.
#[derive(Clone, Debug)]
pub struct Trouble {
    pub outage: Outage,
    /// The message of the server, or what else went wrong.
    pub cause: String,
    pub since: OffsetDateTime,
    /// The latest failure.
    pub last: OffsetDateTime,
}

/// How long a refusal counts that only another change can disprove.
const LATELY: Duration = Duration::from_secs(30);

impl DatabaseStatus {
    /// Why statements fail, until one of the same kind succeeds.
    pub fn trouble(&self) -> Option<Trouble> {
        let trouble = self.state().trouble.clone()?;
        let is_over = only_changes_tell(trouble.outage) && OffsetDateTime::now_utc() - trouble.last > LATELY;
        (!is_over).then_some(trouble)
    }

    /// When a statement last changed something.
    pub fn written_at(&self) -> Option<OffsetDateTime> {
        self.state().written_at
    }

    /// Whether a pooler shares the sessions of the database.
    pub fn is_pooled(&self) -> bool {
        self.state().is_pooled
    }

    pub(super) fn succeeded(&self, statement: &Statement, session: SessionKind) {
        let mut state = self.state();
        state.is_pooled = session.is_pooled;
        if !session.is_writable {
            state.trouble(Outage::ReadOnly, || "the session is read-only".to_owned());
            return;
        }
        if statement.writes || !state.trouble.as_ref().is_some_and(|it| only_changes_tell(it.outage)) {
            state.trouble = None;
        }
        if statement.writes {
            state.written_at = Some(OffsetDateTime::now_utc());
        }
    }

    /// A statement was given up without an answer.
    pub(super) fn given_up(&self, statement: &Statement) {
        if statement.writes {
            self.state().trouble(Outage::Unresponsive, || format!("no answer to {}", statement.name));
        }
    }

    pub(super) fn failed(&self, error: StoreError) -> StoreError {
        if let Some(outage) = error.outage() {
            self.state().trouble(outage, || chain(&error));
        }
        error
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn trouble(&mut self, outage: Outage, cause: impl FnOnce() -> String) {
        let now = OffsetDateTime::now_utc();
        match &mut self.trouble {
            Some(known) if known.outage == outage => known.last = now,
            other => *other = Some(Trouble { outage, cause: cause(), since: now, last: now }),
        }
    }
}

/// Whether a database in this trouble still answers queries.
const fn only_changes_tell(outage: Outage) -> bool {
    matches!(outage, Outage::StorageFull | Outage::MissingPrivilege | Outage::Unresponsive)
}

/// What the session of a statement is.
#[derive(Clone, Copy, Debug)]
pub struct SessionKind {
    pub is_writable: bool,
    pub is_pooled: bool,
}
