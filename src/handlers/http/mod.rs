//! `http.call`. The producer of a job chooses the URL, so calls go only to targets that the operator allowed, and not
//! by accident to private addresses: every resolved address is checked, and only those addresses are connected to.

mod allow;
mod public_address;
mod request;
mod response;

use std::net::SocketAddr;
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect::Policy;

use super::{Handler, HandlerFuture, Job, fallible};
use crate::domain::Outcome;
use crate::log::chain;

pub use allow::{AllowList, BadEntry};

use allow::{Host, Target};
use public_address::blocked;
use request::Request;
use response::CallResponse;

/// `{"method": "POST", "url": "https://api.example.com/hooks", "headers": {}, "body": {}, "timeout_s": 5, "expect": [202]}`
pub struct HttpCall {
    allow: AllowList,
    tls: Result<rustls::ClientConfig, String>,
}

impl HttpCall {
    /// Loads the system certificates once, unless no target is allowed.
    pub fn new(allow: AllowList) -> Self {
        let tls = tls(!allow.is_empty()).map_err(|error| error.to_string());
        Self { allow, tls }
    }

    async fn call(&self, job: &Job) -> Result<Outcome, Outcome> {
        if self.allow.is_empty() {
            return Err(Outcome::fatal("HTTP calls are disabled: PROVOST_HTTP_ALLOW is empty"));
        }
        let request = Request::read(job)?;
        let target = &request.target;
        if !self.allow.permits(target) {
            let scheme = if target.secure { "https" } else { "http" };
            let reason = format!("{scheme}://{}:{} is not in PROVOST_HTTP_ALLOW", target.host, target.port);
            return Err(Outcome::fatal(reason));
        }
        let response = tokio::time::timeout(request.timeout, self.send(&request)).await;
        let response = response
            .map_err(|_| Outcome::failed(format!("{} did not respond within {:?}", target.host, request.timeout)))??;
        Ok(response.outcome(&request))
    }

    async fn send(&self, request: &Request) -> Result<CallResponse, Outcome> {
        let failed = |error: reqwest::Error| {
            // Remove the URL: it may contain a secret.
            Outcome::failed(format!("{}: {}", request.target.host, chain(&error.without_url())))
        };
        let addresses = self.addresses(&request.target).await?;
        let mut builder =
            self.client(request.target.secure, addresses)?.request(request.method.clone(), request.url.clone());
        builder = builder.headers(request.headers.clone());
        if let Some(body) = &request.body {
            builder = builder.body(body.clone());
        }
        CallResponse::read(builder.send().await.map_err(failed)?).await.map_err(failed)
    }

    /// Resolves the host once. If any address is not public, the name may be an attack, and none is used.
    async fn addresses(&self, target: &Target) -> Result<Vec<SocketAddr>, Outcome> {
        let addresses = match &target.host {
            Host::Address(address) => vec![SocketAddr::new(*address, target.port)],
            Host::Name(name) => tokio::net::lookup_host((name.as_str(), target.port))
                .await
                .map_err(|error| Outcome::failed(format!("cannot resolve {name}: {error}")))?
                .collect(),
        };
        match addresses.iter().find_map(|it| Some((it, self.block_reason(target.secure, *it)?))) {
            Some((address, what)) => {
                Err(Outcome::fatal(format!("{} must not be called: {} is {what}", target.host, address.ip())))
            }
            None => Ok(addresses),
        }
    }

    fn block_reason(&self, secure: bool, address: SocketAddr) -> Option<&'static str> {
        blocked(address.ip()).filter(|_| !self.allow.names(secure, address))
    }

    /// A client for one call: it connects only to these addresses and keeps no connections.
    fn client(&self, secure: bool, addresses: Vec<SocketAddr>) -> Result<reqwest::Client, Outcome> {
        let tls = self.tls.clone().map_err(|error| Outcome::failed(format!("TLS is unavailable: {error}")))?;
        reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .https_only(secure)
            .dns_resolver(Arc::new(FixedResolver(addresses)))
            .redirect(Policy::none())
            .retry(reqwest::retry::never())
            .no_proxy()
            .referer(false)
            .pool_max_idle_per_host(0)
            .build()
            .map_err(|error| Outcome::failed(format!("HTTP is unavailable: {}", chain(&error))))
    }
}

impl Handler for HttpCall {
    fn run<'a>(&'a self, job: &'a Job) -> HandlerFuture<'a> {
        fallible(self.call(job))
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

/// Resolves every name to the checked addresses.
struct FixedResolver(Vec<SocketAddr>);

impl Resolve for FixedResolver {
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
mod tests;
