//! The misfire policy: which of the pending due times start. Usually one is pending; after a long outage, perhaps a
//! million.

use std::collections::VecDeque;
use std::time::Duration;

use time::OffsetDateTime;

use super::{Misfire, Timing};

/// How many due times one decision covers; the rest wait for the next decision.
const MAX_DUE: usize = 10_000;
pub const MAX_CATCH_UP: u32 = 1_000;

/// How a schedule treats missed due times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MisfirePolicy {
    pub misfire: Misfire,
    /// How many missed due times `all` starts.
    pub catch_up: u32,
    /// A due time that is late by at most this is on time, not missed.
    pub grace: Duration,
}

/// A run of consecutive due times that are skipped as missed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MissedTicks {
    pub first: OffsetDateTime,
    pub last: OffsetDateTime,
    pub count: u64,
}

/// What to start now, and which due time is next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MisfireDecision {
    pub fire: Vec<OffsetDateTime>,
    pub missed: Option<MissedTicks>,
    /// The next due time, which may be in the past. `None` when there is none.
    pub next: Option<OffsetDateTime>,
}

impl MisfirePolicy {
    /// Decides about the due times from `first` (a due time) up to now; at most `batch` of them start at once.
    pub fn evaluate(
        &self,
        timing: &Timing,
        first: OffsetDateTime,
        now: OffsetDateTime,
        batch: usize,
    ) -> MisfireDecision {
        let mut due: VecDeque<OffsetDateTime> = VecDeque::new();
        let mut next = Some(first);
        while let Some(at) = next.filter(|at| *at <= now && due.len() < MAX_DUE) {
            due.push_back(at);
            next = timing.next_after(at);
        }
        let on_time = due.iter().rev().take_while(|at| now - **at <= self.grace).count();
        let late = due.len() - on_time;
        // If none is on time, more late due times may follow beyond the limit, so the newest are not known yet.
        let is_complete = on_time > 0 || next.is_none_or(|next| next > now);
        let keep = match (self.misfire, on_time) {
            (Misfire::Skip, _) => 0,
            (Misfire::Latest, 0) => 1,
            (Misfire::Latest, _) => 0,
            (Misfire::All, _) => self.catch_up as usize,
        };
        let missed = MissedTicks::of(due.drain(..late.saturating_sub(keep)));
        if !is_complete {
            return MisfireDecision { fire: Vec::new(), missed, next: due.front().copied().or(next) };
        }
        let rest = due.split_off(due.len().min(batch));
        MisfireDecision { fire: due.into(), missed, next: rest.front().copied().or(next) }
    }
}

impl MissedTicks {
    fn of(times: impl Iterator<Item = OffsetDateTime>) -> Option<Self> {
        times.fold(None, |missed: Option<Self>, at| {
            Some(missed.map_or(Self { first: at, last: at, count: 1 }, |it| Self {
                last: at,
                count: it.count + 1,
                ..it
            }))
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

    fn evaluate(misfire: Misfire, catch_up: u32, now: OffsetDateTime) -> MisfireDecision {
        let misfire_policy = MisfirePolicy { misfire, catch_up, grace: Duration::from_secs(60) };
        misfire_policy.evaluate(&minutes("* * * * *"), START, now, BATCH)
    }

    fn missed(decision: &MisfireDecision) -> (i64, i64, u64) {
        let minute = |at: OffsetDateTime| (at - START).whole_minutes();
        decision.missed.map_or((0, 0, 0), |it| (minute(it.first), minute(it.last), it.count))
    }

    fn fired(decision: &MisfireDecision) -> Vec<i64> {
        decision.fire.iter().map(|at| (*at - START).whole_minutes()).collect()
    }

    #[test]
    fn due_time_on_time_starts_under_every_policy() {
        for misfire in Misfire::ALL {
            let decision = evaluate(*misfire, 5, datetime!(2026-01-01 00:00:01 UTC));
            assert_eq!((fired(&decision), missed(&decision)), (vec![0], (0, 0, 0)), "{misfire}");
            assert_eq!(decision.next, Some(datetime!(2026-01-01 00:01 UTC)));
            let decision = evaluate(*misfire, 5, datetime!(2026-01-01 00:01:00 UTC));
            assert_eq!(fired(&decision), [0, 1], "{misfire}: a minute late is still on time");
        }
    }

    #[test]
    fn missed_due_times_follow_the_policy() {
        let now = datetime!(2026-01-01 02:00:30 UTC);
        for (misfire, catch_up, fire, skipped) in [
            (Misfire::Skip, 5, vec![120], (0, 119, 120)),
            (Misfire::Latest, 5, vec![120], (0, 119, 120)),
            (Misfire::All, 3, vec![117, 118, 119, 120], (0, 116, 117)),
            (Misfire::All, 0, vec![120], (0, 119, 120)),
        ] {
            let decision = evaluate(misfire, catch_up, now);
            assert_eq!((fired(&decision), missed(&decision)), (fire, skipped), "{misfire}");
            assert_eq!(decision.next, Some(datetime!(2026-01-01 02:01 UTC)));
        }
        // With an hour between due times, none is on time, and `latest` starts one.
        let hourly = minutes("0 * * * *");
        let misfire_policy = |misfire| MisfirePolicy { misfire, catch_up: 2, grace: Duration::from_secs(60) };
        let decision = misfire_policy(Misfire::Latest).evaluate(&hourly, START, datetime!(2026-01-01 05:30 UTC), BATCH);
        assert_eq!((fired(&decision), missed(&decision)), (vec![300], (0, 240, 5)));
        let decision = misfire_policy(Misfire::Skip).evaluate(&hourly, START, datetime!(2026-01-01 05:30 UTC), BATCH);
        assert_eq!((fired(&decision), missed(&decision)), (vec![], (0, 300, 6)));
        let decision = misfire_policy(Misfire::All).evaluate(&hourly, START, datetime!(2026-01-01 05:30 UTC), BATCH);
        assert_eq!((fired(&decision), missed(&decision)), (vec![240, 300], (0, 180, 4)));
    }

    #[test]
    fn long_backlog_is_decided_in_batches() {
        let (timing, now) = (minutes("* * * * * *"), datetime!(2026-01-01 08:00 UTC));
        for (misfire, catch_up, started) in
            [(Misfire::Skip, 0, 61), (Misfire::Latest, 0, 61), (Misfire::All, 1000, 1061)]
        {
            let misfire_policy = MisfirePolicy { misfire, catch_up, grace: Duration::from_secs(60) };
            let (mut first, mut fired, mut skipped) = (START, Vec::new(), 0);
            while first <= now {
                let decision = misfire_policy.evaluate(&timing, first, now, BATCH);
                assert!(decision.fire.len() <= BATCH);
                let next = decision.next.unwrap();
                assert!(next > first, "each decision moves forward");
                (first, skipped) = (next, skipped + decision.missed.map_or(0, |it| it.count));
                fired.extend(decision.fire);
            }
            assert_eq!((fired.len(), skipped as usize), (started, 8 * 3600 + 1 - started), "{misfire}");
            assert!(fired.is_sorted() && fired.last() == Some(&now));
        }
    }
}
