//! The one client of a server: the command line and remote workers speak through it. One method for each endpoint, beside its kind.

mod body;
mod dead_letters;
mod jobs;
mod limits;
mod operations;
mod projects;
mod queues;
mod retry;
mod schedules;
mod schemas;
mod stream;
mod worker;
mod workers;
mod workflows;

use std::time::{Duration, Instant};

use reqwest::{Method, StatusCode, Url};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Problem;

pub use super::segment;
pub use body::Body;
pub use retry::Budget;
pub use stream::Stream;

/// How long an answer may take, unless a request says that it waits for something.
const PATIENCE: Duration = Duration::from_secs(10);

/// A server, and who speaks to it.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    address: Url,
    token: Option<String>,
    rehearses: bool,
    tells: bool,
    /// For how long all requests are sent again that may be, if that is not each one's own business.
    budget: Option<Budget>,
}

/// Parameters of a list; what has no value is left out.
pub type Pairs<'a> = &'a [(&'a str, Option<String>)];

/// One request, before it is sent.
#[derive(Debug)]
pub struct Request {
    method: Method,
    path: String,
    query: Vec<(String, String)>,
    headers: Vec<(&'static str, String)>,
    body: Option<String>,
    patience: Duration,
    budget: Budget,
    also: Option<u16>,
}

/// An answer of 2xx, or of the other status that the request takes for an answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub text: String,
    /// The `Link` to the next page.
    pub next: Option<String>,
}

/// Why there is no answer that helps.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    #[error("{0:?} is not the address of a server: it must be like http://127.0.0.1:8080")]
    Address(String),
    /// The server says no, and why.
    #[error("{}", .0.detail)]
    Refused(Box<Problem>),
    #[error("no server answers at {address}")]
    Unreachable { address: String, source: reqwest::Error },
    /// What answers cannot do it now, and does not say why as Provost does: a proxy, perhaps.
    #[error("what answers at {address} says {status}")]
    Failing { address: String, status: StatusCode },
    /// Something answered that is not ours, or not of this version.
    #[error("what answers at {address} does not speak as Provost does: {why}")]
    Strange { address: String, why: String },
    /// Nothing was sent: this is what would have been, as JSON.
    #[error("nothing was sent")]
    Rehearsed(String),
}

impl ClientError {
    /// Whether trying again later may go better.
    pub fn is_temporary(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Failing { .. } => true,
            Self::Refused(problem) => is_passing(problem.status),
            Self::Address(_) | Self::Strange { .. } | Self::Rehearsed(_) => false,
        }
    }

    /// The stable code of a problem.
    pub fn code(&self) -> Option<&str> {
        if let Self::Refused(problem) = self { Some(&problem.code) } else { None }
    }
}

impl Request {
    pub fn new(method: Method, path: impl Into<String>) -> Self {
        let budget = if method.is_safe() { Budget::default() } else { Budget::none() };
        let (query, headers) = (Vec::new(), Vec::new());
        Self { method, path: path.into(), query, headers, body: None, patience: PATIENCE, budget, also: None }
    }

    pub fn get(path: impl Into<String>) -> Self {
        Self::new(Method::GET, path)
    }

    pub fn post(path: impl Into<String>) -> Self {
        Self::new(Method::POST, path)
    }

    pub fn patch(path: impl Into<String>) -> Self {
        Self::new(Method::PATCH, path)
    }

    pub fn delete(path: impl Into<String>) -> Self {
        Self::new(Method::DELETE, path)
    }

    pub fn put(path: impl Into<String>) -> Self {
        Self::new(Method::PUT, path)
    }

    /// A parameter; nothing is left out.
    pub fn query(mut self, name: &str, value: Option<impl ToString>) -> Self {
        self.query.extend(value.map(|value| (name.to_owned(), value.to_string())));
        self
    }

    /// Several parameters.
    pub fn pairs(self, pairs: Pairs<'_>) -> Self {
        pairs.iter().fold(self, |request, (name, value)| request.query(name, value.as_deref()))
    }

    pub fn header(mut self, name: &'static str, value: Option<impl ToString>) -> Self {
        self.headers.extend(value.map(|value| (name, value.to_string())));
        self
    }

    /// With a key it counts once, so it is safe to send twice.
    pub fn key(self, key: Option<&str>) -> Self {
        let budget = if key.is_some() { Budget::default() } else { self.budget };
        self.header("idempotency-key", key).again(budget)
    }

    /// A body of JSON.
    pub fn json(self, body: &impl Serialize) -> Self {
        // What we send are texts, numbers and lists of those, which cannot fail to be JSON.
        Self { body: Some(serde_json::to_string(body).unwrap_or_default()), ..self }
    }

    /// A body that is JSON text already, sent byte for byte.
    pub fn text(self, body: impl Into<String>) -> Self {
        Self { body: Some(body.into()), ..self }
    }

    /// What would be sent, as JSON.
    fn told(&self) -> String {
        let body = self.body.as_deref().map(|text| super::json::raw(text.to_owned()));
        Body::default()
            .with("dry_run", Some(true))
            .with("method", Some(self.method.as_str()))
            .with("path", Some(&self.path))
            .with("body", body)
            .text()
    }

    /// The server may take so long before it answers.
    pub fn waits(self, at_most: Duration) -> Self {
        Self { patience: PATIENCE + at_most, ..self }
    }

    /// This status is an answer, too.
    pub fn also(self, status: u16) -> Self {
        Self { also: Some(status), ..self }
    }

    /// Answered as soon as it is so, or time is up. Not sent again: whoever waits asks anew, for what is left of the time.
    fn until(self, word: &str, at_most: Duration) -> Self {
        let timeout = format!("{}ms", at_most.as_millis());
        self.query("wait", Some(word)).query("timeout", Some(timeout)).waits(at_most).again(Budget::none())
    }

    /// No answer takes longer than this.
    pub fn within(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// Sent again when it may not have arrived: for what is safe to send twice.
    pub fn again(self, budget: Budget) -> Self {
        Self { budget, ..self }
    }
}

impl Client {
    /// Whoever speaks to the server at this address; nothing is sent yet.
    pub fn new(address: &str, token: Option<String>) -> Result<Self, ClientError> {
        let wrong = || ClientError::Address(address.to_owned());
        let url = Url::parse(address.trim_end_matches('/')).map_err(|_| wrong())?;
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
            return Err(wrong());
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(ClientError::Address(format!("{}://…@{}", url.scheme(), url.host_str().unwrap_or_default())));
        }
        let agent = concat!("provost/", env!("CARGO_PKG_VERSION"));
        let http = reqwest::Client::builder().user_agent(agent).no_proxy().connect_timeout(Duration::from_secs(5));
        let http = http.build().map_err(|source| ClientError::Unreachable { address: address.to_owned(), source })?;
        Ok(Self { http, address: url, token, rehearses: false, tells: false, budget: None })
    }

    /// The same, but what would change something is told instead of sent.
    pub fn rehearsing(&self, rehearses: bool) -> Self {
        Self { rehearses, ..self.clone() }
    }

    /// The same, telling on stderr what it sends and what comes back.
    pub fn telling(self, tells: bool) -> Self {
        Self { tells, ..self }
    }

    /// The same, sending no longer than this what may be sent again.
    pub fn trying(self, budget: Budget) -> Self {
        Self { budget: Some(budget), ..self }
    }

    /// Where the server is.
    pub fn address(&self) -> &str {
        self.address.as_str().trim_end_matches('/')
    }

    /// Sends it, again while its budget lasts; what came back, read.
    pub async fn send<T: DeserializeOwned>(&self, request: Request) -> Result<T, ClientError> {
        let answer = self.answer(request).await?;
        serde_json::from_str(&answer.text).map_err(|error| self.strange(error))
    }

    /// Sends it, again while its budget lasts; what came back, as it is.
    pub async fn answer(&self, request: Request) -> Result<Answer, ClientError> {
        let usual = self.budget.filter(|_| request.budget != Budget::none());
        let mut tries = usual.unwrap_or(request.budget).start();
        loop {
            match self.once(&request).await {
                Err(error) if error.is_temporary() => match tries.next_pause() {
                    Some(pause) => tokio::time::sleep(pause).await,
                    None => return Err(error),
                },
                answer => return answer,
            }
        }
    }

    /// The next page of a list, from the `Link` of the page before.
    pub async fn follow(&self, link: &str) -> Result<Answer, ClientError> {
        self.answer(Request::get(link)).await
    }

    async fn once(&self, request: &Request) -> Result<Answer, ClientError> {
        if self.rehearses && !request.method.is_safe() {
            return Err(ClientError::Rehearsed(request.told()));
        }
        let response = self.open(request, Some(request.patience)).await?;
        let status = response.status();
        let next = response.headers().get("link").and_then(|it| it.to_str().ok()).and_then(next_of);
        let text = response.text().await.map_err(|source| self.unreachable(source))?;
        if status.is_success() || request.also == Some(status.as_u16()) {
            return Ok(Answer { status: status.as_u16(), text, next });
        }
        Err(self.refusal(status, &text))
    }

    /// Sends it; what comes back, as soon as that begins. With a patience, all of it has to come within that.
    async fn open(&self, request: &Request, patience: Option<Duration>) -> Result<reqwest::Response, ClientError> {
        let (url, began) = (format!("{}{}", self.address(), request.path), Instant::now());
        let mut sent = self.http.request(request.method.clone(), url).query(&request.query);
        if let Some(patience) = patience {
            sent = sent.timeout(patience);
        }
        if let Some(token) = &self.token {
            sent = sent.bearer_auth(token);
        }
        for (name, value) in &request.headers {
            sent = sent.header(*name, value);
        }
        if let Some(body) = &request.body {
            sent = sent.header("content-type", "application/json").body(body.clone());
        }
        let response = sent.send().await.map_err(|source| self.unreachable(source))?;
        if self.tells {
            let (status, took) = (response.status(), began.elapsed().as_millis());
            eprintln!("{} {} → {status} ({took} ms)", request.method, request.path);
        }
        Ok(response)
    }

    fn unreachable(&self, source: reqwest::Error) -> ClientError {
        ClientError::Unreachable { address: self.address().to_owned(), source }
    }

    fn refusal(&self, status: StatusCode, text: &str) -> ClientError {
        match serde_json::from_str::<Problem>(text) {
            Ok(problem) => ClientError::Refused(Box::new(problem)),
            Err(_) if is_passing(status.as_u16()) => {
                ClientError::Failing { address: self.address().to_owned(), status }
            }
            Err(_) => self.strange(format!("{status} without a reason")),
        }
    }

    fn strange(&self, why: impl ToString) -> ClientError {
        ClientError::Strange { address: self.address().to_owned(), why: why.to_string() }
    }
}

/// Whether a status says that another time may go better.
fn is_passing(status: u16) -> bool {
    status >= 500 || status == 429 || status == 408
}

/// `<path>; rel="next"`: the path.
fn next_of(link: &str) -> Option<String> {
    let part = link.split(',').find(|part| part.contains("rel=\"next\""))?;
    Some(part.split_once('<')?.1.split_once('>')?.0.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_address_is_told() {
        // As `main` does; a second call is only refused.
        _ = rustls::crypto::ring::default_provider().install_default();
        for (address, is_one) in [
            ("http://127.0.0.1:8080", true),
            ("https://provost.example.com/", true),
            ("127.0.0.1:8080", false),
            ("ftp://a", false),
            ("", false),
        ] {
            assert_eq!(Client::new(address, None).is_ok(), is_one, "{address}");
        }
    }

    #[test]
    fn the_next_page_is_found() {
        assert_eq!(next_of("</jobs?cursor=1>; rel=\"next\"").as_deref(), Some("/jobs?cursor=1"));
        assert_eq!(next_of("</a>; rel=\"prev\", </b>; rel=\"next\"").as_deref(), Some("/b"));
        assert_eq!(next_of("</a>; rel=\"prev\""), None);
    }
}
