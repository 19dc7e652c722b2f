//! Retries with full jitter, so that clients that failed together do not retry together.

use std::time::{Duration, Instant};

/// How long, and at what intervals, a request is retried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// No retry starts after this time.
    pub total: Duration,
    /// Upper bound of the first pause; it doubles with every retry.
    pub first_pause: Duration,
    pub max_pause: Duration,
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            total: Duration::from_secs(5),
            first_pause: Duration::from_millis(200),
            max_pause: Duration::from_secs(2),
        }
    }
}

impl Budget {
    /// No retries.
    pub const fn none() -> Self {
        Self { total: Duration::ZERO, first_pause: Duration::ZERO, max_pause: Duration::ZERO }
    }

    pub(super) fn start(self) -> Retries {
        Retries { budget: self, started: Instant::now(), ceiling: self.first_pause }
    }
}

/// The retries of one request.
pub(super) struct Retries {
    budget: Budget,
    started: Instant,
    ceiling: Duration,
}

impl Retries {
    /// How long to wait before the next retry; `None` once the budget is spent.
    pub fn next_pause(&mut self) -> Option<Duration> {
        let left = self.budget.total.checked_sub(self.started.elapsed())?;
        let pause = self.ceiling.mul_f64(rand::random::<f64>()).min(left);
        self.ceiling = (self.ceiling * 2).min(self.budget.max_pause);
        (!left.is_zero()).then_some(pause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_maximum_until_budget_is_spent() {
        assert_eq!(Budget::none().start().next_pause(), None);
        let mut retries = Budget::default().start();
        for ceiling in [200, 400, 800, 1600, 2000, 2000] {
            assert_eq!(retries.ceiling, Duration::from_millis(ceiling));
            assert!(retries.next_pause().unwrap() <= Duration::from_millis(ceiling));
        }
        retries.started -= Duration::from_secs(6);
        assert_eq!(retries.next_pause(), None);
    }
}
