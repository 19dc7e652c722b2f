//! Parameters of a template: a JSON object that is stored byte for byte and not interpreted.

/// JSON text that is safe to store: an object of limited size and depth, without U+0000.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameters(String);

pub const MAX_BYTES: usize = 64 * 1024;
pub const MAX_DEPTH: usize = 64;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParametersError {
    #[error("must be a JSON object")]
    NotAnObject,
    #[error("must have at most {MAX_BYTES} bytes; got {0}")]
    TooLong(usize),
    #[error("must be nested at most {MAX_DEPTH} levels deep")]
    TooDeep,
    #[error("must not contain the character U+0000, which PostgreSQL cannot store")]
    Nul,
}

impl Parameters {
    /// Checks `text`, which is already well-formed JSON, without parsing it, so that large numbers, repeated keys and
    /// spaces survive.
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

/// Checks that well-formed JSON can be stored: not too deep, and without U+0000.
///
/// Scans the text once: counts brackets outside strings, and looks for an escaped U+0000 inside.
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
    fn text_is_kept_byte_for_byte() {
        for text in [r#"{}"#, r#" {"n": 123456789012345678901234567890, "n":1}"#, r#"{"s":"\\u0000 \" { [ \u0001"}"#] {
            assert_eq!(Parameters::parse(text).map(|it| it.as_str().to_owned()).as_deref(), Ok(text));
        }
    }

    #[test]
    fn invalid_parameters_are_rejected() {
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
