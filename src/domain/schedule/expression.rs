//! Schedule expressions: five or six cron fields, `@daily` and the like, or `@every 15m`.

use std::fmt;
use std::time::Duration;

use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};

use jiff::civil::{DateTime, date};

const MAX_TEXT: usize = 200;
const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(366 * 86400);
/// The calendar repeats after 28 years, except around some centuries.
const CYCLE: std::ops::Range<i16> = 2024..2052;

/// Why an expression is invalid: which field, and what to write instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ExpressionError(pub String);

/// A schedule without its time zone.
#[derive(Clone)]
pub enum Expression {
    /// At wall-clock times.
    Cron(Box<CronExpression>),
    /// At intervals of elapsed time.
    Every(Duration),
}

/// A cron expression that has at least one due time.
#[derive(Clone)]
pub struct CronExpression {
    cron: Cron,
    text: String,
    /// The hour is `*` or `*/n`: the expression means an interval, and continues through a repeated hour.
    pub is_interval: bool,
}

/// The fields in order, with their allowed values.
const FIELDS: [(&str, &str); 6] = [
    ("second", "0 to 59"),
    ("minute", "0 to 59"),
    ("hour", "0 to 23"),
    ("day of the month", "1 to 31, L (the last) or 15W (the weekday nearest to the 15th)"),
    ("month", "1 to 12 or JAN to DEC"),
    ("day of the week", "0 to 7 or SUN to SAT (0 and 7 are Sunday), 5#2 (the second Friday) or 5L (the last Friday)"),
];

impl Expression {
    /// Parses an expression. An error names the invalid field; an expression that is never due is an error too.
    pub fn parse(text: &str) -> Result<Self, ExpressionError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(invalid(
                "must not be empty; use five cron fields such as 0 8 * * 1-5, a name such as @daily, or @every 15m",
            ));
        }
        if text.len() > MAX_TEXT || !text.is_ascii() || text.chars().any(|c| c.is_control() && c != '\t') {
            return Err(invalid(format!("must have at most {MAX_TEXT} characters, all printable ASCII")));
        }
        let lower = text.to_ascii_lowercase();
        match lower.strip_prefix("@every") {
            // In the original case: M is a month and m a minute.
            Some(rest) => parse_interval(&text[text.len() - rest.len()..]),
            None => CronExpression::parse(text, &lower).map(|pattern| Self::Cron(Box::new(pattern))),
        }
    }

    /// A description in English, without the zone.
    pub fn words(&self) -> String {
        match self {
            Self::Cron(pattern) => pattern.words(),
            Self::Every(period) => format!("Every {}", humantime::format_duration(*period)),
        }
    }
}

/// The stored form; parsing it gives the same expression.
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

impl CronExpression {
    fn parse(text: &str, lower: &str) -> Result<Self, ExpressionError> {
        let fields = match lower {
            "@yearly" | "@annually" => "0 0 1 1 *",
            "@monthly" => "0 0 1 * *",
            "@weekly" => "0 0 * * 0",
            "@daily" | "@midnight" => "0 0 * * *",
            "@hourly" => "0 * * * *",
            word if word.contains('@') => {
                return Err(invalid(
                    "must be five cron fields, @hourly, @daily, @weekly, @monthly, @yearly, or @every with a duration, such as @every 15m",
                ));
            }
            fields => fields,
        };
        let fields: Vec<&str> = fields.split_whitespace().collect();
        if !(5..=6).contains(&fields.len()) {
            return Err(invalid(format!(
                "has {} fields; it must have five (minute, hour, day of the month, month, day of the week), or six, beginning with the second",
                fields.len()
            )));
        }
        let cron = parser().parse(&fields.join(" ")).map_err(|_| invalid_field(&fields))?;
        let hour = fields[fields.len() - 4];
        let pattern = Self { cron, text: text.to_owned(), is_interval: hour == "*" || hour.starts_with("*/") };
        if pattern.is_never_due() {
            return Err(invalid(
                "is never due, because there is no such date; change the day of the month, the month or the day of the week",
            ));
        }
        Ok(pattern)
    }

    pub fn next(&self, from: DateTime, inclusive: bool) -> Option<DateTime> {
        self.cron.find_next_occurrence(&from, inclusive).ok()
    }

    /// Checks every day of one calendar cycle. Searching for the next due time would walk through thousands of years.
    fn is_never_due(&self) -> bool {
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

/// Names the first field that does not parse even when all others are `*`.
fn invalid_field(fields: &[&str]) -> ExpressionError {
    let names = &FIELDS[FIELDS.len() - fields.len()..];
    for (at, (name, allowed)) in names.iter().enumerate() {
        let alone: Vec<&str> = (0..fields.len()).map(|other| if other == at { fields[at] } else { "*" }).collect();
        if parser().parse(&alone.join(" ")).is_err() {
            return invalid(format!(
                "has {:?} for the {name}, which must be {allowed}, or * for any, a-b for a range, */n for a step, or several of these separated by commas",
                fields[at]
            ));
        }
    }
    invalid("is not a cron expression; use five fields such as 0 8 * * 1-5")
}

fn parse_interval(text: &str) -> Result<Expression, ExpressionError> {
    let period = humantime::parse_duration(text.trim())
        .map_err(|_| invalid("must have a duration after @every, such as @every 15m or @every 1h 30m"))?;
    if !(SHORTEST..=LONGEST).contains(&period) || period.subsec_nanos() != 0 {
        return Err(invalid("must be a whole number of seconds, from 1 second to 366 days"));
    }
    Ok(Expression::Every(period))
}

fn invalid(message: impl Into<String>) -> ExpressionError {
    ExpressionError(message.into())
}

#[cfg(test)]
mod tests;
