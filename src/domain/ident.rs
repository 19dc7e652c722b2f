//! Names of queues, kinds and tenants.

/// 1 to 128 letters, digits and `. _ : / -`, beginning with a letter or digit: safe in a URL, a log, a label and a
/// shell.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ident(String);

/// The text is not a valid name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must have 1 to 128 characters from A-Z a-z 0-9 . _ : / - and begin with a letter or digit")]
pub struct IdentError;

pub const MAX_IDENT: usize = 128;

impl Ident {
    pub fn parse(text: &str) -> Result<Self, IdentError> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._:/-".contains(&byte);
        let starts_alphanumeric = text.bytes().next().is_some_and(|first| first.is_ascii_alphanumeric());
        let is_name = starts_alphanumeric && text.len() <= MAX_IDENT && text.bytes().all(allowed);
        if is_name { Ok(Self(text.to_owned())) } else { Err(IdentError) }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for Ident {
    fn default() -> Self {
        Self("default".to_owned())
    }
}

impl std::fmt::Display for Ident {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_checked() {
        for good in ["a", "email.send", "eu-west/1:x_y", "9", &"x".repeat(128)] {
            assert!(Ident::parse(good).is_ok(), "{good}");
        }
        for bad in ["", " a", ".a", "a b", "é", "a\n", "*", &"x".repeat(129), "<b>"] {
            assert!(Ident::parse(bad).is_err(), "{bad}");
        }
    }
}
