//! Test-only: breaks one guard on purpose, to see that a test notices. A suite that passes without a guard does not test
//! it. Only a build with the feature `chaos` can be broken; in every other build this module compiles to nothing.
//!
//! A guard may stand in a statement or in a migration, and is cut out of the text of either; so a database that lacks one must be made
//! by a program that lacks it. Which guard is said by `PROVOST_MUTANT` for a whole process, or for one task by `sabotaged`. And a process can be told to
//! die at a moment that no signal from outside would hit: see [`Moment`].

#[cfg(not(feature = "chaos"))]
pub use sound::{Mutant, check, is_on, migration, pass, text};
#[cfg(feature = "chaos")]
pub use switches::{Mutant, check, guards, is_on, migration, pass, sabotaged, text};

/// Where a process dies when a file of that name appears in the folder `PROVOST_CHAOS_DEATHS`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// Jobs are claimed, and none of them has been started.
    Claimed,
    /// Work has ended, and its settlement has not been sent.
    Ended,
    /// Jobs are claimed for a worker elsewhere, and it has not been told.
    Delivered,
    /// A result from elsewhere is settled, and whoever brought it has not been told.
    Accepted,
    /// A schedule's time has come, and it has not been fired.
    Due,
    /// It is fired, and nobody has taken notice.
    Fired,
}

/// The code that it then ends with.
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

/// A build that cannot be broken.
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
    pub const fn migration<'a>(_: &str, text: &'a str) -> Cow<'a, str> {
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

    /// What can be broken. The names are those of the catalogue of seeded bugs.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub enum Mutant {
        /// M1: whoever settles, settles; nobody asks under which execution.
        SettleById,
        /// M2: a settlement asks only whether the job is active, not whose it is.
        SettleByState,
        /// M4: whoever ends a job does not lock what waits for it, and looks itself whether others are still to end.
        FanInByLooking,
        /// M5: workers look only when they are rung.
        NoPoll,
        /// M6: the reaper takes back what it saw lapsed, without looking again.
        StaleReaper,
        /// M7: the listener rings first, and listens then.
        ResyncBeforeListen,
        /// M8: leases are reckoned from the beginning of the transaction.
        TransactionTime,
        /// M9: a schedule fires what was seen to be due, without asking whether somebody else did, and no index forbids it.
        FireUnseen,
        /// M10: batches lock their rows in any order.
        UnorderedLocks,
        /// M11: the wakeup is rung before the commit, and outside of it.
        NotifyBeforeCommit,
        /// M12: only a failure that a worker reports counts; a lost worker costs nothing.
        LostWorkersAreFree,
        /// M13: a commit is answered before it is on disk.
        AsynchronousCommit,
        /// M14: a heartbeat asks only for the job, not for the execution.
        HeartbeatWithoutFence,
        /// M15: what does not finish within the grace of a stop is settled as failed.
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

    /// For each mutant and statement or migration, what is cut out of the text and what stands there instead.
    const CUTS: &[(Mutant, &str, &str, &str)] = &[
        (SettleById, "jobs/settle", " AND j.state = 'active' AND j.execution_id = asked.execution_id", ""),
        (SettleByState, "jobs/settle", " AND j.execution_id = asked.execution_id", ""),
        // What comes over HTTP meets the same guard before it comes to the statement.
        (SettleById, "executions/active", OF_ITS_EXECUTION, "j.id = $2 AND $1::uuid IS NOT NULL"),
        (SettleByState, "executions/active", OF_ITS_EXECUTION, "j.id = $2 AND $1::uuid IS NOT NULL"),
        (
            FanInByLooking,
            "functions/tell_dependents",
            "        PERFORM FROM jobs j WHERE j.id = ANY (kids) ORDER BY j.id FOR UPDATE;\n",
            "",
        ),
        (
            FanInByLooking,
            "functions/tell_dependents",
            "waits_for = j.waits_for - verdict.met",
            "waits_for = (SELECT count(*) FROM job_dependencies e JOIN jobs p ON p.id = e.depends_on
                             WHERE e.job_id = j.id AND p.state NOT IN ('completed', 'failed', 'canceled'))",
        ),
        (
            FanInByLooking,
            "functions/tell_dependents",
            "WHEN was.waits_for > verdict.met THEN 'blocked'",
            "WHEN EXISTS (SELECT FROM job_dependencies e JOIN jobs p ON p.id = e.depends_on
                                           WHERE e.job_id = j.id AND p.state NOT IN ('completed', 'failed', 'canceled')) THEN 'blocked'",
        ),
        (StaleReaper, "jobs/reap", "    FOR UPDATE OF jobs SKIP LOCKED\n", ""),
        (StaleReaper, "jobs/reap", " AND j.state = 'active' AND j.execution_id = lapsed.execution_id", ""),
        (StaleReaper, "jobs/reap", "AND j.lease_until = lapsed.lease_until", ""),
        (TransactionTime, "jobs/claim", "clock_timestamp()", "now()"),
        (TransactionTime, "jobs/heartbeat", "clock_timestamp()", "now()"),
        (FireUnseen, "schedules/fire", "turn = $2", "$2::bigint > 0"),
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
            "CREATE UNIQUE INDEX a_due_time_starts_once",
            "CREATE INDEX a_due_time_starts_once",
        ),
        (UnorderedLocks, "jobs/heartbeat", "ORDER BY j.id FOR", "ORDER BY j.id DESC FOR"),
        (NotifyBeforeCommit, "jobs/enqueue", ", $4)", ", $4 AND false)"),
        (LostWorkersAreFree, "jobs/reap", "j.failures + (outcome <> 'canceled')::integer", "j.failures"),
        (LostWorkersAreFree, "jobs/reap", "j.failures + 1 >= j.max_attempts", "j.failures >= j.max_attempts"),
        (AsynchronousCommit, "database/session", "'synchronous_commit', 'on'", "'synchronous_commit', 'off'"),
        (
            HeartbeatWithoutFence,
            "jobs/heartbeat",
            "j.id = asked.job_id AND j.execution_id = asked.execution_id",
            "j.id = asked.job_id",
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

    /// An unknown name is a mistake, not a sound program.
    pub fn check() -> Result<(), String> {
        OF_PROCESS.as_ref().map(drop).map_err(Clone::clone)
    }

    /// Passes this moment, or dies at it.
    pub fn pass(moment: super::Moment) {
        if let Some(folder) = DEATHS.as_ref()
            && std::fs::remove_file(folder.join(moment.as_str())).is_ok()
        {
            std::process::exit(super::DEATH);
        }
    }

    /// Every cut: the statement or the migration by its name, and what stands in it.
    pub fn guards() -> impl Iterator<Item = (&'static str, &'static str)> {
        CUTS.iter().map(|(_, name, guard, _)| (*name, *guard))
    }

    /// Does work with one guard broken.
    pub fn sabotaged<F: Future>(mutant: Mutant, work: F) -> impl Future<Output = F::Output> {
        OF_TASK.scope(mutant, work)
    }

    pub fn is_on(mutant: Mutant) -> bool {
        current() == Some(mutant)
    }

    /// The statement as it is prepared: with its guard cut out, when that one is broken.
    pub fn text(name: &'static str, text: &'static str) -> &'static str {
        let Some(mutant) = current().filter(|mutant| cuts(*mutant, name).next().is_some()) else { return text };
        let mut broken = BROKEN.lock().unwrap_or_else(PoisonError::into_inner);
        // One text for each mutant and statement, for the life of the process.
        broken.entry((mutant, name)).or_insert_with(|| cut(mutant, name, text).leak())
    }

    /// The migration as it is applied, likewise.
    pub fn migration<'a>(name: &str, text: &'a str) -> Cow<'a, str> {
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
