//! Times in JSON: RFC 3339, UTC, milliseconds.

use ::time::OffsetDateTime;
use serde::Serializer;

use crate::domain::moment;

/// For `#[serde(serialize_with = …)]`.
pub fn serialize<S: Serializer>(at: &OffsetDateTime, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&moment::text(*at))
}

/// The same for what may be absent.
pub fn serialize_option<S: Serializer>(at: &Option<OffsetDateTime>, serializer: S) -> Result<S::Ok, S::Error> {
    match at {
        Some(at) => serialize(at, serializer),
        None => serializer.serialize_none(),
    }
}
