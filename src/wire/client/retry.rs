//! How often, and how long, somebody tries again: with full jitter, so that those who failed together do not come back together.

use std::time::{Duration, Instant};

/// For how long a request is sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Nothing is sent any more when so much time has passed.
    pub lasts: Duration,
    /// The longest first pause; it doubles.
    pub first: Duration,
    /// The longest of all.
    pub longest: Duration,
}

impl Default for Budget {
    fn default() -> Self {
        Self { lasts: Duration::from_secs(5), first: Duration::from_millis(200), longest: Duration::from_secs(2) }
    }
}

impl Budget {
    /// Sent once.
    pub const fn none() -> Self {
        Self { lasts: Duration::ZERO, first: Duration::ZERO, longest: Duration::ZERO }
    }

    pub(super) fn start(self) -> Tries {
        Tries { budget: self, began: Instant::now(), ceiling: self.first }
    }
}

/// The tries of one request.
pub(super) struct Tries {
    budget: Budget,
    began: Instant,
    ceiling: Duration,
}

impl Tries {
    /// How long to wait before the next try; nothing when the budget is spent.
    pub fn next_pause(&mut self) -> Option<Duration> {
        let left = self.budget.lasts.checked_sub(self.began.elapsed())?;
        let pause = self.ceiling.mul_f64(rand::random::<f64>()).min(left);
        self.ceiling = (self.ceiling * 2).min(self.budget.longest);
        (!left.is_zero()).then_some(pause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_the_longest_and_end_with_the_budget() {
        assert_eq!(Budget::none().start().next_pause(), None);
        let mut tries = Budget::default().start();
        for ceiling in [200, 400, 800, 1600, 2000, 2000] {
            assert_eq!(tries.ceiling, Duration::from_millis(ceiling));
            assert!(tries.next_pause().unwrap() <= Duration::from_millis(ceiling));
        }
        tries.began -= Duration::from_secs(6);
        assert_eq!(tries.next_pause(), None);
    }
}
