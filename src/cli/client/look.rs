//! Looking at lists and at single things: once, or again and again; and waiting.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::context::{Context, Outcome};
use super::event_feed::EventFeed;
use super::flags::{Every, Page, Patience, Watching};
use crate::cli::Exit;
use crate::cli::failure::Failure;
use crate::cli::output::{Json, Noun, read};
use crate::wire::client::{Answer, ClientError, Pairs};

/// How long one request waits for something to happen, when more time is left.
const TURN: Duration = Duration::from_secs(20);
/// How long to pause when nobody answers.
const PAUSE: Duration = Duration::from_millis(500);
/// The kinds of things whose moves are recorded, as the record names them.
pub const RECORDED: [&str; 8] = ["project", "job", "queue", "worker", "limit", "schema", "schedule", "workflow"];
/// What changes with every look and means nothing.
const RESTLESS: &[&str] = &["heartbeat_age_ms", "seen_at", "db_ms", "lease_until", "updated_at"];

/// A list, page by page, or again and again.
pub async fn list(
    cx: &Context,
    noun: &Noun,
    page: &Page,
    watching: Option<&Watching>,
    mut pairs: Vec<(&'static str, Option<String>)>,
    fetch: impl AsyncFn(Pairs<'_>) -> Result<Answer, ClientError>,
) -> Outcome {
    pairs.extend(page.pairs());
    let watching = watching.filter(|it| it.watch);
    let look = async || cx.pages(fetch(&pairs).await?, page.all, watching.is_none()).await;
    if let Some(watching) = watching {
        return watch(cx, noun, None, watching.every.interval, look, |_| None).await;
    }
    cx.output.list(noun, &look().await?)?;
    Ok(Exit::Success)
}

/// Looks again and again, at once when something of this kind, or of this id, has moved: drawn anew on a terminal, elsewhere a
/// line for each thing that has changed. A server that is away for a while is waited for.
async fn watch(
    cx: &Context,
    noun: &Noun,
    id: Option<&str>,
    every: Duration,
    look: impl AsyncFn() -> Result<String, Failure>,
    over: impl Fn(&Json) -> Option<Exit>,
) -> Outcome {
    let (mut seen, mut away) = (BTreeMap::new(), false);
    let of = [("entity", Some(noun.name.to_owned())), ("id", id.map(str::to_owned))];
    let mut feed = EventFeed::new(cx, RECORDED.contains(&noun.name).then_some(&of));
    loop {
        feed.listen().await;
        match look().await {
            Ok(text) => {
                away = false;
                let json = read(&text)?;
                show(cx, noun, &text, &json, &mut seen)?;
                if let Some(exit) = over(&json) {
                    return Ok(exit);
                }
            }
            Err(failure) if failure.is_temporary() => {
                if !std::mem::replace(&mut away, true) {
                    cx.output.note("No answer; looking again until there is one.");
                }
            }
            Err(failure) => return Err(failure),
        }
        feed.stirred(every.max(Duration::from_millis(100))).await;
    }
}

/// Shows each move of one thing until it comes to rest; 0 when that is where it should.
pub async fn follow(
    cx: &Context,
    noun: &Noun,
    id: &str,
    every: &Every,
    get: impl AsyncFn() -> Result<Answer, ClientError>,
    rests: impl Fn(&Json) -> bool,
    is_well: impl Fn(&Json) -> bool,
) -> Outcome {
    let look = async || Ok(get().await?.text);
    let over = |it: &Json| rests(it).then(|| if is_well(it) { Exit::Success } else { Exit::Failure });
    watch(cx, noun, Some(id), every.interval, look, over).await
}

/// Waits until one thing comes to rest, or time is up, and shows it then; 0 when it reached its goal.
pub async fn wait(
    cx: &Context,
    noun: &Noun,
    goal: &str,
    patience: &Patience,
    ask: impl AsyncFn(Duration) -> Result<Answer, ClientError>,
    rests: impl Fn(&Json) -> bool,
) -> Outcome {
    let (text, is_over) = until(patience.timeout, ask, rests).await?;
    ended(cx, noun, &text, is_over, goal, patience.timeout)
}

fn show(
    cx: &Context,
    noun: &Noun,
    text: &str,
    json: &Json,
    seen: &mut BTreeMap<String, String>,
) -> Result<(), Failure> {
    let is_list = matches!(json, Json::List(_));
    if cx.output.room.is_some() && cx.output.format.is_for_people() {
        cx.output.redraw();
        return if is_list { cx.output.list(noun, text) } else { cx.output.row(noun, text) };
    }
    let rows = if is_list { json.list() } else { std::slice::from_ref(json) };
    for row in rows {
        let is_telling = |(name, _): &&(String, Json)| !RESTLESS.contains(&name.as_str());
        let said = row.map().iter().filter(is_telling).map(|(_, value)| format!("{value}\n")).collect::<String>();
        let key = row.at(noun.key).to_string();
        if seen.get(&key) != Some(&said) {
            cx.output.line(noun, row)?;
            seen.insert(key, said);
        }
    }
    Ok(())
}

/// Asks until something is so or time is up; the last answer, and whether it was so. `ask` waits as long as it is told.
async fn until(
    timeout: Duration,
    ask: impl AsyncFn(Duration) -> Result<Answer, ClientError>,
    is_over: impl Fn(&Json) -> bool,
) -> Result<(String, bool), Failure> {
    let deadline = Instant::now() + timeout;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        match ask(left.min(TURN)).await.map_err(Failure::from) {
            Ok(answer) => {
                if is_over(&read(&answer.text)?) {
                    return Ok((answer.text, true));
                }
                if Instant::now() >= deadline {
                    return Ok((answer.text, false));
                }
            }
            Err(failure) if failure.is_temporary() && Instant::now() < deadline => tokio::time::sleep(PAUSE).await,
            Err(failure) => return Err(failure),
        }
    }
}

/// Something came to rest, or did not in time: it is shown, and how that ends the command.
fn ended(cx: &Context, noun: &Noun, text: &str, is_over: bool, goal: &str, timeout: Duration) -> Outcome {
    cx.output.row(noun, text)?;
    let json = read(text)?;
    let state = [json.text("status"), json.text("state")].concat();
    let name = [json.text("name"), json.text("kind"), json.text("id")].into_iter().find(|it| !it.is_empty());
    let what = format!("{} {:?} is {state}", noun.name, name.unwrap_or_default());
    if !is_over {
        let waited = humantime::format_duration(timeout);
        return Err(Failure::new(Exit::TimedOut, format!("{what} and not yet {goal} after {waited}")));
    }
    if state == goal {
        return Ok(Exit::Success);
    }
    let why = [json.text("error_reason"), json.text("error")].concat();
    let failure = Failure::new(Exit::Failure, format!("{what}, not {goal}"));
    let failure = if why.is_empty() { failure } else { failure.why(why) };
    Err(failure.hint(format!("provost {} events {}", noun.name, json.text("id"))))
}
