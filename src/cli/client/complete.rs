//! What a shell offers when the tab key is pressed: names, ids and states, as the server knows them. Half a second at most, and
//! silent when anything goes wrong.

use std::time::Duration;

use clap_complete::CompletionCandidate;

use super::context::Context;
use super::flags::Global;
use crate::cli::output::{Json, harmless, read};
use crate::wire::client::{Answer, Client, ClientError};

const PATIENCE: Duration = Duration::from_millis(500);

/// Asks the server; what begins as what was typed.
fn offered(
    current: &std::ffi::OsStr,
    ask: impl AsyncFn(&Client) -> Result<Answer, ClientError>,
    words: impl Fn(&Json) -> Vec<(String, String)>,
) -> Vec<CompletionCandidate> {
    let Some(typed) = current.to_str() else { return Vec::new() };
    let Ok(cx) = Context::new(&Global::typed()) else { return Vec::new() };
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return Vec::new() };
    let answer = runtime.block_on(async { tokio::time::timeout(PATIENCE, ask(&cx.client)).await });
    let Ok(Ok(answer)) = answer else { return Vec::new() };
    let Ok(json) = read(&answer.text) else { return Vec::new() };
    let all = json.list().iter().flat_map(words).filter(|(word, _)| word.starts_with(typed));
    all.map(|(word, help)| CompletionCandidate::new(word).help(Some(harmless(&help).into()))).collect()
}

/// A name, or the id where the name is no word that a shell completes well; and what is told beside it.
fn named(row: &Json, name: &str, help: &str) -> Vec<(String, String)> {
    let is_word = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || "-_./:".contains(c));
    let (id, called) = (row.text("id").to_owned(), row.text(name).to_owned());
    let word = if is_word(&called) { called.clone() } else { id };
    vec![(word, format!("{} {called}", row.text(help)))]
}

/// As many as one looks through.
fn some() -> [(&'static str, Option<String>); 1] {
    [("limit", Some("100".to_owned()))]
}

pub fn projects(current: &std::ffi::OsStr) -> Vec<CompletionCandidate> {
    offered(current, async |client| client.list_projects(&some()).await, |row| named(row, "name", "status"))
}

pub fn jobs(current: &std::ffi::OsStr) -> Vec<CompletionCandidate> {
    let words = |row: &Json| vec![(row.text("id").to_owned(), format!("{} {}", row.text("state"), row.text("kind")))];
    offered(current, async |client| client.list_jobs(&some()).await, words)
}

pub fn workflows(current: &std::ffi::OsStr) -> Vec<CompletionCandidate> {
    offered(current, async |client| client.list_workflows(&some()).await, |row| named(row, "name", "state"))
}

pub fn queues(current: &std::ffi::OsStr) -> Vec<CompletionCandidate> {
    let words = |row: &Json| vec![(row.text("name").to_owned(), row.text("state").to_owned())];
    offered(current, async |client| client.list_queues().await, words)
}

pub fn workers(current: &std::ffi::OsStr) -> Vec<CompletionCandidate> {
    let words = |row: &Json| vec![(row.text("id").to_owned(), row.text("state").to_owned())];
    offered(current, async |client| client.list_workers(&[]).await, words)
}

pub fn schedules(current: &std::ffi::OsStr) -> Vec<CompletionCandidate> {
    let words = |row: &Json| vec![(row.text("name").to_owned(), row.text("words").to_owned())];
    offered(current, async |client| client.list_schedules().await, words)
}

pub fn limits(current: &std::ffi::OsStr) -> Vec<CompletionCandidate> {
    let words = |row: &Json| vec![(row.text("name").to_owned(), row.text("scope").to_owned())];
    offered(current, async |client| client.list_limits().await, words)
}

pub fn kinds(current: &std::ffi::OsStr) -> Vec<CompletionCandidate> {
    // Every kind that some worker serves.
    let words = |row: &Json| {
        let kinds = row.at("kinds").list().iter();
        kinds
            .filter_map(|it| if let Json::Text(kind) = it { Some((kind.clone(), String::new())) } else { None })
            .collect()
    };
    offered(current, async |client| client.list_workers(&[]).await, words)
}
