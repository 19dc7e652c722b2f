//! Timestamps as text: RFC 3339 in UTC with milliseconds, like `2024-01-01T00:00:00.000Z`.

use time::OffsetDateTime;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;

const RFC3339_MS: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");
const RFC3339_US: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:6]Z");
const READABLE: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day] [hour]:[minute]:[second] UTC");

/// The format of the API.
pub fn text(at: OffsetDateTime) -> String {
    format(at, RFC3339_MS)
}

/// With microseconds, the precision of the database.
pub fn exact(at: OffsetDateTime) -> String {
    format(at, RFC3339_US)
}

/// The format of pages, shown where no script replaces it with a relative time.
pub fn readable(at: OffsetDateTime) -> String {
    format(at, READABLE)
}

fn format(at: OffsetDateTime, format: &[BorrowedFormatItem<'_>]) -> String {
    // Formatting cannot fail. An offset can push the last hours of the year 9999 out of range; those keep their offset.
    at.checked_to_offset(time::UtcOffset::UTC).unwrap_or(at).format(format).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn text_is_utc_with_milliseconds() {
        assert_eq!(text(datetime!(2024-01-01 01:00 +1)), "2024-01-01T00:00:00.000Z");
        assert_eq!(text(datetime!(2024-12-31 23:59:59.999_999 UTC)), "2024-12-31T23:59:59.999Z");
        assert_eq!(readable(datetime!(2024-01-01 01:00 +1)), "2024-01-01 00:00:00 UTC");
    }
}
