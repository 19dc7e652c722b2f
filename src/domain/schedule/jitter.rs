//! A little later, so that not everything starts at the full hour; the same for everybody who computes it.

use std::time::Duration;

use time::OffsetDateTime;
use uuid::Uuid;

/// How much later than its due time a schedule starts: less than `most`, by the schedule and the time alone.
pub fn jitter(schedule: Uuid, due: OffsetDateTime, most: Duration) -> Duration {
    let Ok(most) = u64::try_from(most.as_millis()) else { return Duration::ZERO };
    if most == 0 {
        return Duration::ZERO;
    }
    let (high, low) = schedule.as_u64_pair();
    let mixed =
        [high, low, due.unix_timestamp().cast_unsigned()].into_iter().fold(0, |mixed, word| scatter(mixed ^ word));
    Duration::from_millis(mixed % most)
}

/// Splitmix64: neighbours end up far from each other.
fn scatter(word: u64) -> u64 {
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
    fn it_is_spread_over_all_of_its_width_and_the_same_for_everybody() {
        let (id, most) = (Uuid::from_u128(7), Duration::from_secs(60));
        let start = datetime!(2026-01-01 00:00 UTC);
        let all: Vec<Duration> = (0..1000).map(|hour| jitter(id, start + time::Duration::hours(hour), most)).collect();
        assert!(all.iter().all(|it| *it < most));
        for quarter in 0..4 {
            let within = all.iter().filter(|it| it.as_secs() / 15 == quarter).count();
            assert!((200..300).contains(&within), "{within} in quarter {quarter}");
        }
        assert_eq!(all[3], jitter(id, start + time::Duration::hours(3), most));
        assert_ne!(jitter(Uuid::from_u128(8), start, most), all[0]);
        assert_eq!(jitter(id, start, Duration::ZERO), Duration::ZERO);
    }
}
