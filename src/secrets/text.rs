//! Text that must not be shown.

use zeroize::Zeroizing;

/// A password, or a text that contains one. It cannot be printed or serialized, and its memory is overwritten when it is dropped.
#[derive(Clone)]
pub struct SensitiveText(Zeroizing<String>);

impl SensitiveText {
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The text. Pass it on only to what needs it: never to a log, an event, an error or a payload.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for SensitiveText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("••••")
    }
}
