//! Times in JSON: RFC 3339, UTC, milliseconds.

use ::time::format_description::well_known::Rfc3339;
use ::time::{OffsetDateTime, UtcOffset};
use serde::Serializer;

use super::FieldProblem;
use crate::domain::moment;

/// For `#[serde(serialize_with = …)]`.
pub fn serialize<S: Serializer>(at: &OffsetDateTime, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&moment::text(*at))
}

/// [`serialize`] for optional times.
pub fn serialize_option<S: Serializer>(at: &Option<OffsetDateTime>, serializer: S) -> Result<S::Ok, S::Error> {
    match at {
        Some(at) => serialize(at, serializer),
        None => serializer.serialize_none(),
    }
}

/// Parses the value of `field`: an RFC 3339 time that the database and every client can represent.
pub fn parse_time(field: &str, text: &str) -> Result<OffsetDateTime, FieldProblem> {
    let at = OffsetDateTime::parse(text, &Rfc3339).ok().and_then(in_range);
    at.ok_or_else(|| {
        FieldProblem::new(field, "must be an RFC 3339 time between 1970 and 9999, for example 2026-01-31T08:00:00Z")
    })
}

/// The time in UTC, unless its year has more than four digits there: some clients cannot read such years.
pub fn in_range(at: OffsetDateTime) -> Option<OffsetDateTime> {
    at.checked_to_offset(UtcOffset::UTC).filter(|at| (1970..=9999).contains(&at.year()))
}
