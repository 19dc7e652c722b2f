//! What a program prints: a JSON object with the outputs that the template declares.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::domain::parameters::inspect;
use crate::provision::{Failure, Output};
use crate::secrets::SensitiveText;

/// The maximum number of bytes on stdout.
pub const MAX_STDOUT: usize = 256 * 1024;
/// The maximum number of bytes of a secret, and of all other outputs together.
const MAX_VALUE: usize = 64 * 1024;

/// The code of a program that printed something else.
const INVALID: &str = "invalid_outputs";

/// The outputs of a template, by name.
#[derive(Clone, Debug, Default)]
pub struct Shape(pub BTreeMap<String, OutputType>);

/// What a template declares about an output.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutputType {
    #[serde(default, rename = "type")]
    kind: Kind,
    /// Whether it is encrypted, and shown only on request.
    #[serde(default)]
    secret: bool,
    /// Whether creating may leave it out.
    #[serde(default)]
    optional: bool,
}

/// The JSON type of an output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    #[default]
    String,
    Integer,
    Number,
    Boolean,
    Array,
    Object,
}

impl Kind {
    fn fits(self, value: &Value) -> bool {
        match self {
            Self::String => value.is_string(),
            Self::Integer => value.is_i64() || value.is_u64(),
            Self::Number => value.is_number(),
            Self::Boolean => value.is_boolean(),
            Self::Array => value.is_array(),
            Self::Object => value.is_object(),
        }
    }
}

/// The outputs of one run.
#[derive(Default)]
pub struct Printed {
    pub plain: Output,
    pub secrets: Vec<(String, SensitiveText)>,
}

impl Shape {
    /// The names of the secret outputs.
    pub fn secrets(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter(|(_, it)| it.secret).map(|(name, _)| name.as_str())
    }

    /// Reads what a program printed. `is_complete` asks for every output that is not optional. Undeclared outputs are refused,
    /// because one could be a secret. Messages contain names only.
    pub fn read(&self, stdout: Option<&[u8]>, is_complete: bool) -> Result<Printed, Failure> {
        let wrong = |why: String| Failure::permanent(INVALID, format!("the outputs on stdout are invalid: {why}"));
        let stdout = stdout.ok_or_else(|| wrong(format!("more than {MAX_STDOUT} bytes")))?;
        let text = std::str::from_utf8(stdout).map_err(|_| wrong("not UTF-8".to_owned()))?;
        let text = if text.trim().is_empty() { "{}" } else { text };
        // Check the depth before a recursive parser runs.
        inspect(text).map_err(|error| wrong(format!("the object {error}")))?;
        let given: Map<String, Value> = serde_json::from_str(text)
            .map_err(|error| wrong(format!("line {} is not part of a JSON object", error.line())))?;
        let missing = self.0.iter().filter(|(name, it)| is_complete && !it.optional && !given.contains_key(*name));
        if let Some((name, _)) = missing.into_iter().next() {
            return Err(wrong(format!("{name:?} is missing, which the template declares")));
        }
        let mut printed = Printed::default();
        for (name, value) in given {
            let declared = self.0.get(&name);
            let declared = declared.ok_or_else(|| wrong(format!("{name:?} is not declared in the template")))?;
            if !declared.kind.fits(&value) {
                return Err(wrong(format!("{name:?} must have the type {:?}", declared.kind).to_lowercase()));
            }
            if declared.secret {
                let text = match value {
                    Value::String(text) => text,
                    other => other.to_string(),
                };
                if text.is_empty() || text.len() > MAX_VALUE {
                    return Err(wrong(format!("{name:?} must have 1 to {MAX_VALUE} bytes")));
                }
                printed.secrets.push((name, SensitiveText::new(text)));
            } else {
                printed.plain.insert(name, value);
            }
        }
        if serde_json::to_string(&printed.plain).map_or(0, |text| text.len()) > MAX_VALUE {
            return Err(wrong(format!("all together have more than {MAX_VALUE} bytes")));
        }
        Ok(printed)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn shape() -> Shape {
        let declared =
            json!({"url": {}, "port": {"type": "integer"}, "key": {"secret": true}, "note": {"optional": true}});
        Shape(serde_json::from_value(declared).unwrap())
    }

    fn refusal(text: &str, is_complete: bool) -> String {
        shape().read(Some(text.as_bytes()), is_complete).err().map(|it| it.message).unwrap_or_default()
    }

    #[test]
    fn secrets_are_kept_apart() {
        let text = br#"{"url": "http://x", "port": 7, "key": "sesame"}"#;
        let printed = shape().read(Some(text), true).unwrap();
        assert_eq!(printed.plain, Output::from([("url".into(), json!("http://x")), ("port".into(), json!(7))]));
        let [(name, value)] = printed.secrets.as_slice() else { panic!("one secret") };
        assert_eq!((name.as_str(), value.reveal()), ("key", "sesame"));
        assert_eq!(shape().secrets().collect::<Vec<_>>(), ["key"]);
    }

    #[test]
    fn every_message_names_the_output_but_not_its_value() {
        let cases = [
            (r#"{"url": "u", "port": 7}"#, "\"key\" is missing"),
            (r#"{"password": "sesame"}"#, "\"password\" is not declared"),
            (r#"{"key": 17}"#, "\"key\" must have the type string"),
            (r#"{"port": "sesame"}"#, "\"port\" must have the type integer"),
            (r#"{"key": ""}"#, "\"key\" must have 1 to"),
            (r#"{"url": "a\u0000"}"#, "U+0000"),
            ("sesame", "line 1 is not part of a JSON object"),
            ("[]", "line 1 is not part of a JSON object"),
        ];
        for (text, expected) in cases {
            let message = refusal(text, text.contains("\"url\": \"u\""));
            assert!(message.contains(expected) && !message.contains("sesame"), "{text}: {message}");
        }
        assert_eq!((refusal("", false), refusal("{}", false)), (String::new(), String::new()));
        assert!(shape().read(None, false).is_err_and(|it| it.message.contains("more than")));
        assert!(shape().read(Some(&[0xff]), false).is_err_and(|it| it.message.contains("UTF-8")));
    }
}
