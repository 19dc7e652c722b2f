//! How long to wait before another try.

use std::time::Duration;

const BASE: Duration = Duration::from_secs(2);
const CAP: Duration = Duration::from_secs(15 * 60);

/// Exponential backoff with full jitter: anywhere between nothing and `2 s · 2^(failures-1)`, at most 15 minutes.
/// `dice` is uniform in 0..1; the first failure is number 1. (The "full jitter" of the AWS architecture blog.)
pub fn backoff(failures: u32, dice: f64) -> Duration {
    let doublings = failures.saturating_sub(1).min(20);
    let ceiling = BASE.saturating_mul(1 << doublings).min(CAP);
    ceiling.mul_f64(dice.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ceiling_doubles_and_is_capped() {
        let ceilings = [(1, 2), (2, 4), (3, 8), (9, 512), (10, 900), (400, 900)];
        for (failures, seconds) in ceilings {
            assert_eq!(backoff(failures, 1.0), Duration::from_secs(seconds), "failure {failures}");
        }
    }

    #[test]
    fn the_dice_reach_the_whole_range() {
        assert_eq!(backoff(3, 0.0), Duration::ZERO);
        assert_eq!(backoff(3, 0.25), Duration::from_secs(2));
        assert_eq!(backoff(3, f64::MAX), Duration::from_secs(8));
    }
}
