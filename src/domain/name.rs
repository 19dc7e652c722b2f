//! Names of projects.

/// 1 to 255 characters in any language, without surrounding spaces or control characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProjectName(String);

/// The maximum length of a name, in characters, not bytes.
pub const MAX_NAME: usize = 255;

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    #[error("must not be empty, or only spaces and other invisible characters")]
    Empty,
    #[error("must have at most {MAX_NAME} characters; got {0}")]
    TooLong(usize),
    #[error("must not contain control characters; got U+{0:04X}")]
    Control(u32),
}

impl ProjectName {
    /// Trims the text and checks the rest.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let name = text.trim();
        if let Some(bad) = name.chars().find(|c| c.is_control() || is_line_break(*c)) {
            return Err(NameError::Control(bad.into()));
        }
        match name.chars().count() {
            _ if name.chars().all(is_invisible) => Err(NameError::Empty),
            n if n > MAX_NAME => Err(NameError::TooLong(n)),
            _ => Ok(Self(name.to_owned())),
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The line and paragraph separators of Unicode break lines like control characters do.
fn is_line_break(c: char) -> bool {
    matches!(c, '\u{2028}' | '\u{2029}')
}

/// Characters without a glyph. A name of only these could not be seen or clicked.
fn is_invisible(c: char) -> bool {
    let joiners = matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
    let fillers = matches!(c, '\u{ad}' | '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{2800}' | '\u{3164}' | '\u{ffa0}');
    c.is_whitespace() || joiners || fillers
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn name_in_any_language_is_kept_and_trimmed() {
        for name in ["billing-eu", "قاعدة-البيانات", "データ", "🚀", "<script>alert(1)</script>", "' OR 1=1 --", "a b"]
        {
            let parsed = ProjectName::parse(&format!("  {name}\t")).map(|it| it.as_str().to_owned());
            assert_eq!(parsed.as_deref(), Ok(name));
        }
    }

    #[test]
    fn invalid_name_is_rejected() {
        assert_eq!(ProjectName::parse(""), Err(NameError::Empty));
        assert_eq!(ProjectName::parse(" \n\t"), Err(NameError::Empty));
        assert_eq!(ProjectName::parse("\u{200b}\u{3164}"), Err(NameError::Empty));
        assert_eq!(ProjectName::parse("a\0b"), Err(NameError::Control(0)));
        assert_eq!(ProjectName::parse("a\nb"), Err(NameError::Control(10)));
        assert_eq!(ProjectName::parse("a\u{2028}b"), Err(NameError::Control(0x2028)));
        assert_eq!(ProjectName::parse(&"é".repeat(256)), Err(NameError::TooLong(256)));
        assert!(ProjectName::parse(&"é".repeat(255)).is_ok());
    }

    proptest! {
        #[test]
        fn accepted_name_is_short_clean_and_stable(text in any::<String>()) {
            if let Ok(name) = ProjectName::parse(&text) {
                prop_assert!((1..=MAX_NAME).contains(&name.as_str().chars().count()));
                prop_assert!(!name.as_str().chars().any(char::is_control));
                prop_assert_eq!(ProjectName::parse(name.as_str()), Ok(name));
            }
        }
    }
}
