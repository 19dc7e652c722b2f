//! The events of a project.

use time::OffsetDateTime;

use crate::domain::ProjectStatus;
use crate::store::projects::ProjectEvent;
use crate::web::ui::{Badge, StateBadge, TimelineEntry, duration, stamp};

/// The events, oldest first. An entry shows how long the previous status lasted.
pub fn timeline(events: &[ProjectEvent], status: ProjectStatus) -> Vec<TimelineEntry> {
    let mut entries = Vec::with_capacity(events.len());
    let (mut previous, mut attempt): (Option<OffsetDateTime>, u32) = (None, 1);
    for event in events.iter().rev() {
        let (from, to) = (ProjectStatus::parse(&event.previous_state), ProjectStatus::parse(&event.new_state));
        let retried = from == Some(ProjectStatus::Failed) && to == Some(ProjectStatus::Creating);
        attempt += u32::from(retried);
        let lasted = previous.map(|previous| (event.occurred_at - previous).as_seconds_f64());
        let waited = lasted.filter(|seconds| from == Some(ProjectStatus::Creating) && *seconds >= 60.0);
        entries.push(TimelineEntry {
            id: event.id.to_string(),
            mark: if retried { Badge::RETRY } else { to.badge() },
            title: request_title(event).unwrap_or_else(|| title(from, to)).to_owned(),
            from: Some(event.previous_state.clone()),
            to: Some(event.new_state.clone()),
            actor: event.actor.clone(),
            reason: event.reason.clone(),
            took: lasted.filter(|_| from.is_some_and(ProjectStatus::is_transient)).map(duration),
            gap: waited.map(|seconds| format!("waited {}", duration(seconds))),
            group: retried.then(|| format!("Attempt {attempt}")),
            at: stamp(event.occurred_at),
            running: false,
        });
        previous = Some(event.occurred_at);
    }
    if let Some(last) = entries.last_mut() {
        last.running = status.is_transient();
    }
    entries
}

/// The title of an event that changes no status: a request, or a look at the credential.
fn request_title(event: &ProjectEvent) -> Option<&'static str> {
    let reason = event.reason.as_deref().filter(|_| event.previous_state == event.new_state)?;
    [
        ("credential revealed", "Credential revealed"),
        ("cancel requested", "Cancellation requested"),
        ("deletion requested", "Deletion requested"),
        ("attempt", "Attempt failed"),
        ("the project expires", "Expires soon"),
        ("the grace time was changed", "Grace time changed"),
    ]
    .into_iter()
    .find_map(|(begin, title)| reason.starts_with(begin).then_some(title))
}

fn title(from: Option<ProjectStatus>, to: Option<ProjectStatus>) -> &'static str {
    match (from, to) {
        (Some(ProjectStatus::Failed), Some(ProjectStatus::Creating)) => "Retried",
        (None, Some(ProjectStatus::Creating)) => "Created",
        (_, Some(ProjectStatus::Provisioning)) => "Provisioning started",
        (Some(ProjectStatus::PendingDeletion), Some(ProjectStatus::Paused | ProjectStatus::Failed)) => "Undeleted",
        (_, Some(ProjectStatus::Ready)) => "Ready",
        (Some(ProjectStatus::Deleting), Some(ProjectStatus::Failed)) => "Deletion failed",
        (_, Some(ProjectStatus::Failed)) => "Failed",
        (_, Some(ProjectStatus::Deleting)) => "Deletion started",
        (_, Some(ProjectStatus::Updating)) => "Update started",
        (_, Some(ProjectStatus::Pausing)) => "Pause requested",
        (_, Some(ProjectStatus::Paused)) => "Paused",
        (_, Some(ProjectStatus::Resuming)) => "Resume requested",
        (_, Some(ProjectStatus::PendingDeletion)) => "Pending deletion",
        (_, Some(ProjectStatus::Restoring)) => "Undelete requested",
        (_, Some(ProjectStatus::Deleted)) => "Deleted",
        _ => "Changed",
    }
}
