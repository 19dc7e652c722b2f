//! Tokens for the programs of one attempt or of one look. A token is derived from the key of the installation and what it is for, so
//! it is stored nowhere. That of an attempt proves who asks, not that the attempt is still the current one; that of a look is for one
//! project, and ends at a time.

use std::fmt::Write as _;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;
use uuid::Uuid;

use super::{Key, Keyring, SensitiveText};

/// The beginning of the user name of a look. The time at which its token ends follows (Unix seconds).
pub const LOOK_USER: &str = "look.";

impl Keyring {
    /// The token of an attempt.
    pub fn run_token(&self, execution: Uuid) -> SensitiveText {
        SensitiveText::new(token(&self.current, &of_run(execution)))
    }

    /// Whether a token belongs to an attempt.
    pub fn is_run_token(&self, execution: Uuid, given: &str) -> bool {
        self.is_token(&of_run(execution), given)
    }

    /// The token of a look at a project, which ends at a time (Unix seconds).
    pub fn look_token(&self, project: Uuid, until: i64) -> SensitiveText {
        SensitiveText::new(token(&self.current, &of_look(project, until)))
    }

    /// Whether a token belongs to a look at a project that ends at a time.
    pub fn is_look_token(&self, project: Uuid, until: i64, given: &str) -> bool {
        self.is_token(&of_look(project, until), given)
    }

    fn is_token(&self, purpose: &str, given: &str) -> bool {
        let keys = [Some(&self.current), self.previous.as_ref()];
        let is_of = |key: &Key| bool::from(token(key, purpose).as_bytes().ct_eq(given.as_bytes()));
        keys.into_iter().flatten().any(is_of)
    }
}

fn of_run(execution: Uuid) -> String {
    format!("provost run|{execution}")
}

fn of_look(project: Uuid, until: i64) -> String {
    format!("provost look|{project}|{until}")
}

fn token(key: &Key, purpose: &str) -> String {
    // HMAC accepts keys of any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key.bytes()) else { return Uuid::new_v4().to_string() };
    mac.update(purpose.as_bytes());
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
    #[test]
    fn token_of_a_look_is_for_one_project_and_time() {
        let (ring, project) = (Keyring { current: Key::random(), previous: None }, Uuid::now_v7());
        let token = ring.look_token(project, 7);
        assert!(ring.is_look_token(project, 7, token.reveal()));
        assert!(
            !ring.is_look_token(project, 8, token.reveal()) && !ring.is_look_token(Uuid::now_v7(), 7, token.reveal())
        );
        assert!(!ring.is_run_token(project, token.reveal()));
    }
}
