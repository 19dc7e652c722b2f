//! Calls somebody over HTTP. Whoever enqueues a job chooses the URL, so it goes only where an operator said it may, and
//! never by accident to what only this machine can reach: every address is checked, and then no other is connected to.

mod allow;
mod answer;
mod guard;
mod request;

use std::net::SocketAddr;
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect::Policy;

use super::{Handler, Job, Working};
use crate::domain::Outcome;
use crate::log::chain;

pub use allow::{AllowList, BadEntry};

use allow::{Host, Target};
use answer::Answer;
use guard::blocked;
use request::Request;

/// `{"method": "POST", "url": "https://api.example.com/hooks", "headers": {}, "body": {}, "timeout_s": 5, "expect": [202]}`
pub struct Call {
    allow: AllowList,
    tls: Result<rustls::ClientConfig, String>,
}

impl Call {
    /// The machine's certificates are read once, here, unless nobody may be called anyway.
    pub fn new(allow: AllowList) -> Self {
        let tls = tls(!allow.is_empty()).map_err(|error| error.to_string());
        Self { allow, tls }
    }

    async fn call(&self, job: &Job) -> Result<Outcome, Outcome> {
        if self.allow.is_empty() {
            return Err(Outcome::refused("HTTP calls are switched off: PROVOST_HTTP_ALLOW names no target"));
        }
        let request = Request::read(job)?;
        let target = &request.target;
        if !self.allow.permits(target) {
            let scheme = if target.secure { "https" } else { "http" };
            let reason = format!("{scheme}://{}:{} is not in PROVOST_HTTP_ALLOW", target.host, target.port);
            return Err(Outcome::refused(reason));
        }
        let answer = tokio::time::timeout(request.timeout, self.ask(&request)).await;
        let answer = answer
            .map_err(|_| Outcome::failed(format!("{} did not answer within {:?}", target.host, request.timeout)))??;
        Ok(answer.outcome(&request))
    }

    async fn ask(&self, request: &Request) -> Result<Answer, Outcome> {
        let trouble = |error: reqwest::Error| {
            // The URL is taken out: it may hold a secret.
            Outcome::failed(format!("{}: {}", request.target.host, chain(&error.without_url())))
        };
        let addresses = self.addresses(&request.target).await?;
        let mut sending =
            self.client(request.target.secure, addresses)?.request(request.method.clone(), request.url.clone());
        sending = sending.headers(request.headers.clone());
        if let Some(body) = &request.body {
            sending = sending.body(body.clone());
        }
        Answer::read(sending.send().await.map_err(trouble)?).await.map_err(trouble)
    }

    /// Asks for the addresses once. If one of them is not public, somebody is up to something, and none is used.
    async fn addresses(&self, target: &Target) -> Result<Vec<SocketAddr>, Outcome> {
        let addresses = match &target.host {
            Host::Address(address) => vec![SocketAddr::new(*address, target.port)],
            Host::Name(name) => tokio::net::lookup_host((name.as_str(), target.port))
                .await
                .map_err(|error| Outcome::failed(format!("{name} cannot be found: {error}")))?
                .collect(),
        };
        match addresses.iter().find_map(|it| Some((it, self.objection(target.secure, *it)?))) {
            Some((address, what)) => {
                Err(Outcome::refused(format!("{} may not be called: {} is {what}", target.host, address.ip())))
            }
            None => Ok(addresses),
        }
    }

    fn objection(&self, secure: bool, address: SocketAddr) -> Option<&'static str> {
        blocked(address.ip()).filter(|_| !self.allow.names(secure, address))
    }

    /// One client for one call: it knows no other address, and keeps no connection for whoever comes next.
    fn client(&self, secure: bool, addresses: Vec<SocketAddr>) -> Result<reqwest::Client, Outcome> {
        let tls = self.tls.clone().map_err(|error| Outcome::failed(format!("TLS is not available: {error}")))?;
        reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .https_only(secure)
            .dns_resolver(Arc::new(Pinned(addresses)))
            .redirect(Policy::none())
            .retry(reqwest::retry::never())
            .no_proxy()
            .referer(false)
            .pool_max_idle_per_host(0)
            .build()
            .map_err(|error| Outcome::failed(format!("HTTP is not available: {}", chain(&error))))
    }
}

impl Handler for Call {
    fn run<'a>(&'a self, job: &'a Job) -> Working<'a> {
        Box::pin(async move { self.call(job).await.unwrap_or_else(|outcome| outcome) })
    }

    fn schema(&self) -> Option<&'static str> {
        Some(
            r#"{
  "type": "object",
  "properties": {
    "method": {"type": "string"},
    "url": {"type": "string", "minLength": 1},
    "headers": {"type": "object", "additionalProperties": {"type": "string"}},
    "body": {},
    "timeout_s": {"type": "number", "exclusiveMinimum": 0, "maximum": 10},
    "timeoutS": {"type": "number", "exclusiveMinimum": 0, "maximum": 10},
    "expect": {"type": "array", "items": {"type": "integer", "minimum": 100, "maximum": 599}},
    "send_inputs": {"type": "boolean"}
  },
  "required": ["url"],
  "additionalProperties": false
}"#,
        )
    }
}

/// Whatever name is asked for, only what was checked is answered.
struct Pinned(Vec<SocketAddr>);

impl Resolve for Pinned {
    fn resolve(&self, _: Name) -> Resolving {
        let addresses: Addrs = Box::new(self.0.clone().into_iter());
        Box::pin(async { Ok(addresses) })
    }
}

fn tls(with_certificates: bool) -> Result<rustls::ClientConfig, rustls::Error> {
    let mut roots = rustls::RootCertStore::empty();
    if with_certificates {
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::sync::mpsc::{Receiver, channel};
    use std::time::Duration;

    use serde_json::{Value, json};

    use super::*;
    use crate::handlers::tests::job;

    /// A server that gives each of these answers once, and tells what it was asked.
    fn serve(answers: Vec<String>) -> (u16, Receiver<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (port, (tell, told)) = (listener.local_addr().unwrap().port(), channel());
        std::thread::spawn(move || {
            for answer in answers {
                let (mut stream, _) = listener.accept().unwrap();
                let (mut asked, mut buffer) = (String::new(), [0; 4096]);
                while !whole(&asked) {
                    let n = stream.read(&mut buffer).unwrap();
                    asked.push_str(&String::from_utf8_lossy(&buffer[..n]));
                }
                tell.send(asked).unwrap();
                // Whoever has read enough hangs up.
                _ = stream.write_all(answer.as_bytes());
            }
        });
        (port, told)
    }

    fn whole(asked: &str) -> bool {
        let Some((head, body)) = asked.split_once("\r\n\r\n") else { return false };
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
        body.len() >= length.unwrap_or(0)
    }

    fn answer(status: &str, headers: &str, body: &str) -> String {
        format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n{headers}\r\n{body}", body.len())
    }

    async fn call(allow: &str, payload: Value) -> Outcome {
        Call::new(allow.parse().unwrap()).run(&job("http.call", &payload.to_string())).await
    }

    /// Calls a server that gives this answer.
    async fn answered(answer: String, mut more: Value) -> Outcome {
        let (port, _told) = serve(vec![answer]);
        let here = format!("http://127.0.0.1:{port}");
        more["url"] = format!("{here}/secret").into();
        call(&here, more).await
    }

    #[tokio::test]
    async fn a_call_says_who_it_is_and_its_answer_is_the_result() {
        let headers = "content-type: text/plain\r\nset-cookie: a=b\r\n";
        let (port, told) = serve(vec![answer("201 Created", headers, "h\0i")]);
        let here = format!("http://127.0.0.1:{port}");
        let payload = json!({"url": format!("{here}/a?b=1"), "headers": {"X-Mine": "1"}, "body": {"n": 1}});
        let Outcome::Done { result: Some(result), .. } = call(&here, payload).await else { panic!() };
        let expected = json!({"status": 201, "headers": {"content-type": "text/plain", "content-length": "3"}, "body": "h\u{fffd}i", "truncated": false});
        assert_eq!(serde_json::from_str::<Value>(&result).unwrap(), expected);
        let asked = told.recv().unwrap();
        assert!(asked.starts_with("POST /a?b=1 HTTP/1.1\r\n") && asked.ends_with("\r\n\r\n{\"n\":1}"), "{asked}");
        for line in [
            format!("idempotency-key: {}", job("", "").id),
            format!("x-provost-execution: {}", job("", "").execution_id),
            format!("host: 127.0.0.1:{port}"),
            concat!("user-agent: provost/", env!("CARGO_PKG_VERSION")).to_owned(),
            "content-type: application/json".to_owned(),
            "x-mine: 1".to_owned(),
        ] {
            assert!(asked.lines().any(|it| it == line), "{line}\n{asked}");
        }
    }

    #[tokio::test]
    async fn what_an_answer_means() {
        let failed = |reason: &str, seconds: Option<u64>| Outcome::Failed {
            reason: reason.into(),
            retry_after: seconds.map(Duration::from_secs),
            next: Vec::new(),
        };
        let cases = [
            ("404 Not Found", "", json!({}), Outcome::refused("127.0.0.1 answered 404 Not Found: why")),
            ("408 Request Timeout", "", json!({}), failed("127.0.0.1 answered 408 Request Timeout: why", None)),
            (
                "429 Too Many Requests",
                "retry-after: 7\r\n",
                json!({}),
                failed("127.0.0.1 answered 429 Too Many Requests: why", Some(7)),
            ),
            (
                "503 Service Unavailable",
                "retry-after: 9\r\n",
                json!({}),
                failed("127.0.0.1 answered 503 Service Unavailable: why", Some(9)),
            ),
            ("200 OK", "", json!({"expect": [202]}), Outcome::refused("127.0.0.1 answered 200 OK: why")),
        ];
        for (status, headers, more, outcome) in cases {
            assert_eq!(answered(answer(status, headers, "why\n"), more).await, outcome, "{status}");
        }
        let welcome = answered(answer("404 Not Found", "", ""), json!({"expect": [200, 404]})).await;
        assert!(matches!(welcome, Outcome::Done { .. }), "{welcome:?}");
    }

    #[tokio::test]
    async fn a_redirect_is_not_followed() {
        let (elsewhere, told) = serve(vec![answer("200 OK", "", "secret")]);
        let location = format!("location: http://127.0.0.1:{elsewhere}/\r\n");
        let outcome = answered(answer("302 Found", &location, ""), json!({})).await;
        assert_eq!(outcome, Outcome::refused("127.0.0.1 answered 302 Found (redirects are not followed)"));
        assert!(told.try_recv().is_err(), "nobody went there");
    }

    #[tokio::test]
    async fn a_long_answer_is_cut() {
        for (length, truncated) in [(1024 * 1024, false), (3 * 1024 * 1024, true)] {
            let Outcome::Done { result: Some(result), .. } =
                answered(answer("200 OK", "", &"x".repeat(length)), json!({})).await
            else {
                panic!()
            };
            let result: Value = serde_json::from_str(&result).unwrap();
            assert_eq!(result["body"].as_str().unwrap().len(), 1024 * 1024);
            assert_eq!(result["truncated"], truncated);
        }
    }

    #[tokio::test]
    async fn whoever_does_not_answer_is_tried_again() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let silent = format!("http://{}", listener.local_addr().unwrap());
        let outcome = call(&silent, json!({"url": silent, "timeout_s": 0.05})).await;
        assert_eq!(outcome, Outcome::failed("127.0.0.1 did not answer within 50ms"));
        drop(listener);
        let outcome = call(&silent, json!({"url": format!("{silent}/secret")})).await;
        assert!(
            matches!(&outcome, Outcome::Failed { reason, .. } if reason.starts_with("127.0.0.1: ") && !reason.contains("secret")),
            "{outcome:?}"
        );
        let outcome = answered("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf".into(), json!({})).await;
        assert!(matches!(outcome, Outcome::Failed { .. }), "{outcome:?}");
    }

    #[tokio::test]
    async fn what_nobody_named_is_refused() {
        let off = call("", json!({"url": "https://api.example.com/"})).await;
        assert_eq!(off, Outcome::refused("HTTP calls are switched off: PROVOST_HTTP_ALLOW names no target"));
        for (url, target) in [
            ("https://other.example/", "https://other.example:443"),
            ("http://api.example.com/", "http://api.example.com:80"),
            ("https://0x7f.1/", "https://127.0.0.1:443"),
            ("https://2130706433/", "https://127.0.0.1:443"),
            ("https://0177.0.0.1/", "https://127.0.0.1:443"),
            ("https://１２７.0.0.1./", "https://127.0.0.1:443"),
            ("https://[::ffff:127.0.0.1]/", "https://[::ffff:127.0.0.1]:443"),
            ("https://169.254.169.254/", "https://169.254.169.254:443"),
        ] {
            let outcome = call("api.example.com", json!({"url": url})).await;
            assert_eq!(outcome, Outcome::refused(format!("{target} is not in PROVOST_HTTP_ALLOW")), "{url}");
        }
        let tricked = call("api.example.com", json!({"url": "http://api.example.com@127.0.0.1"})).await;
        assert_eq!(tricked, Outcome::refused("url may not carry a user or a password"));
    }

    #[tokio::test]
    async fn a_name_that_leads_inside_is_refused_unless_the_address_is_named_too() {
        let (port, told) = serve(vec![answer("200 OK", "", "")]);
        let (name, url) = (format!("http://localhost:{port}"), format!("http://LocalHost.:{port}/"));
        let Outcome::Refused { reason, .. } = call(&name, json!({"url": url})).await else { panic!() };
        assert!(reason.starts_with("localhost may not be called: ") && reason.ends_with(" is loopback"), "{reason}");
        assert!(told.try_recv().is_err(), "nobody went there");
        let both = format!("{name},http://127.0.0.1:{port},http://[::1]:{port}");
        let outcome = call(&both, json!({"url": url})).await;
        assert!(matches!(outcome, Outcome::Done { .. }), "{outcome:?}");
        assert!(told.recv().unwrap().contains(&format!("host: localhost:{port}\r\n")));
    }

    #[tokio::test]
    async fn only_what_was_checked_is_connected_to() {
        // The name does not exist; it is reached all the same, because nobody is asked a second time.
        let (port, _told) = serve(vec![answer("200 OK", "", "")]);
        let call = Call::new(AllowList::default());
        let client = call.client(false, vec![SocketAddr::from(([127, 0, 0, 1], port))]).unwrap();
        let response = client.get(format!("http://rebinding.invalid:{port}/")).send().await.unwrap();
        assert_eq!(response.status(), 200);
    }
}
