//! Durations in JSON: a number of seconds, or text like `1m 30s`.

use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A duration in a request. Plain numbers are seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HumanDuration(pub Duration);

impl HumanDuration {
    /// Parses `90`, `1.5`, `90s` or `1m 30s`.
    pub fn parse(text: &str) -> Option<Self> {
        let plain = text.trim().parse::<f64>().ok();
        let duration = match plain {
            Some(seconds) => Duration::try_from_secs_f64(seconds).ok(),
            None => humantime::parse_duration(text).ok(),
        };
        duration.map(Self)
    }
}

impl Serialize for HumanDuration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.0.as_secs_f64())
    }
}

impl<'de> Deserialize<'de> for HumanDuration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = HumanDuration;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a number of seconds, or a duration like 30s or 5m")
            }

            fn visit_f64<E: de::Error>(self, seconds: f64) -> Result<HumanDuration, E> {
                let duration = Duration::try_from_secs_f64(seconds);
                duration.map(HumanDuration).map_err(|_| E::custom("must be a finite, non-negative duration"))
            }

            fn visit_u64<E: de::Error>(self, seconds: u64) -> Result<HumanDuration, E> {
                Ok(HumanDuration(Duration::from_secs(seconds)))
            }

            fn visit_i64<E: de::Error>(self, seconds: i64) -> Result<HumanDuration, E> {
                self.visit_f64(seconds as f64)
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<HumanDuration, E> {
                HumanDuration::parse(text)
                    .ok_or_else(|| E::custom("must be a duration like 30s or 5m, or a number of seconds"))
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_text_parse_as_durations() {
        let read = |json: &str| serde_json::from_str::<HumanDuration>(json).map(|it| it.0).ok();
        assert_eq!(read("90"), Some(Duration::from_secs(90)));
        assert_eq!(read("0.5"), Some(Duration::from_millis(500)));
        assert_eq!(read("\"1m 30s\""), Some(Duration::from_secs(90)));
        assert_eq!(read("\"15\""), Some(Duration::from_secs(15)));
        for invalid in ["-1", "1e400", "\"soon\"", "null", "[]", "-0.5", "\"NaN\"", "\"inf\""] {
            assert_eq!(read(invalid), None, "{invalid}");
        }
    }
}
