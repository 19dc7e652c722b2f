//! The API client, used by the command line and by remote workers. Each noun has a file with one method per endpoint.

#[macro_use]
mod endpoint;

mod body;
mod cluster;
mod credential;
mod dead_letter;
mod drift;
mod error;
mod event;
mod internal;
mod job;
mod limit;
mod operations;
mod project;
mod queue;
mod request;
mod retry;
mod schedule;
mod schema;
mod template;
mod worker;
mod workflow;

use std::time::{Duration, Instant};

use reqwest::{StatusCode, Url};
use serde::de::DeserializeOwned;

use self::error::is_temporary_status;
use super::Problem;

pub use super::segment;
pub use body::Body;
pub use error::ClientError;
pub use event::Stream;
pub use request::{Pairs, Request};
pub use retry::Budget;

/// Timeout of a request that does not wait for anything.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);
/// Timeout of a request that changes up to 10,000 jobs, or starts a workflow of up to 20,000 steps.
const BULK_TIMEOUT: Duration = Duration::from_mins(2);

/// The maximum size of a response in bytes: a page of jobs with the largest payloads and results.
const MAX_ANSWER: usize = 256 * 1024 * 1024;

/// A client of one server.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    address: Url,
    token: Option<String>,
    dry_run: bool,
    verbose: bool,
    /// Overrides the budget of every request that may be retried.
    budget: Option<Budget>,
}

/// A successful response, or one with an accepted status.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub text: String,
    /// The `Link` to the next page.
    pub next: Option<String>,
}

impl Client {
    /// A client of the server at this address. Sends nothing.
    pub fn new(address: &str, token: Option<String>) -> Result<Self, ClientError> {
        let invalid = || ClientError::Address(address.to_owned());
        let url = Url::parse(address.trim_end_matches('/')).map_err(|_| invalid())?;
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
            return Err(invalid());
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(ClientError::Address(format!("{}://…@{}", url.scheme(), url.host_str().unwrap_or_default())));
        }
        let agent = concat!("provost/", env!("CARGO_PKG_VERSION"));
        let http = reqwest::Client::builder().user_agent(agent).no_proxy().connect_timeout(Duration::from_secs(5));
        let http = http.build().map_err(|source| ClientError::Unreachable { address: address.to_owned(), source })?;
        Ok(Self { http, address: url, token, dry_run: false, verbose: false, budget: None })
    }

    /// With a dry run, requests that would change something are returned as [`ClientError::DryRun`] instead of being sent.
    pub fn with_dry_run(&self, dry_run: bool) -> Self {
        Self { dry_run, ..self.clone() }
    }

    /// Logs every request and its status to stderr.
    pub fn with_verbose(self, verbose: bool) -> Self {
        Self { verbose, ..self }
    }

    /// Uses this budget for every request that may be retried.
    pub fn with_budget(self, budget: Budget) -> Self {
        Self { budget: Some(budget), ..self }
    }

    /// The address of the server.
    pub fn address(&self) -> &str {
        self.address.as_str().trim_end_matches('/')
    }

    /// Sends a request, with retries, and parses the response.
    pub async fn send<T: DeserializeOwned>(&self, request: Request) -> Result<T, ClientError> {
        let answer = self.answer(request).await?;
        serde_json::from_str(&answer.text).map_err(|error| self.unexpected(error))
    }

    /// Sends a request, with retries, and returns the response as text.
    pub async fn answer(&self, request: Request) -> Result<Answer, ClientError> {
        let budget = self.budget.filter(|_| request.budget != Budget::none());
        let mut retries = budget.unwrap_or(request.budget).start();
        loop {
            match self.once(&request).await {
                Err(error) if error.is_temporary() => match retries.next_pause() {
                    Some(pause) => tokio::time::sleep(pause).await,
                    None => return Err(error),
                },
                answer => return answer,
            }
        }
    }

    /// Fetches the next page of a list from the `Link` of the previous one.
    pub async fn follow(&self, link: &str) -> Result<Answer, ClientError> {
        self.answer(Request::get(link)).await
    }

    async fn once(&self, request: &Request) -> Result<Answer, ClientError> {
        if self.dry_run && !request.method.is_safe() {
            return Err(ClientError::DryRun(request.describe()));
        }
        let response = self.open(request, Some(request.timeout)).await?;
        let status = response.status();
        let next = response.headers().get("link").and_then(|it| it.to_str().ok()).and_then(next_page);
        let text = self.text(response).await?;
        if status.is_success() || request.accepted == Some(status.as_u16()) {
            return Ok(Answer { status: status.as_u16(), text, next });
        }
        Err(self.refusal(status, &text))
    }

    /// Sends a request and returns the response once its headers have arrived. `timeout` includes the body.
    async fn open(&self, request: &Request, timeout: Option<Duration>) -> Result<reqwest::Response, ClientError> {
        let (url, started) = (format!("{}{}", self.address(), request.path), Instant::now());
        let mut builder = self.http.request(request.method.clone(), url).query(&request.query);
        if let Some(timeout) = timeout {
            builder = builder.timeout(timeout);
        }
        if let Some(token) = &self.token {
            builder = builder.bearer_auth(token);
        }
        for (name, value) in &request.headers {
            builder = builder.header(*name, value);
        }
        if let Some(body) = &request.body {
            builder = builder.header("content-type", "application/json").body(body.clone());
        }
        let response = builder.send().await.map_err(|source| self.unreachable(source))?;
        if self.verbose {
            let (status, elapsed) = (response.status(), started.elapsed().as_millis());
            eprintln!("{} {} → {status} ({elapsed} ms)", request.method, request.path);
        }
        Ok(response)
    }

    /// The body of a response.
    async fn text(&self, response: reqwest::Response) -> Result<String, ClientError> {
        let text = limited(response, MAX_ANSWER).await.map_err(|source| self.unreachable(source))?;
        text.ok_or_else(|| self.unexpected(format!("it has more than {} MiB", MAX_ANSWER >> 20)))
    }

    fn unreachable(&self, source: reqwest::Error) -> ClientError {
        ClientError::Unreachable { address: self.address().to_owned(), source }
    }

    fn refusal(&self, status: StatusCode, text: &str) -> ClientError {
        match serde_json::from_str::<Problem>(text) {
            Ok(problem) => ClientError::Refused(Box::new(problem)),
            Err(_) if is_temporary_status(status.as_u16()) => {
                ClientError::Failing { address: self.address().to_owned(), status }
            }
            Err(_) => self.unexpected(format!("status {status} without problem details")),
        }
    }

    fn unexpected(&self, why: impl ToString) -> ClientError {
        ClientError::Unexpected { address: self.address().to_owned(), why: why.to_string() }
    }
}

/// The body of a response, or nothing if it has more than `max` bytes: the address may lead to something else than this API, which
/// may send without end.
async fn limited(mut response: reqwest::Response, max: usize) -> Result<Option<String>, reqwest::Error> {
    if response.content_length().is_some_and(|length| length > max as u64) {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if bytes.len() + chunk.len() > max {
            return Ok(None);
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
}

/// The path in `<path>; rel="next"`.
fn next_page(link: &str) -> Option<String> {
    let part = link.split(',').find(|part| part.contains("rel=\"next\""))?;
    Some(part.split_once('<')?.1.split_once('>')?.0.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_http_urls_are_addresses() {
        // `main` installs the provider too; a second call has no effect.
        _ = rustls::crypto::ring::default_provider().install_default();
        for (address, is_valid) in [
            ("http://127.0.0.1:8080", true),
            ("https://provost.example.com/", true),
            ("127.0.0.1:8080", false),
            ("ftp://a", false),
            ("", false),
        ] {
            assert_eq!(Client::new(address, None).is_ok(), is_valid, "{address}");
        }
    }

    #[test]
    fn link_header_yields_the_next_page() {
        assert_eq!(next_page("</jobs?cursor=1>; rel=\"next\"").as_deref(), Some("/jobs?cursor=1"));
        assert_eq!(next_page("</a>; rel=\"prev\", </b>; rel=\"next\"").as_deref(), Some("/b"));
        assert_eq!(next_page("</a>; rel=\"prev\""), None);
    }

    #[tokio::test]
    async fn response_of_unknown_length_is_bounded() {
        use std::io::{Read as _, Write as _};
        _ = rustls::crypto::ring::default_provider().install_default();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let server = std::thread::spawn(move || {
            for _ in 0..2 {
                let (mut stream, _) = listener.accept().unwrap();
                _ = stream.read(&mut [0; 4096]).unwrap();
                stream.write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n0123456789").unwrap();
            }
        });
        let client = Client::new(&address, None).unwrap();
        for (max, text) in [(10, Some("0123456789")), (9, None)] {
            let response = client.open(&Request::get("/"), None).await.unwrap();
            assert_eq!(limited(response, max).await.unwrap().as_deref(), text);
        }
        server.join().unwrap();
    }
}
