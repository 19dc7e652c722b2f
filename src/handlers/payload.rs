//! Reads payloads.

use std::time::Duration;

use serde::de::DeserializeOwned;

use crate::domain::Outcome;

/// Parses a payload; an empty one is an empty object. An error is final: the payload would not parse next time either.
pub fn read<T: DeserializeOwned>(payload: &str) -> Result<T, Outcome> {
    let text = if matches!(payload.trim(), "" | "null") { "{}" } else { payload };
    serde_json::from_str(text).map_err(|error| Outcome::fatal(format!("the payload cannot be parsed: {error}")))
}

/// Converts a number of seconds. `field` names it in the error.
pub fn seconds(field: &str, number: f64) -> Result<Duration, Outcome> {
    Duration::try_from_secs_f64(number).map_err(|_| Outcome::fatal(format!("{field} must be a number of seconds")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_payload_is_an_empty_object() {
        for payload in ["", " ", "null", "{}"] {
            assert_eq!(read::<serde_json::Map<_, _>>(payload), Ok(serde_json::Map::new()), "{payload:?}");
        }
        assert!(matches!(read::<serde_json::Map<_, _>>("[]"), Err(Outcome::Fatal { .. })));
    }

    #[test]
    fn seconds_must_be_finite_and_not_negative() {
        assert_eq!(seconds("seconds", 1.5), Ok(Duration::from_millis(1500)));
        for nonsense in [-1.0, f64::NAN, f64::INFINITY, 1e300] {
            assert_eq!(seconds("seconds", nonsense), Err(Outcome::fatal("seconds must be a number of seconds")));
        }
    }
}
