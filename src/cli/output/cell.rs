//! From a JSON value to what stands in a cell of a table.

use jiff::tz::TimeZone;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::json::Json;
use crate::domain::moment;

/// How a value is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Show {
    /// As it is, shortened where the terminal is too narrow.
    Text,
    /// As it is, never shortened: ids and names that one copies.
    Exact,
    /// A word with a colour.
    State,
    /// How long ago, or in how long.
    When,
    /// With one digit after the point at most.
    Number,
    /// From 0 to 1.
    Share,
    Millis,
    /// How many there are in it.
    Length,
}

/// In which words moments are told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Clock {
    /// 3m ago
    #[default]
    Relative,
    /// 2026-01-31 08:00:00 UTC
    Utc,
    /// By the wall clock of this machine
    Local,
}

/// What stands in a cell when there is nothing.
const NOTHING: &str = "-";

pub fn cell(value: &Json, show: Show, clock: Clock) -> String {
    let number = || if let Json::Number(text) = value { text.parse::<f64>().ok() } else { None };
    match (show, value) {
        (_, Json::Null) => NOTHING.to_owned(),
        (Show::When, Json::Text(text)) => when(text, clock),
        (Show::Number, _) => number().map_or_else(|| plain(value), rounded),
        (Show::Share, _) => number().map_or_else(|| plain(value), |n| format!("{} %", (n * 100.0).round())),
        (Show::Millis, _) => number().map_or_else(|| plain(value), |n| span(n / 1000.0)),
        (Show::Length, Json::List(elements)) => elements.len().to_string(),
        _ => plain(value),
    }
}

/// Whether a column of such cells is read from the right.
pub fn is_number(show: Show) -> bool {
    matches!(show, Show::Number | Show::Share | Show::Millis | Show::Length)
}

fn plain(value: &Json) -> String {
    match value {
        Json::Null => NOTHING.to_owned(),
        Json::Text(text) if text.is_empty() => NOTHING.to_owned(),
        Json::Text(text) => harmless(text),
        Json::List(elements) if elements.is_empty() => NOTHING.to_owned(),
        Json::List(elements) => elements.iter().map(plain).collect::<Vec<_>>().join(","),
        Json::Map(members) if members.is_empty() => NOTHING.to_owned(),
        Json::Map(members) => {
            let pair = |(name, value): &(String, Json)| format!("{}={}", harmless(name), plain(value));
            members.iter().map(pair).collect::<Vec<_>>().join(",")
        }
        other => harmless(&other.to_string()),
    }
}

fn rounded(n: f64) -> String {
    if n.fract() == 0.0 { format!("{n:.0}") } else { format!("{n:.1}") }
}

/// A text that cannot steer a terminal: control characters, and those that turn the direction of writing or cannot be seen, are
/// shown by their numbers.
pub fn harmless(text: &str) -> String {
    let is_strange = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
    };
    if !text.contains(is_strange) {
        return text.to_owned();
    }
    let shown = |c: char| match c {
        '\n' => "\\n".to_owned(),
        '\t' => "\\t".to_owned(),
        '\r' => "\\r".to_owned(),
        c if is_strange(c) => format!("\\u{{{:x}}}", u32::from(c)),
        c => c.to_string(),
    };
    text.chars().map(shown).collect()
}

/// A moment in words; what is none stays as it is.
pub fn when(text: &str, clock: Clock) -> String {
    let Ok(at) = OffsetDateTime::parse(text, &Rfc3339) else { return harmless(text) };
    match clock {
        Clock::Relative => {
            let seconds = (OffsetDateTime::now_utc() - at).as_seconds_f64();
            // The clocks of two machines are never quite the same.
            if seconds < -2.0 { format!("in {}", span(-seconds)) } else { format!("{} ago", span(seconds.max(0.0))) }
        }
        Clock::Utc => moment::readable(at),
        Clock::Local => {
            let zoned = jiff::Timestamp::from_second(at.unix_timestamp()).map(|it| it.to_zoned(TimeZone::system()));
            zoned.map_or_else(|_| moment::readable(at), |it| it.strftime("%Y-%m-%d %H:%M:%S %z").to_string())
        }
    }
}

/// How long, in the one unit that says it.
pub fn span(seconds: f64) -> String {
    match seconds {
        s if s < 1.0 => format!("{:.0}ms", s * 1000.0),
        s if s < 10.0 && s.fract() >= 0.05 => format!("{s:.1}s"),
        s if s < 120.0 => format!("{:.0}s", s.floor()),
        s if s < 7200.0 => format!("{:.0}m", (s / 60.0).floor()),
        s if s < 48.0 * 3600.0 => format!("{:.0}h", (s / 3600.0).floor()),
        s => format!("{:.0}d", (s / 86400.0).floor()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_can_steer_a_terminal() {
        assert_eq!(harmless("a\u{1b}[31mred\u{7}\n"), "a\\u{1b}[31mred\\u{7}\\n");
        assert_eq!(harmless("abc\u{202e}def\u{200b}\u{9b}"), "abc\\u{202e}def\\u{200b}\\u{9b}");
        assert_eq!(harmless("Grüße 数 🎉"), "Grüße 数 🎉");
    }

    #[test]
    fn spans_have_one_unit() {
        for (seconds, shown) in [
            (0.25, "250ms"),
            (1.0, "1s"),
            (4.26, "4.3s"),
            (119.9, "119s"),
            (600.0, "10m"),
            (7200.0, "2h"),
            (1e6, "11d"),
        ] {
            assert_eq!(span(seconds), shown);
        }
    }

    #[test]
    fn each_kind_of_cell() {
        let json =
            Json::parse(r#"{"n":1.25,"share":0.5,"ms":1500,"list":["a","b"],"map":{"k":"v"},"no":null}"#).unwrap();
        let shown = |path: &str, show| cell(json.at(path), show, Clock::Relative);
        assert_eq!(shown("n", Show::Number), "1.2");
        assert_eq!(shown("share", Show::Share), "50 %");
        assert_eq!(shown("ms", Show::Millis), "1.5s");
        assert_eq!(shown("list", Show::Length), "2");
        assert_eq!(shown("list", Show::Text), "a,b");
        assert_eq!(shown("map", Show::Text), "k=v");
        assert_eq!(shown("no", Show::When), "-");
    }
}
