//! How a moment is written: RFC 3339 in UTC with milliseconds, like `2024-01-01T00:00:00.000Z`.

use time::OffsetDateTime;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;

const RFC3339_MS: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");
const RFC3339_US: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:6]Z");
const READABLE: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day] [hour]:[minute]:[second] UTC");

/// For machines.
pub fn text(at: OffsetDateTime) -> String {
    written(at, RFC3339_MS)
}

/// For machines that must not lose anything, such as the database.
pub fn exact(at: OffsetDateTime) -> String {
    written(at, RFC3339_US)
}

/// For people, where no script makes it relative.
pub fn readable(at: OffsetDateTime) -> String {
    written(at, READABLE)
}

fn written(at: OffsetDateTime, format: &[BorrowedFormatItem<'_>]) -> String {
    // Both formats are total: every moment has a year, a month and so on. An offset can push the last hours of the year 9999 out
    // of range; those stay as they are.
    at.checked_to_offset(time::UtcOffset::UTC).unwrap_or(at).format(format).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn always_utc_and_milliseconds() {
        assert_eq!(text(datetime!(2024-01-01 01:00 +1)), "2024-01-01T00:00:00.000Z");
        assert_eq!(text(datetime!(2024-12-31 23:59:59.999_999 UTC)), "2024-12-31T23:59:59.999Z");
        assert_eq!(readable(datetime!(2024-01-01 01:00 +1)), "2024-01-01 00:00:00 UTC");
    }
}
