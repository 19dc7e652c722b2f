//! What is never the case in a database of ours, whatever happened to it. One file each in `sql/invariants`; the first
//! sentence of its comment says what it is. Reads only, so it may be asked of any database at any time.

use futures_util::{TryStreamExt, pin_mut};
use tokio_postgres::{Client, IsolationLevel, Transaction};

use super::Connector;
use super::migrate::newest;
use super::sql::{DATABASE_EXAMINING_SESSION, DATABASE_SCHEMA, DATABASE_VERSION, Statement};

/// How many of the rows that must not be are kept as examples.
const EXAMPLES: usize = 5;

macro_rules! invariants {
    ($($name:literal),+ $(,)?) => {
        /// All of them. Each answers with one row for each thing that is not as it must be: its id.
        pub const INVARIANTS: &[Statement] = &[$(
            Statement { name: $name, text: include_str!(concat!("../../sql/invariants/", $name, ".sql")) }
        ),+];
    };
}

invariants! {
    "active_jobs_have_one_execution",
    "active_projects_have_one_job",
    "attempts_have_no_gaps",
    "blocked_jobs_can_be_unblocked",
    "concurrency_limits_are_kept",
    "dead_letters_have_a_reason",
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
    "finished_jobs_hold_no_lease",
    "idempotency_keys_have_one_job",
    "job_counters_are_exact",
    "jobs_finish_once",
    "jobs_match_events",
    "lapsed_jobs_are_reclaimed_soon",
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
    "ticks_have_their_jobs",
    "times_are_in_order",
    "waiting_jobs_have_a_lane",
    "workflows_match_events",
    "workflows_match_steps",
}

/// What one of them found.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The name of the file.
    pub name: &'static str,
    /// What is never (or seldom) the case.
    pub sentence: String,
    /// Whether it is only worth knowing: the engine keeps it when nothing else is in its way.
    pub for_information: bool,
    pub n: u64,
    /// The ids of the first few.
    pub examples: Vec<String>,
}

impl Finding {
    /// Whether the database is not as it must be.
    pub fn is_broken(&self) -> bool {
        self.n > 0 && !self.for_information
    }
}

/// Why a database could not be examined.
#[derive(Debug, thiserror::Error)]
pub enum ExamineError {
    #[error("the database cannot be reached")]
    Unreachable(#[source] tokio_postgres::Error),
    #[error("there is nothing of ours in this database yet: `provost migrate` makes it")]
    Empty,
    #[error("the database's schema is at version {found}, and this program examines version {known}")]
    OtherVersion { found: i32, known: i32 },
    #[error("{name} could not be asked")]
    Failed { name: &'static str, source: tokio_postgres::Error },
}

/// Asks all of them, on a connection of its own and of one moment: a snapshot that no work going on can blur.
pub async fn examine(connector: &Connector) -> Result<Vec<Finding>, ExamineError> {
    let (mut client, connection) = connector.connect().await.map_err(ExamineError::Unreachable)?;
    tokio::select! {
        found = ask_all(&mut client) => found,
        lost = connection => match lost {
            Err(error) => Err(ExamineError::Unreachable(error)),
            // The connection only ends by itself when the client is gone, which it is not.
            Ok(()) => std::future::pending().await,
        },
    }
}

async fn ask_all(client: &mut Client) -> Result<Vec<Finding>, ExamineError> {
    check_version(client).await?;
    let failed = |name| move |source| ExamineError::Failed { name, source };
    client.batch_execute(DATABASE_EXAMINING_SESSION.text).await.map_err(failed(DATABASE_EXAMINING_SESSION.name))?;
    let moment = client.build_transaction().isolation_level(IsolationLevel::RepeatableRead).read_only(true);
    let moment = moment.start().await.map_err(ExamineError::Unreachable)?;
    let mut findings = Vec::with_capacity(INVARIANTS.len());
    for statement in INVARIANTS {
        findings.push(ask(&moment, statement).await.map_err(failed(statement.name))?);
    }
    Ok(findings)
}

async fn check_version(client: &Client) -> Result<(), ExamineError> {
    let row = client.query_one(DATABASE_SCHEMA.text, &[]).await.map_err(ExamineError::Unreachable)?;
    if !row.try_get::<_, bool>("migrated").map_err(ExamineError::Unreachable)? {
        return Err(ExamineError::Empty);
    }
    let row = client.query_one(DATABASE_VERSION.text, &[]).await.map_err(ExamineError::Unreachable)?;
    let found = row.try_get::<_, Option<i32>>("version").map_err(ExamineError::Unreachable)?.unwrap_or_default();
    let known = newest();
    if found == known { Ok(()) } else { Err(ExamineError::OtherVersion { found, known }) }
}

/// Row by row, because what is badly broken may have millions of them.
async fn ask(moment: &Transaction<'_>, statement: &Statement) -> Result<Finding, tokio_postgres::Error> {
    let rows = moment.query_raw(statement.text, std::iter::empty::<i32>()).await?;
    pin_mut!(rows);
    let (mut n, mut examples) = (0, Vec::new());
    while let Some(row) = rows.try_next().await? {
        n += 1;
        if examples.len() < EXAMPLES {
            examples.push(row.try_get::<_, Option<String>>("id")?.unwrap_or_default());
        }
    }
    let sentence = sentence(statement.text);
    let for_information = sentence.starts_with("Rarely ");
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
            let begins = said.starts_with("No ") || said.starts_with("Rarely ");
            assert!(begins && said.ends_with('.'), "{}: {said}", statement.name);
        }
    }
}
