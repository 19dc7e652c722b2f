//! What to do with the due times that are there: usually one, and after a night without servers perhaps a million.

use std::collections::VecDeque;
use std::time::Duration;

use time::OffsetDateTime;

use super::{Misfire, Timing};

/// How many due times one verdict looks at; what is left waits for the next.
const MOST: usize = 10_000;
/// The most that `all` may make up for.
pub const MOST_CATCH_UP: u32 = 1_000;

/// The policy of a schedule about what was missed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backlog {
    pub misfire: Misfire,
    /// How many `all` makes up for.
    pub catch_up: u32,
    /// What is late by less than this was not missed.
    pub grace: Duration,
}

/// Due times in a row that are not started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Missed {
    pub first: OffsetDateTime,
    pub last: OffsetDateTime,
    pub n: u64,
}

/// What to do now, and what the next due time is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    pub fire: Vec<OffsetDateTime>,
    pub missed: Option<Missed>,
    /// The next due time to look at; it may lie in the past still. Nothing when there is none for ever.
    pub next: Option<OffsetDateTime>,
}

impl Backlog {
    /// Judges everything from `first` (a due time) up to now; at most `batch` of it starts at once.
    pub fn judge(&self, timing: &Timing, first: OffsetDateTime, now: OffsetDateTime, batch: usize) -> Verdict {
        let mut due: VecDeque<OffsetDateTime> = VecDeque::new();
        let mut next = Some(first);
        while let Some(at) = next.filter(|at| *at <= now && due.len() < MOST) {
            due.push_back(at);
            next = timing.next_after(at);
        }
        let in_time = due.iter().rev().take_while(|at| now - **at <= self.grace).count();
        let late = due.len() - in_time;
        // When nothing is in time, there may be more that is late than was looked at: what the newest are is not known yet.
        let is_seen = in_time > 0 || next.is_none_or(|next| next > now);
        let keep = match (self.misfire, in_time) {
            (Misfire::Skip, _) => 0,
            (Misfire::Latest, 0) => 1,
            (Misfire::Latest, _) => 0,
            (Misfire::All, _) => self.catch_up as usize,
        };
        let missed = Missed::of(due.drain(..late.saturating_sub(keep)));
        if !is_seen {
            return Verdict { fire: Vec::new(), missed, next: due.front().copied().or(next) };
        }
        let rest = due.split_off(due.len().min(batch));
        Verdict { fire: due.into(), missed, next: rest.front().copied().or(next) }
    }
}

impl Missed {
    fn of(times: impl Iterator<Item = OffsetDateTime>) -> Option<Self> {
        times.fold(None, |missed: Option<Self>, at| {
            Some(missed.map_or(Self { first: at, last: at, n: 1 }, |it| Self { last: at, n: it.n + 1, ..it }))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    const BATCH: usize = 100;
    const START: OffsetDateTime = datetime!(2026-01-01 00:00 UTC);

    fn minutes(text: &str) -> Timing {
        Timing::parse(text, "UTC", START).unwrap()
    }

    fn judge(misfire: Misfire, catch_up: u32, now: OffsetDateTime) -> Verdict {
        let backlog = Backlog { misfire, catch_up, grace: Duration::from_secs(60) };
        backlog.judge(&minutes("* * * * *"), START, now, BATCH)
    }

    fn missed(verdict: &Verdict) -> (i64, i64, u64) {
        let minute = |at: OffsetDateTime| (at - START).whole_minutes();
        verdict.missed.map_or((0, 0, 0), |it| (minute(it.first), minute(it.last), it.n))
    }

    fn fired(verdict: &Verdict) -> Vec<i64> {
        verdict.fire.iter().map(|at| (*at - START).whole_minutes()).collect()
    }

    #[test]
    fn what_is_in_time_is_started_whatever_the_policy() {
        for misfire in Misfire::ALL {
            let verdict = judge(*misfire, 5, datetime!(2026-01-01 00:00:01 UTC));
            assert_eq!((fired(&verdict), missed(&verdict)), (vec![0], (0, 0, 0)), "{misfire}");
            assert_eq!(verdict.next, Some(datetime!(2026-01-01 00:01 UTC)));
            let verdict = judge(*misfire, 5, datetime!(2026-01-01 00:01:00 UTC));
            assert_eq!(fired(&verdict), [0, 1], "{misfire}: nothing is left out for being a minute late");
        }
    }

    #[test]
    fn what_was_missed_goes_by_the_policy() {
        let now = datetime!(2026-01-01 02:00:30 UTC);
        for (misfire, catch_up, fire, gone) in [
            (Misfire::Skip, 5, vec![120], (0, 119, 120)),
            (Misfire::Latest, 5, vec![120], (0, 119, 120)),
            (Misfire::All, 3, vec![117, 118, 119, 120], (0, 116, 117)),
            (Misfire::All, 0, vec![120], (0, 119, 120)),
        ] {
            let verdict = judge(misfire, catch_up, now);
            assert_eq!((fired(&verdict), missed(&verdict)), (fire, gone), "{misfire}");
            assert_eq!(verdict.next, Some(datetime!(2026-01-01 02:01 UTC)));
        }
        // With an hour between the times, nothing is in time: `latest` makes up for one, once.
        let hourly = minutes("0 * * * *");
        let backlog = |misfire| Backlog { misfire, catch_up: 2, grace: Duration::from_secs(60) };
        let verdict = backlog(Misfire::Latest).judge(&hourly, START, datetime!(2026-01-01 05:30 UTC), BATCH);
        assert_eq!((fired(&verdict), missed(&verdict)), (vec![300], (0, 240, 5)));
        let verdict = backlog(Misfire::Skip).judge(&hourly, START, datetime!(2026-01-01 05:30 UTC), BATCH);
        assert_eq!((fired(&verdict), missed(&verdict)), (vec![], (0, 300, 6)));
        let verdict = backlog(Misfire::All).judge(&hourly, START, datetime!(2026-01-01 05:30 UTC), BATCH);
        assert_eq!((fired(&verdict), missed(&verdict)), (vec![240, 300], (0, 180, 4)));
    }

    #[test]
    fn a_long_backlog_is_worked_off_in_steps_and_ends_the_same() {
        let (timing, now) = (minutes("* * * * * *"), datetime!(2026-01-01 08:00 UTC));
        for (misfire, catch_up, started) in
            [(Misfire::Skip, 0, 61), (Misfire::Latest, 0, 61), (Misfire::All, 1000, 1061)]
        {
            let backlog = Backlog { misfire, catch_up, grace: Duration::from_secs(60) };
            let (mut first, mut fired, mut gone) = (START, Vec::new(), 0);
            while first <= now {
                let verdict = backlog.judge(&timing, first, now, BATCH);
                assert!(verdict.fire.len() <= BATCH);
                let next = verdict.next.unwrap();
                assert!(next > first, "each step leads on");
                (first, gone) = (next, gone + verdict.missed.map_or(0, |it| it.n));
                fired.extend(verdict.fire);
            }
            assert_eq!((fired.len(), gone as usize), (started, 8 * 3600 + 1 - started), "{misfire}");
            assert!(fired.is_sorted() && fired.last() == Some(&now));
        }
    }
}
