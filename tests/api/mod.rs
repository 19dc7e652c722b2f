//! The project API: every endpoint and every error, over HTTP, with a real process and a real PostgreSQL.

mod access;
mod bad_input;
mod by_name;
mod create;
mod delete_retry;
mod events;
mod expiry;
mod explain;
mod frame;
mod get;
mod grace;
mod idempotency;
mod list;
mod openapi;
mod operations;
mod patch;

use reqwest::Method;
use serde_json::Value;

use crate::harness::{Answer, Database, Server, send};

/// A UUID that no project has.
pub const UNKNOWN_ID: &str = "0190c2f4-7c1e-7d3a-9f52-0242ac120002";

/// A server without workers: it accepts requests but runs no jobs.
pub fn api_server(database: &Database) -> Server {
    Server::with(&database.url, &[("PROVOST_ROLES", "api")])
}

/// Sends a body with a JSON content type, unchanged.
pub async fn send_raw(server: &Server, method: Method, path: &str, body: impl Into<reqwest::Body>) -> Answer {
    send(server.request(method, path).header("content-type", "application/json").body(body)).await
}

/// Posts text as JSON, valid or not.
pub async fn post_raw(server: &Server, path: &str, body: impl Into<reqwest::Body>) -> Answer {
    send_raw(server, Method::POST, path, body).await
}

/// Status, code and invalid fields of a problem.
#[track_caller]
pub fn refusal(answer: &Answer) -> (u16, String, Vec<String>) {
    let code = answer.code();
    let errors = answer.json()["errors"].as_array().cloned().unwrap_or_default();
    (answer.status, code, errors.iter().map(|it| it["field"].as_str().unwrap().to_owned()).collect())
}

/// Checks the status and code of a problem, and that it names this field.
#[track_caller]
pub fn assert_refused(answer: &Answer, status: u16, code: &str, field: &str) {
    assert_eq!(refusal(answer), (status, code.to_owned(), vec![field.to_owned()]), "{}", answer.text);
}

/// Checks the status and code of a problem.
#[track_caller]
pub fn assert_problem(answer: &Answer, status: u16, code: &str) {
    assert_eq!((answer.status, answer.code().as_str()), (status, code), "{}", answer.text);
}

/// A project without what an observation may have added meanwhile.
pub fn without_observation(mut project: Value) -> Value {
    for field in ["health", "conditions", "observed_at"] {
        project.as_object_mut().unwrap().remove(field);
    }
    project
}

/// The ids of a list, in order.
pub fn ids(list: &Value) -> Vec<String> {
    list.as_array().unwrap().iter().map(|it| it["id"].as_str().unwrap().to_owned()).collect()
}

/// The path of the `rel="next"` link, if there is one.
pub fn next_page(answer: &Answer) -> Option<String> {
    let (url, rel) = answer.header("link").split_once('>')?;
    assert_eq!(rel, "; rel=\"next\"");
    Some(url.trim_start_matches('<').to_owned())
}
