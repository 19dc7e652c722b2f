//! Request parts: JSON bodies, ids and names. Errors name the invalid field.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use actix_web::web::{Bytes, BytesMut};
use actix_web::{FromRequest, HttpRequest};
use futures_util::StreamExt;
use percent_encoding::percent_decode;
use serde::de::{DeserializeOwned, IgnoredAny};
use uuid::Uuid;

use crate::web::error::ApiError;
use crate::wire::FieldProblem;

/// Maximum size of a body.
pub const MAX_BODY: usize = 256 * 1024;
/// Maximum size of a body that may contain many jobs.
pub const MAX_LARGE_BODY: usize = 4 * 1024 * 1024;
/// Time limit for receiving a body. actix-web limits slow headers, but not slow bodies.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);

type Extracted<T> = Pin<Box<dyn Future<Output = Result<T, ApiError>>>>;

/// A complete body of any type.
pub struct Body(pub Bytes);

/// A JSON body of up to [`MAX_LARGE_BODY`], not yet parsed.
pub struct LargeBody(pub Bytes);

/// A JSON body, parsed and as text.
pub struct Json<T> {
    pub value: T,
    pub text: Bytes,
}

/// A JSON body that may be omitted.
pub struct OptionalJson<T>(pub T);

impl FromRequest for Body {
    type Error = ApiError;
    type Future = Extracted<Self>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let body = receive(request, payload, MAX_BODY);
        Box::pin(async move { body.await.map(Self) })
    }
}

impl FromRequest for LargeBody {
    type Error = ApiError;
    type Future = Extracted<Self>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (is_json, body) = (is_json(request), receive(request, payload, MAX_LARGE_BODY));
        Box::pin(async move {
            let body = body.await?;
            if is_json { Ok(Self(body)) } else { Err(ApiError::NotJsonType) }
        })
    }
}

impl<T: DeserializeOwned + 'static> FromRequest for Json<T> {
    type Error = ApiError;
    type Future = Extracted<Self>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (is_json, body) = (is_json(request), receive(request, payload, MAX_BODY));
        Box::pin(async move {
            let text = body.await?;
            if is_json { Ok(Self { value: parse(&text)?, text }) } else { Err(ApiError::NotJsonType) }
        })
    }
}

impl<T: DeserializeOwned + Default + 'static> FromRequest for OptionalJson<T> {
    type Error = ApiError;
    type Future = Extracted<Self>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (is_json, body) = (is_json(request), receive(request, payload, MAX_BODY));
        Box::pin(async move {
            let text = body.await?;
            match (text.is_empty(), is_json) {
                (true, _) => Ok(Self(T::default())),
                (false, false) => Err(ApiError::NotJsonType),
                (false, true) => Ok(Self(parse(&text)?)),
            }
        })
    }
}

fn receive(
    request: &HttpRequest,
    payload: &mut Payload,
    max: usize,
) -> impl Future<Output = Result<Bytes, ApiError>> + use<> {
    let (coding, payload) = (coding(request), payload.take());
    async move {
        if let Some(coding) = coding {
            return Err(ApiError::Encoded(coding));
        }
        let collected = tokio::time::timeout(BODY_TIMEOUT, collect(payload, max)).await;
        collected.unwrap_or(Err(ApiError::TooSlow))
    }
}

/// The content coding of a body that is not sent as it is. Small bodies gain nothing from compression, and a compressed one can be
/// of any size when it is unpacked, so no coding is supported.
fn coding(request: &HttpRequest) -> Option<String> {
    let lines = request.headers().get_all(CONTENT_ENCODING);
    let mut codings = lines.flat_map(|line| line.to_str().unwrap_or("?").split(','));
    codings
        .find(|it| !it.trim().is_empty() && !it.trim().eq_ignore_ascii_case("identity"))
        .map(|it| it.trim().to_owned())
}

async fn collect(mut payload: Payload, max: usize) -> Result<Bytes, ApiError> {
    let mut body = BytesMut::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|error| ApiError::NotJson(format!("the body could not be received ({error})")))?;
        if body.len() + chunk.len() > max {
            return Err(ApiError::TooLarge(max));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

/// `application/json`, any `+json`, or no Content-Type at all.
fn is_json(request: &HttpRequest) -> bool {
    let Some(value) = request.headers().get(CONTENT_TYPE) else { return true };
    let kind = value.to_str().unwrap_or_default().split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    kind == "application/json" || kind.ends_with("+json")
}

/// Parses a JSON object. Invalid JSON yields a 400 problem; valid JSON of the wrong shape a 422 problem with the path of the field.
pub fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, ApiError> {
    let text = text_of(body)?;
    if text.trim_start().starts_with('[') {
        // serde would also read a struct from an array, field by field.
        let array = serde_json::from_str::<IgnoredAny>(text);
        return Err(array.map_or_else(not_json, |_| ApiError::field("body", "must be a JSON object")));
    }
    parse_text(text)
}

/// The text of a body that must not be empty, without a byte order mark: some programs write one, and RFC 8259 allows to skip it.
pub fn text_of(body: &[u8]) -> Result<&str, ApiError> {
    let body = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body);
    if body.is_empty() {
        return Err(ApiError::NotJson("the body is empty".into()));
    }
    std::str::from_utf8(body).map_err(|error| ApiError::NotJson(error.to_string()))
}

/// Parses any JSON.
pub fn parse_text<T: DeserializeOwned>(text: &str) -> Result<T, ApiError> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = error.path().to_string();
        shape_error(&path, error.into_inner())
    })?;
    reader.end().map_err(not_json)?;
    Ok(value)
}

fn not_json(error: serde_json::Error) -> ApiError {
    ApiError::NotJson(error.to_string())
}

fn shape_error(path: &str, error: serde_json::Error) -> ApiError {
    if !error.is_data() {
        return not_json(error);
    }
    let message = error.to_string();
    let message = message.split(" at line ").next().unwrap_or(&message);
    let field_after = |prefix: &str| message.strip_prefix(prefix).and_then(|rest| rest.split('`').next());
    if let Some(field) = field_after("missing field `") {
        return ApiError::field(field, "is required");
    }
    if let Some(field) = field_after("duplicate field `") {
        return ApiError::field(field, "must not occur twice");
    }
    if let Some(field) = field_after("unknown field `") {
        // serde continues with "expected one of `a`, `b`".
        let known = message.split_once(", ").map(|(_, known)| known.replace('`', "")).unwrap_or_default();
        return ApiError::field(field, format!("is not a field of this request; {known}"));
    }
    let field = if path == "." { "body" } else { path };
    ApiError::field(field, format!("has the wrong type: {message}"))
}

/// Prefixes the fields of an error in one part of a request with the path of that part.
pub fn with_prefix(prefix: &str, error: ApiError) -> ApiError {
    let ApiError::Fields(fields) = error else { return error };
    let rename = |it: FieldProblem| match it.field.as_str() {
        "body" => FieldProblem { field: prefix.trim_end_matches('.').to_owned(), ..it },
        field => FieldProblem { field: format!("{prefix}{field}"), ..it },
    };
    ApiError::Fields(fields.into_iter().map(rename).collect())
}

/// The first variable of the path: the name of a queue, worker, limit, schedule or kind.
pub struct Name(pub String);

impl FromRequest for Name {
    type Error = ApiError;
    type Future = std::future::Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        if percent_decode(request.uri().path().as_bytes()).decode_utf8().is_err() {
            return std::future::ready(Err(ApiError::parameter("path", "is not UTF-8")));
        }
        let text = request.match_info().iter().next().map(|(_, text)| text).unwrap_or_default();
        // The router decodes every escape except those of `/`, `+` and `%`. Decode `%` last, so that nothing is decoded twice.
        let name = [("%2F", "/"), ("%2f", "/"), ("%2B", "+"), ("%2b", "+"), ("%25", "%")]
            .into_iter()
            .fold(text.to_owned(), |text, (escape, plain)| text.replace(escape, plain));
        std::future::ready(Ok(Self(name)))
    }
}

/// The `{id}` of the path.
pub struct Id(pub Uuid);

impl FromRequest for Id {
    type Error = ApiError;
    type Future = std::future::Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let id = Uuid::try_parse(request.match_info().get("id").unwrap_or_default());
        let invalid = |_| ApiError::parameter("id", "must be a UUID, like 0190c2f4-7c1e-7d3a-9f52-0242ac120002");
        std::future::ready(id.map(Self).map_err(invalid))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::CreateProject;

    fn fields(text: &str) -> Vec<(String, String)> {
        match parse::<CreateProject>(text.as_bytes()) {
            Err(ApiError::Fields(fields)) => fields.into_iter().map(|it| (it.field, it.message)).collect(),
            other => panic!("{text}: {:?}", other.map(|it| it.name)),
        }
    }

    #[test]
    fn shape_error_names_the_field() {
        for (text, field) in [
            (r#"{}"#, "name"),
            (r#"{"name": 7}"#, "name"),
            (r#"{"name": "a", "color": "red"}"#, "color"),
            (r#"{"name": "a", "labels": {"env": 1}}"#, "labels.env"),
            (r#"{"name": "a", "name": "b"}"#, "name"),
            (r#"["a"]"#, "body"),
        ] {
            assert_eq!(fields(text)[0].0, field, "{text}");
        }
    }

    #[test]
    fn invalid_json_is_not_a_field_error() {
        for text in ["", "{", "{\"name\": \"a\"} x", "name=a", "{\"name\": \"\\ud800\"}"] {
            assert!(matches!(parse::<CreateProject>(text.as_bytes()), Err(ApiError::NotJson(_))), "{text}");
        }
        assert!(matches!(parse::<CreateProject>(b"{\"name\": \"\xff\"}"), Err(ApiError::NotJson(_))));
    }

    #[test]
    fn parameters_are_kept_byte_for_byte() {
        let text = r#"{"name": "a", "parameters": { "n": 123456789012345678901234567890,  "x": 1.0 }}"#;
        let read = parse::<CreateProject>(text.as_bytes()).unwrap();
        assert_eq!(read.parameters.unwrap().get(), r#"{ "n": 123456789012345678901234567890,  "x": 1.0 }"#);
    }
}
