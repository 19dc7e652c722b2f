//! Typed input. What cannot be understood is answered with the name of the field and what would be right.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::web::{Bytes, BytesMut};
use actix_web::{FromRequest, HttpRequest};
use futures_util::StreamExt;
use serde::de::{DeserializeOwned, IgnoredAny};
use uuid::Uuid;

use crate::web::error::ApiError;
use crate::wire::FieldProblem;

/// The most bytes that a body may have.
pub const MAX_BODY: usize = 256 * 1024;
/// How long a whole body may take to arrive. actix limits slow headers, but not slow bodies.
const BODY_PATIENCE: Duration = Duration::from_secs(10);

/// The same for many jobs in one request.
pub const MAX_MANY: usize = 4 * 1024 * 1024;

/// A body, whole: not too large, and in time.
pub struct Body(pub Bytes);

/// A JSON body that may hold many things, not read yet.
pub struct Many(pub Bytes);

impl FromRequest for Many {
    type Error = ApiError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, ApiError>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let is_json = says_json(request);
        let payload = payload.take();
        Box::pin(async move {
            let body = arrived(payload, MAX_MANY).await?;
            if is_json { Ok(Self(body)) } else { Err(ApiError::NotJsonType) }
        })
    }
}

impl FromRequest for Body {
    type Error = ApiError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, ApiError>>>>;

    fn from_request(_: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let payload = payload.take();
        Box::pin(async move { arrived(payload, MAX_BODY).await.map(Self) })
    }
}

async fn arrived(payload: Payload, most: usize) -> Result<Bytes, ApiError> {
    let collected = tokio::time::timeout(BODY_PATIENCE, collect(payload, most)).await;
    collected.unwrap_or(Err(ApiError::TooSlow))
}

async fn collect(mut payload: Payload, most: usize) -> Result<Bytes, ApiError> {
    let mut body = BytesMut::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|error| ApiError::NotJson(format!("it could not be received ({error})")))?;
        if body.len() + chunk.len() > most {
            return Err(ApiError::TooLarge(most));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

/// A JSON body, read into `T`; the text is kept beside it.
pub struct Json<T> {
    pub value: T,
    pub text: Bytes,
}

impl<T: DeserializeOwned + 'static> FromRequest for Json<T> {
    type Error = ApiError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, ApiError>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let is_json = says_json(request);
        let body = Body::from_request(request, payload);
        Box::pin(async move {
            let Body(text) = body.await?;
            if !is_json {
                return Err(ApiError::NotJsonType);
            }
            Ok(Self { value: parse(&text)?, text })
        })
    }
}

/// A JSON body that may be left out.
pub struct OptionalJson<T>(pub T);

impl<T: DeserializeOwned + Default + 'static> FromRequest for OptionalJson<T> {
    type Error = ApiError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, ApiError>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let is_json = says_json(request);
        let body = Body::from_request(request, payload);
        Box::pin(async move {
            let Body(text) = body.await?;
            match (text.is_empty(), is_json) {
                (true, _) => Ok(Self(T::default())),
                (false, false) => Err(ApiError::NotJsonType),
                (false, true) => Ok(Self(parse(&text)?)),
            }
        })
    }
}

/// `application/json`, anything `+json`, or nothing said.
fn says_json(request: &HttpRequest) -> bool {
    let Some(value) = request.headers().get(CONTENT_TYPE) else { return true };
    let kind = value.to_str().unwrap_or_default().split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    kind == "application/json" || kind.ends_with("+json")
}

/// Tells apart what is not JSON (400) and what is not what we asked for (422, with the field's path).
pub fn parse<T: DeserializeOwned>(text: &[u8]) -> Result<T, ApiError> {
    let text = text_of(text)?;
    if text.trim_start().starts_with('[') {
        // serde would read a struct from an array too, field by field; nobody means that.
        let whole = serde_json::from_str::<IgnoredAny>(text);
        return Err(whole.map_or_else(not_json, |_| ApiError::field("body", "must be a JSON object")));
    }
    read(text)
}

/// The text of a body that is not empty.
pub fn text_of(body: &[u8]) -> Result<&str, ApiError> {
    if body.is_empty() {
        return Err(ApiError::NotJson("it is empty".into()));
    }
    std::str::from_utf8(body).map_err(|error| ApiError::NotJson(error.to_string()))
}

/// Reads any JSON; what cannot be accepted is named by its path.
pub fn read<T: DeserializeOwned>(text: &str) -> Result<T, ApiError> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = error.path().to_string();
        refusal(&path, error.into_inner())
    })?;
    reader.end().map_err(not_json)?;
    Ok(value)
}

fn not_json(error: serde_json::Error) -> ApiError {
    ApiError::NotJson(error.to_string())
}

fn refusal(path: &str, error: serde_json::Error) -> ApiError {
    if !error.is_data() {
        return ApiError::NotJson(error.to_string());
    }
    let message = without_position(&error.to_string());
    let named = message.strip_prefix("missing field `").or_else(|| message.strip_prefix("unknown field `"));
    let named = named.or_else(|| message.strip_prefix("duplicate field `")).and_then(|rest| rest.split('`').next());
    match named {
        Some(field) if message.starts_with("missing") => ApiError::field(field, "is missing"),
        Some(field) if message.starts_with("duplicate") => ApiError::field(field, "is there twice"),
        Some(field) => ApiError::field(field, known_fields(&message)),
        None => {
            let field = if path == "." { "body" } else { path };
            ApiError::field(field, format!("has the wrong type: {message}"))
        }
    }
}

/// "unknown field `x`, expected one of `a`, `b`" says it well but for its beginning.
fn known_fields(message: &str) -> String {
    let known = message.split_once(", ").map(|(_, known)| known.replace('`', "")).unwrap_or_default();
    format!("is not a field of this request; {known}")
}

/// A mistake in a part, by the name that it has in the whole.
pub fn below(prefix: &str, error: ApiError) -> ApiError {
    let ApiError::Fields(fields) = error else { return error };
    let named = |it: FieldProblem| match it.field.as_str() {
        "body" => FieldProblem { field: prefix.trim_end_matches('.').to_owned(), ..it },
        field => FieldProblem { field: format!("{prefix}{field}"), ..it },
    };
    ApiError::Fields(fields.into_iter().map(named).collect())
}

fn without_position(message: &str) -> String {
    message.split(" at line ").next().unwrap_or(message).to_owned()
}

/// A name in the path. The router undoes every escape but those of `/`, `+` and `%`; names may have a slash.
pub fn name_in_path(request: &HttpRequest, key: &str) -> String {
    let text = request.match_info().get(key).unwrap_or_default();
    // The percent sign last, so that nothing is undone twice.
    [("%2F", "/"), ("%2f", "/"), ("%2B", "+"), ("%2b", "+"), ("%25", "%")]
        .into_iter()
        .fold(text.to_owned(), |text, (escape, plain)| text.replace(escape, plain))
}

/// The id in the path.
pub struct Id(pub Uuid);

impl FromRequest for Id {
    type Error = ApiError;
    type Future = std::future::Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let text = request.match_info().get("id").unwrap_or_default();
        std::future::ready(match Uuid::try_parse(text) {
            Ok(id) => Ok(Self(id)),
            Err(_) => Err(ApiError::Parameter(FieldProblem {
                field: "id".into(),
                message: "must be a UUID, like 0190c2f4-7c1e-7d3a-9f52-0242ac120002".into(),
            })),
        })
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
    fn the_field_at_fault_is_named() {
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
    fn what_is_not_json_is_told_apart() {
        for text in ["", "{", "{\"name\": \"a\"} x", "name=a", "{\"name\": \"\\ud800\"}"] {
            assert!(matches!(parse::<CreateProject>(text.as_bytes()), Err(ApiError::NotJson(_))), "{text}");
        }
        assert!(matches!(parse::<CreateProject>(b"{\"name\": \"\xff\"}"), Err(ApiError::NotJson(_))));
    }

    #[test]
    fn parameters_keep_every_byte() {
        let text = r#"{"name": "a", "parameters": { "n": 123456789012345678901234567890,  "x": 1.0 }}"#;
        let read = parse::<CreateProject>(text.as_bytes()).unwrap();
        assert_eq!(read.parameters.unwrap().get(), r#"{ "n": 123456789012345678901234567890,  "x": 1.0 }"#);
    }
}
