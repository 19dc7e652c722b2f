//! Compares the three records: what clients were promised, what workers did, what the database recorded.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Display;

use uuid::Uuid;

use crate::client::Ledger;
use crate::effects::Effect;
use crate::record::Record;
use crate::ticks::Ticks;

/// One promise of the report, with its violations.
pub struct Check {
    pub promise: &'static str,
    pub broken: usize,
    pub examples: Vec<String>,
}

/// The records to compare.
pub struct Records<'a> {
    pub ledger: &'a Ledger,
    pub effects: &'a HashMap<Uuid, Effect>,
    pub record: &'a Record,
    pub ticks: &'a Ticks,
    pub outages: &'a [(f64, f64)],
}

pub fn check<T: Display>(promise: &'static str, broken: impl IntoIterator<Item = T>) -> Check {
    let broken: Vec<String> = broken.into_iter().map(|it| it.to_string()).collect();
    Check { promise, broken: broken.len(), examples: broken.into_iter().take(5).collect() }
}

impl Records<'_> {
    /// The promises about jobs.
    pub fn checks(&self) -> Vec<Check> {
        vec![
            check("acknowledged jobs that are lost", self.lost()),
            check("jobs that were never requested", self.unrequested()),
            check("acknowledged jobs with a wrong outcome", self.ended_wrong()),
            check("jobs that are stuck", self.record.unfinished()),
            check("jobs not settled exactly once", self.settled_not_once()),
            check("settlements accepted from a stale execution", self.stale_accepted()),
            check("recorded results without work", self.results_without_work()),
            check("executions unknown to the database", self.unknown_executions()),
            check("executions started twice", self.started_twice()),
            check("retries without an expired lease or a failure", self.needless_executions()),
            check("work done under a lease but not recorded", self.wasted()),
            check("missing or extra follow-ups", self.follow_ups()),
        ]
    }

    /// How many executions are recorded with the outcome that this process reported.
    pub fn settled_by(&self, name: &str) -> usize {
        let theirs = self.effects.iter().filter(|(_, effect)| effect.by == name && effect.end.is_some());
        let settled = |id: &Uuid| {
            let outcome = self.record.executions.get(id).and_then(|it| it.outcome.as_deref());
            matches!(outcome, Some("completed" | "failed"))
        };
        theirs.filter(|(id, _)| settled(id)).count()
    }

    fn lost(&self) -> impl Iterator<Item = String> {
        let lost = self.ledger.acked.iter().filter(|(id, _)| !self.record.jobs.contains_key(id));
        lost.map(|(id, planned)| format!("{id} ({})", planned.key)).chain(self.ledger.given_up.iter().cloned())
    }

    fn unrequested(&self) -> impl Iterator<Item = &Uuid> {
        let requested = |id: &Uuid| self.ledger.acked.contains_key(id) || self.ticks.jobs.contains_key(id);
        let step = |workflow: &Uuid| self.ledger.flows.contains_key(workflow);
        let jobs = self.record.jobs.iter().filter(move |(id, job)| {
            !requested(id)
                && !job.origin_id.as_ref().is_some_and(requested)
                && !job.workflow_id.as_ref().is_some_and(step)
        });
        jobs.map(|(id, _)| id).chain(self.record.workflows.keys().filter(move |id| !step(id)))
    }

    fn ended_wrong(&self) -> impl Iterator<Item = String> {
        self.ledger.acked.iter().filter_map(|(id, planned)| {
            let job = self.record.jobs.get(id)?;
            let as_it_had_to = match job.state.as_str() {
                "completed" => !planned.dies,
                "failed" => planned.dies && job.error.as_deref() == Some("refused by design"),
                // A stuck job is another promise.
                _ => job.state != "canceled",
            };
            (!as_it_had_to).then(|| format!("{id} is {}: {:?}", job.state, job.error))
        })
    }

    fn settled_not_once(&self) -> impl Iterator<Item = String> {
        self.record.jobs.iter().filter_map(|(id, job)| {
            let finished = usize::from(matches!(job.state.as_str(), "completed" | "failed" | "canceled"));
            (job.finishes.len() != finished).then(|| format!("{id}: {} times", job.finishes.len()))
        })
    }

    /// A job must be finished by its last execution, whose result it holds.
    fn stale_accepted(&self) -> impl Iterator<Item = String> {
        self.record.jobs.iter().filter_map(|(id, job)| {
            let stale = job.finishes.iter().any(|execution| *execution != job.execution_id);
            let theirs = job.result.as_ref().map(|text| text.trim_matches('"').parse().ok());
            let foreign = job.state == "completed" && theirs != Some(job.execution_id);
            let completed = self.record.completed.get(id).map_or(&[][..], Vec::as_slice);
            let twice = completed.iter().any(|it| Some(*it) != job.execution_id);
            (stale || foreign || twice).then(|| {
                let whose = job.execution_id.and_then(|it| self.effects.get(&it)).map(|it| &it.by);
                format!("{id}: finished by {:?}, holds {:?} of {whose:?}", job.finishes, job.execution_id)
            })
        })
    }

    fn results_without_work(&self) -> impl Iterator<Item = String> {
        self.record.jobs.iter().filter_map(|(id, job)| {
            let word = match job.state.as_str() {
                "completed" => "done",
                "failed" => "refused",
                _ => return None,
            };
            let effect = job.execution_id.and_then(|it| self.effects.get(&it));
            let worked = effect.is_some_and(|it| it.end.as_deref() == Some(word) && it.job == *id);
            (!worked).then(|| format!("{id}: {effect:?}"))
        })
    }

    fn unknown_executions(&self) -> impl Iterator<Item = &Uuid> {
        self.effects.keys().filter(|id| !self.record.executions.contains_key(id))
    }

    fn started_twice(&self) -> impl Iterator<Item = &Uuid> {
        self.effects.iter().filter(|(_, effect)| effect.starts != 1).map(|(id, _)| id)
    }

    /// Each execution with a successor must have expired, been released, or failed by design.
    fn needless_executions(&self) -> impl Iterator<Item = String> {
        self.record.executions.iter().filter(|(_, it)| it.next_claim.is_some()).filter_map(|(id, it)| {
            let end = || self.effects.get(id).and_then(|effect| effect.end.as_deref());
            let replayed = || self.record.jobs.get(&it.job).is_some_and(|job| job.replays > 0);
            let by_design = || end() == Some("failed") || end() == Some("refused") && replayed();
            let fair = match it.outcome.as_deref() {
                // The lease must have expired by the clock of the database.
                Some("lease_expired") => {
                    it.lease_until.zip(it.ended_at).is_some_and(|(lease, end)| lease <= end + 1e-3)
                }
                Some("failed") => by_design(),
                outcome => outcome == Some("released"),
            };
            (!fair).then(|| format!("{id} of {}: {:?}", it.job, it.outcome))
        })
    }

    /// Completed work is recorded, unless its lease was lost.
    fn wasted(&self) -> impl Iterator<Item = String> {
        self.effects.iter().filter(|(_, effect)| effect.end.is_some()).filter_map(|(id, effect)| {
            let recorded = self.record.executions.get(id)?.outcome.as_deref().unwrap_or("open");
            let expected = match effect.end.as_deref() {
                Some("done") => "completed",
                _ => "failed",
            };
            (recorded != expected && recorded != "lease_expired").then(|| format!("{id}: {recorded}"))
        })
    }

    fn follow_ups(&self) -> impl Iterator<Item = String> {
        let mut counts: BTreeMap<Uuid, usize> = BTreeMap::new();
        self.record.jobs.values().filter_map(|job| job.origin_id).for_each(|it| *counts.entry(it).or_default() += 1);
        self.ledger.acked.iter().filter_map(move |(id, planned)| {
            let done = self.record.jobs.get(id).is_some_and(|job| job.state == "completed");
            let (expected, n) = (if done { planned.next } else { 0 }, counts.get(id).copied().unwrap_or_default());
            (n != expected).then(|| format!("{id}: {n} instead of {expected}"))
        })
    }
}

/// The delays between the end of a lease and the next claim.
pub struct Reclaims {
    /// Sorted seconds without other causes of delay.
    pub plain: Vec<f64>,
    /// During or just after an outage.
    pub outage: Vec<f64>,
    /// Under a limit, or with a low priority.
    pub held_back: Vec<f64>,
}

/// How long a server may wait before it reconnects, in seconds.
const RECONNECT: f64 = 3.0;

impl Records<'_> {
    pub fn reclaims(&self) -> Reclaims {
        let mut reclaims = Reclaims { plain: Vec::new(), outage: Vec::new(), held_back: Vec::new() };
        for execution in self.record.executions.values() {
            let Some((lease, claim)) = execution.lease_until.zip(execution.next_claim) else { continue };
            let unavailable = self.outages.iter().any(|(from, to)| *from <= claim && lease <= to + RECONNECT);
            let held_back = self.ledger.acked.get(&execution.job).is_some_and(|planned| planned.held_back);
            match (unavailable, held_back) {
                (true, _) => reclaims.outage.push(claim - lease),
                (_, true) => reclaims.held_back.push(claim - lease),
                _ => reclaims.plain.push(claim - lease),
            }
        }
        for times in [&mut reclaims.plain, &mut reclaims.outage, &mut reclaims.held_back] {
            times.sort_by(f64::total_cmp);
        }
        reclaims
    }
}
