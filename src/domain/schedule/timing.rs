//! When a schedule is due next. The rules for days on which clocks change:
//!
//! - A *fixed* time (the hour is neither `*` nor `*/n`) is due once. If the clocks skip it, it is due at the first
//!   moment after the gap; if they repeat it, the first time.
//! - A *repeating* cron expression (the hour is `*` or `*/n`) is due whenever the clock shows a matching time: in both
//!   passes of a repeated hour, and not in a skipped hour.
//! - An *interval* counts elapsed time.

use jiff::Timestamp;
use time::{Duration, OffsetDateTime};

use super::expression::{CronExpression, Expression};
use super::zone::{Local, Resolved, Zone, format_civil, from_timestamp, to_timestamp};

/// An expression, its time zone, and the moment from which intervals count.
#[derive(Clone, Debug)]
pub struct Timing {
    expression: Expression,
    zone: Zone,
    anchor: OffsetDateTime,
}

/// Which part of a timing is invalid, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TimingError {
    #[error("{0}")]
    Expression(#[from] super::ExpressionError),
    #[error("must be an IANA time zone, such as Europe/Rome or UTC (this version uses tzdb {})", super::TZDB.unwrap_or("?"))]
    Zone,
}

/// A due time, for display.
#[derive(Clone, Debug)]
pub struct Occurrence {
    pub at: OffsetDateTime,
    pub local: Local,
    /// Whether a clock change affects it.
    pub clock_change: Option<ClockChange>,
}

/// How a clock change affects a due time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClockChange {
    /// The clocks skip this local time.
    Forward {
        missing: String,
    },
    /// The clocks repeat this local time, and this is the first pass.
    First,
    Second,
}

/// Timings are equal when their text is.
impl PartialEq for Timing {
    fn eq(&self, other: &Self) -> bool {
        let text = |it: &Self| (it.expression.to_string(), it.zone.name().to_owned(), it.anchor);
        text(self) == text(other)
    }
}

impl Timing {
    /// Parses both parts.
    pub fn parse(expression: &str, zone: &str, anchor: OffsetDateTime) -> Result<Self, TimingError> {
        let expression = Expression::parse(expression)?;
        Ok(Self { expression, zone: Zone::parse(zone).ok_or(TimingError::Zone)?, anchor })
    }

    /// The moment that intervals count from.
    pub fn anchor(&self) -> OffsetDateTime {
        self.anchor
    }

    pub fn expression(&self) -> &Expression {
        &self.expression
    }

    pub fn zone(&self) -> &Zone {
        &self.zone
    }

    /// A description in English, with the zone where it matters.
    pub fn words(&self) -> String {
        match &self.expression {
            Expression::Cron(_) => format!("{} ({})", self.expression.words(), self.zone.name()),
            Expression::Every(_) => self.expression.words(),
        }
    }

    /// The first due time after `at`; `None` when there is none before the year 10000.
    pub fn next_after(&self, at: OffsetDateTime) -> Option<OffsetDateTime> {
        let next = match &self.expression {
            Expression::Every(period) => return self.next_interval(at, (*period).try_into().ok()?),
            Expression::Cron(pattern) if pattern.is_interval => self.next_repeating(pattern, to_timestamp(at)),
            Expression::Cron(pattern) => self.next_fixed(pattern, to_timestamp(at)),
        };
        next.and_then(from_timestamp).filter(|at| at.year() <= 9999)
    }

    pub fn after(&self, at: OffsetDateTime) -> impl Iterator<Item = OffsetDateTime> {
        std::iter::successors(self.next_after(at), |at| self.next_after(*at))
    }

    /// The last due time before `at`, back to 1970.
    pub fn last_before(&self, at: OffsetDateTime) -> Option<OffsetDateTime> {
        let first_in = |from| self.next_after(from).filter(|due| *due < at);
        let mut back = Duration::minutes(1);
        let mut last = loop {
            let from = at.checked_sub(back).filter(|from| from.year() >= 1970)?;
            match first_in(from) {
                Some(due) => break due,
                None => back *= 2,
            }
        };
        // More due times may lie between `last` and `at`: bisect the rest.
        let mut end = at;
        while let Some(later) = first_in(last) {
            let middle = last + (end - last) / 2;
            match first_in(middle) {
                Some(due) => last = due,
                None if end == middle => last = later,
                None => end = middle,
            }
        }
        Some(last)
    }

    /// The wall-clock time and the clock change of a due time.
    pub fn occurrence(&self, at: OffsetDateTime) -> Occurrence {
        Occurrence { at, local: self.zone.local(at), clock_change: self.clock_change(at) }
    }

    fn next_interval(&self, at: OffsetDateTime, period: Duration) -> Option<OffsetDateTime> {
        // The anchor itself is not due, and neither is anything before it.
        let periods = ((at - self.anchor).whole_seconds() / period.whole_seconds()).max(0);
        self.anchor.checked_add(Duration::seconds(period.whole_seconds().checked_mul(periods + 1)?))
    }

    fn next_fixed(&self, pattern: &CronExpression, after: Timestamp) -> Option<Timestamp> {
        let mut civil = self.zone.civil(after);
        loop {
            civil = pattern.next(civil, false)?;
            let (Resolved::Unique(at) | Resolved::Ambiguous(at) | Resolved::Skipped(at)) = self.zone.resolve(civil)?;
            if at > after {
                return Some(at);
            }
        }
    }

    /// Searches from one clock change to the next; between changes the wall clock and time advance together.
    fn next_repeating(&self, pattern: &CronExpression, after: Timestamp) -> Option<Timestamp> {
        let (mut since, mut inclusive) = (after, false);
        loop {
            let civil = pattern.next(self.zone.civil(since), inclusive)?;
            let at = self.zone.timestamp_as_of(since, civil)?;
            match self.zone.change_after(since) {
                Some(change) if change <= at => (since, inclusive) = (change, true),
                _ => return Some(at),
            }
        }
    }

    fn clock_change(&self, at: OffsetDateTime) -> Option<ClockChange> {
        let Expression::Cron(pattern) = &self.expression else { return None };
        let at = to_timestamp(at);
        let civil = self.zone.civil(at);
        if let Resolved::Ambiguous(first) = self.zone.resolve(civil)? {
            return Some(if first == at { ClockChange::First } else { ClockChange::Second });
        }
        // In a gap, the offset from before the change shows the start of the skipped time.
        let before = at.checked_sub(jiff::SignedDuration::from_nanos(1)).ok()?;
        let missing = pattern.next(self.zone.civil_as_of(before, at), true)?;
        let is_skipped =
            !pattern.is_interval && missing < civil && matches!(self.zone.resolve(missing)?, Resolved::Skipped(_));
        is_skipped.then(|| ClockChange::Forward { missing: format_civil(missing) })
    }
}
