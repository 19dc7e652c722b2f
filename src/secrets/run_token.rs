//! Tokens for the programs of one attempt. A token is derived from the key of the installation and the id of the attempt, so it is
//! stored nowhere. It proves who asks, not that the attempt is still the current one.

use std::fmt::Write as _;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;
use uuid::Uuid;

use super::{Key, Keyring, SensitiveText};

impl Keyring {
    /// The token of an attempt.
    pub fn run_token(&self, execution: Uuid) -> SensitiveText {
        SensitiveText::new(token(&self.current, execution))
    }

    /// Whether a token belongs to an attempt.
    pub fn is_run_token(&self, execution: Uuid, given: &str) -> bool {
        let keys = [Some(&self.current), self.previous.as_ref()];
        let is_of = |key: &Key| bool::from(token(key, execution).as_bytes().ct_eq(given.as_bytes()));
        keys.into_iter().flatten().any(is_of)
    }
}

fn token(key: &Key, execution: Uuid) -> String {
    // HMAC accepts keys of any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key.bytes()) else { return Uuid::new_v4().to_string() };
    mac.update(format!("provost run|{execution}").as_bytes());
    let bytes = mac.finalize().into_bytes();
    bytes.iter().fold(String::new(), |mut text, byte| {
        _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn token_belongs_to_one_attempt_and_one_installation() {
        let ring = || Keyring { current: Key::random(), previous: None };
        let (ours, theirs, run) = (ring(), ring(), Uuid::now_v7());
        let token = ours.run_token(run);
        assert_eq!(token.reveal().len(), 64);
        assert!(ours.is_run_token(run, token.reveal()));
        assert!(!ours.is_run_token(Uuid::now_v7(), token.reveal()) && !theirs.is_run_token(run, token.reveal()));
        assert!(!ours.is_run_token(run, "") && !ours.is_run_token(run, &token.reveal()[1..]));
        let moved = Keyring { previous: Some(ours.current.clone()), ..theirs };
        assert!(moved.is_run_token(run, token.reveal()), "while the key is replaced");
    }
}
