//! Projects, jobs and workflows: objects that reach a final state and that a command can follow or wait for.

use std::time::Duration;

use super::context::{Context, Outcome};
use super::flags::{Interval, Wait, Watch};
use super::watch::{long_poll, poll};
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::output::{Json, Resource, read};
use crate::wire::client::{Answer, Client, ClientError};

/// An object that reaches a final state.
pub trait Lifecycle {
    const RESOURCE: &'static Resource;

    async fn fetch(client: &Client, id: &str) -> Result<Answer, ClientError>;

    /// Answers as soon as the object is final or has reached the goal, at the latest after the timeout.
    async fn fetch_final(client: &Client, id: &str, goal: &str, timeout: Duration) -> Result<Answer, ClientError>;

    fn is_final(object: &Json) -> bool;

    fn has_failed(object: &Json) -> bool;

    /// Whether the object has reached the goal, or a state that is as good.
    fn is_at(object: &Json, goal: &str) -> bool {
        state(object) == goal
    }

    /// Why the object is not as requested although it has reached the goal.
    fn complaint(_object: &Json, _goal: &str) -> Option<String> {
        None
    }

    /// Lines that say how far the object has come, each once. Objects without steps have none.
    async fn progress(_client: &Client, _id: &str) -> Vec<String> {
        Vec::new()
    }
}

/// How often the progress of an object is read while a command waits.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(500);

/// Prints one object in full, or follows it.
pub async fn get<T: Lifecycle>(cx: &Context, id: &str, watch: &Watch) -> Outcome {
    if watch.watch {
        return follow::<T>(cx, id, &watch.interval).await;
    }
    cx.details(T::RESOURCE, &T::fetch(&cx.client, id).await?.text)
}

/// Prints each change until the object is final.
pub async fn follow<T: Lifecycle>(cx: &Context, id: &str, interval: &Interval) -> Outcome {
    let fetch = async || Ok(T::fetch(&cx.client, id).await?.text);
    let exit = |it: &Json| T::is_final(it).then(|| if T::has_failed(it) { Exit::Failure } else { Exit::Success });
    poll(cx, T::RESOURCE, Some(id), interval.interval, fetch, exit).await
}

/// Waits until the object is final, the goal is reached or the timeout passes, and prints the object. Succeeds if the goal is
/// reached.
pub async fn wait<T: Lifecycle>(cx: &Context, id: &str, goal: &str, timeout: Duration) -> Outcome {
    let printed = std::cell::Cell::new(0);
    let fetch = async |timeout: Duration| {
        let answer = T::fetch_final(&cx.client, id, goal, timeout.min(PROGRESS_INTERVAL)).await;
        let lines = T::progress(&cx.client, id).await;
        lines.iter().skip(printed.get()).for_each(|line| cx.output.note(line));
        printed.set(lines.len().max(printed.get()));
        answer
    };
    let is_done = |it: &Json| T::is_at(it, goal) || T::is_final(it);
    let (text, is_done) = long_poll(timeout, fetch, is_done).await?;
    cx.output.row(T::RESOURCE, &text)?;
    let json = read(&text)?;
    let (noun, state) = (T::RESOURCE.name, state(&json));
    let name = [json.text("name"), json.text("kind"), json.text("id")].into_iter().find(|it| !it.is_empty());
    let summary = format!("{noun} {:?} is {state}", name.unwrap_or_default());
    if !is_done {
        let timeout = humantime::format_duration(timeout);
        return Err(Failure::new(Exit::TimedOut, format!("{summary} and not yet {goal} after {timeout}")));
    }
    if T::is_at(&json, goal) {
        return match T::complaint(&json, goal) {
            None => Ok(Exit::Success),
            Some(complaint) => Err(Failure::new(Exit::Failure, format!("{summary}, and {complaint}"))
                .hint(format!("provost {noun} steps {}", json.text("id")))),
        };
    }
    let cause = [json.text("error_reason"), json.text("error")].concat();
    let failure = Failure::new(Exit::Failure, format!("{summary}, not {goal}"));
    let failure = if cause.is_empty() { failure } else { failure.cause(cause) };
    Err(failure.hint(format!("provost {noun} events {}", json.text("id"))))
}

/// Prints the response of a change, or waits for the goal.
pub async fn print_or_wait<T: Lifecycle>(cx: &Context, id: &str, text: &str, goal: &str, wait: &Wait) -> Outcome {
    if !wait.wait {
        return cx.row(T::RESOURCE, text);
    }
    // The id lets the user resume an interrupted wait.
    cx.output.note(&format!("Waiting for {} {id} to be {goal} …", T::RESOURCE.name));
    self::wait::<T>(cx, id, goal, wait.timeout).await
}

/// Projects have a status, everything else has a state.
fn state(object: &Json) -> String {
    [object.text("status"), object.text("state")].concat()
}
