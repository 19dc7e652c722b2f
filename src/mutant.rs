//! Test-only fault injection. Mutants break one guard on purpose, to prove that a test notices: a suite that passes without
//! a guard does not test it. Fail points end the process at a moment that no signal from outside would hit. Only builds
//! with the feature `chaos` contain this; in all others the module compiles to nothing.
//!
//! Some guards are SQL, in a statement or a file of the schema, and are cut out of its text. A database without such a guard must be
//! created by a program without it. `PROVOST_MUTANT` selects a mutant for the process, `with_mutant` for one task.

#[cfg(feature = "chaos")]
pub use active::{
    Mutant, after_claim, before_settle, check, fail_point, guards, hold, is_on, polls, schema, text, with_mutant,
};
#[cfg(not(feature = "chaos"))]
pub use inactive::{Mutant, after_claim, before_settle, check, fail_point, hold, is_on, polls, schema, text};

/// Where the process exits when a file of that name exists in the directory `PROVOST_CHAOS_FAIL_POINTS`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailPoint {
    /// Jobs are claimed, and none has started.
    Claimed,
    /// An attempt has ended, and its settlement is not sent.
    Ended,
    /// Jobs are claimed for a remote worker, and the response is not sent.
    Delivered,
    /// The result of a remote worker is settled, and the response is not sent.
    Accepted,
    /// A schedule is due, and not fired.
    Due,
    /// A schedule was fired, and the result is not processed.
    Fired,
}

pub const EXIT_CODE: i32 = 86;

impl FailPoint {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Claimed => "claimed",
            Self::Ended => "ended",
            Self::Delivered => "delivered",
            Self::Accepted => "accepted",
            Self::Due => "due",
            Self::Fired => "fired",
        }
    }
}

/// Where a step of an operation waits while a file orders it to: see `hold`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HoldPoint {
    /// The step is recorded as running, and has not looked yet.
    Begun,
    /// The step has acted, and that is not recorded.
    Acted,
    /// The end of the step is recorded.
    Recorded,
}

impl HoldPoint {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Begun => "begun",
            Self::Acted => "acted",
            Self::Recorded => "recorded",
        }
    }
}

/// Builds without fault injection.
#[cfg(not(feature = "chaos"))]
mod inactive {
    use std::borrow::Cow;

    use crate::domain::Outcome;

    #[derive(Clone, Copy)]
    pub enum Mutant {
        ResyncBeforeListen,
        NotifyBeforeCommit,
        NoTakeover,
        SecretAfterRole,
    }

    #[inline(always)]
    pub const fn is_on(_: Mutant) -> bool {
        false
    }

    #[inline(always)]
    pub const fn polls() -> bool {
        true
    }

    #[inline(always)]
    pub const fn text(_: &'static str, text: &'static str) -> &'static str {
        text
    }

    #[inline(always)]
    pub const fn schema<'a>(_: &str, text: &'a str) -> Cow<'a, str> {
        Cow::Borrowed(text)
    }

    pub const fn check() -> Result<(), String> {
        Ok(())
    }

    #[inline(always)]
    pub const fn fail_point(_: super::FailPoint) {}

    #[inline(always)]
    pub async fn hold(_: &uuid::Uuid, _: &str, _: super::HoldPoint) {}

    #[inline(always)]
    pub const fn after_claim(_: usize) {}

    #[inline(always)]
    pub fn before_settle(outcome: Outcome) -> Outcome {
        outcome
    }
}

#[cfg(feature = "chaos")]
mod active {
    use std::borrow::Cow;
    use std::collections::HashMap;
    use std::future::Future;
    use std::path::PathBuf;
    use std::sync::{LazyLock, Mutex, PoisonError};

    use crate::domain::Outcome;

    /// The guards that can be broken, by their number in docs/chaos.md.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub enum Mutant {
        /// M1: a settlement checks neither the execution nor the state of the job.
        SettleById,
        /// M2: a settlement checks that the job is active, but not the execution.
        SettleByState,
        /// M4: the end of a job does not lock its dependents, and counts unfinished dependencies itself.
        FanInWithoutLock,
        /// M5: workers claim only after a wakeup.
        NoPoll,
        /// M6: the reaper does not check the lease again under the lock.
        StaleReaper,
        /// M7: the listener wakes everyone before it listens.
        ResyncBeforeListen,
        /// M8: leases count from the start of the transaction.
        TransactionTime,
        /// M9: a schedule fires without checking its revision, and no index prevents a second tick.
        FireWithoutRevision,
        /// M10: batches lock rows in no common order.
        UnorderedLocks,
        /// M11: the notification is sent before the commit.
        NotifyBeforeCommit,
        /// M12: an expired lease does not count as a failure.
        ExpiredLeasesAreNotCounted,
        /// M13: commits are acknowledged before they are on disk.
        AsynchronousCommit,
        /// M14: a heartbeat checks the job, but not the execution.
        HeartbeatWithoutFence,
        /// M15: work that does not finish within the shutdown grace fails.
        DrainFails,
        /// M16: an attempt works on a cluster without taking the lock of the project.
        NoTakeover,
        /// M17: the password of a credential is not stored before the role exists.
        SecretAfterRole,
    }

    use Mutant::*;

    const NAMES: &[(&str, Mutant)] = &[
        ("m1", SettleById),
        ("m2", SettleByState),
        ("m4", FanInWithoutLock),
        ("m5", NoPoll),
        ("m6", StaleReaper),
        ("m7", ResyncBeforeListen),
        ("m8", TransactionTime),
        ("m9", FireWithoutRevision),
        ("m10", UnorderedLocks),
        ("m11", NotifyBeforeCommit),
        ("m12", ExpiredLeasesAreNotCounted),
        ("m13", AsynchronousCommit),
        ("m14", HeartbeatWithoutFence),
        ("m15", DrainFails),
        ("m16", NoTakeover),
        ("m17", SecretAfterRole),
    ];

    const OF_ITS_EXECUTION: &str = "j.execution_id = $1::uuid AND ($2::uuid IS NULL OR j.id = $2)";

    /// For each mutant and statement or schema file: the text to cut, and its replacement.
    const CUTS: &[(Mutant, &str, &str, &str)] = &[
        (SettleById, "jobs/settle", " AND j.state = 'active' AND j.execution_id = requested.execution_id", ""),
        (SettleByState, "jobs/settle", " AND j.execution_id = requested.execution_id", ""),
        // Requests over HTTP meet the same guard before the statement.
        (SettleById, "executions/active", OF_ITS_EXECUTION, "j.id = $2 AND $1::uuid IS NOT NULL"),
        (SettleByState, "executions/active", OF_ITS_EXECUTION, "j.id = $2 AND $1::uuid IS NOT NULL"),
        (
            FanInWithoutLock,
            "functions/release_dependents",
            "        PERFORM FROM jobs j WHERE j.id = ANY (dependent_ids) ORDER BY j.id FOR UPDATE;\n",
            "",
        ),
        (
            FanInWithoutLock,
            "functions/release_dependents",
            "pending_dependencies = j.pending_dependencies - decision.satisfied",
            "pending_dependencies = (SELECT count(*) FROM job_dependencies e JOIN jobs p ON p.id = e.depends_on
                             WHERE e.job_id = j.id AND p.state NOT IN ('completed', 'failed', 'canceled'))",
        ),
        (
            FanInWithoutLock,
            "functions/release_dependents",
            "WHEN before.pending_dependencies > decision.satisfied THEN 'blocked'",
            "WHEN EXISTS (SELECT FROM job_dependencies e JOIN jobs p ON p.id = e.depends_on
                                           WHERE e.job_id = j.id AND p.state NOT IN ('completed', 'failed', 'canceled')) THEN 'blocked'",
        ),
        (StaleReaper, "jobs/reap", "    FOR UPDATE OF jobs SKIP LOCKED\n", ""),
        (StaleReaper, "jobs/reap", " AND j.state = 'active' AND j.execution_id = expired.execution_id", ""),
        (StaleReaper, "jobs/reap", "AND j.lease_until = expired.lease_until", ""),
        (TransactionTime, "jobs/claim", "clock_timestamp()", "now()"),
        (TransactionTime, "jobs/heartbeat", "clock_timestamp()", "now()"),
        (FireWithoutRevision, "schedules/fire", "revision = $2", "$2::bigint > 0"),
        (FireWithoutRevision, "schedules/fire", " FOR UPDATE SKIP LOCKED", ""),
        (
            FireWithoutRevision,
            "schedules/fire",
            "WHERE NOT EXISTS (SELECT FROM ticks t WHERE t.schedule_id = $1 AND t.due_at = w.due_at AND t.outcome = 'fired')",
            "",
        ),
        (FireWithoutRevision, "schedules/fire", "ON CONFLICT (schedule_id, due_at) WHERE outcome = 'fired' DO NOTHING", ""),
        (
            FireWithoutRevision,
            "tables/schedules",
            "CREATE UNIQUE INDEX ticks_fired_once",
            "CREATE INDEX ticks_fired_once",
        ),
        (UnorderedLocks, "jobs/heartbeat", "ORDER BY j.id FOR", "ORDER BY j.id DESC FOR"),
        (NotifyBeforeCommit, "jobs/enqueue", ", $4)", ", $4 AND false)"),
        (ExpiredLeasesAreNotCounted, "jobs/reap", "j.failures + (outcome <> 'canceled')::integer", "j.failures"),
        (ExpiredLeasesAreNotCounted, "jobs/reap", "j.failures + 1 >= j.max_attempts", "j.failures >= j.max_attempts"),
        (AsynchronousCommit, "database/session", "'synchronous_commit', 'on'", "'synchronous_commit', 'off'"),
        (
            HeartbeatWithoutFence,
            "jobs/heartbeat",
            "j.id = requested.job_id AND j.execution_id = requested.execution_id",
            "j.id = requested.job_id",
        ),
    ];

    static FAIL_POINTS: LazyLock<Option<PathBuf>> =
        LazyLock::new(|| std::env::var_os("PROVOST_CHAOS_FAIL_POINTS").map(Into::into));

    static OF_PROCESS: LazyLock<Result<Option<Mutant>, String>> = LazyLock::new(|| {
        let Some(name) = std::env::var("PROVOST_MUTANT").ok().filter(|it| !it.is_empty()) else { return Ok(None) };
        let known = NAMES.iter().find(|(known, _)| *known == name).map(|(_, mutant)| *mutant);
        known.map(Some).ok_or_else(|| format!("PROVOST_MUTANT must be one of {}", names()))
    });

    tokio::task_local! { static OF_TASK: Mutant; }

    static BROKEN: LazyLock<Mutex<HashMap<(Mutant, &'static str), &'static str>>> = LazyLock::new(Mutex::default);

    fn names() -> String {
        NAMES.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
    }

    fn current() -> Option<Mutant> {
        OF_TASK.try_with(|mutant| *mutant).ok().or_else(|| OF_PROCESS.as_ref().ok().copied().flatten())
    }

    /// Rejects an unknown name in `PROVOST_MUTANT`.
    pub fn check() -> Result<(), String> {
        OF_PROCESS.as_ref().map(drop).map_err(Clone::clone)
    }

    /// Exits if the file of this fail point exists.
    pub fn fail_point(point: super::FailPoint) {
        if let Some(directory) = FAIL_POINTS.as_ref()
            && std::fs::remove_file(directory.join(point.as_str())).is_ok()
        {
            std::process::exit(super::EXIT_CODE);
        }
    }

    /// Waits if the file `<project>.<step>.<point>` exists. It is renamed to `….held`, so that one attempt takes the order; the attempt
    /// goes on when that file is gone.
    pub async fn hold(project: &uuid::Uuid, step: &str, point: super::HoldPoint) {
        let Some(directory) = FAIL_POINTS.as_ref() else { return };
        let name = format!("{project}.{step}.{}", point.as_str());
        let held = directory.join(format!("{name}.held"));
        if std::fs::rename(directory.join(name), &held).is_ok() {
            while held.exists() {
                tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            }
        }
    }

    pub fn after_claim(jobs: usize) {
        if jobs > 0 {
            fail_point(super::FailPoint::Claimed);
        }
    }

    pub fn before_settle(outcome: Outcome) -> Outcome {
        fail_point(super::FailPoint::Ended);
        match outcome {
            Outcome::Released if is_on(DrainFails) => Outcome::fatal("the worker stopped"),
            outcome => outcome,
        }
    }

    /// Whether workers poll.
    pub fn polls() -> bool {
        !is_on(NoPoll)
    }

    /// All cuts: the name of the statement or schema file, and the text to cut.
    pub fn guards() -> impl Iterator<Item = (&'static str, &'static str)> {
        CUTS.iter().map(|(_, name, guard, _)| (*name, *guard))
    }

    /// Runs a future with one guard broken.
    pub fn with_mutant<F: Future>(mutant: Mutant, work: F) -> impl Future<Output = F::Output> {
        OF_TASK.scope(mutant, work)
    }

    pub fn is_on(mutant: Mutant) -> bool {
        current() == Some(mutant)
    }

    /// The text of a statement, without the broken guard.
    pub fn text(name: &'static str, text: &'static str) -> &'static str {
        let Some(mutant) = current().filter(|mutant| cuts(*mutant, name).next().is_some()) else { return text };
        let mut broken = BROKEN.lock().unwrap_or_else(PoisonError::into_inner);
        // Leaks one text per mutant and statement.
        broken.entry((mutant, name)).or_insert_with(|| cut(mutant, name, text).leak())
    }

    /// The text of a schema file, without the broken guard.
    pub fn schema<'a>(name: &str, text: &'a str) -> Cow<'a, str> {
        current().map_or(Cow::Borrowed(text), |mutant| Cow::Owned(cut(mutant, name, text)))
    }

    fn cuts(mutant: Mutant, name: &str) -> impl Iterator<Item = (&'static str, &'static str)> {
        let of = CUTS.iter().filter(move |(whose, statement, ..)| *whose == mutant && *statement == name);
        of.map(|(_, _, guard, instead)| (*guard, *instead))
    }

    fn cut(mutant: Mutant, name: &str, text: &str) -> String {
        cuts(mutant, name).fold(text.to_owned(), |text, (guard, instead)| text.replace(guard, instead))
    }
}
