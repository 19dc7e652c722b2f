//! Numbers, durations and timestamps as text.

use time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::moment;

/// Lists are counted up to this number.
pub const COUNT_CAP: i64 = 10_000;

/// A timestamp in both forms a page needs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stamp {
    /// RFC 3339 in UTC; the script computes with it.
    pub iso: String,
    /// Absolute text for readers without scripts. Never an age, or the `ETag` would change with every poll.
    pub text: String,
}

pub fn stamp(at: OffsetDateTime) -> Stamp {
    Stamp { iso: moment::text(at), text: moment::readable(at) }
}

/// [`stamp`] as a method, for templates: they pass references.
pub trait AsStamp {
    fn stamp(&self) -> Stamp;
}

impl AsStamp for OffsetDateTime {
    fn stamp(&self) -> Stamp {
        stamp(*self)
    }
}

/// [`short_id`](super::short_id) as a method.
pub trait AsShortId {
    fn short(&self) -> String;
}

impl AsShortId for Uuid {
    fn short(&self) -> String {
        super::short_id(*self)
    }
}

/// A count with thousands separators: "1,284". Negative counts read as zero.
pub fn count(n: i64) -> String {
    let digits = n.max(0).to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// "1 job", "1,284 jobs".
pub fn plural(n: i64, noun: &str) -> String {
    format!("{} {noun}{}", count(n), if n == 1 { "" } else { "s" })
}

/// A number that was counted up to one above [`COUNT_CAP`]: "9,999", "10,000+".
pub fn capped(n: i64) -> String {
    if n > COUNT_CAP { format!("{}+", count(COUNT_CAP)) } else { count(n) }
}

/// Seconds as a duration: "340 ms", "2.9 s", "14 s", "3 m 5 s", "2 h", "2 h 10 m".
pub fn duration(seconds: f64) -> String {
    let whole = seconds.round() as u64;
    match seconds {
        v if v <= 0.0 => "0 s".to_owned(),
        v if v < 0.9995 => format!("{:.0} ms", v * 1_000.0),
        v if v < 9.95 => format!("{} s", decimal(v)),
        _ if whole < 60 => format!("{whole} s"),
        _ if whole < 3_600 && whole.is_multiple_of(60) => format!("{} m", whole / 60),
        _ if whole < 3_600 => format!("{} m {} s", whole / 60, whole % 60),
        _ if whole % 3_600 < 60 => format!("{} h", whole / 3_600),
        _ => format!("{} h {} m", whole / 3_600, whole % 3_600 / 60),
    }
}

/// The duration between two timestamps.
pub fn elapsed(from: OffsetDateTime, to: OffsetDateTime) -> String {
    duration((to - from).as_seconds_f64().max(0.0))
}

/// One decimal, unless it is zero.
pub fn decimal(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}

/// The first line of a text that is not empty: an error is often a whole stack, and a table row shows one line.
pub fn first_line(text: &str) -> &str {
    text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default()
}

/// Whether a text is longer than its first line.
pub fn has_more(text: &str) -> bool {
    text.trim() != first_line(text)
}

/// Template filters, so that templates can show store rows.
pub mod filters {
    use askama::{Result, Values};
    use time::OffsetDateTime;

    use super::Stamp;

    #[askama::filter_fn]
    pub fn count(n: &i64, _: &dyn Values) -> Result<String> {
        Ok(super::count(*n))
    }

    #[askama::filter_fn]
    pub fn stamp(at: &OffsetDateTime, _: &dyn Values) -> Result<Stamp> {
        Ok(super::stamp(*at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_durations_are_readable() {
        let counts = [(-1, "0"), (0, "0"), (999, "999"), (1_284, "1,284"), (1_000_000, "1,000,000")];
        counts.iter().for_each(|(n, text)| assert_eq!(count(*n), *text));
        let durations = [
            (0.0, "0 s"),
            (0.034, "34 ms"),
            (0.9999, "1 s"),
            (2.94, "2.9 s"),
            (9.96, "10 s"),
            (14.4, "14 s"),
            (59.7, "1 m"),
            (185.0, "3 m 5 s"),
            (7_200.0, "2 h"),
            (7_800.0, "2 h 10 m"),
        ];
        durations.iter().for_each(|(seconds, text)| assert_eq!(duration(*seconds), *text));
    }

    #[test]
    fn first_line_of_stack_is_its_message() {
        let text = "\nSmtpTimeout: 10 s elapsed\n  at send (mail.rs:12)\n";
        assert_eq!(first_line(text), "SmtpTimeout: 10 s elapsed");
        assert!(has_more(text));
        assert!(!has_more("one line\n"));
        assert_eq!(first_line(""), "");
    }
}
