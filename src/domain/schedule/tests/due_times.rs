//! Tables of due times, on days with clock changes and on ordinary days.

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use time::macros::datetime;

use crate::domain::schedule::{ClockChange, Timing};

fn at(text: &str) -> OffsetDateTime {
    OffsetDateTime::parse(text, &Rfc3339).unwrap()
}

/// The due times in `from..to`, as the clocks of the zone show them.
fn due(zone: &str, expression: &str, from: &str, to: &str) -> Vec<String> {
    let timing = Timing::parse(expression, zone, datetime!(1970-01-01 00:00 UTC)).unwrap();
    let (from, to) = (at(from), at(to));
    let just_before = from - time::Duration::nanoseconds(1);
    let shown = |at| {
        let local = timing.zone().local(at);
        format!("{} {}", &local.text[5..16], local.offset)
    };
    timing.after(just_before).take_while(|at| *at < to).map(shown).collect()
}

/// Zone, expression, from, to, what is due.
type Row = (&'static str, &'static str, &'static str, &'static str, &'static [&'static str]);

const CLOCK_CHANGE_DAYS: &[Row] = &[
    (
        "America/New_York",
        "30 2 * * *",
        "2026-03-07T12:00:00-05:00",
        "2026-03-09T12:00:00-04:00",
        &["03-08 03:00 -04:00", "03-09 02:30 -04:00"],
    ),
    (
        "America/New_York",
        "30 1 * * *",
        "2026-10-31T12:00:00-04:00",
        "2026-11-02T12:00:00-05:00",
        &["11-01 01:30 -04:00", "11-02 01:30 -05:00"],
    ),
    (
        "America/New_York",
        "*/30 * * * *",
        "2026-11-01T01:00:00-04:00",
        "2026-11-01T02:30:00-05:00",
        &["11-01 01:00 -04:00", "11-01 01:30 -04:00", "11-01 01:00 -05:00", "11-01 01:30 -05:00", "11-01 02:00 -05:00"],
    ),
    (
        "Australia/Lord_Howe",
        "45 1 * * *",
        "2026-04-04T12:00:00+11:00",
        "2026-04-06T00:00:00+10:30",
        &["04-05 01:45 +11:00"],
    ),
    (
        "America/Santiago",
        "0 0 * * *",
        "2026-09-05T12:00:00-04:00",
        "2026-09-07T12:00:00-03:00",
        &["09-06 01:00 -03:00", "09-07 00:00 -03:00"],
    ),
    // A gap of half an hour: fixed times in the gap are due at the same moment, and an hourly expression crosses it.
    (
        "Australia/Lord_Howe",
        "15 2 * * *",
        "2026-10-03T12:00:00+10:30",
        "2026-10-05T00:00:00+11:00",
        &["10-04 02:30 +11:00"],
    ),
    (
        "America/New_York",
        "0,30 2 * * *",
        "2026-03-08T00:00:00-05:00",
        "2026-03-09T00:00:00-04:00",
        &["03-08 03:00 -04:00"],
    ),
    (
        "America/New_York",
        "0 2,3 * * *",
        "2026-03-08T00:00:00-05:00",
        "2026-03-09T00:00:00-04:00",
        &["03-08 03:00 -04:00"],
    ),
    (
        "America/New_York",
        "*/30 * * * *",
        "2026-03-08T01:00:00-05:00",
        "2026-03-08T04:00:00-04:00",
        &["03-08 01:00 -05:00", "03-08 01:30 -05:00", "03-08 03:00 -04:00", "03-08 03:30 -04:00"],
    ),
    (
        "Europe/Berlin",
        "0 */2 * * *",
        "2026-10-25T00:00:00+02:00",
        "2026-10-25T05:00:00+01:00",
        &["10-25 00:00 +02:00", "10-25 02:00 +02:00", "10-25 02:00 +01:00", "10-25 04:00 +01:00"],
    ),
    (
        "Europe/Berlin",
        "0 */2 * * *",
        "2026-03-29T00:00:00+01:00",
        "2026-03-29T05:00:00+02:00",
        &["03-29 00:00 +01:00", "03-29 04:00 +02:00"],
    ),
    ("Europe/Berlin", "30 2 29 3 *", "2026-01-01T00:00:00Z", "2026-12-31T00:00:00Z", &["03-29 03:00 +02:00"]),
    // In the second pass of a repeated hour, a fixed time of that hour is not due again.
    (
        "America/New_York",
        "45 1 * * *",
        "2026-11-01T01:15:00-05:00",
        "2026-11-02T12:00:00-05:00",
        &["11-02 01:45 -05:00"],
    ),
    // An interval counts elapsed time through both passes.
    (
        "America/New_York",
        "@every 45m",
        "2026-11-01T01:00:00-04:00",
        "2026-11-01T02:00:00-05:00",
        &["11-01 01:15 -04:00", "11-01 01:00 -05:00", "11-01 01:45 -05:00"],
    ),
    // A skipped day: Samoa moved across the date line.
    ("Pacific/Apia", "0 8 30 12 *", "2011-12-29T12:00:00-10:00", "2012-06-01T00:00:00Z", &["12-31 00:00 +14:00"]),
];

const ORDINARY_DAYS: &[Row] = &[
    (
        "Asia/Kolkata",
        "30 9 * * *",
        "2026-03-08T00:00:00Z",
        "2026-03-10T00:00:00Z",
        &["03-08 09:30 +05:30", "03-09 09:30 +05:30"],
    ),
    (
        "UTC",
        "0 0 29 2 *",
        "2026-01-01T00:00:00Z",
        "2033-01-01T00:00:00Z",
        &["02-29 00:00 +00:00", "02-29 00:00 +00:00"],
    ),
    ("UTC", "0 0 L * *", "2026-01-15T00:00:00Z", "2026-03-15T00:00:00Z", &["01-31 00:00 +00:00", "02-28 00:00 +00:00"]),
    (
        "UTC",
        "0 0 * * FRI#2",
        "2026-01-01T00:00:00Z",
        "2026-03-01T00:00:00Z",
        &["01-09 00:00 +00:00", "02-13 00:00 +00:00"],
    ),
    (
        "UTC",
        "0 0 13 * FRI",
        "2026-02-10T00:00:00Z",
        "2026-02-28T00:00:00Z",
        &["02-13 00:00 +00:00", "02-20 00:00 +00:00", "02-27 00:00 +00:00"],
    ),
    ("UTC", "@weekly", "2026-01-01T00:00:00Z", "2026-01-12T00:00:00Z", &["01-04 00:00 +00:00", "01-11 00:00 +00:00"]),
    // An example from the documentation of another scheduler.
    ("Europe/Kiev", "0 12 * * *", "2026-03-12T08:30:00Z", "2026-03-12T20:00:00Z", &["03-12 12:00 +02:00"]),
];

#[test]
fn due_times_on_clock_change_days() {
    for (zone, expression, from, to, expected) in CLOCK_CHANGE_DAYS {
        assert_eq!(due(zone, expression, from, to), *expected, "{zone} {expression}");
    }
}

#[test]
fn due_times_on_ordinary_days() {
    for (zone, expression, from, to, expected) in ORDINARY_DAYS {
        assert_eq!(due(zone, expression, from, to), *expected, "{zone} {expression}");
    }
}

#[test]
fn occurrence_flags_clock_changes() {
    let change = |zone: &str, expression: &str, moment: &str| {
        let timing = Timing::parse(expression, zone, datetime!(1970-01-01 00:00 UTC)).unwrap();
        timing.occurrence(at(moment)).clock_change
    };
    let forward = |missing: &str| Some(ClockChange::Forward { missing: missing.into() });
    for (zone, expression, moment, expected) in [
        ("America/New_York", "30 2 * * *", "2026-03-08T03:00:00-04:00", forward("2026-03-08 02:30:00")),
        ("America/Santiago", "0 0 * * *", "2026-09-06T01:00:00-03:00", forward("2026-09-06 00:00:00")),
        ("America/New_York", "30 1 * * *", "2026-11-01T01:30:00-04:00", Some(ClockChange::First)),
        ("America/New_York", "*/30 * * * *", "2026-11-01T01:30:00-05:00", Some(ClockChange::Second)),
        ("America/New_York", "30 2 * * *", "2026-03-09T02:30:00-04:00", None),
        ("America/New_York", "0 3 * * *", "2026-03-08T03:00:00-04:00", None),
        ("America/New_York", "*/30 * * * *", "2026-03-08T03:00:00-04:00", None),
        ("America/New_York", "@every 1h", "2026-11-01T01:30:00-04:00", None),
    ] {
        assert_eq!(change(zone, expression, moment), expected, "{zone} {expression} {moment}");
    }
}

#[test]
fn rare_expressions_are_computed_in_a_second() {
    let started = std::time::Instant::now();
    for expression in ["0 0 29 2 *", "0 0 29 2 +MON", "59 59 23 31 12 *", "* * * * * *", "*/7 */5 */3 */2 */2 *"] {
        let timing = Timing::parse(expression, "America/New_York", datetime!(2026-01-01 00:00 UTC)).unwrap();
        assert!(timing.after(datetime!(2026-06-01 00:00 UTC)).take(10).count() == 10, "{expression}");
    }
    assert!(started.elapsed() < std::time::Duration::from_secs(1), "{:?}", started.elapsed());
}

#[test]
fn interval_counts_from_its_anchor() {
    let anchor = datetime!(2026-01-01 00:00:07 UTC);
    let timing = Timing::parse("@every 10m", "UTC", anchor).unwrap();
    assert_eq!(timing.next_after(datetime!(2025-01-01 00:00 UTC)), timing.next_after(anchor));
    assert_eq!(timing.next_after(anchor), Some(datetime!(2026-01-01 00:10:07 UTC)));
    assert_eq!(timing.next_after(datetime!(2026-01-01 00:19:59 UTC)), Some(datetime!(2026-01-01 00:20:07 UTC)));
    assert_eq!(timing.last_before(datetime!(2026-01-01 00:20:07 UTC)), Some(datetime!(2026-01-01 00:10:07 UTC)));
    assert_eq!(timing.last_before(anchor), None);
    assert_eq!(timing.next_after(datetime!(9999-12-31 23:59:59 UTC)), None);
    let yearly = Timing::parse("@yearly", "UTC", anchor).unwrap();
    assert_eq!(yearly.next_after(datetime!(9999-06-01 00:00 UTC)), None);
}
