//! What is known about a job, in words.

use crate::domain::new_job::TOP_PRIORITY;
use crate::domain::retry::Strategy;
use crate::domain::{Backoff, JobState, Progress};
use crate::store::jobs::Job;
use crate::web::dashboard::jobs::page::Known;
use crate::web::dashboard::jobs::view::{HowFar, JobFacts};
use crate::web::dashboard::ui::{Holder, JobLink, Link, duration, links, short_id, stamp};

pub fn facts(known: &Known) -> JobFacts {
    let job = &known.job;
    JobFacts {
        queue: links::queue(&job.queue),
        tenant: job.tenant.clone(),
        tags: job.tags.clone(),
        priority: priority(job.priority),
        attempt: if job.attempt == 0 { "none yet".to_owned() } else { job.attempt.to_string() },
        failures: format!("{} of {} spent", job.failures, job.max_attempts),
        timeout: job.timeout.map(|it| format!("{} an attempt", duration(it.as_secs_f64()))),
        deadline: job.deadline_at.map(stamp),
        backoff: backoff(job.backoff.unwrap_or_default()),
        lease: holder(job),
        idempotency_key: job.idempotency_key.clone(),
        schema_version: job.schema_version.map(|version| format!("{} {version}", job.kind)),
        replays: replays(job.replays),
        origin: origin(known),
        project: job.project_id.map(|id| Link::to(format!("/dashboard/projects/{id}"), short_id(id))),
        created: stamp(job.created_at),
        due: stamp(job.run_at),
        finished: job.finished_at.map(stamp),
    }
}

/// "9, goes first".
pub fn priority(priority: i16) -> String {
    match priority {
        0 => "0, goes last".to_owned(),
        TOP_PRIORITY => format!("{TOP_PRIORITY}, goes first"),
        other => other.to_string(),
    }
}

/// "twice", for what happened to a job.
pub fn replays(n: i32) -> Option<String> {
    match n {
        ..=0 => None,
        1 => Some("once".to_owned()),
        2 => Some("twice".to_owned()),
        n => Some(format!("{n} times")),
    }
}

/// Who holds it now.
pub fn holder(job: &Job) -> Option<Holder> {
    let (worker, until) = job.worker_id.as_ref().zip(job.lease_until).filter(|_| job.state == JobState::Active)?;
    Some(Holder {
        worker: worker.clone(),
        attempt: format!("attempt {}, {} of {} failures spent", job.attempt, job.failures, job.max_attempts),
        lease_until: stamp(until),
    })
}

/// How far it says it is.
pub fn how_far(progress: Option<&Progress>) -> Option<HowFar> {
    progress.map(|it| HowFar { percent: it.fraction.map(|share| (share * 100.0) as u8), text: it.text.clone() })
}

fn backoff(policy: Backoff) -> String {
    let (base, max) = (duration(policy.base.as_secs_f64()), duration(policy.max.as_secs_f64()));
    let text = match policy.strategy {
        Strategy::Exponential => format!("twice as long each time, from {base} to {max}"),
        Strategy::Linear => format!("{base} longer each time, up to {max}"),
        Strategy::Fixed => format!("always {}", duration(policy.base.min(policy.max).as_secs_f64())),
    };
    if policy.jitter { format!("{text}, or anywhere below") } else { text }
}

/// A copy has the kind of its original; what follows from another job mostly has not.
fn origin(known: &Known) -> Option<(String, JobLink)> {
    let id = known.job.origin_id?;
    let Some(origin) = &known.origin else { return Some(("From".to_owned(), links::job(id, "a job that is gone"))) };
    let word =
        if origin.kind == known.job.kind && origin.payload == known.job.payload { "Copy of" } else { "Follow-up of" };
    Some((word.to_owned(), links::job(id, &origin.kind)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_policy_reads_as_people_say_it() {
        let usual = Backoff::default();
        assert_eq!(backoff(usual), "twice as long each time, from 2 s to 15 m, or anywhere below");
        let fixed = Backoff { strategy: Strategy::Fixed, base: Duration::from_secs(5), jitter: false, ..usual };
        assert_eq!(backoff(fixed), "always 5 s");
        assert_eq!(replays(3).as_deref(), Some("3 times"));
        assert_eq!(priority(9), "9, goes first");
    }
}
