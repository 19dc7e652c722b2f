//! What people write: five or six fields of cron, `@daily` and the like, or `@every 15m`.

use std::fmt;
use std::time::Duration;

use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};

use jiff::civil::{DateTime, date};

/// The longest text that is looked at.
const MAX_TEXT: usize = 200;
/// The shortest and the longest interval.
const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(366 * 86400);
/// The calendar repeats itself after so many years (but for the turns of some centuries).
const CYCLE: std::ops::Range<i16> = 2024..2052;

/// Why an expression is refused: which field, and what to write instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ExpressionError(pub String);

/// When, without a zone.
#[derive(Clone)]
pub enum Expression {
    /// At these times of these days, by the wall clock.
    Cron(Box<Pattern>),
    /// Every so often, in time that really passes.
    Every(Duration),
}

/// A cron expression that happens.
#[derive(Clone)]
pub struct Pattern {
    cron: Cron,
    text: String,
    /// The hour is `*` or `*/n`: it means "every so often", and goes on through an hour that comes twice.
    pub is_interval: bool,
}

/// The fields in order, with what may stand in each.
const FIELDS: [(&str, &str); 6] = [
    ("second", "0 to 59"),
    ("minute", "0 to 59"),
    ("hour", "0 to 23"),
    ("day of the month", "1 to 31, L (the last) or 15W (the weekday nearest to the 15th)"),
    ("month", "1 to 12 or JAN to DEC"),
    ("day of the week", "0 to 7 or SUN to SAT (0 and 7 are Sunday), 5#2 (the second Friday) or 5L (the last Friday)"),
];

impl Expression {
    /// Reads one; what cannot be is refused by the name of its field, and what never happens is refused too.
    pub fn parse(text: &str) -> Result<Self, ExpressionError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(refusal(
                "must not be empty; write five fields of cron like 0 8 * * 1-5, @daily, or @every 15m",
            ));
        }
        if text.len() > MAX_TEXT || !text.is_ascii() || text.chars().any(|c| c.is_control() && c != '\t') {
            return Err(refusal(format!("must be at most {MAX_TEXT} plain ASCII characters")));
        }
        let lower = text.to_ascii_lowercase();
        match lower.strip_prefix("@every") {
            // As it was written: M is a month and m a minute.
            Some(rest) => every(&text[text.len() - rest.len()..]),
            None => Pattern::parse(text, &lower).map(|pattern| Self::Cron(Box::new(pattern))),
        }
    }

    /// In words, without the zone.
    pub fn words(&self) -> String {
        match self {
            Self::Cron(pattern) => pattern.words(),
            Self::Every(period) => format!("Every {}", humantime::format_duration(*period)),
        }
    }
}

/// As it is kept; reading it again gives the same.
impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cron(pattern) => f.write_str(&pattern.text),
            Self::Every(period) => {
                write!(f, "@every {}", humantime::format_duration(*period).to_string().replace(' ', ""))
            }
        }
    }
}

impl fmt::Debug for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl Pattern {
    fn parse(text: &str, lower: &str) -> Result<Self, ExpressionError> {
        let fields = match lower {
            "@yearly" | "@annually" => "0 0 1 1 *",
            "@monthly" => "0 0 1 * *",
            "@weekly" => "0 0 * * 0",
            "@daily" | "@midnight" => "0 0 * * *",
            "@hourly" => "0 * * * *",
            word if word.contains('@') => {
                return Err(refusal(
                    "must be five fields of cron, @hourly, @daily, @weekly, @monthly, @yearly, or @every and a duration like @every 15m",
                ));
            }
            fields => fields,
        };
        let fields: Vec<&str> = fields.split_whitespace().collect();
        if !(5..=6).contains(&fields.len()) {
            return Err(refusal(format!(
                "has {} fields, and must have five (minute, hour, day of the month, month, day of the week), or six with the second first",
                fields.len()
            )));
        }
        let cron = parser().parse(&fields.join(" ")).map_err(|_| at_fault(&fields))?;
        let hour = fields[fields.len() - 4];
        let pattern = Self { cron, text: text.to_owned(), is_interval: hour == "*" || hour.starts_with("*/") };
        if pattern.never_happens() {
            return Err(refusal(
                "never happens: no year has such a day; change the day of the month, the month or the day of the week",
            ));
        }
        Ok(pattern)
    }

    /// The next time by the wall clock.
    pub fn next(&self, from: DateTime, inclusive: bool) -> Option<DateTime> {
        self.cron.find_next_occurrence(&from, inclusive).ok()
    }

    /// Looks at each day of one cycle of the calendar. A search for the next time would walk thousands of years instead.
    fn never_happens(&self) -> bool {
        let pattern = &self.cron.pattern;
        let matches = |day: jiff::civil::Date| {
            let weekday = croner::Weekday::from_days_from_sunday(day.weekday().to_sunday_zero_offset() as u32);
            pattern.day_match(day.year().into(), day.month() as u32, day.day() as u32, weekday).unwrap_or(false)
        };
        let months = (1..=12).filter(|month| pattern.month_match(*month as u32).unwrap_or(false));
        let mut days = months.flat_map(|month| {
            CYCLE.flat_map(move |year| {
                let first = date(year, month, 1);
                (0..first.days_in_month()).map(move |offset| date(year, month, 1 + offset))
            })
        });
        !days.any(matches)
    }

    fn words(&self) -> String {
        let words = self.cron.describe();
        let weekdays = "on Monday, Tuesday, Wednesday, Thursday, and Friday";
        words.trim().trim_end_matches('.').replace(weekdays, "on weekdays").replace("At every", "Every")
    }
}

fn parser() -> CronParser {
    CronParser::builder().seconds(Seconds::Optional).year(Year::Disallowed).build()
}

/// The first field that cannot be read even if all others are `*`.
fn at_fault(fields: &[&str]) -> ExpressionError {
    let names = &FIELDS[FIELDS.len() - fields.len()..];
    for (at, (name, may_be)) in names.iter().enumerate() {
        let alone: Vec<&str> = (0..fields.len()).map(|other| if other == at { fields[at] } else { "*" }).collect();
        if parser().parse(&alone.join(" ")).is_err() {
            return refusal(format!(
                "has {:?} for the {name}, which must be {may_be}, or * for any, a-b for a range, */n for a step, or several of them with commas",
                fields[at]
            ));
        }
    }
    refusal("cannot be read as cron; write five fields like 0 8 * * 1-5")
}

fn every(text: &str) -> Result<Expression, ExpressionError> {
    let period = humantime::parse_duration(text.trim())
        .map_err(|_| refusal("needs a duration after @every, like @every 15m or @every 1h 30m"))?;
    if !(SHORTEST..=LONGEST).contains(&period) || period.subsec_nanos() != 0 {
        return Err(refusal("must be every whole number of seconds, from 1 second to 366 days"));
    }
    Ok(Expression::Every(period))
}

fn refusal(message: impl Into<String>) -> ExpressionError {
    ExpressionError(message.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn why(text: &str) -> String {
        Expression::parse(text).map(|it| it.to_string()).unwrap_err().0
    }

    #[test]
    fn what_cannot_be_is_refused_by_the_name_of_its_field() {
        for (text, said) in [
            ("", "must not be empty"),
            ("* * * *", "has 4 fields"),
            ("* * * * * * *", "has 7 fields"),
            ("60 * * * *", "\"60\" for the minute"),
            ("* 24 * * *", "\"24\" for the hour"),
            ("* * 0 * *", "\"0\" for the day of the month"),
            ("* * * 13 *", "\"13\" for the month"),
            ("* * * FOO *", "for the month"),
            ("* * * * 8", "\"8\" for the day of the week"),
            ("61 * * * * *", "\"61\" for the second"),
            ("*/0 * * * *", "for the minute"),
            ("5-1-2 * * * *", "for the minute"),
            ("@sometimes", "@hourly"),
            ("@every", "a duration"),
            ("@every soon", "a duration"),
            ("@every 0s", "from 1 second"),
            ("@every 100ms", "from 1 second"),
            ("@every 400days", "from 1 second"),
            ("0 8 * * 1\u{2013}5", "ASCII"),
        ] {
            assert!(why(text).contains(said), "{text:?}: {}", why(text));
        }
        assert!(why(&"1,".repeat(10_000)).contains("at most"));
    }

    #[test]
    fn what_never_happens_is_refused_at_once() {
        let started = std::time::Instant::now();
        for text in ["0 0 30 2 *", "0 0 31 2 *", "0 0 31 4,6,9,11 *", "0 0 30,31 2 *", "* * * 31 2 *", "0 0 30 2 +MON"]
        {
            assert!(why(text).starts_with("never happens"), "{text}");
        }
        assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
        for text in ["0 0 29 2 *", "0 0 31 * *", "0 0 29 2 +MON", "0 0 L 2 *", "0 0 30 2 MON"] {
            assert!(Expression::parse(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn what_is_kept_reads_back_as_the_same() {
        for (text, kept) in [
            ("  0 8 * * 1-5 ", "0 8 * * 1-5"),
            ("@Daily", "@Daily"),
            ("@every 1M", "@every 1month"),
            ("@every 90s", "@every 1m30s"),
            ("@every 1h 30m", "@every 1h30m"),
            ("0 0 8 * * MON-FRI", "0 0 8 * * MON-FRI"),
        ] {
            let read = Expression::parse(text).unwrap();
            assert_eq!(read.to_string(), kept);
            assert_eq!(Expression::parse(kept).unwrap().words(), read.words());
        }
    }

    #[test]
    fn words() {
        for (text, words) in [
            ("@every 15m", "Every 15m"),
            ("0 8 * * 1-5", "At 08:00, on weekdays"),
            ("*/15 * * * *", "Every 15 minutes"),
            ("30 2 1 * *", "At 02:30, on day 1"),
        ] {
            assert_eq!(Expression::parse(text).unwrap().words(), words, "{text}");
        }
    }
}
