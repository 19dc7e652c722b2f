//! Invariants of the database. Each is a file in `sql/invariants` that selects violations; the first sentence of its
//! comment describes it. The check only reads, so it can run on any database at any time.

use futures_util::{TryStreamExt, pin_mut};
use tokio_postgres::types::Type;
use tokio_postgres::{Client, IsolationLevel, Transaction};

use super::migrate::newest;
use super::sql::{DATABASE_EXAMINING_SESSION, DATABASE_SCHEMA, DATABASE_VERSION, Statement};
use super::{ConnectError, Connector};

/// How many violations are kept as examples.
const MAX_EXAMPLES: usize = 5;

macro_rules! invariants {
    ($($name:literal),+ $(,)?) => {
        /// Every invariant. A statement returns one row with an `id` for each violation.
        pub const INVARIANTS: &[Statement] = &[$(
            Statement::new($name, include_str!(concat!("../../sql/invariants/", $name, ".sql")))
        ),+];
    };
}

invariants! {
    "active_jobs_have_one_execution",
    "active_projects_have_one_job",
    "attempts_have_no_gaps",
    "blocked_jobs_can_be_unblocked",
    "completed_operations_have_done_steps",
    "concurrency_limits_are_kept",
    "dead_letters_have_a_reason",
    "deleted_projects_have_no_secrets",
    "dependencies_match_job_flags",
    "dependencies_match_outcomes",
    "dependents_run_after_dependencies",
    "due_jobs_are_claimed",
    "due_times_are_handled",
    "due_times_start_once",
    "entities_match_events",
    "events_are_continuous",
    "every_job_exists_once",
    "executions_do_not_overlap",
    "expired_leases_are_reclaimed_soon",
    "finished_jobs_hold_no_lease",
    "generated_ids_are_new",
    "idempotency_keys_have_one_job",
    "job_counters_are_exact",
    "jobs_finish_once",
    "jobs_match_events",
    "leases_are_not_overdue",
    "pending_dependencies_are_counted",
    "project_counters_are_exact",
    "projects_are_not_overdue",
    "projects_match_events",
    "provision_stats_match_events",
    "rate_limits_are_kept",
    "retry_budgets_are_kept",
    "schedules_advance",
    "settlements_are_fenced",
    "steps_end_with_their_job",
    "terraform_locks_have_a_holder",
    "ticks_have_their_jobs",
    "times_are_in_order",
    "waiting_jobs_have_a_lane",
    "workflows_match_events",
    "workflows_match_steps",
}

/// The result of checking one invariant.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The name of the file in `sql/invariants`.
    pub name: &'static str,
    /// What a violation is.
    pub sentence: String,
    /// Violations may occur for a while under load, so they are reported but do not fail the check.
    pub for_information: bool,
    /// How many violations there are.
    pub n: u64,
    /// The ids of the first few violations.
    pub examples: Vec<String>,
}

impl Finding {
    /// Whether the database is damaged.
    pub fn is_broken(&self) -> bool {
        self.n > 0 && !self.for_information
    }
}

/// Why a database could not be examined.
#[derive(Debug, thiserror::Error)]
pub enum ExamineError {
    #[error("the database cannot be reached")]
    Unreachable(#[source] ConnectError),
    #[error("the connection was lost")]
    Lost(#[source] tokio_postgres::Error),
    #[error("the database has no schema yet: run `provost migrate` to create it")]
    Empty,
    #[error(
        "the database schema has version {current}, but this program checks version {known}: use the matching version of provost"
    )]
    OtherVersion { current: i32, known: i32 },
    #[error("the invariant {name} could not be checked")]
    Failed { name: &'static str, source: tokio_postgres::Error },
}

/// Checks every invariant on a connection of its own, in one snapshot, so that concurrent work cannot affect the result.
pub async fn examine(connector: &Connector) -> Result<Vec<Finding>, ExamineError> {
    let (mut client, connection) =
        connector.clone().named("provost doctor").connect().await.map_err(ExamineError::Unreachable)?;
    tokio::select! {
        findings = check_all(&mut client) => findings,
        closed = connection => match closed {
            Err(error) => Err(ExamineError::Lost(error)),
            // Without an error the connection ends only after the client is dropped.
            Ok(()) => std::future::pending().await,
        },
    }
}

async fn check_all(client: &mut Client) -> Result<Vec<Finding>, ExamineError> {
    let failed = |name| move |source| ExamineError::Failed { name, source };
    // Everything is in one transaction: a pooler may run the next one in another session.
    let snapshot = client.build_transaction().isolation_level(IsolationLevel::RepeatableRead).read_only(true);
    let snapshot = snapshot.start().await.map_err(ExamineError::Lost)?;
    check_version(&snapshot).await?;
    snapshot.batch_execute(DATABASE_EXAMINING_SESSION.text).await.map_err(failed(DATABASE_EXAMINING_SESSION.name))?;
    let mut findings = Vec::with_capacity(INVARIANTS.len());
    for statement in INVARIANTS {
        findings.push(check(&snapshot, statement).await.map_err(failed(statement.name))?);
    }
    Ok(findings)
}

async fn check_version(snapshot: &Transaction<'_>) -> Result<(), ExamineError> {
    let row = snapshot.query_typed_one(DATABASE_SCHEMA.text, &[]).await.map_err(ExamineError::Lost)?;
    if !row.try_get::<_, bool>("migrated").map_err(ExamineError::Lost)? {
        return Err(ExamineError::Empty);
    }
    let row = snapshot.query_typed_one(DATABASE_VERSION.text, &[]).await.map_err(ExamineError::Lost)?;
    let number = |name| row.try_get::<_, Option<i32>>(name).map(Option::unwrap_or_default).map_err(ExamineError::Lost);
    let (current, supports, known) = (number("version")?, number("supports")?, newest());
    if (supports..=current).contains(&known) { Ok(()) } else { Err(ExamineError::OtherVersion { current, known }) }
}

/// Reads row by row, because a damaged database may have millions of violations.
async fn check(snapshot: &Transaction<'_>, statement: &Statement) -> Result<Finding, tokio_postgres::Error> {
    let rows = snapshot.query_typed_raw(statement.text, std::iter::empty::<(i32, Type)>()).await?;
    pin_mut!(rows);
    let (mut n, mut examples) = (0, Vec::new());
    while let Some(row) = rows.try_next().await? {
        n += 1;
        if examples.len() < MAX_EXAMPLES {
            examples.push(row.try_get::<_, Option<String>>("id")?.unwrap_or_default());
        }
    }
    let sentence = sentence(statement.text);
    let for_information = sentence.starts_with("Few ");
    Ok(Finding { name: statement.name, sentence, for_information, n, examples })
}

/// The first sentence of a statement's comment.
fn sentence(text: &str) -> String {
    let comment = text.lines().map_while(|line| line.strip_prefix("-- ")).collect::<Vec<_>>().join(" ");
    comment.split_once(". ").map_or(comment.clone(), |(first, _)| format!("{first}."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_invariant_begins_with_one_sentence() {
        for statement in INVARIANTS {
            let said = sentence(statement.text);
            let begins = ["No ", "Every ", "Few "].iter().any(|word| said.starts_with(word));
            assert!(begins && said.ends_with('.'), "{}: {said}", statement.name);
        }
    }
}
