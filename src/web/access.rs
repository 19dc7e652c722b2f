//! Access control. Without an admin token, only requests to localhost are allowed; with one, a request needs the admin token, or a
//! worker token for `/internal`. The Terraform state of a project also accepts the admin token or the token of an attempt as the
//! password of basic authentication, and for reading also that of a look. Changes from pages of other sites are always refused.

use std::future::{Ready, ready};

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{AUTHORIZATION, HOST, HeaderMap, LOCATION, ORIGIN};
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{Error, FromRequest, HttpMessage, HttpRequest, HttpResponse, ResponseError};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use subtle::ConstantTimeEq;
use uuid::Uuid;

use crate::config::Secret;
use crate::secrets::LOOK_USER;
use crate::web::api::internal::token_scope::TokenScope;
use crate::web::app::App;
use crate::web::error::ApiError;
use crate::wire::hash::sha256_hex;

/// Name of the session cookie.
pub const SESSION: &str = "provost_session";

/// Paths that need no token, besides `/static/`.
const OPEN: &[&str] = &["/healthz", "/readyz", "/api/v1/healthz", "/api/v1/readyz", "/dashboard/login"];

/// Paths that accept worker tokens.
const INTERNAL: &[&str] = &["/internal/", "/api/v1/internal/"];

/// Passes allowed requests on, with the scope of their token, and rejects all others.
pub async fn guard(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<EitherBody<impl MessageBody>>, Error> {
    let Some(app) = request.app_data::<Data<App>>().cloned() else {
        return Ok(next.call(request).await?.map_into_left_body());
    };
    match check(&app, &request) {
        Ok((scope, caller)) => {
            request.extensions_mut().insert(scope);
            request.extensions_mut().insert(caller);
            Ok(next.call(request).await?.map_into_left_body())
        }
        Err(ApiError::Unauthorized) if wants_page(&request) => {
            let response = HttpResponse::SeeOther().insert_header((LOCATION, login_url(&request))).finish();
            Ok(request.into_response(response).map_into_right_body())
        }
        Err(error) => Ok(request.into_response(error.error_response()).map_into_right_body()),
    }
}

/// Who asks for the Terraform state of a project.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caller {
    /// A program of this attempt, which may have ended meanwhile.
    Run(Uuid),
    /// A program that looks at the project. It only reads.
    Look,
    Anybody,
}

/// Access control stores the caller in the request.
impl FromRequest for Caller {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(request.extensions().get::<Self>().copied().ok_or(ApiError::Unauthorized))
    }
}

/// The scope of the request's token and the caller, or why the request is rejected.
fn check(app: &App, request: &ServiceRequest) -> Result<(TokenScope, Caller), ApiError> {
    if !request.method().is_safe() && is_cross_site(request.headers()) {
        return Err(ApiError::CrossSite);
    }
    let path = request.path();
    let basic = project_of_state(path).and_then(|_| basic(request.headers()));
    if let Some(run) = basic.as_ref().and_then(|(user, password)| run_of(app, user, password)) {
        return Ok((TokenScope::unrestricted(), Caller::Run(run)));
    }
    if let Some((until, password)) = basic.as_ref().and_then(|(user, password)| Some((look_of(user)?, password))) {
        let is_allowed = request.method() == Method::GET && is_look(app, path, until, password);
        return if is_allowed { Ok((TokenScope::unrestricted(), Caller::Look)) } else { Err(ApiError::Unauthorized) };
    }
    if INTERNAL.iter().any(|it| path.starts_with(it))
        && let Some(token) = app.config.worker_tokens.iter().find(|it| has_bearer(request.headers(), &it.secret))
    {
        return Ok((TokenScope::of(token), Caller::Anybody));
    }
    let allowed = Ok((TokenScope::unrestricted(), Caller::Anybody));
    let Some(token) = &app.config.admin_token else {
        return if is_local(request.headers()) { allowed } else { Err(ApiError::Misdirected) };
    };
    let open = OPEN.contains(&path) || path.starts_with("/static/");
    let is_basic = basic.is_some_and(|(_, password)| is_token(&password, token));
    if open || is_basic || has_bearer(request.headers(), token) || has_session(request, token) {
        return allowed;
    }
    Err(ApiError::Unauthorized)
}

/// Whether a browser sent the request from a page of another site. Programs send none of these headers.
fn is_cross_site(headers: &HeaderMap) -> bool {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    match (header("sec-fetch-site"), headers.get(ORIGIN).and_then(|it| it.to_str().ok()), header(HOST.as_str())) {
        (Some(site), _, _) => !matches!(site, "same-origin" | "none"),
        (None, Some(origin), Some(host)) => origin.split_once("://").is_none_or(|(_, from)| from != host),
        (None, Some(_), None) => true,
        (None, None, _) => false,
    }
}

/// Whether the Host header names this machine. Any other name may be a DNS rebinding attack.
fn is_local(headers: &HeaderMap) -> bool {
    let Some(host) = headers.get(HOST).and_then(|value| value.to_str().ok()) else { return true };
    let name = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((v6, _)) => v6,
        None => host.split(':').next().unwrap_or_default(),
    };
    name.eq_ignore_ascii_case("localhost") || name.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// The project of a path, if that is the path of a Terraform state. It accepts basic authentication too, because Terraform knows no other.
fn project_of_state(path: &str) -> Option<&str> {
    let path = path.strip_prefix("/api/v1").unwrap_or(path);
    path.strip_prefix("/projects/")?.strip_suffix("/terraform/state")
}

/// When the access of a look ends (Unix seconds), if this is the user of one.
fn look_of(user: &str) -> Option<i64> {
    user.strip_prefix(LOOK_USER)?.parse().ok()
}

/// Whether this is the token of a look at the project of this path that has not ended.
fn is_look(app: &App, path: &str, until: i64, password: &str) -> bool {
    let project = project_of_state(path).and_then(|it| it.parse().ok());
    let is_token = project.zip(app.keyring.as_ref()).is_some_and(|(it, keys)| keys.is_look_token(it, until, password));
    is_token && until >= time::OffsetDateTime::now_utc().unix_timestamp()
}

/// User and password of basic authentication.
fn basic(headers: &HeaderMap) -> Option<(String, String)> {
    let given = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (_, encoded) = given.split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("basic"))?;
    let decoded = String::from_utf8(BASE64_STANDARD.decode(encoded.trim()).ok()?).ok()?;
    decoded.split_once(':').map(|(user, password)| (user.to_owned(), password.to_owned()))
}

/// The attempt whose token this is.
fn run_of(app: &App, user: &str, password: &str) -> Option<Uuid> {
    let execution = user.parse().ok()?;
    app.keyring.as_ref()?.is_run_token(execution, password).then_some(execution)
}

fn has_bearer(headers: &HeaderMap, token: &Secret) -> bool {
    let given = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let bearer =
        given.and_then(|text| text.split_once(' ')).filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    bearer.is_some_and(|(_, text)| is_token(text.trim(), token))
}

fn has_session(request: &ServiceRequest, token: &Secret) -> bool {
    request.cookie(SESSION).is_some_and(|cookie| cookie.value().as_bytes().ct_eq(session(token).as_bytes()).into())
}

/// Compares in constant time, even for different lengths.
pub fn is_token(given: &str, token: &Secret) -> bool {
    sha256_hex(given).as_bytes().ct_eq(sha256_hex(token.reveal()).as_bytes()).into()
}

/// Value of the session cookie: proves knowledge of the token without containing it, and becomes invalid when the token changes.
pub fn session(token: &Secret) -> String {
    sha256_hex(format!("provost session\0{}", token.reveal()))
}

fn wants_page(request: &ServiceRequest) -> bool {
    let path = request.path();
    matches!(*request.method(), Method::GET | Method::HEAD) && (path.starts_with("/dashboard") || path == "/")
}

fn login_url(request: &ServiceRequest) -> String {
    let target = request.uri().path_and_query().map_or("/dashboard", |it| it.as_str());
    let query = serde_urlencoded::to_string([("next", target)]).unwrap_or_default();
    format!("/dashboard/login?{query}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::{HeaderName, HeaderValue};

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let pair = |(k, v): &(&'static str, &'static str)| (HeaderName::from_static(k), HeaderValue::from_static(v));
        pairs.iter().map(pair).collect()
    }

    #[test]
    fn only_loopback_hosts_are_local() {
        for host in ["localhost", "localhost:8080", "127.0.0.1:9", "127.8.8.8", "[::1]:8080", "LOCALHOST"] {
            assert!(is_local(&headers(&[("host", host)])), "{host}");
        }
        for host in ["evil.example", "localhost.evil.example", "10.0.0.1:8080", "[::2]", "", "127.0.0.1.evil"] {
            assert!(!is_local(&headers(&[("host", host)])), "{host}");
        }
    }

    #[test]
    fn cross_site_requests_are_detected_by_headers() {
        let cases: [(&[(&str, &str)], bool); 6] = [
            (&[("host", "localhost:1")], false),
            (&[("host", "localhost:1"), ("sec-fetch-site", "same-origin")], false),
            (&[("host", "localhost:1"), ("sec-fetch-site", "cross-site")], true),
            (&[("host", "localhost:1"), ("sec-fetch-site", "same-site")], true),
            (&[("host", "localhost:1"), ("origin", "http://localhost:1")], false),
            (&[("host", "localhost:1"), ("origin", "http://localhost:2")], true),
        ];
        for (pairs, cross) in cases {
            let map = pairs
                .iter()
                .map(|(k, v)| (HeaderName::from_bytes(k.as_bytes()).unwrap(), HeaderValue::from_str(v).unwrap()));
            assert_eq!(is_cross_site(&map.collect()), cross, "{pairs:?}");
        }
    }
}
