//! Durations in JSON: seconds as a number, or words like `1m 30s`.

use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A duration that somebody wrote. Numbers are seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Span(pub Duration);

impl Span {
    /// Reads `90`, `1.5`, `90s` or `1m 30s`; nothing when it is not one.
    pub fn parse(text: &str) -> Option<Self> {
        let plain = text.trim().parse::<f64>().ok();
        let duration = match plain {
            Some(seconds) => Duration::try_from_secs_f64(seconds).ok(),
            None => humantime::parse_duration(text).ok(),
        };
        duration.map(Self)
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.0.as_secs_f64())
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Span;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("seconds as a number, or a duration like 30s or 5m")
            }

            fn visit_f64<E: de::Error>(self, seconds: f64) -> Result<Span, E> {
                let duration = Duration::try_from_secs_f64(seconds);
                duration.map(Span).map_err(|_| E::custom("a duration is never negative, and ends"))
            }

            fn visit_u64<E: de::Error>(self, seconds: u64) -> Result<Span, E> {
                Ok(Span(Duration::from_secs(seconds)))
            }

            fn visit_i64<E: de::Error>(self, seconds: i64) -> Result<Span, E> {
                self.visit_f64(seconds as f64)
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Span, E> {
                Span::parse(text).ok_or_else(|| E::custom("not a duration; write 30s, 5m or a number of seconds"))
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_and_words() {
        let read = |json: &str| serde_json::from_str::<Span>(json).map(|it| it.0).ok();
        assert_eq!(read("90"), Some(Duration::from_secs(90)));
        assert_eq!(read("0.5"), Some(Duration::from_millis(500)));
        assert_eq!(read("\"1m 30s\""), Some(Duration::from_secs(90)));
        assert_eq!(read("\"15\""), Some(Duration::from_secs(15)));
        for nonsense in ["-1", "1e400", "\"soon\"", "null", "[]", "-0.5", "\"NaN\"", "\"inf\""] {
            assert_eq!(read(nonsense), None, "{nonsense}");
        }
    }
}
