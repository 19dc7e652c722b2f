//! Fires due schedules. Any process may: each firing is a conditional statement, so there is no leader, and a process that
//! dies loses nothing.

use std::collections::HashMap;
use std::time::Duration;

use slog::{Logger, info, warn};
use time::OffsetDateTime;
use tokio::time::Instant;
use uuid::Uuid;

use super::supervisor::{ServiceFuture, service};
use super::{EngineResources, logger};
use crate::domain::schedule::{Cause, ScheduleDefinition, ScheduledRun};
use crate::log::chain;
use crate::mutant::{self, FailPoint};
use crate::signal::{WakeupReceiver, pause};
use crate::store::Audit;
use crate::store::StoreError;
use crate::store::projects::OperationPolicy;
use crate::store::schedules::{DueSchedule, Firing};

/// How many schedules one poll takes.
const BATCH: i64 = 100;
/// The longest time between polls, and so the longest delay of a change that no wakeup announced.
const MAX_POLL: Duration = Duration::from_secs(20);
/// The shortest time between polls that wakeups cause; every new job sends one.
const MIN_POLL: Duration = Duration::from_secs(1);
/// How long a schedule that could not be fired is left out.
const RETRY_DELAY: Duration = Duration::from_secs(5);

/// Schedules that could not be fired. Being the longest overdue, they would come first in every poll, and enough of them
/// would leave no room for others.
#[derive(Default)]
struct Deferred(HashMap<Uuid, Deferral>);

struct Deferral {
    until: Instant,
    /// The revision that this version could not read, once that is logged.
    unreadable_at: Option<i64>,
}

impl Deferred {
    /// The schedules that this poll leaves out. Old entries are dropped: those schedules were deleted or fire again.
    fn ids(&mut self, now: Instant) -> Vec<Uuid> {
        self.0.retain(|_, it| it.until + 10 * MAX_POLL > now);
        self.0.iter().filter(|(_, it)| it.until > now).map(|(id, _)| *id).collect()
    }

    /// When the first of them is due for a retry.
    fn next_retry(&self, now: Instant) -> Option<Instant> {
        self.0.values().map(|it| it.until).filter(|until| *until > now).min()
    }

    /// Defers a schedule. Returns whether it was not yet deferred at this revision.
    fn add(&mut self, id: Uuid, unreadable_at: Option<i64>) -> bool {
        let before = self.0.insert(id, Deferral { until: Instant::now() + RETRY_DELAY, unreadable_at });
        before.is_none_or(|it| it.unreadable_at != unreadable_at)
    }
}

/// The scheduler service. Only an unreachable database ends it.
pub fn scheduler(resources: &EngineResources) -> impl Fn() -> ServiceFuture + Send + Sync + 'static {
    let state = (resources.clone(), logger(&resources.context, "scheduler"));
    service(state, |(resources, log)| async move {
        let mut deferred = Deferred::default();
        loop {
            pause(poll(&resources, &log, &mut deferred).await?).await;
        }
    })
}

/// Fires due schedules, or waits until one is due or may have changed. Returns the delay before the next poll.
async fn poll(resources: &EngineResources, log: &Logger, deferred: &mut Deferred) -> Result<Duration, StoreError> {
    let mut wakeups = resources.context.wakeup.subscribe();
    wakeups.clear();
    let polled = Instant::now();
    let found = resources.store.due_schedules(BATCH, &deferred.ids(polled)).await?;
    resources.context.process_status.acted("scheduler");
    if found.due.is_empty() {
        let next = polled + found.rest.map_or(MAX_POLL, |rest| rest.min(MAX_POLL));
        let next = deferred.next_retry(polled).map_or(next, |retry| retry.min(next));
        wait(&mut wakeups, polled, next).await;
        return Ok(Duration::ZERO);
    }
    let mut fired = 0;
    for schedule in &found.due {
        let definition = match &schedule.plan {
            Ok(definition) => definition,
            // A newer version may have written it, so it is left as it is.
            Err(error) => {
                if deferred.add(schedule.id, Some(schedule.revision)) {
                    warn!(log, "schedule skipped: this version cannot read it"; "schedule" => &schedule.name, "error" => chain(error));
                }
                continue;
            }
        };
        match fire(resources, schedule, definition, found.at, log).await {
            Ok(won) => fired += usize::from(won),
            Err(error @ StoreError::Unavailable { .. }) => return Err(error),
            // A problem of one schedule, such as a lock that another transaction holds, must not delay the others.
            Err(error) => {
                deferred.add(schedule.id, None);
                warn!(log, "schedule not fired, retrying"; "schedule" => &schedule.name, "error" => chain(&error));
            }
        }
    }
    Ok(if fired > 0 { Duration::ZERO } else { MIN_POLL })
}

async fn wait(wakeups: &mut WakeupReceiver, polled: Instant, next: Instant) {
    let woken = async {
        wakeups.woken().await;
        tokio::time::sleep_until(polled + MIN_POLL).await;
    };
    _ = tokio::time::timeout_at(next, woken).await;
}

/// Fires one schedule. Returns `false` if another process did.
async fn fire(
    resources: &EngineResources,
    schedule: &DueSchedule,
    definition: &ScheduleDefinition,
    now: OffsetDateTime,
    log: &Logger,
) -> Result<bool, StoreError> {
    let audit = Audit { actor: format!("schedule:{}", schedule.name), request_id: None, reason: None };
    let policy = definition.misfire_policy;
    let decision = policy.evaluate(&definition.timing, schedule.next_at, now, definition.batch());
    let starts: Vec<ScheduledRun> =
        decision.fire.iter().map(|at| definition.run_at(schedule.id, *at, Cause::Due)).collect();
    let grace = humantime::format_duration(policy.grace);
    let firing = Firing {
        schedule: schedule.id,
        revision: schedule.revision,
        cause: Cause::Due,
        starts: &starts,
        missed: decision.missed,
        missed_reason: &format!("missed by more than {grace}; misfire policy {}", policy.misfire),
        next: decision.next,
    };
    let config = &resources.context.config;
    let operation_policy = OperationPolicy { deadline: config.project_deadline, max_attempts: config.max_attempts };
    mutant::fail_point(FailPoint::Due);
    let Some(fired) = resources.store.fire_schedule(&firing, operation_policy, &audit).await? else { return Ok(false) };
    mutant::fail_point(FailPoint::Fired);
    let missed = decision.missed.map_or(0, |it| it.count);
    let telemetry = &resources.context.telemetry;
    telemetry.ticks_fired.inc_by(fired.started.unsigned_abs());
    telemetry.ticks_skipped.inc_by(fired.left_out.unsigned_abs() + missed);
    if fired.left_out > 0 || missed > 0 {
        info!(log, "due times skipped"; "schedule" => &schedule.name, "missed" => missed, "left_out" => fired.left_out);
    }
    Ok(true)
}
