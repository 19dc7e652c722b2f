//! Shell completion of names, ids and kinds from the server. Silent on any error.

use std::ffi::OsStr;
use std::time::Duration;

use clap_complete::CompletionCandidate as Candidate;

use super::context::Context;
use super::global::Global;
use crate::cli::output::{Json, read, sanitize};
use crate::wire::client::{Answer, Client, ClientError};

const TIMEOUT: Duration = Duration::from_millis(500);

/// Asks the server for objects and returns the words that start with the current one.
fn candidates(
    current: &OsStr,
    fetch: impl AsyncFn(&Client) -> Result<Answer, ClientError>,
    words: impl Fn(&Json) -> Vec<(String, String)>,
) -> Vec<Candidate> {
    let request = || {
        let prefix = current.to_str()?;
        let cx = Context::new(&Global::from_unfinished_line()).ok()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
        let answer = runtime.block_on(async { tokio::time::timeout(TIMEOUT, fetch(&cx.client)).await });
        let json = read(&answer.ok()?.ok()?.text).ok()?;
        let matching = json.list().iter().flat_map(words).filter(|(word, _)| word.starts_with(prefix));
        Some(matching.map(|(word, help)| Candidate::new(word).help(Some(sanitize(&help).into()))).collect())
    };
    request().unwrap_or_default()
}

/// Completes the member `key`, and shows the member `help` next to it.
fn by_key(key: &str, help: &str) -> impl Fn(&Json) -> Vec<(String, String)> {
    move |row| vec![(row.text(key).to_owned(), row.text(help).to_owned())]
}

/// Completes the name, or the id if the name needs quoting in a shell.
fn by_name(help: &str) -> impl Fn(&Json) -> Vec<(String, String)> {
    let is_word = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || "-_./:".contains(c));
    move |row| {
        let name = row.text("name");
        let word = if is_word(name) { name } else { row.text("id") };
        vec![(word.to_owned(), format!("{} {name}", row.text(help)))]
    }
}

fn limit() -> [(&'static str, Option<String>); 1] {
    [("limit", Some("100".to_owned()))]
}

pub fn projects(current: &OsStr) -> Vec<Candidate> {
    candidates(current, async |client| client.list_projects(&limit()).await, by_name("status"))
}

pub fn jobs(current: &OsStr) -> Vec<Candidate> {
    let words = |row: &Json| vec![(row.text("id").to_owned(), format!("{} {}", row.text("state"), row.text("kind")))];
    candidates(current, async |client| client.list_jobs(&limit()).await, words)
}

pub fn workflows(current: &OsStr) -> Vec<Candidate> {
    candidates(current, async |client| client.list_workflows(&limit()).await, by_name("state"))
}

pub fn queues(current: &OsStr) -> Vec<Candidate> {
    candidates(current, async |client| client.list_queues().await, by_key("name", "state"))
}

pub fn workers(current: &OsStr) -> Vec<Candidate> {
    candidates(current, async |client| client.list_workers(&[]).await, by_key("id", "state"))
}

pub fn schedules(current: &OsStr) -> Vec<Candidate> {
    candidates(current, async |client| client.list_schedules().await, by_key("name", "words"))
}

pub fn limits(current: &OsStr) -> Vec<Candidate> {
    candidates(current, async |client| client.list_limits().await, by_key("name", "scope"))
}

/// Every kind that a worker handles.
pub fn kinds(current: &OsStr) -> Vec<Candidate> {
    let words = |row: &Json| {
        let text = |it: &Json| if let Json::Text(kind) = it { Some((kind.clone(), String::new())) } else { None };
        row.at("kinds").list().iter().filter_map(text).collect()
    };
    candidates(current, async |client| client.list_workers(&[]).await, words)
}
