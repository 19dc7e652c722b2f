//! How long to wait before another try.

use std::time::Duration;

use super::words;

words! {
    /// How the wait grows from failure to failure.
    Strategy {
        /// `base`, twice that, four times that, …
        Exponential = "exponential",
        /// `base`, twice that, three times that, …
        Linear = "linear",
        /// Always `base`.
        Fixed = "fixed",
    }
}

/// A job's policy, when it has one of its own.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Backoff {
    pub strategy: Strategy,
    pub base: Duration,
    /// The longest wait.
    pub max: Duration,
    /// Full jitter: anywhere between nothing and the wait. (The "full jitter" of the AWS architecture blog.)
    pub jitter: bool,
}

/// The longest that any policy may wait.
pub const LONGEST: Duration = Duration::from_secs(30 * 24 * 60 * 60);

impl Default for Backoff {
    /// Anywhere between nothing and `2 s · 2^(failures-1)`, at most 15 minutes.
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
    /// How long to wait. `dice` is uniform in 0..1; the first failure is number 1.
    pub fn wait(&self, failures: u32, dice: f64) -> Duration {
        let nth = failures.max(1);
        let factor = match self.strategy {
            Strategy::Exponential => 1u32 << (nth - 1).min(30),
            Strategy::Linear => nth,
            Strategy::Fixed => 1,
        };
        let ceiling = self.base.saturating_mul(factor).min(self.max);
        if self.jitter { ceiling.mul_f64(dice.clamp(0.0, 1.0)) } else { ceiling }
    }

    /// As it stands in the database and in SQL calls: strategy, base and longest wait in seconds, `full` jitter or `none`.
    pub fn text(&self) -> String {
        let jitter = if self.jitter { "full" } else { "none" };
        format!("{} {} {} {jitter}", self.strategy, self.base.as_secs_f64(), self.max.as_secs_f64())
    }

    /// Reads [`Backoff::text`] back; nothing when it is not one.
    pub fn parse(text: &str) -> Option<Self> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let [strategy, base, max, jitter] = words[..] else { return None };
        let seconds = |word: &str| {
            let duration = Duration::try_from_secs_f64(word.parse().ok()?).ok()?;
            (duration <= LONGEST).then_some(duration)
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
    fn the_ceiling_doubles_and_is_capped() {
        let ceilings = [(1, 2), (2, 4), (3, 8), (9, 512), (10, 900), (400, 900)];
        for (failures, seconds) in ceilings {
            assert_eq!(Backoff::default().wait(failures, 1.0), Duration::from_secs(seconds), "failure {failures}");
        }
    }

    #[test]
    fn every_strategy_grows_in_its_own_way() {
        let second = Duration::from_secs;
        for (strategy, waits) in
            [(Strategy::Exponential, [10, 20, 35]), (Strategy::Linear, [10, 20, 30]), (Strategy::Fixed, [10, 10, 10])]
        {
            let policy = Backoff { strategy, base: second(10), max: second(35), jitter: false };
            for (failures, wait) in (1..).zip(waits) {
                assert_eq!(policy.wait(failures, 0.3), second(wait), "{strategy} after {failures}");
            }
        }
    }

    #[test]
    fn the_dice_reach_the_whole_range() {
        let policy = Backoff::default();
        assert_eq!(policy.wait(3, 0.0), Duration::ZERO);
        assert_eq!(policy.wait(3, 0.25), Duration::from_secs(2));
        assert_eq!(policy.wait(3, f64::MAX), Duration::from_secs(8));
    }

    #[test]
    fn the_text_reads_back_and_nonsense_does_not() {
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
