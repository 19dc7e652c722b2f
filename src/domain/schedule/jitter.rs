//! Deterministic jitter, so that schedules do not all start on the hour; every server computes the same.

use std::time::Duration;

use time::OffsetDateTime;
use uuid::Uuid;

/// The delay of a run after its due time: less than `max`, derived from the schedule and the due time.
pub fn jitter(schedule: Uuid, due: OffsetDateTime, max: Duration) -> Duration {
    let Ok(max) = u64::try_from(max.as_millis()) else { return Duration::ZERO };
    if max == 0 {
        return Duration::ZERO;
    }
    let (high, low) = schedule.as_u64_pair();
    let mixed =
        [high, low, due.unix_timestamp().cast_unsigned()].into_iter().fold(0, |mixed, word| splitmix64(mixed ^ word));
    Duration::from_millis(mixed % max)
}

/// The splitmix64 mixer: adjacent inputs give unrelated outputs.
fn splitmix64(word: u64) -> u64 {
    let word = word.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn jitter_is_uniform_and_deterministic() {
        let (id, max) = (Uuid::from_u128(7), Duration::from_secs(60));
        let start = datetime!(2026-01-01 00:00 UTC);
        let all: Vec<Duration> = (0..1000).map(|hour| jitter(id, start + time::Duration::hours(hour), max)).collect();
        assert!(all.iter().all(|it| *it < max));
        for quarter in 0..4 {
            let within = all.iter().filter(|it| it.as_secs() / 15 == quarter).count();
            assert!((200..300).contains(&within), "{within} in quarter {quarter}");
        }
        assert_eq!(all[3], jitter(id, start + time::Duration::hours(3), max));
        assert_ne!(jitter(Uuid::from_u128(8), start, max), all[0]);
        assert_eq!(jitter(id, start, Duration::ZERO), Duration::ZERO);
    }
}
