//! Test-only: removes one guard, to prove that a test catches it. Only builds with the feature `chaos` contain mutants; in every
//! other build this module compiles to nothing.
//!
//! A guard in a statement or in a file of the schema is replaced in its text, so a database without a guard must be migrated by a
//! program without it. `PROVOST_MUTANT` selects the mutant of a process, [`sabotaged`] that of one task. A process can also be made
//! to exit at a point that no signal would hit: see [`Moment`].

#[cfg(not(feature = "chaos"))]
pub use sound::{Mutant, check, is_on, pass, schema, text};
#[cfg(feature = "chaos")]
pub use switches::{Mutant, check, guards, is_on, pass, sabotaged, schema, text};

/// Where a process exits if a file of that name exists in the folder `PROVOST_CHAOS_DEATHS`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// Jobs are claimed, but not started.
    Claimed,
    /// An attempt has ended, but its settlement has not been sent.
    Ended,
    /// Jobs are claimed for a remote worker, but not delivered.
    Delivered,
    /// A remote result is settled, but not acknowledged.
    Accepted,
    /// A schedule is due, but not fired.
    Due,
    /// A schedule is fired, but the scheduler has not processed the result.
    Fired,
}

/// The exit code.
pub const DEATH: i32 = 86;

impl Moment {
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

/// A build without mutants.
#[cfg(not(feature = "chaos"))]
mod sound {
    use std::borrow::Cow;

    #[derive(Clone, Copy)]
    pub enum Mutant {
        NoPoll,
        ResyncBeforeListen,
        NotifyBeforeCommit,
        DrainFails,
    }

    #[inline(always)]
    pub const fn is_on(_: Mutant) -> bool {
        false
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
    pub const fn pass(_: super::Moment) {}
}

#[cfg(feature = "chaos")]
mod switches {
    use std::borrow::Cow;
    use std::collections::HashMap;
    use std::future::Future;
    use std::path::PathBuf;
    use std::sync::{LazyLock, Mutex, PoisonError};

    /// The mutants, named as in the catalogue.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub enum Mutant {
        /// M1: a settlement does not check the execution id.
        SettleById,
        /// M2: a settlement checks only that the job is active.
        SettleByState,
        /// M4: the end of a job does not lock its dependents, and counts their open dependencies instead.
        FanInByLooking,
        /// M5: workers do not poll.
        NoPoll,
        /// M6: the reaper does not check a lapsed lease again.
        StaleReaper,
        /// M7: the listener resyncs before it listens.
        ResyncBeforeListen,
        /// M8: leases start at the beginning of the transaction.
        TransactionTime,
        /// M9: a schedule fires without checking its revision, and no index prevents a second start.
        FireUnseen,
        /// M10: batches lock their rows in another order.
        UnorderedLocks,
        /// M11: the wakeup is sent before the commit.
        NotifyBeforeCommit,
        /// M12: a lost worker does not count as a failure.
        LostWorkersAreFree,
        /// M13: a commit is acknowledged before it is on disk.
        AsynchronousCommit,
        /// M14: a heartbeat does not check the execution id.
        HeartbeatWithoutFence,
        /// M15: jobs that do not finish within the shutdown grace are settled as failed.
        DrainFails,
    }

    use Mutant::*;

    const NAMES: &[(&str, Mutant)] = &[
        ("m1", SettleById),
        ("m2", SettleByState),
        ("m4", FanInByLooking),
        ("m5", NoPoll),
        ("m6", StaleReaper),
        ("m7", ResyncBeforeListen),
        ("m8", TransactionTime),
        ("m9", FireUnseen),
        ("m10", UnorderedLocks),
        ("m11", NotifyBeforeCommit),
        ("m12", LostWorkersAreFree),
        ("m13", AsynchronousCommit),
        ("m14", HeartbeatWithoutFence),
        ("m15", DrainFails),
    ];

    const OF_ITS_EXECUTION: &str = "j.execution_id = $1::uuid AND ($2::uuid IS NULL OR j.id = $2)";

    /// Mutant, name of a statement or a file of the schema, guard, replacement.
    const CUTS: &[(Mutant, &str, &str, &str)] = &[
        (SettleById, "jobs/settle", " AND j.state = 'active' AND j.execution_id = requested.execution_id", ""),
        (SettleByState, "jobs/settle", " AND j.execution_id = requested.execution_id", ""),
        // The HTTP API checks the same guard before it settles.
        (SettleById, "executions/active", OF_ITS_EXECUTION, "j.id = $2 AND $1::uuid IS NOT NULL"),
        (SettleByState, "executions/active", OF_ITS_EXECUTION, "j.id = $2 AND $1::uuid IS NOT NULL"),
        (
            FanInByLooking,
            "functions/release_dependents",
            "        PERFORM FROM jobs j WHERE j.id = ANY (dependent_ids) ORDER BY j.id FOR UPDATE;\n",
            "",
        ),
        (
            FanInByLooking,
            "functions/release_dependents",
            "pending_dependencies = j.pending_dependencies - decision.satisfied",
            "pending_dependencies = (SELECT count(*) FROM job_dependencies e JOIN jobs p ON p.id = e.depends_on
                             WHERE e.job_id = j.id AND p.state NOT IN ('completed', 'failed', 'canceled'))",
        ),
        (
            FanInByLooking,
            "functions/release_dependents",
            "WHEN before.pending_dependencies > decision.satisfied THEN 'blocked'",
            "WHEN EXISTS (SELECT FROM job_dependencies e JOIN jobs p ON p.id = e.depends_on
                                           WHERE e.job_id = j.id AND p.state NOT IN ('completed', 'failed', 'canceled')) THEN 'blocked'",
        ),
        (StaleReaper, "jobs/reap", "    FOR UPDATE OF jobs SKIP LOCKED\n", ""),
        (StaleReaper, "jobs/reap", " AND j.state = 'active' AND j.execution_id = lapsed.execution_id", ""),
        (StaleReaper, "jobs/reap", "AND j.lease_until = lapsed.lease_until", ""),
        (TransactionTime, "jobs/claim", "clock_timestamp()", "now()"),
        (TransactionTime, "jobs/heartbeat", "clock_timestamp()", "now()"),
        (FireUnseen, "schedules/fire", "revision = $2", "$2::bigint > 0"),
        (FireUnseen, "schedules/fire", " FOR UPDATE SKIP LOCKED", ""),
        (
            FireUnseen,
            "schedules/fire",
            "WHERE NOT EXISTS (SELECT FROM ticks t WHERE t.schedule_id = $1 AND t.due_at = w.due_at AND t.outcome = 'fired')",
            "",
        ),
        (FireUnseen, "schedules/fire", "ON CONFLICT (schedule_id, due_at) WHERE outcome = 'fired' DO NOTHING", ""),
        (
            FireUnseen,
            "tables/schedules",
            "CREATE UNIQUE INDEX ticks_fired_once",
            "CREATE INDEX ticks_fired_once",
        ),
        (UnorderedLocks, "jobs/heartbeat", "ORDER BY j.id FOR", "ORDER BY j.id DESC FOR"),
        (NotifyBeforeCommit, "jobs/enqueue", ", $4)", ", $4 AND false)"),
        (LostWorkersAreFree, "jobs/reap", "j.failures + (outcome <> 'canceled')::integer", "j.failures"),
        (LostWorkersAreFree, "jobs/reap", "j.failures + 1 >= j.max_attempts", "j.failures >= j.max_attempts"),
        (AsynchronousCommit, "database/session", "'synchronous_commit', 'on'", "'synchronous_commit', 'off'"),
        (
            HeartbeatWithoutFence,
            "jobs/heartbeat",
            "j.id = requested.job_id AND j.execution_id = requested.execution_id",
            "j.id = requested.job_id",
        ),
    ];

    static DEATHS: LazyLock<Option<PathBuf>> =
        LazyLock::new(|| std::env::var_os("PROVOST_CHAOS_DEATHS").map(Into::into));

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

    /// Rejects an unknown mutant.
    pub fn check() -> Result<(), String> {
        OF_PROCESS.as_ref().map(drop).map_err(Clone::clone)
    }

    /// Exits the process if its file for this moment exists.
    pub fn pass(moment: super::Moment) {
        if let Some(folder) = DEATHS.as_ref()
            && std::fs::remove_file(folder.join(moment.as_str())).is_ok()
        {
            std::process::exit(super::DEATH);
        }
    }

    /// Every guard, with the name of its statement or file.
    pub fn guards() -> impl Iterator<Item = (&'static str, &'static str)> {
        CUTS.iter().map(|(_, name, guard, _)| (*name, *guard))
    }

    /// Runs work with one mutant.
    pub fn sabotaged<F: Future>(mutant: Mutant, work: F) -> impl Future<Output = F::Output> {
        OF_TASK.scope(mutant, work)
    }

    pub fn is_on(mutant: Mutant) -> bool {
        current() == Some(mutant)
    }

    /// The text of a statement, without its guard if that mutant is on.
    pub fn text(name: &'static str, text: &'static str) -> &'static str {
        let Some(mutant) = current().filter(|mutant| cuts(*mutant, name).next().is_some()) else { return text };
        let mut broken = BROKEN.lock().unwrap_or_else(PoisonError::into_inner);
        // One text per mutant and statement is kept for the life of the process.
        broken.entry((mutant, name)).or_insert_with(|| cut(mutant, name, text).leak())
    }

    /// The text of a file of the schema, likewise.
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
