//! Lists, watches and waits.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::context::{Context, Outcome};
use super::event_feed::EventFeed;
use super::flags::{Page, Watch};
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::output::{Json, Resource, read};
use crate::wire::client::{Answer, ClientError, Pairs};
use crate::wire::event::ENTITIES;

/// The longest time that one request waits on the server.
const LONG_POLL: Duration = Duration::from_secs(20);
/// Pause before the next request if the server is unreachable.
const PAUSE: Duration = Duration::from_millis(500);
pub const MIN_INTERVAL: Duration = Duration::from_millis(100);
/// Members that change on every poll even if the object has not changed.
const VOLATILE: &[&str] = &["heartbeat_age_ms", "seen_at", "db_ms", "lease_until", "updated_at"];

/// Notes an outage once and returns whether the failure is temporary.
#[derive(Default)]
pub struct Outage(bool);

impl Outage {
    pub fn tolerate(&mut self, cx: &Context, failure: Failure) -> Result<(), Failure> {
        if !failure.is_temporary() {
            return Err(failure);
        }
        if !std::mem::replace(&mut self.0, true) {
            cx.output.note("Server unreachable; retrying.");
        }
        Ok(())
    }

    pub fn end(&mut self) {
        self.0 = false;
    }
}

/// Prints a list: a page, all pages, or changes as they happen.
pub async fn list(
    cx: &Context,
    resource: &Resource,
    page: &Page,
    watch: Option<&Watch>,
    mut pairs: Vec<(&'static str, Option<String>)>,
    fetch: impl AsyncFn(Pairs<'_>) -> Result<Answer, ClientError>,
) -> Outcome {
    pairs.extend(page.pairs());
    let watch = watch.filter(|it| it.watch);
    let read = async || cx.pages(fetch(&pairs).await?, page.all, watch.is_none()).await;
    match watch {
        Some(watch) => poll(cx, resource, None, watch.interval.interval, read, |_| None).await,
        None => cx.list(resource, &read().await?),
    }
}

/// Prints a list or an object whenever it changes, until `exit` returns a code. It polls at each interval and after
/// each event. On a terminal the output is redrawn, elsewhere each changed row is a line.
pub async fn poll(
    cx: &Context,
    resource: &Resource,
    id: Option<&str>,
    interval: Duration,
    fetch: impl AsyncFn() -> Result<String, Failure>,
    exit: impl Fn(&Json) -> Option<Exit>,
) -> Outcome {
    let (mut printed, mut outage) = (BTreeMap::new(), Outage::default());
    let filter = [("entity", Some(resource.name.to_owned())), ("id", id.map(str::to_owned))];
    let mut feed = EventFeed::new(cx, ENTITIES.contains(&resource.name).then_some(&filter));
    loop {
        feed.connect().await;
        match fetch().await {
            Ok(text) => {
                outage.end();
                let json = read(&text)?;
                print_changes(cx, resource, &text, &json, &mut printed)?;
                if let Some(exit) = exit(&json) {
                    return Ok(exit);
                }
            }
            Err(failure) => outage.tolerate(cx, failure)?,
        }
        feed.changed(interval.max(MIN_INTERVAL)).await;
    }
}

fn print_changes(
    cx: &Context,
    resource: &Resource,
    text: &str,
    json: &Json,
    printed: &mut BTreeMap<String, String>,
) -> Result<(), Failure> {
    let is_list = matches!(json, Json::List(_));
    if cx.output.terminal_width.is_some() && cx.output.format.is_for_people() {
        cx.output.clear();
        return if is_list { cx.output.list(resource, text) } else { cx.output.row(resource, text) };
    }
    let rows = if is_list { json.list() } else { std::slice::from_ref(json) };
    for row in rows {
        let is_stable = |(name, _): &&(String, Json)| !VOLATILE.contains(&name.as_str());
        let content = row.map().iter().filter(is_stable).map(|(_, value)| format!("{value}\n")).collect::<String>();
        let key = row.at(resource.key).to_string();
        if printed.get(&key) != Some(&content) {
            cx.output.line(resource, row)?;
            printed.insert(key, content);
        }
    }
    Ok(())
}

/// Long-polls until `is_done` accepts a response or the timeout passes. Returns the last response, and whether it was accepted.
pub async fn long_poll(
    timeout: Duration,
    fetch: impl AsyncFn(Duration) -> Result<Answer, ClientError>,
    is_done: impl Fn(&Json) -> bool,
) -> Result<(String, bool), Failure> {
    let deadline = Instant::now() + timeout;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        match fetch(left.min(LONG_POLL)).await.map_err(Failure::from) {
            Ok(answer) => {
                if is_done(&read(&answer.text)?) {
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
