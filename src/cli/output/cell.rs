//! Formats JSON values as table cells.

use jiff::tz::TimeZone;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::json::Json;
use crate::domain::moment;

/// How the values of a column are formatted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CellFormat {
    /// Shortened if the terminal is too narrow.
    Text,
    /// Never shortened: ids and names to copy.
    Exact,
    /// Colored by meaning.
    State,
    /// A timestamp.
    Time,
    /// At most one decimal.
    Number,
    /// A ratio from 0 to 1.
    Percent,
    Millis,
    /// The length of a list.
    Count,
}

/// How timestamps are formatted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum TimeFormat {
    /// 3m ago
    #[default]
    Relative,
    /// 2026-01-31 08:00:00 UTC
    Utc,
    /// Local time of this machine
    Local,
}

/// The text of an empty cell.
const EMPTY: &str = "-";

pub fn cell(value: &Json, format: CellFormat, time: TimeFormat) -> String {
    let number = || if let Json::Number(text) = value { text.parse::<f64>().ok() } else { None };
    match (format, value) {
        (_, Json::Null) => EMPTY.to_owned(),
        (CellFormat::Time, Json::Text(text)) => timestamp(text, time),
        (CellFormat::Number, _) => number().map_or_else(|| plain(value), rounded),
        (CellFormat::Percent, _) => number().map_or_else(|| plain(value), |n| format!("{} %", (n * 100.0).round())),
        (CellFormat::Millis, _) => number().map_or_else(|| plain(value), |n| duration(n / 1000.0)),
        (CellFormat::Count, Json::List(elements)) => elements.len().to_string(),
        _ => plain(value),
    }
}

/// Whether a column is right-aligned.
pub fn is_number(format: CellFormat) -> bool {
    matches!(format, CellFormat::Number | CellFormat::Percent | CellFormat::Millis | CellFormat::Count)
}

fn plain(value: &Json) -> String {
    match value {
        Json::Null => EMPTY.to_owned(),
        Json::Text(text) if text.is_empty() => EMPTY.to_owned(),
        Json::Text(text) => sanitize(text),
        Json::List(elements) if elements.is_empty() => EMPTY.to_owned(),
        Json::List(elements) => elements.iter().map(plain).collect::<Vec<_>>().join(","),
        Json::Map(members) if members.is_empty() => EMPTY.to_owned(),
        Json::Map(members) => {
            let pair = |(name, value): &(String, Json)| format!("{}={}", sanitize(name), plain(value));
            members.iter().map(pair).collect::<Vec<_>>().join(",")
        }
        other => sanitize(&other.to_string()),
    }
}

fn rounded(n: f64) -> String {
    if n.fract() == 0.0 { format!("{n:.0}") } else { format!("{n:.1}") }
}

/// Escapes control, bidirectional and invisible characters, so that untrusted text cannot control the terminal.
pub fn sanitize(text: &str) -> String {
    let is_unsafe = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
    };
    if !text.contains(is_unsafe) {
        return text.to_owned();
    }
    let escaped = |c: char| match c {
        '\n' => "\\n".to_owned(),
        '\t' => "\\t".to_owned(),
        '\r' => "\\r".to_owned(),
        c if is_unsafe(c) => format!("\\u{{{:x}}}", u32::from(c)),
        c => c.to_string(),
    };
    text.chars().map(escaped).collect()
}

/// Formats an RFC 3339 timestamp. Other text is returned unchanged.
pub fn timestamp(text: &str, format: TimeFormat) -> String {
    let Ok(at) = OffsetDateTime::parse(text, &Rfc3339) else { return sanitize(text) };
    match format {
        TimeFormat::Relative => {
            let seconds = (OffsetDateTime::now_utc() - at).as_seconds_f64();
            // Allow for clock skew between machines.
            if seconds < -2.0 {
                format!("in {}", duration(-seconds))
            } else {
                format!("{} ago", duration(seconds.max(0.0)))
            }
        }
        TimeFormat::Utc => moment::readable(at),
        TimeFormat::Local => {
            let zoned = jiff::Timestamp::from_second(at.unix_timestamp()).map(|it| it.to_zoned(TimeZone::system()));
            zoned.map_or_else(|_| moment::readable(at), |it| it.strftime("%Y-%m-%d %H:%M:%S %z").to_string())
        }
    }
}

/// Formats a duration in a single unit.
pub fn duration(seconds: f64) -> String {
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
    fn control_characters_are_escaped() {
        assert_eq!(sanitize("a\u{1b}[31mred\u{7}\n"), "a\\u{1b}[31mred\\u{7}\\n");
        assert_eq!(sanitize("abc\u{202e}def\u{200b}\u{9b}"), "abc\\u{202e}def\\u{200b}\\u{9b}");
        assert_eq!(sanitize("Grüße 数 🎉"), "Grüße 数 🎉");
    }

    #[test]
    fn durations_have_one_unit() {
        for (seconds, shown) in [
            (0.25, "250ms"),
            (1.0, "1s"),
            (4.26, "4.3s"),
            (119.9, "119s"),
            (600.0, "10m"),
            (7200.0, "2h"),
            (1e6, "11d"),
        ] {
            assert_eq!(duration(seconds), shown);
        }
    }

    #[test]
    fn cells_follow_their_format() {
        let json =
            Json::parse(r#"{"n":1.25,"share":0.5,"ms":1500,"list":["a","b"],"map":{"k":"v"},"no":null}"#).unwrap();
        let shown = |path: &str, show| cell(json.at(path), show, TimeFormat::Relative);
        assert_eq!(shown("n", CellFormat::Number), "1.2");
        assert_eq!(shown("share", CellFormat::Percent), "50 %");
        assert_eq!(shown("ms", CellFormat::Millis), "1.5s");
        assert_eq!(shown("list", CellFormat::Count), "2");
        assert_eq!(shown("list", CellFormat::Text), "a,b");
        assert_eq!(shown("map", CellFormat::Text), "k=v");
        assert_eq!(shown("no", CellFormat::Time), "-");
    }
}
