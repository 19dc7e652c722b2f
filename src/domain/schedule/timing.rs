//! When a schedule is due next. On days when the clocks change:
//!
//! - A *fixed* time (the hour is neither `*` nor `*/n`) happens once. Where the clocks go forward over it, it happens at
//!   the first moment after; where they show it twice, the first time.
//! - A cron expression that means *every so often* (the hour is `*` or `*/n`) happens whenever the clock shows it: it goes on
//!   through the hour that comes twice, and does not happen in the hour that is left out.
//! - An *interval* counts the seconds that really pass.

use jiff::Timestamp;
use time::{Duration, OffsetDateTime};

use super::expression::{Expression, Pattern};
use super::zone::{Local, Shown, Zone, moment, stamp, written};

/// An expression, the zone whose clocks it means, and the moment that intervals count from.
#[derive(Clone, Debug)]
pub struct Timing {
    expression: Expression,
    zone: Zone,
    anchor: OffsetDateTime,
}

/// Which part of a timing cannot be accepted, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TimingError {
    #[error("{0}")]
    Expression(#[from] super::ExpressionError),
    #[error("must be an IANA time zone, like Europe/Rome or UTC (this version knows those of tzdb {})", super::TZDB.unwrap_or("?"))]
    Zone,
}

/// A due time as people look at it.
#[derive(Clone, Debug)]
pub struct Occurrence {
    pub at: OffsetDateTime,
    /// What the clocks of its zone say then.
    pub local: Local,
    /// Whether the clocks change right there.
    pub shift: Option<Shift>,
}

/// What a change of the clocks does to a due time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shift {
    /// The clocks go forward over it: this local time does not exist.
    Forward { missing: String },
    /// The clocks show this local time twice, and this is the first.
    First,
    /// The same, and this is the second.
    Second,
}

/// Two timings are the same when they are written the same.
impl PartialEq for Timing {
    fn eq(&self, other: &Self) -> bool {
        let said = |it: &Self| (it.expression.to_string(), it.zone.name().to_owned(), it.anchor);
        said(self) == said(other)
    }
}

impl Timing {
    /// Both parts, checked.
    pub fn parse(expression: &str, zone: &str, anchor: OffsetDateTime) -> Result<Self, TimingError> {
        let expression = Expression::parse(expression)?;
        Ok(Self { expression, zone: Zone::parse(zone).ok_or(TimingError::Zone)?, anchor })
    }

    /// The moment that intervals count from.
    pub fn anchor(&self) -> OffsetDateTime {
        self.anchor
    }

    /// What was written.
    pub fn expression(&self) -> &Expression {
        &self.expression
    }

    /// Whose clocks.
    pub fn zone(&self) -> &Zone {
        &self.zone
    }

    /// In words, with the zone where one matters.
    pub fn words(&self) -> String {
        match &self.expression {
            Expression::Cron(_) => format!("{} ({})", self.expression.words(), self.zone.name()),
            Expression::Every(_) => self.expression.words(),
        }
    }

    /// The first due time after a moment; nothing when no year that we can count has one.
    pub fn next_after(&self, at: OffsetDateTime) -> Option<OffsetDateTime> {
        let next = match &self.expression {
            Expression::Every(period) => return self.next_interval(at, (*period).try_into().ok()?),
            Expression::Cron(pattern) if pattern.is_interval => self.next_shown(pattern, stamp(at)),
            Expression::Cron(pattern) => self.next_fixed(pattern, stamp(at)),
        };
        next.and_then(moment).filter(|at| at.year() <= 9999)
    }

    /// The due times after a moment.
    pub fn after(&self, at: OffsetDateTime) -> impl Iterator<Item = OffsetDateTime> {
        std::iter::successors(self.next_after(at), |at| self.next_after(*at))
    }

    /// The last due time before a moment, as far back as the clock of computers goes.
    pub fn last_before(&self, at: OffsetDateTime) -> Option<OffsetDateTime> {
        let first_in = |from| self.next_after(from).filter(|due| *due < at);
        let mut back = Duration::minutes(1);
        let mut found = loop {
            let from = at.checked_sub(back).filter(|from| from.year() >= 1970)?;
            match first_in(from) {
                Some(due) => break due,
                None => back *= 2,
            }
        };
        // Between what is found and `at` there may be more: halve what is not known yet.
        let mut end = at;
        while let Some(later) = first_in(found) {
            let middle = found + (end - found) / 2;
            match first_in(middle) {
                Some(due) => found = due,
                None if end == middle => found = later,
                None => end = middle,
            }
        }
        Some(found)
    }

    /// A due time as people look at it.
    pub fn look(&self, at: OffsetDateTime) -> Occurrence {
        Occurrence { at, local: self.zone.local(at), shift: self.shift(at) }
    }

    fn next_interval(&self, at: OffsetDateTime, period: Duration) -> Option<OffsetDateTime> {
        // The anchor itself is when it was put, and not due; so neither is anything before.
        let passed = ((at - self.anchor).whole_seconds() / period.whole_seconds()).max(0);
        self.anchor.checked_add(Duration::seconds(period.whole_seconds().checked_mul(passed + 1)?))
    }

    fn next_fixed(&self, pattern: &Pattern, after: Timestamp) -> Option<Timestamp> {
        let mut civil = self.zone.civil(after);
        loop {
            civil = pattern.next(civil, false)?;
            let (Shown::Once(at) | Shown::Twice(at) | Shown::Never(at)) = self.zone.shown(civil)?;
            if at > after {
                return Some(at);
            }
        }
    }

    /// From change to change of the clocks; in between, the wall clock and time go together.
    fn next_shown(&self, pattern: &Pattern, after: Timestamp) -> Option<Timestamp> {
        let (mut since, mut inclusive) = (after, false);
        loop {
            let civil = pattern.next(self.zone.civil(since), inclusive)?;
            let at = self.zone.moment_as_of(since, civil)?;
            match self.zone.change_after(since) {
                Some(change) if change <= at => (since, inclusive) = (change, true),
                _ => return Some(at),
            }
        }
    }

    fn shift(&self, at: OffsetDateTime) -> Option<Shift> {
        let Expression::Cron(pattern) = &self.expression else { return None };
        let at = stamp(at);
        let civil = self.zone.civil(at);
        if let Shown::Twice(first) = self.zone.shown(civil)? {
            return Some(if first == at { Shift::First } else { Shift::Second });
        }
        // Where the clocks go forward, the wall clock before the change shows the beginning of what is left out.
        let before = at.checked_sub(jiff::SignedDuration::from_nanos(1)).ok()?;
        let missing = pattern.next(self.zone.civil_as_of(before, at), true)?;
        let is_left_out =
            !pattern.is_interval && missing < civil && matches!(self.zone.shown(missing)?, Shown::Never(_));
        is_left_out.then(|| Shift::Forward { missing: written(missing) })
    }
}
