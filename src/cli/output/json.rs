//! A lossless JSON value: members keep their order and numbers keep their digits.

use std::cmp::Ordering;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// A JSON value. `serde_json::Value` would reorder members and round large numbers.
#[derive(Clone, Debug, PartialEq)]
pub enum Json {
    Null,
    Bool(bool),
    /// The digits as written.
    Number(String),
    Text(String),
    List(Vec<Json>),
    Map(Vec<(String, Json)>),
}

static NULL: Json = Json::Null;
/// Deeper values are kept as text, because parsing and printing are recursive.
const MAX_DEPTH: usize = 200;

impl Json {
    pub fn parse(text: &str) -> serde_json::Result<Self> {
        Self::read(serde_json::from_str(text)?, 0)
    }

    fn read(raw: &RawValue, depth: usize) -> serde_json::Result<Self> {
        let text = raw.get();
        if depth > MAX_DEPTH {
            return Ok(Self::Number(text.to_owned()));
        }
        let below = |raw: &RawValue| Self::read(raw, depth + 1);
        Ok(match text.as_bytes().first() {
            Some(b'{') => {
                let members = serde_json::from_str::<Members>(text)?.0;
                Self::Map(members.into_iter().map(|(k, v)| Ok((k, below(v)?))).collect::<serde_json::Result<_>>()?)
            }
            Some(b'[') => {
                let elements = serde_json::from_str::<Vec<&RawValue>>(text)?;
                Self::List(elements.into_iter().map(below).collect::<serde_json::Result<_>>()?)
            }
            // An invalid string, such as an unpaired surrogate, is kept as written.
            Some(b'"') => serde_json::from_str(text).map_or_else(|_| Self::Number(text.to_owned()), Self::Text),
            Some(b't' | b'f') => Self::Bool(text == "true"),
            Some(b'n') | None => Self::Null,
            Some(_) => Self::Number(text.to_owned()),
        })
    }

    /// The value at a path such as `a.b.0`, or null.
    pub fn at(&self, path: &str) -> &Self {
        path.split('.').fold(self, |value, step| match value {
            Self::Map(members) => members.iter().find(|(name, _)| name == step).map_or(&NULL, |(_, value)| value),
            Self::List(elements) => step.parse().ok().and_then(|at: usize| elements.get(at)).unwrap_or(&NULL),
            _ => &NULL,
        })
    }

    /// The string at a path, or an empty one.
    pub fn text(&self, path: &str) -> &str {
        if let Self::Text(text) = self.at(path) { text } else { "" }
    }

    /// The integer at a path, or 0.
    pub fn count(&self, path: &str) -> i64 {
        if let Self::Number(text) = self.at(path) { text.parse().unwrap_or_default() } else { 0 }
    }

    /// Numbers compare by value, everything else as text.
    pub fn order(&self, other: &Self) -> Ordering {
        let number = |it: &Self| if let Self::Number(text) = it { text.parse::<f64>().ok() } else { None };
        match (self, other) {
            (Self::Text(a), Self::Text(b)) => a.cmp(b),
            (a, b) => match (number(a), number(b)) {
                (Some(a), Some(b)) => a.total_cmp(&b),
                _ => a.to_string().cmp(&b.to_string()),
            },
        }
    }

    pub fn list(&self) -> &[Self] {
        if let Self::List(elements) = self { elements } else { &[] }
    }

    pub fn map(&self) -> &[(String, Self)] {
        if let Self::Map(members) = self { members } else { &[] }
    }
}

/// Compact JSON.
impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool(is) => write!(f, "{is}"),
            Self::Number(text) => f.write_str(text),
            Self::Text(text) => f.write_str(&quoted(text)),
            Self::List(elements) => {
                f.write_str("[")?;
                for (at, element) in elements.iter().enumerate() {
                    write!(f, "{}{element}", if at == 0 { "" } else { "," })?;
                }
                f.write_str("]")
            }
            Self::Map(members) => {
                f.write_str("{")?;
                for (at, (name, value)) in members.iter().enumerate() {
                    write!(f, "{}{}:{value}", if at == 0 { "" } else { "," }, quoted(name))?;
                }
                f.write_str("}")
            }
        }
    }
}

/// A JSON string literal.
pub fn quoted(text: &str) -> String {
    // Serializing a string cannot fail.
    serde_json::to_string(text).unwrap_or_default()
}

/// A JSON array of serialized elements.
pub fn array(elements: impl IntoIterator<Item = String>) -> String {
    format!("[{}]", elements.into_iter().collect::<Vec<_>>().join(","))
}

/// The elements of an array, unparsed.
pub fn elements(text: &str) -> serde_json::Result<Vec<&RawValue>> {
    serde_json::from_str(text)
}

/// The members of an object, in order.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Vec<(String, &'de RawValue)>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(members)
            }
        }
        deserializer.deserialize_map(Reader).map(Members)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unreadable_values_are_kept_as_written() {
        let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
        for text in [r#"{"a":"\ud800"}"#, &deep] {
            assert_eq!(Json::parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn numbers_and_member_order_are_kept() {
        let text = r#"{"z":12345678901234567890123456789.10,"a":[1,{"b":"\u00e9\n"},null,true],"e":1E400}"#;
        let json = Json::parse(text).unwrap();
        assert_eq!(json.to_string(), text.replace("\\u00e9", "é"));
        assert_eq!(json.text("a.1.b"), "é\n");
        assert_eq!(json.at("a.7.b"), &Json::Null);
        assert_eq!(json.count("a.0"), 1);
    }
}
