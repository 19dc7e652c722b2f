//! Starts what is due. Any process may: each firing is a conditional statement, so there is no leader, and nothing is lost
//! when one goes away.

use std::collections::HashMap;
use std::time::Duration;

use futures_util::future::BoxFuture;
use slog::{Logger, info, warn};
use time::OffsetDateTime;
use tokio::time::Instant;
use uuid::Uuid;

use super::supervisor::Fault;
use super::{Parts, logger};
use crate::domain::schedule::{Cause, Plan, Start};
use crate::mutant::{self, Moment};
use crate::signal::pause;
use crate::store::Audit;
use crate::store::StoreError;
use crate::store::projects::OperationPolicy;
use crate::store::schedules::{DueSchedule, Firing};

/// How many schedules one look takes.
const BATCH: i64 = 100;
/// The longest rest: what no wakeup told of is found that late.
const LONGEST: Duration = Duration::from_secs(20);
/// Between two looks that a wakeup asked for lies at least this much; it rings for every job, too.
const GAP: Duration = Duration::from_secs(1);
/// For so long a schedule that could not be fired is not tried again.
const ASIDE: Duration = Duration::from_secs(5);

/// Schedules that cannot be fired right now. Without this they would be the first of every look, as they are due the
/// longest, and enough of them would leave no room for any other.
#[derive(Default)]
struct Aside(HashMap<Uuid, Trouble>);

struct Trouble {
    until: Instant,
    /// The turn at which it could not be read and that was told.
    told: Option<i64>,
}

impl Aside {
    /// Those that this look leaves out. Who has been forgotten for long is gone, or in order again.
    fn ids(&mut self, now: Instant) -> Vec<Uuid> {
        self.0.retain(|_, it| it.until + 10 * LONGEST > now);
        self.0.iter().filter(|(_, it)| it.until > now).map(|(id, _)| *id).collect()
    }

    /// When the first of them is tried again.
    fn first(&self, now: Instant) -> Option<Instant> {
        self.0.values().map(|it| it.until).filter(|until| *until > now).min()
    }

    /// Not this one, for a while; whether that it cannot be read at this turn is news.
    fn put(&mut self, id: Uuid, unreadable_at: Option<i64>) -> bool {
        let before = self.0.insert(id, Trouble { until: Instant::now() + ASIDE, told: unreadable_at });
        before.is_none_or(|it| it.told != unreadable_at)
    }
}

/// Fires what is due, again and again; only a database that is not there ends it.
pub fn service(parts: &Parts) -> impl Fn() -> BoxFuture<'static, Result<(), Fault>> + Send + Sync + 'static {
    let (parts, log) = (parts.clone(), logger(&parts.tools, "scheduler"));
    move || {
        let (parts, log) = (parts.clone(), log.clone());
        Box::pin(async move {
            let mut aside = Aside::default();
            loop {
                pause(look(&parts, &log, &mut aside).await?).await;
            }
        })
    }
}

/// Fires what is due, then waits until something will be, or until somebody may have changed a schedule.
async fn look(parts: &Parts, log: &Logger, aside: &mut Aside) -> Result<Duration, StoreError> {
    let mut wakeups = parts.tools.wakeup.subscribe();
    wakeups.clear();
    let looked = Instant::now();
    let found = parts.store.due_schedules(BATCH, &aside.ids(looked)).await?;
    let mut moved = 0;
    for schedule in &found.due {
        let plan = match &schedule.plan {
            Ok(plan) => plan,
            // Another version may read it, so it is left as it is.
            Err(error) => {
                if aside.put(schedule.id, Some(schedule.revision)) {
                    warn!(log, "schedule cannot be read by this version, which leaves it alone"; "schedule" => &schedule.name, "error" => crate::log::chain(error));
                }
                continue;
            }
        };
        match fire(parts, schedule, plan, found.at, log).await {
            Ok(fired) => moved += usize::from(fired),
            Err(error @ StoreError::Unavailable { .. }) => return Err(error),
            // What one schedule cannot do, or cannot do right now because others hold what it needs, must not keep the
            // others waiting.
            Err(error) => {
                aside.put(schedule.id, None);
                warn!(log, "schedule not fired, trying again"; "schedule" => &schedule.name, "error" => crate::log::chain(&error));
            }
        }
    }
    if found.due.is_empty() {
        let rest = looked + found.rest.map_or(LONGEST, |rest| rest.min(LONGEST));
        let rest = aside.first(looked).map_or(rest, |first| first.min(rest));
        let rung = async {
            wakeups.woken().await;
            tokio::time::sleep_until(looked + GAP).await;
        };
        _ = tokio::time::timeout_at(rest, rung).await;
    }
    Ok(if found.due.is_empty() || moved > 0 { Duration::ZERO } else { GAP })
}

/// Fires one, unless somebody else did meanwhile; whether it was us.
async fn fire(
    parts: &Parts,
    schedule: &DueSchedule,
    plan: &Plan,
    now: OffsetDateTime,
    log: &Logger,
) -> Result<bool, StoreError> {
    let audit = Audit { actor: format!("schedule:{}", schedule.name), request_id: None, reason: None };
    let verdict = plan.backlog.judge(&plan.timing, schedule.next_at, now, plan.batch());
    let starts: Vec<Start> = verdict.fire.iter().map(|at| plan.start(schedule.id, *at, Cause::Due)).collect();
    let firing = Firing {
        schedule: schedule.id,
        revision: schedule.revision,
        cause: Cause::Due,
        starts: &starts,
        missed: verdict.missed,
        missed_reason: &why_missed(plan),
        next: verdict.next,
    };
    let bounds = OperationPolicy {
        deadline: parts.tools.config.project_deadline,
        max_attempts: parts.tools.config.max_attempts,
    };
    mutant::pass(Moment::Due);
    let Some(fired) = parts.store.fire_schedule(&firing, bounds, &audit).await? else { return Ok(false) };
    mutant::pass(Moment::Fired);
    parts.tools.telemetry.ticks_fired.inc_by(fired.started.unsigned_abs());
    let missed = verdict.missed.map_or(0, |it| it.n);
    parts.tools.telemetry.ticks_skipped.inc_by(fired.left_out.unsigned_abs() + missed);
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
