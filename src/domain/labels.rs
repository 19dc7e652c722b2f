//! Labels: short facts attached to a project, for filtering.

use std::collections::BTreeMap;

/// The maximum length of a key, in characters from `A-Z a-z 0-9 . _ / -`.
pub const MAX_KEY: usize = 63;
pub const MAX_VALUE: usize = 255;
pub const MAX_LABELS: usize = 32;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Labels(BTreeMap<String, String>);

/// Why a label is invalid; the field is its key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LabelError {
    #[error("must have at most {MAX_LABELS} entries; got {0}")]
    TooMany(usize),
    #[error("key {0:?} must have 1 to {MAX_KEY} characters from A-Z a-z 0-9 . _ / -")]
    Key(String),
    #[error("value of {0:?} must have at most {MAX_VALUE} characters and no control characters")]
    Value(String),
}

impl Labels {
    pub fn parse(labels: BTreeMap<String, String>) -> Result<Self, LabelError> {
        if labels.len() > MAX_LABELS {
            return Err(LabelError::TooMany(labels.len()));
        }
        for (key, value) in &labels {
            if !is_key(key) {
                return Err(LabelError::Key(key.clone()));
            }
            if value.chars().count() > MAX_VALUE || value.chars().any(char::is_control) {
                return Err(LabelError::Value(key.clone()));
            }
        }
        Ok(Self(labels))
    }

    pub fn as_map(&self) -> &BTreeMap<String, String> {
        &self.0
    }
}

fn is_key(key: &str) -> bool {
    (1..=MAX_KEY).contains(&key.len()) && key.bytes().all(|b| b.is_ascii_alphanumeric() || b"._/-".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(key: &str, value: &str) -> Result<Labels, LabelError> {
        Labels::parse(BTreeMap::from([(key.to_owned(), value.to_owned())]))
    }

    #[test]
    fn labels_are_checked() {
        assert!(one("env", "prod").is_ok());
        assert!(one("example.com/team_1", "الفريق").is_ok());
        assert!(one("empty", "").is_ok());
        assert_eq!(one("", "x"), Err(LabelError::Key("".into())));
        assert_eq!(one("a b", "x"), Err(LabelError::Key("a b".into())));
        assert_eq!(one("env", "a\0b"), Err(LabelError::Value("env".into())));
        assert_eq!(one("env", &"x".repeat(256)), Err(LabelError::Value("env".into())));
        let many = (0..33).map(|n| (format!("k{n}"), String::new())).collect();
        assert_eq!(Labels::parse(many), Err(LabelError::TooMany(33)));
    }
}
