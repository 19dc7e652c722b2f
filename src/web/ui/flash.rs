//! The message that an action shows on the next page. The cookie holds a code, states and numbers but no text, so a
//! forged cookie cannot put text on a page.

use crate::domain::{JobState, ProjectStatus, WorkerState, WorkflowState};
use crate::web::ui::{Link, Tone, plural};
use crate::wire::BulkOutcome;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flash {
    pub tone: Tone,
    pub text: String,
    pub link: Option<Link>,
}

/// The message for a cookie.
pub fn flash(cookie: &str) -> Option<Flash> {
    let mut parts = cookie.split('.');
    let code = parts.next().unwrap_or_default();
    let values: Vec<&str> = parts.collect();
    let message = fixed(code).map(|(tone, text)| (tone, text.to_owned()));
    let (tone, text) = message.or_else(|| refused(code, &values)).or_else(|| bulk(code, &values))?;
    Some(Flash { tone, text, link: None })
}

/// The cookie for the outcome of a bulk action. `verb` is a code of [`bulk`].
pub fn acted(verb: &str, outcome: &BulkOutcome) -> String {
    format!("{verb}.{}.{}.{}", outcome.moved, outcome.refused.len(), u8::from(outcome.more))
}

fn fixed(code: &str) -> Option<(Tone, &'static str)> {
    let text = match code {
        "created" => "Project created. Provisioning is in progress.",
        "retried" => "Retry started.",
        "renamed" => "Project renamed.",
        "deleting" => "Deletion started. The history is kept.",
        "saved" => "Settings saved in this browser.",
        "enqueued" => "Job enqueued.",
        "replayed" => "Replayed. The job is queued again with a new retry budget.",
        "due-now" => "Due now. The job runs on the next free worker.",
        "copied" => "Copy enqueued. This is the new job.",
        "priority" => "Priority changed.",
        "canceled" => "Canceled.",
        "canceling" => "Cancellation requested.",
        "project-pausing" => "Pausing. Access is blocked in a moment.",
        "project-rotating" => {
            "The credential is being replaced. The previous one stays valid until the next replacement."
        }
        "orphan-adopted" => "The orphan is a project again. Its password is being replaced.",
        "orphan-quarantined" => "The orphan is being taken out of service. It is removed after the grace time.",
        "orphan-removed" => "The orphan is being removed. The history of its project is kept.",
        "project-restoring" => "The project is brought back.",
        "project-undoing" => "The undo continues.",
        "project-resuming" => "Resuming. Access is admitted in a moment.",
        "forgotten-letter" => "Dead letter deleted. Its events are kept.",
        "paused" => "Paused. New jobs are accepted and wait.",
        "resumed" => "Resumed. Workers claim jobs from this queue again.",
        "draining" => "Draining. New jobs are refused; jobs already in the queue are processed.",
        "schedule-added" => "Schedule added.",
        "schedule-changed" => "Schedule changed.",
        "schedule-run" => "Run started. See the run history.",
        "schedule-paused" => "Paused. No runs start until you resume the schedule.",
        "schedule-resumed" => "Resumed.",
        "schedule-deleted" => "Schedule deleted. Jobs already started continue.",
        "schedule-backfilled" => "Backfill started. See the run history.",
        "workflow-started" => "Workflow started.",
        "workflow-retried" => "Retrying the failed steps. Their dependents run afterwards.",
        "workflow-canceled" => "Workflow canceled.",
        "workflow-canceling" => "Waiting steps canceled. Workers of active steps are asked to stop.",
        "limits" => "Limits saved.",
        "cordoned" => "Cordoned. The worker finishes its jobs and claims no new ones.",
        "uncordoned" => "Uncordoned. The worker claims jobs again.",
        "worker-draining" => "Draining. The worker claims no new jobs and releases unfinished ones.",
        "forgotten" => "Worker forgotten.",
        "limit-added" => "Limit added.",
        "limit-changed" => "Limit changed.",
        "limit-deleted" => "Limit deleted.",
        _ => return warned(code).map(|text| (Tone::Wait, text)),
    };
    Some((Tone::Ok, text))
}

fn warned(code: &str) -> Option<&'static str> {
    Some(match code {
        "nothing-picked" => "Select at least one row first.",
        "of-project" => "This job belongs to a project. Retry the project instead.",
        "no-job" => "This job no longer exists.",
        _ => return None,
    })
}

/// The message for an action that the current state does not allow.
fn refused(code: &str, values: &[&str]) -> Option<(Tone, String)> {
    let name = |known: Option<&'static str>| known.unwrap_or("in another state");
    let state = values.first().copied().unwrap_or_default();
    let project = name(ProjectStatus::parse(state).map(ProjectStatus::as_str));
    let job = name(JobState::parse(state).map(JobState::as_str));
    let text = match code {
        "retry-refused" => format!("Only failed projects can be retried; this project is now {project}."),
        "rename-refused" => format!("The project cannot be renamed: it is now {project}."),
        "job-refused" => format!("Nothing was changed: the job is now {job}."),
        "workflow-refused" => {
            let workflow = name(WorkflowState::parse(state).map(WorkflowState::as_str));
            format!("Nothing was changed: the workflow is now {workflow}.")
        }
        "forget-refused" => {
            let worker = name(WorkerState::parse(state).map(WorkerState::as_str));
            format!("Only lost workers can be forgotten; this worker is now {worker}.")
        }
        _ => return None,
    };
    Some((Tone::Wait, text))
}

/// The message for a bulk action: how many jobs changed, how many were skipped, and whether more match.
fn bulk(code: &str, values: &[&str]) -> Option<(Tone, String)> {
    let verb = match code {
        "all-canceled" => "Canceled",
        "all-retried" => "Retried",
        "all-replayed" => "Replayed",
        "all-deleted" => "Deleted",
        _ => return None,
    };
    let number = |at: usize| values.get(at).and_then(|text| text.parse::<u32>().ok()).map(i64::from);
    let (moved, skipped, more) = (number(0)?, number(1)?, number(2)? > 0);
    let mut text = format!("{verb} {}.", plural(moved, "job"));
    if skipped > 0 {
        let unchanged = if skipped == 1 { "was" } else { "were" };
        text.push_str(&format!(" {} {unchanged} skipped: the action no longer applies.", plural(skipped, "job")));
    }
    if more {
        text.push_str(" More jobs match: repeat the action for the rest.");
    }
    Some((if skipped > 0 || more { Tone::Wait } else { Tone::Ok }, text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(cookie: &str) -> Option<String> {
        flash(cookie).map(|it| it.text)
    }

    #[test]
    fn flash_contains_numbers_and_states() {
        assert_eq!(text("all-canceled.18.0.0").as_deref(), Some("Canceled 18 jobs."));
        let replayed = text("all-replayed.1.3.1").unwrap_or_default();
        assert!(replayed.starts_with("Replayed 1 job. 3 jobs were skipped"), "{replayed}");
        assert!(replayed.ends_with("More jobs match: repeat the action for the rest."), "{replayed}");
        assert_eq!(text("job-refused.completed").as_deref(), Some("Nothing was changed: the job is now completed."));
    }

    #[test]
    fn forged_cookie_shows_no_text() {
        for cookie in ["<b>", "all-canceled.<b>.0.0", "all-canceled", "all-canceled.-1.0.0", ""] {
            assert_eq!(text(cookie), None, "{cookie}");
        }
        assert_eq!(
            text("workflow-refused.failed").as_deref(),
            Some("Nothing was changed: the workflow is now failed.")
        );
        assert_eq!(text("job-refused.<b>").as_deref(), Some("Nothing was changed: the job is now in another state."));
    }
}
