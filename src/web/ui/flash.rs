//! The message that an action leaves for the next page. The cookie holds a code with states and numbers, never text, so
//! that no link can put text on a page.

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
    let word = parts.next().unwrap_or_default();
    let said: Vec<&str> = parts.collect();
    let found = fixed(word).map(|(tone, text)| (tone, text.to_owned()));
    let (tone, text) = found.or_else(|| refused(word, &said)).or_else(|| many(word, &said))?;
    Some(Flash { tone, text, link: None })
}

/// The word for what became of many. `verb` is one that [`many`] knows.
pub fn acted(verb: &str, acted: &BulkOutcome) -> String {
    format!("{verb}.{}.{}.{}", acted.moved, acted.refused.len(), u8::from(acted.more))
}

fn fixed(word: &str) -> Option<(Tone, &'static str)> {
    let text = match word {
        "created" => "Created. Provisioning is in progress.",
        "retried" => "Retrying.",
        "renamed" => "Renamed.",
        "deleting" => "Deleting. The history is kept.",
        "saved" => "Saved for this browser.",
        "enqueued" => "Enqueued.",
        "replayed" => "Replayed: it is queued again, with a new retry budget.",
        "due-now" => "Due now: the next free worker takes it.",
        "copied" => "Runs again as a copy: this is the new job.",
        "priority" => "Priority changed.",
        "canceled" => "Canceled.",
        "canceling" => "Cancel requested. The worker will be told at the next heartbeat.",
        "forgotten-letter" => "Deleted. The record keeps that it was.",
        "paused" => "Paused. New jobs are accepted and wait.",
        "resumed" => "Resumed. Workers take its jobs again.",
        "draining" => "Draining. New jobs are refused; jobs already in the queue are processed.",
        "schedule-added" => "Schedule added.",
        "schedule-changed" => "Schedule changed.",
        "schedule-run" => "Started. See the run history.",
        "schedule-paused" => "Paused. Nothing starts until you resume it.",
        "schedule-resumed" => "Resumed.",
        "schedule-deleted" => "Schedule deleted. Jobs already started continue.",
        "schedule-backfilled" => "Backfilled. See the run history.",
        "workflow-started" => "Started.",
        "workflow-retried" => "Retrying what failed. What waited for it goes on from there.",
        "workflow-canceled" => "Canceled.",
        "workflow-canceling" => "Canceled what waited, and asked to stop what is active.",
        "limits" => "Limits saved.",
        "cordoned" => "Cordoned. It takes no more jobs and finishes what it has.",
        "uncordoned" => "Uncordoned. It takes jobs again.",
        "worker-draining" => "Draining. It takes no more jobs, and hands back what it does not finish in time.",
        "forgotten" => "Forgotten.",
        "limit-added" => "Limit added.",
        "limit-changed" => "Limit changed.",
        "limit-deleted" => "Limit deleted.",
        _ => return warned(word).map(|text| (Tone::Wait, text)),
    };
    Some((Tone::Ok, text))
}

fn warned(word: &str) -> Option<&'static str> {
    Some(match word {
        "nothing-picked" => "Nothing was done: no row was selected.",
        "of-project" => "Not done: this job works on a project. Retry the project instead.",
        "no-job" => "Not done: there is no such job any more.",
        _ => return None,
    })
}

/// What did not happen because something is in another state.
fn refused(word: &str, said: &[&str]) -> Option<(Tone, String)> {
    let word_of = |known: Option<&'static str>| known.unwrap_or("somewhere else");
    let state = said.first().copied().unwrap_or_default();
    let project = word_of(ProjectStatus::parse(state).map(ProjectStatus::as_str));
    let job = word_of(JobState::parse(state).map(JobState::as_str));
    let text = match word {
        "retry-refused" => format!("Not retried: only a failed project can be, and this one is {project} now."),
        "rename-refused" => format!("Not renamed: the project is {project} now."),
        "job-refused" => format!("Not done: the job is {job} now."),
        "workflow-refused" => {
            let workflow = word_of(WorkflowState::parse(state).map(WorkflowState::as_str));
            format!("Not done: the workflow is {workflow} now.")
        }
        "forget-refused" => {
            let worker = word_of(WorkerState::parse(state).map(WorkerState::as_str));
            format!("Not forgotten: only a lost worker can be, and this one is {worker} now.")
        }
        _ => return None,
    };
    Some((Tone::Wait, text))
}

/// How many moved, how many did not, and whether more match.
fn many(word: &str, said: &[&str]) -> Option<(Tone, String)> {
    let verb = match word {
        "all-canceled" => "Canceled",
        "all-retried" => "Retried",
        "all-replayed" => "Replayed",
        "all-deleted" => "Deleted",
        _ => return None,
    };
    let number = |at: usize| said.get(at).and_then(|text| text.parse::<u32>().ok()).map(i64::from);
    let (moved, left, more) = (number(0)?, number(1)?, number(2)? > 0);
    let mut text = format!("{verb} {}.", plural(moved, "job"));
    if left > 0 {
        let stays = if left == 1 { "was left as it is" } else { "were left as they are" };
        text.push_str(&format!(" {} {stays}, because it does not apply to them now.", plural(left, "job")));
    }
    if more {
        text.push_str(" More match: do it once more for the rest.");
    }
    Some((if left > 0 || more { Tone::Wait } else { Tone::Ok }, text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(cookie: &str) -> Option<String> {
        flash(cookie).map(|it| it.text)
    }

    #[test]
    fn numbers_and_states_are_told() {
        assert_eq!(text("all-canceled.18.0.0").as_deref(), Some("Canceled 18 jobs."));
        let told = text("all-replayed.1.3.1").unwrap_or_default();
        assert!(
            told.starts_with("Replayed 1 job. 3 jobs were left as they are") && told.contains("once more"),
            "{told}"
        );
        assert_eq!(text("job-refused.completed").as_deref(), Some("Not done: the job is completed now."));
    }

    #[test]
    fn nobody_puts_words_of_theirs_on_the_page() {
        for cookie in ["<b>", "all-canceled.<b>.0.0", "all-canceled", "all-canceled.-1.0.0", ""] {
            assert_eq!(text(cookie), None, "{cookie}");
        }
        assert_eq!(text("workflow-refused.failed").as_deref(), Some("Not done: the workflow is failed now."));
        assert_eq!(text("job-refused.<b>").as_deref(), Some("Not done: the job is somewhere else now."));
    }
}
