//! Starts what is due. Any process may: each firing is a conditional statement, so there is no leader, and nothing is lost
//! when one goes away.

use std::time::Duration;

use slog::{Logger, info, warn};
use time::OffsetDateTime;
use tokio::time::Instant;

use super::Parts;
use crate::domain::schedule::{Cause, Missed, Plan, Start, Verdict};
use crate::store::StoreError;
use crate::store::projects::{Asker, Bounds};
use crate::store::schedules::{DueSchedule, Firing};

/// How many schedules one look takes.
const BATCH: i64 = 100;
/// The longest rest: what no bell told of is found that late.
const LONGEST: Duration = Duration::from_secs(20);
/// Between two looks that a bell asked for lies at least this much; it rings for every job, too.
const GAP: Duration = Duration::from_secs(1);

/// Fires what is due, then waits until something will be, or until somebody may have changed a schedule.
pub async fn schedule(parts: &Parts, log: &Logger) -> Result<Duration, StoreError> {
    let mut ear = parts.bell.ear();
    ear.clear();
    let looked = Instant::now();
    let found = parts.store.due_schedules(BATCH).await?;
    let mut moved = 0;
    for schedule in &found.due {
        match fire(parts, schedule, found.at, log).await {
            Ok(fired) => moved += usize::from(fired),
            Err(error) if error.is_temporary() => return Err(error),
            // What one schedule cannot do must not keep the others waiting.
            Err(error) => {
                warn!(log, "schedule not fired, trying again"; "schedule" => &schedule.name, "error" => crate::log::chain(&error));
            }
        }
    }
    if found.due.is_empty() {
        let rest = found.rest.map_or(LONGEST, |rest| rest.min(LONGEST));
        let rung = async {
            ear.rung().await;
            tokio::time::sleep_until(looked + GAP).await;
        };
        _ = tokio::time::timeout_at(looked + rest, rung).await;
    }
    Ok(if found.due.is_empty() || moved > 0 { Duration::ZERO } else { GAP })
}

/// Fires one, unless somebody else did meanwhile; whether it was us.
async fn fire(parts: &Parts, schedule: &DueSchedule, now: OffsetDateTime, log: &Logger) -> Result<bool, StoreError> {
    let asker = Asker { actor: format!("schedule:{}", schedule.name), request_id: None, reason: None };
    let (starts, verdict, why_missed) = match &schedule.plan {
        Ok(plan) => {
            let verdict = plan.backlog.judge(&plan.timing, schedule.next_at, now);
            let starts: Vec<Start> = verdict.fire.iter().map(|at| plan.start(schedule.id, *at)).collect();
            (starts, verdict, why_missed(plan))
        }
        Err(error) => {
            warn!(log, "schedule cannot be read, and starts nothing until it is edited"; "schedule" => &schedule.name, "error" => crate::log::chain(error));
            let missed = Some(Missed { first: schedule.next_at, last: schedule.next_at, n: 1 });
            let verdict = Verdict { fire: Vec::new(), missed, next: None };
            (Vec::new(), verdict, "this version cannot read the schedule; put it anew".to_owned())
        }
    };
    let firing = Firing {
        schedule: schedule.id,
        turn: schedule.turn,
        cause: Cause::Due,
        starts: &starts,
        missed: verdict.missed,
        why_missed: &why_missed,
        next: verdict.next,
    };
    let bounds = Bounds { deadline: parts.config.project_deadline, max_attempts: parts.config.max_attempts };
    let Some(fired) = parts.store.fire_schedule(&firing, bounds, &asker).await? else { return Ok(false) };
    parts.meter.ticks_fired.inc_by(fired.started.unsigned_abs());
    let missed = verdict.missed.map_or(0, |it| it.n);
    parts.meter.ticks_skipped.inc_by(fired.left_out.unsigned_abs() + missed);
    if fired.left_out > 0 || missed > 0 {
        info!(log, "due times left out"; "schedule" => &schedule.name, "missed" => missed, "left_out" => fired.left_out);
    }
    Ok(true)
}

/// What the ticks say about what was missed.
fn why_missed(plan: &Plan) -> String {
    format!(
        "missed by more than {}; misfire policy {}",
        humantime::format_duration(plan.backlog.grace),
        plan.backlog.misfire
    )
}
