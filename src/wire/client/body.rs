//! JSON request bodies.

use std::fmt::Write;

use serde::Serialize;

/// A JSON object, built field by field. Fields without a value are omitted; raw JSON is kept byte for byte.
#[derive(Clone, Debug, Default)]
pub struct Body(String);

impl Body {
    pub fn with(mut self, name: &str, value: Option<impl Serialize>) -> Self {
        // Serializing strings, numbers, lists and raw JSON cannot fail.
        if let Some(value) = value.and_then(|it| serde_json::to_string(&it).ok()) {
            let comma = if self.0.is_empty() { "" } else { "," };
            let name = serde_json::to_string(name).unwrap_or_default();
            _ = write!(self.0, "{comma}{name}:{value}");
        }
        self
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn text(&self) -> String {
        format!("{{{}}}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absent_fields_are_omitted_and_raw_json_is_kept() {
        let raw = crate::wire::json::raw("{ \"n\": 123456789012345678901234567890.10 }".into());
        let body =
            Body::default().with("name", Some("a \"b\"")).with("labels", None::<u8>).with("parameters", Some(raw));
        assert_eq!(body.text(), r#"{"name":"a \"b\"","parameters":{ "n": 123456789012345678901234567890.10 }}"#);
        assert_eq!(Body::default().text(), "{}");
    }
}
