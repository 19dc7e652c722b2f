//! Reading what a job brings along.

use std::time::Duration;

use serde::de::DeserializeOwned;

use crate::domain::Outcome;

/// Reads a payload; without one, an empty object. What cannot be read now could not be read next time either.
pub fn read<T: DeserializeOwned>(payload: &str) -> Result<T, Outcome> {
    let text = if matches!(payload.trim(), "" | "null") { "{}" } else { payload };
    serde_json::from_str(text).map_err(|error| Outcome::refused(format!("the job's payload cannot be read: {error}")))
}

/// Reads a number of seconds that somebody wrote. `field` is what to call it when it makes no sense.
pub fn seconds(field: &str, number: f64) -> Result<Duration, Outcome> {
    Duration::try_from_secs_f64(number).map_err(|_| Outcome::refused(format!("{field} must be a number of seconds")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_payload_is_an_empty_one() {
        for payload in ["", " ", "null", "{}"] {
            assert_eq!(read::<serde_json::Map<_, _>>(payload), Ok(serde_json::Map::new()), "{payload:?}");
        }
        assert!(matches!(read::<serde_json::Map<_, _>>("[]"), Err(Outcome::Refused { .. })));
    }

    #[test]
    fn seconds_are_finite_and_not_negative() {
        assert_eq!(seconds("seconds", 1.5), Ok(Duration::from_millis(1500)));
        for nonsense in [-1.0, f64::NAN, f64::INFINITY, 1e300] {
            assert_eq!(seconds("seconds", nonsense), Err(Outcome::refused("seconds must be a number of seconds")));
        }
    }
}
