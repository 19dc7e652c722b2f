//! The history of a job as a timeline.

use serde_json::Value;
use time::OffsetDateTime;

use crate::domain::JobState;
use crate::store::events::Event;
use crate::web::dashboard::jobs::callout::CANCEL_REQUESTED;
use crate::web::ui::{Badge, StateBadge, TimelineEntry, duration, stamp};

/// Waits longer than this have a line of their own, in seconds.
const LONG_WAIT: f64 = 60.0;

/// Oldest first; every claim begins a new attempt.
pub fn timeline(events: &[Event], state: JobState) -> Vec<TimelineEntry> {
    let mut entries: Vec<TimelineEntry> = Vec::with_capacity(events.len());
    let (mut changed_at, mut attempts): (Option<OffsetDateTime>, i32) = (None, 0);
    for event in events.iter().rev() {
        let (before, after) = (JobState::parse(&event.previous_state), JobState::parse(&event.new_state));
        let changes = event.previous_state != event.new_state;
        let claimed = changes && after == Some(JobState::Active);
        if claimed {
            attempts = event.attempt.unwrap_or(attempts + 1);
        }
        let lasted = changed_at.map(|at| (event.occurred_at - at).as_seconds_f64());
        let replayed = before == Some(JobState::Failed) && after == Some(JobState::Queued);
        entries.push(TimelineEntry {
            id: event.id.to_string(),
            mark: if replayed { Badge::RETRY } else { after.badge() },
            title: title(event, before, after).to_owned(),
            from: changes.then(|| event.previous_state.clone()),
            to: changes.then(|| event.new_state.clone()),
            actor: event.actor.clone(),
            reason: reason(event),
            took: lasted.filter(|_| before == Some(JobState::Active) && changes).map(duration),
            gap: lasted.filter(|it| claimed && *it >= LONG_WAIT).map(|it| format!("waited {}", duration(it))),
            group: claimed.then(|| format!("Attempt {attempts}")),
            at: stamp(event.occurred_at),
            running: false,
        });
        if changes {
            changed_at = Some(event.occurred_at);
        }
    }
    if let Some(last) = entries.last_mut() {
        last.running = state == JobState::Active;
    }
    entries
}

fn title(event: &Event, before: Option<JobState>, after: Option<JobState>) -> &'static str {
    let reason = event.reason.as_deref().unwrap_or_default();
    match (before, after) {
        (before, after) if before == after && reason.starts_with(CANCEL_REQUESTED) => "Cancellation requested",
        (before, after) if before == after && reason.starts_with("priority changed") => "Priority changed",
        (before, after) if before == after => "Note",
        (None, Some(JobState::Scheduled)) => "Scheduled",
        (None, _) => "Enqueued",
        (_, Some(JobState::Active)) => "Claimed",
        (_, Some(JobState::Completed)) => "Completed",
        (_, Some(JobState::Failed)) => "Failed permanently",
        (_, Some(JobState::Canceled)) => "Canceled",
        (_, Some(JobState::Superseded)) => "Superseded",
        (_, Some(JobState::Retrying)) => "Failed, will retry",
        (_, Some(JobState::Scheduled)) => "Rescheduled",
        (Some(JobState::Failed), Some(JobState::Queued)) => "Replayed",
        (Some(JobState::Active), Some(JobState::Queued)) => "Released",
        (Some(JobState::Blocked), Some(JobState::Queued)) => "Unblocked",
        (_, Some(JobState::Queued)) => "Due",
        _ => "Transition",
    }
}

/// The recorded reason, and what an edit changed.
fn reason(event: &Event) -> Option<String> {
    let detail: Option<Value> = event.detail.as_deref().and_then(|text| serde_json::from_str(text).ok());
    let Some(detail) = detail else { return event.reason.clone() };
    let (before, after) = (&detail["before"], &detail["after"]);
    let change = |name: &&str| match *name {
        "payload" => "payload edited".to_owned(),
        name => format!("{name} {} → {}", text(&before[name]), text(&after[name])),
    };
    let changes = ["kind", "queue", "priority", "payload"].iter().filter(|name| before[**name] != after[**name]);
    let recorded = event.reason.clone().filter(|it| it != "priority changed");
    let parts: Vec<String> = recorded.into_iter().chain(changes.map(change)).collect();
    Some(parts.join(" · ")).filter(|text| !text.is_empty())
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
