//! What a template is told: a JSON object that Provost keeps byte for byte and does not interpret.

/// JSON text that is known to be safe to store: an object, not too big, not too deep, without U+0000.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameters(String);

/// The most bytes that parameters may have.
pub const MAX_BYTES: usize = 64 * 1024;
/// The deepest nesting that parameters may have.
pub const MAX_DEPTH: usize = 64;

/// Why parameters are refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParametersError {
    #[error("must be a JSON object")]
    NotAnObject,
    #[error("must have at most {MAX_BYTES} bytes, it has {0}")]
    TooLong(usize),
    #[error("must be nested at most {MAX_DEPTH} deep")]
    TooDeep,
    #[error("must not contain the character U+0000, which PostgreSQL cannot store")]
    Nul,
}

impl Parameters {
    /// The only door. `text` is well-formed JSON already; this looks at its shape without giving it a meaning, so that
    /// large numbers, repeated keys and spaces survive.
    pub fn parse(text: &str) -> Result<Self, ParametersError> {
        if !text.trim_start().starts_with('{') {
            return Err(ParametersError::NotAnObject);
        }
        if text.len() > MAX_BYTES {
            return Err(ParametersError::TooLong(text.len()));
        }
        inspect(text)?;
        Ok(Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for Parameters {
    fn default() -> Self {
        Self("{}".into())
    }
}

/// Whether well-formed JSON can be stored as it is: not too deep, and without U+0000.
///
/// Walks the text once: outside strings it counts brackets, inside it looks for an escaped U+0000.
pub fn inspect(text: &str) -> Result<(), ParametersError> {
    let (mut depth, mut in_string) = (0_usize, false);
    let mut rest = text.as_bytes();
    while let [byte, tail @ ..] = rest {
        rest = tail;
        match (in_string, byte) {
            (true, b'\\') if tail.starts_with(b"u0000") => return Err(ParametersError::Nul),
            (true, b'\\') => rest = tail.get(1..).unwrap_or_default(),
            (_, b'"') => in_string = !in_string,
            (false, b'{' | b'[') => depth += 1,
            (false, b'}' | b']') => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > MAX_DEPTH {
            return Err(ParametersError::TooDeep);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_survives() {
        for text in [r#"{}"#, r#" {"n": 123456789012345678901234567890, "n":1}"#, r#"{"s":"\\u0000 \" { [ \u0001"}"#] {
            assert_eq!(Parameters::parse(text).map(|it| it.as_str().to_owned()).as_deref(), Ok(text));
        }
    }

    #[test]
    fn what_is_refused() {
        assert_eq!(Parameters::parse("[]"), Err(ParametersError::NotAnObject));
        assert_eq!(Parameters::parse("null"), Err(ParametersError::NotAnObject));
        assert_eq!(Parameters::parse(r#"{"a":"\u0000"}"#), Err(ParametersError::Nul));
        assert_eq!(Parameters::parse(r#"{"a":"\\\u0000"}"#), Err(ParametersError::Nul));
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(64), "]".repeat(64));
        assert_eq!(Parameters::parse(&deep), Err(ParametersError::TooDeep));
        let long = format!("{{\"a\":\"{}\"}}", "x".repeat(MAX_BYTES));
        assert!(matches!(Parameters::parse(&long), Err(ParametersError::TooLong(_))));
    }
}
