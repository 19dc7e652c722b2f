//! A real `provost` process and an HTTP client.

use std::ops::{Deref, DerefMut};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};

use super::{Database, Process, TIMEOUT, variant};

/// Short intervals, so that no test waits for a clock.
const QUICK: &[(&str, &str)] = &[
    ("PROVOST_SIMULATE_MIN", "30ms"),
    ("PROVOST_SIMULATE_MAX", "80ms"),
    ("PROVOST_SIMULATE_FAILURE_RATE", "0"),
    ("PROVOST_POLL_INTERVAL", "500ms"),
    ("PROVOST_LEASE_TTL", "2s"),
    ("PROVOST_LOG_FORMAT", "json"),
];

/// Rules out that a poll finds the work.
pub const NO_POLL: (&str, &str) = ("PROVOST_POLL_INTERVAL", "10m");

/// A running server. Dropping it kills it with -9.
pub struct Server {
    pub url: String,
    /// None when the process belongs to several tests.
    process: Option<Process>,
    http: reqwest::Client,
}

/// A response.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    pub text: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("not JSON ({}): {}", self.status, self.text))
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The response, which must have this status.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text);
        self
    }

    /// The `code` of a well-formed problem response.
    #[track_caller]
    pub fn code(&self) -> String {
        assert_eq!(self.header("content-type"), "application/problem+json", "{}", self.text);
        let problem = self.json();
        assert_eq!(problem["status"], self.status);
        assert_eq!(problem["request_id"], self.header("x-request-id"));
        assert!(problem["detail"].as_str().is_some_and(|it| it.len() > 10), "{problem}");
        problem["code"].as_str().unwrap().to_owned()
    }
}

impl Deref for Server {
    type Target = Process;

    fn deref(&self) -> &Process {
        self.process.as_ref().expect("a shared server is only read")
    }
}

impl DerefMut for Server {
    fn deref_mut(&mut self) -> &mut Process {
        self.process.as_mut().expect("a shared server is only read")
    }
}

impl Server {
    /// A server on this database, with short intervals and a free port.
    pub fn on(database: &Database) -> Self {
        Self::with(&database.url, &[])
    }

    /// A server on a database URL, with further settings.
    pub fn with(database_url: &str, settings: &[(&str, &str)]) -> Self {
        Self::within(&std::env::temp_dir(), database_url, settings)
    }

    /// The same in a folder that contains a `provost.toml`.
    pub fn within(folder: &Path, database_url: &str, settings: &[(&str, &str)]) -> Self {
        let mut command = Self::command();
        command
            .env("DATABASE_URL", variant::url(database_url))
            .envs(QUICK.iter().copied())
            .envs(settings.iter().copied());
        command.current_dir(folder);
        Self::started(command)
    }

    /// The program, without the settings in the environment.
    pub fn command() -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_provost"));
        for (key, _) in std::env::vars_os() {
            let key = key.to_string_lossy().into_owned();
            if key.starts_with("PROVOST_") || key == "DATABASE_URL" || key == "POSTGRES_BIN_DIR" {
                command.env_remove(key);
            }
        }
        command.env("PROVOST_LISTEN", "127.0.0.1:0").current_dir(std::env::temp_dir());
        command
    }

    /// Starts a prepared command and waits until it prints its address.
    pub fn started(command: Command) -> Self {
        let (mut process, out) = Process::of(command);
        let deadline = Instant::now() + TIMEOUT;
        let url = loop {
            let line = out.lock().unwrap().iter().find_map(|line: &String| dashboard_url(line));
            if let Some(url) = line {
                break url;
            }
            assert!(process.is_running() && Instant::now() < deadline, "no server: {}", process.raw_log());
            std::thread::sleep(Duration::from_millis(10));
        };
        Self { process: Some(process), ..Self::at(&url) }
    }

    /// A server that several tests read. Each needs a client of its own, because a client ends with its runtime.
    pub fn at(url: &str) -> Self {
        // reqwest requires a TLS provider although no test uses TLS; a second installation has no effect.
        _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        Self { url: url.to_owned(), process: None, http }
    }

    pub fn port(&self) -> u16 {
        self.url.rsplit(':').next().unwrap().parse().unwrap()
    }

    /// kill -9.
    pub fn kill(self) {}

    /// A request builder.
    pub fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.http.request(method, format!("{}{path}", self.url))
    }

    pub async fn get(&self, path: &str) -> Answer {
        send(self.request(Method::GET, path)).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        send(self.request(Method::POST, path).json(&body)).await
    }

    pub async fn patch(&self, path: &str, body: Value) -> Answer {
        send(self.request(Method::PATCH, path).json(&body)).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        send(self.request(Method::DELETE, path)).await
    }

    /// Creates a project with this name. Returns its id.
    pub async fn create(&self, name: &str) -> String {
        self.create_as(name, json!({})).await
    }

    /// Creates a project with these parameters of the simulation, like `{"outcome": "failed"}`. Returns its id.
    pub async fn create_as(&self, name: &str, simulate: Value) -> String {
        let body = json!({"name": name, "parameters": {"simulate": simulate}});
        let project = self.post("/projects", body).await.expect(201).json();
        project["id"].as_str().unwrap().to_owned()
    }

    /// Waits until a project has this status, and returns it. Fails if it reaches another final status.
    pub async fn until(&self, id: &str, status: &str) -> Value {
        let deadline = Instant::now() + TIMEOUT;
        loop {
            let project = self.get(&format!("/projects/{id}?wait={status}&timeout=20s")).await.expect(200).json();
            let is_transient = project["status"].as_str().is_some_and(|it| it.ends_with("ing"));
            if !is_transient || project["status"] == status || Instant::now() > deadline {
                assert_eq!(project["status"], status, "{project}");
                return project;
            }
        }
    }

    /// A project that is ready.
    pub async fn ready(&self, name: &str) -> String {
        let id = self.create_as(name, json!({"outcome": "ready", "duration_ms": 0})).await;
        self.until(&id, "ready").await;
        id
    }

    /// A project that failed.
    pub async fn failed(&self, name: &str) -> String {
        let id = self.create_as(name, json!({"outcome": "failed", "duration_ms": 0, "reason": "no quota"})).await;
        self.until(&id, "failed").await;
        id
    }

    /// The states of a project's record, oldest first.
    pub async fn history(&self, id: &str) -> Vec<String> {
        let events = self.get(&format!("/projects/{id}/events")).await.expect(200).json();
        let state = |event: &Value| event["new_state"].as_str().unwrap().to_owned();
        events.as_array().unwrap().iter().rev().map(state).collect()
    }
}

/// Ends the work of simulated jobs at once: they were to take 600,000 ms, so that a test can act while they run on any machine.
pub async fn shorten(database: &Database) {
    database.run("UPDATE jobs SET payload = replace(payload::text, '600000', '0')::json WHERE state <> 'active'").await;
}

/// Sends a request and returns any response.
pub async fn send(request: reqwest::RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    Answer { status, headers, text: response.text().await.unwrap() }
}

fn dashboard_url(line: &str) -> Option<String> {
    let url = line.trim().strip_prefix("Dashboard")?.trim();
    Some(url.strip_suffix("/dashboard")?.to_owned())
}
