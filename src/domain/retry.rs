//! Retry backoff.

use std::time::Duration;

use super::string_enum;

string_enum! {
    /// How the delay grows with each failure.
    Strategy {
        /// `base`, 2 × `base`, 4 × `base`, …
        Exponential = "exponential",
        /// `base`, 2 × `base`, 3 × `base`, …
        Linear = "linear",
        Fixed = "fixed",
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Backoff {
    pub strategy: Strategy,
    pub base: Duration,
    pub max: Duration,
    /// Full jitter, as in the AWS architecture blog: the delay is uniform between zero and the computed delay.
    pub jitter: bool,
}

/// The largest `max` of any policy.
pub const MAX_DELAY: Duration = Duration::from_secs(30 * 24 * 60 * 60);

impl Default for Backoff {
    /// Between zero and `2 s · 2^(failures-1)`, at most 15 minutes.
    fn default() -> Self {
        Self {
            strategy: Strategy::Exponential,
            base: Duration::from_secs(2),
            max: Duration::from_secs(15 * 60),
            jitter: true,
        }
    }
}

impl Backoff {
    /// The delay after a failure. `random` is uniform in 0..1; the first failure is number 1.
    pub fn delay(&self, failures: u32, random: f64) -> Duration {
        let nth = failures.max(1);
        let factor = match self.strategy {
            Strategy::Exponential => 1u32 << (nth - 1).min(30),
            Strategy::Linear => nth,
            Strategy::Fixed => 1,
        };
        let ceiling = self.base.saturating_mul(factor).min(self.max);
        if self.jitter { ceiling.mul_f64(random.clamp(0.0, 1.0)) } else { ceiling }
    }

    /// The encoding in the database and in SQL calls: strategy, base and maximum in seconds, jitter `full` or `none`.
    pub fn text(&self) -> String {
        let jitter = if self.jitter { "full" } else { "none" };
        format!("{} {} {} {jitter}", self.strategy, self.base.as_secs_f64(), self.max.as_secs_f64())
    }

    /// Parses [`Backoff::text`].
    pub fn parse(text: &str) -> Option<Self> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let [strategy, base, max, jitter] = words[..] else { return None };
        let seconds = |word: &str| {
            let duration = Duration::try_from_secs_f64(word.parse().ok()?).ok()?;
            (duration <= MAX_DELAY).then_some(duration)
        };
        let jitter = match jitter {
            "full" => true,
            "none" => false,
            _ => return None,
        };
        Some(Self { strategy: Strategy::parse(strategy)?, base: seconds(base)?, max: seconds(max)?, jitter })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exponential_delay_doubles_up_to_the_maximum() {
        let ceilings = [(1, 2), (2, 4), (3, 8), (9, 512), (10, 900), (400, 900)];
        for (failures, seconds) in ceilings {
            assert_eq!(Backoff::default().delay(failures, 1.0), Duration::from_secs(seconds), "failure {failures}");
        }
    }

    #[test]
    fn strategies_differ_in_growth() {
        let second = Duration::from_secs;
        for (strategy, waits) in
            [(Strategy::Exponential, [10, 20, 35]), (Strategy::Linear, [10, 20, 30]), (Strategy::Fixed, [10, 10, 10])]
        {
            let policy = Backoff { strategy, base: second(10), max: second(35), jitter: false };
            for (failures, wait) in (1..).zip(waits) {
                assert_eq!(policy.delay(failures, 0.3), second(wait), "{strategy} after {failures}");
            }
        }
    }

    #[test]
    fn jitter_covers_the_whole_range() {
        let policy = Backoff::default();
        assert_eq!(policy.delay(3, 0.0), Duration::ZERO);
        assert_eq!(policy.delay(3, 0.25), Duration::from_secs(2));
        assert_eq!(policy.delay(3, f64::MAX), Duration::from_secs(8));
    }

    #[test]
    fn text_parses_back_and_nonsense_is_rejected() {
        let policy = Backoff {
            strategy: Strategy::Linear,
            base: Duration::from_millis(1500),
            max: Duration::from_secs(60),
            jitter: false,
        };
        assert_eq!(policy.text(), "linear 1.5 60 none");
        assert_eq!(Backoff::parse(&policy.text()), Some(policy));
        for text in
            ["", "linear", "linear 1 2", "square 1 2 full", "fixed -1 2 full", "fixed NaN 2 full", "fixed 1 inf full"]
        {
            assert_eq!(Backoff::parse(text), None, "{text}");
        }
    }
}
