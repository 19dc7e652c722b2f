//! The report at the end.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::check::{Check, Reclaims, Records};
use crate::flows::Flows;
use crate::nemesis::{Side, TargetedFault};
use crate::options::Options;
use crate::remote;

pub struct Report<'a> {
    pub options: &'a Options,
    pub faults: &'a BTreeMap<TargetedFault, usize>,
    pub records: &'a Records<'a>,
    pub flows: &'a Flows<'a>,
    pub reclaims: &'a Reclaims,
    /// Total; from the first job until idle; from the last acknowledgment until idle.
    pub times: [Duration; 3],
    pub became_idle: bool,
    /// Operations on projects that were acknowledged.
    pub operations: usize,
}

impl Report<'_> {
    /// Prints the report. Returns whether every check passed.
    pub fn print(&self, checks: &[Check]) -> bool {
        self.print_work();
        self.print_reclaims();
        println!("\npromises (each must be 0)");
        for check in checks {
            let mark = if check.broken == 0 { "" } else { "   BROKEN" };
            println!("  {:58} {:>6}{mark}", check.promise, check.broken);
            check.examples.iter().for_each(|example| println!("      {example}"));
        }
        let kept = checks.iter().all(|check| check.broken == 0);
        let verdict = if kept { "every promise was kept" } else { "PROMISES WERE BROKEN" };
        println!("\n{verdict}; to repeat this run:\n  {}", self.options.command());
        kept
    }

    fn print_work(&self) {
        let Records { ledger, effects, record, ticks, outages } = self.records;
        let [total, worked, idle] = self.times.map(|it| it.as_secs_f64());
        let mut outcomes: BTreeMap<&str, usize> = BTreeMap::new();
        for execution in record.executions.values() {
            *outcomes.entry(execution.outcome.as_deref().unwrap_or("open")).or_default() += 1;
        }
        let faults = |side: Side| {
            let theirs = || self.faults.iter().filter(move |((of, _), _)| *of == side);
            let n: usize = theirs().map(|(_, n)| n).sum();
            format!("{n}: {}", words(theirs().map(|((_, fault), n)| (format!("{fault:?}").to_lowercase(), n))))
        };
        let unavailable = outages.iter().map(|(from, to)| to - from).fold(0.0, |sum, it| sum + it);
        let completed_twice = self.done_twice();
        println!("\nfaults    on servers {}", faults(Side::Server));
        println!("          on remote workers {}", faults(Side::Remote));
        println!("database  unavailable or slow {} times, {unavailable:.1} s in total", outages.len());
        println!(
            "requests  {}: {} acknowledged, {} answered with 503, {} unknown, {} recovered by their key",
            ledger.requests,
            ledger.acked.len() + ledger.flows.len(),
            ledger.refused,
            ledger.unknown,
            ledger.recovered
        );
        println!(
            "jobs      {} ({} follow-ups, {} steps of workflows, {} by schedules)",
            record.jobs.len(),
            record.jobs.values().filter(|job| job.origin_id.is_some()).count(),
            record.jobs.values().filter(|job| job.step.is_some()).count(),
            ticks.jobs.len()
        );
        println!(
            "ticks     expected {}, missed {}, started twice {}",
            ticks.expected,
            ticks.missed.len(),
            ticks.started_twice.len()
        );
        println!(
            "workflows {}, stuck {}, unblocked twice {}; {}",
            record.workflows.len(),
            self.flows.stuck().count(),
            self.flows.released(|n, planned| n > planned).count(),
            words(states(record.workflows.values()).iter())
        );
        println!("projects  {} operations", self.operations);
        println!("executions {}: {}", record.executions.len(), words(outcomes.iter()));
        let remote = (0..self.options.remotes).map(remote::name).map(|name| (self.records.settled_by(&name), name));
        println!("remote    {}", words(remote.map(|(n, name)| (format!("settled by {name}"), n))));
        println!(
            "effects   {} started, {} finished, {completed_twice} repeated",
            effects.len(),
            effects.values().filter(|it| it.end.is_some()).count()
        );
        println!(
            "time      {total:.0} s in total, {worked:.0} s until idle, the last {idle:.1} s without new jobs{}",
            if self.became_idle { "" } else { " (not idle when the time was up)" }
        );
    }

    /// How often completed work was done again, which at-least-once delivery allows.
    fn done_twice(&self) -> usize {
        let mut done: BTreeMap<_, usize> = BTreeMap::new();
        let effects = self.records.effects.values().filter(|it| it.end.as_deref() == Some("done"));
        effects.for_each(|it| *done.entry(it.job).or_default() += 1);
        done.values().map(|n| n - 1).sum()
    }

    fn print_reclaims(&self) {
        println!("\nfrom the end of a lease to the next claim (s)         n      p50      p99     p100");
        let Reclaims { plain, outage, held_back } = self.reclaims;
        for (what, times) in [
            ("otherwise undisturbed", plain),
            ("while the database was unavailable", outage),
            ("under a limit, or with a low priority", held_back),
        ] {
            let at = |share: f64| {
                times
                    .get(((times.len().max(1) - 1) as f64 * share).round() as usize)
                    .map_or("-".into(), |it| format!("{it:.2}"))
            };
            println!("  {what:46} {:>6} {:>8} {:>8} {:>8}", times.len(), at(0.5), at(0.99), at(1.0));
        }
    }
}

fn states<'a>(all: impl Iterator<Item = &'a String>) -> BTreeMap<&'a str, usize> {
    let mut counts = BTreeMap::new();
    all.for_each(|state| *counts.entry(state.as_str()).or_default() += 1);
    counts
}

fn words(pairs: impl Iterator<Item = (impl std::fmt::Display, impl std::fmt::Display)>) -> String {
    pairs.map(|(word, n)| format!("{n} {word}")).collect::<Vec<_>>().join(", ")
}
