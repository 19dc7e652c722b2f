//! JSON as it came: members in their order, numbers as they were written, however long.

use std::cmp::Ordering;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// A value that was read without losing anything that matters.
#[derive(Clone, Debug, PartialEq)]
pub enum Json {
    Null,
    Bool(bool),
    /// As it was written.
    Number(String),
    Text(String),
    List(Vec<Json>),
    Map(Vec<(String, Json)>),
}

static NULL: Json = Json::Null;
/// How deep values are looked into: reading them and writing them again goes as deep.
const DEEPEST: usize = 200;

impl Json {
    pub fn parse(text: &str) -> serde_json::Result<Self> {
        Self::read(serde_json::from_str(text)?, 0)
    }

    fn read(raw: &RawValue, depth: usize) -> serde_json::Result<Self> {
        let text = raw.get();
        if depth > DEEPEST {
            // Nobody looks into it; it is shown as it was written.
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
            // What is no text after all, like a half of a pair of surrogates, stays as it was written.
            Some(b'"') => serde_json::from_str(text).map_or_else(|_| Self::Number(text.to_owned()), Self::Text),
            Some(b't' | b'f') => Self::Bool(text == "true"),
            Some(b'n') | None => Self::Null,
            Some(_) => Self::Number(text.to_owned()),
        })
    }

    /// What stands at `a.b.0`; null when there is nothing.
    pub fn at(&self, path: &str) -> &Self {
        path.split('.').fold(self, |value, step| match value {
            Self::Map(members) => members.iter().find(|(name, _)| name == step).map_or(&NULL, |(_, value)| value),
            Self::List(elements) => step.parse().ok().and_then(|at: usize| elements.get(at)).unwrap_or(&NULL),
            _ => &NULL,
        })
    }

    /// The text at a path; empty when there is none.
    pub fn text(&self, path: &str) -> &str {
        if let Self::Text(text) = self.at(path) { text } else { "" }
    }

    /// The whole number at a path; 0 when there is none.
    pub fn count(&self, path: &str) -> i64 {
        if let Self::Number(text) = self.at(path) { text.parse().unwrap_or_default() } else { 0 }
    }

    /// Which of two comes first: numbers by their size, everything else by how it is written.
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

/// JSON in one line.
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

/// A text as JSON writes it.
pub fn quoted(text: &str) -> String {
    // A text can always be written.
    serde_json::to_string(text).unwrap_or_default()
}

/// The elements of an array, each as it is.
pub fn elements(text: &str) -> serde_json::Result<Vec<&RawValue>> {
    serde_json::from_str(text)
}

/// The members of an object in their order.
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
    fn what_nobody_can_read_is_shown_as_it_was_written() {
        let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
        for text in [r#"{"a":"\ud800"}"#, &deep] {
            assert_eq!(Json::parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn nothing_is_lost_and_nothing_moves() {
        let text = r#"{"z":12345678901234567890123456789.10,"a":[1,{"b":"\u00e9\n"},null,true],"e":1E400}"#;
        let json = Json::parse(text).unwrap();
        assert_eq!(json.to_string(), text.replace("\\u00e9", "é"));
        assert_eq!(json.text("a.1.b"), "é\n");
        assert_eq!(json.at("a.7.b"), &Json::Null);
        assert_eq!(json.count("a.0"), 1);
    }
}
