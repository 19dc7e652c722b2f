//! Compares the three books: what clients were promised, what workers did, what the database recorded.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Display;

use uuid::Uuid;

use crate::client::Ledger;
use crate::effects::Effect;
use crate::record::Record;
use crate::ticks::Ticks;

/// One line of the report: how many are not as promised. None may be.
pub struct Check {
    pub promise: &'static str,
    pub broken: usize,
    pub examples: Vec<String>,
}

/// Everything that is compared.
pub struct Books<'a> {
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

impl Books<'_> {
    /// The promises about jobs, one by one.
    pub fn checks(&self) -> Vec<Check> {
        vec![
            check("acknowledged jobs that are lost", self.lost()),
            check("jobs that nobody asked for", self.invented()),
            check("acknowledged jobs that did not end as they had to", self.ended_wrong()),
            check("jobs that are stuck", self.record.unfinished()),
            check("jobs that were settled not exactly once", self.settled_not_once()),
            check("settlements accepted from a stale execution", self.stale_accepted()),
            check("recorded results that no worker had achieved", self.unearned()),
            check("executions that the database does not know", self.unknown_executions()),
            check("executions that were started twice", self.started_twice()),
            check("further executions without a lapse or a failure", self.needless_executions()),
            check("work done and not recorded, though its lease was held", self.wasted()),
            check("follow-ups missing, or too many", self.follow_ups()),
        ]
    }

    /// How many executions are recorded as this process said that they ended.
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
        lost.map(|(id, wanted)| format!("{id} ({})", wanted.key)).chain(self.ledger.given_up.iter().cloned())
    }

    fn invented(&self) -> impl Iterator<Item = &Uuid> {
        let asked = |id: &Uuid| self.ledger.acked.contains_key(id) || self.ticks.jobs.contains_key(id);
        let step = |workflow: &Uuid| self.ledger.flows.contains_key(workflow);
        let jobs = self.record.jobs.iter().filter(move |(id, job)| {
            !asked(id) && !job.origin_id.as_ref().is_some_and(asked) && !job.workflow_id.as_ref().is_some_and(step)
        });
        jobs.map(|(id, _)| id).chain(self.record.workflows.keys().filter(move |id| !step(id)))
    }

    fn ended_wrong(&self) -> impl Iterator<Item = String> {
        self.ledger.acked.iter().filter_map(|(id, wanted)| {
            let job = self.record.jobs.get(id)?;
            let as_it_had_to = match job.state.as_str() {
                "completed" => !wanted.dies,
                "failed" => wanted.dies && job.error.as_deref() == Some("refused by design"),
                // Stuck, which is another promise.
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

    /// Whatever finished it must be its last execution, and the result must be that one's.
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

    fn unearned(&self) -> impl Iterator<Item = String> {
        self.record.jobs.iter().filter_map(|(id, job)| {
            let word = match job.state.as_str() {
                "completed" => "done",
                "failed" => "refused",
                _ => return None,
            };
            let effect = job.execution_id.and_then(|it| self.effects.get(&it));
            let earned = effect.is_some_and(|it| it.end.as_deref() == Some(word) && it.job == *id);
            (!earned).then(|| format!("{id}: {effect:?}"))
        })
    }

    fn unknown_executions(&self) -> impl Iterator<Item = &Uuid> {
        self.effects.keys().filter(|id| !self.record.executions.contains_key(id))
    }

    fn started_twice(&self) -> impl Iterator<Item = &Uuid> {
        self.effects.iter().filter(|(_, effect)| effect.starts != 1).map(|(id, _)| id)
    }

    /// Each execution that another one followed must have lapsed, been handed back, or failed as it was designed to.
    fn needless_executions(&self) -> impl Iterator<Item = String> {
        self.record.executions.iter().filter(|(_, it)| it.next_claim.is_some()).filter_map(|(id, it)| {
            let end = || self.effects.get(id).and_then(|effect| effect.end.as_deref());
            let replayed = || self.record.jobs.get(&it.job).is_some_and(|job| job.replays > 0);
            let by_design = || end() == Some("failed") || end() == Some("refused") && replayed();
            let fair = match it.outcome.as_deref() {
                // By the database's clock, the lease was over when it was taken back.
                Some("lease_expired") => {
                    it.lease_until.zip(it.ended_at).is_some_and(|(lease, end)| lease <= end + 1e-3)
                }
                Some("failed") => by_design(),
                outcome => outcome == Some("released"),
            };
            (!fair).then(|| format!("{id} of {}: {:?}", it.job, it.outcome))
        })
    }

    /// Whoever did the work to its end either has it recorded or had really lost its lease.
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
        let mut found: BTreeMap<Uuid, usize> = BTreeMap::new();
        self.record.jobs.values().filter_map(|job| job.origin_id).for_each(|it| *found.entry(it).or_default() += 1);
        self.ledger.acked.iter().filter_map(move |(id, wanted)| {
            let done = self.record.jobs.get(id).is_some_and(|job| job.state == "completed");
            let (expected, n) = (if done { wanted.next } else { 0 }, found.get(id).copied().unwrap_or_default());
            (n != expected).then(|| format!("{id}: {n} instead of {expected}"))
        })
    }
}

/// How soon after the end of its lease a job was claimed again.
pub struct Reclaims {
    /// Seconds, sorted, where nothing else stood in the way.
    pub plain: Vec<f64>,
    /// While the database was away, or just coming back.
    pub outage: Vec<f64>,
    /// Under a limit, or with a low priority: others may well go before.
    pub patient: Vec<f64>,
}

/// After an outage, a server may wait so long until it asks again.
const RECONNECT: f64 = 3.0;

impl Books<'_> {
    pub fn reclaims(&self) -> Reclaims {
        let mut reclaims = Reclaims { plain: Vec::new(), outage: Vec::new(), patient: Vec::new() };
        for execution in self.record.executions.values() {
            let Some((lease, claim)) = execution.lease_until.zip(execution.next_claim) else { continue };
            let away = self.outages.iter().any(|(from, to)| *from <= claim && lease <= to + RECONNECT);
            let patient = self.ledger.acked.get(&execution.job).is_some_and(|wanted| wanted.patient);
            match (away, patient) {
                (true, _) => reclaims.outage.push(claim - lease),
                (_, true) => reclaims.patient.push(claim - lease),
                _ => reclaims.plain.push(claim - lease),
            }
        }
        for times in [&mut reclaims.plain, &mut reclaims.outage, &mut reclaims.patient] {
            times.sort_by(f64::total_cmp);
        }
        reclaims
    }
}
